from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Birth, Moved, Notice
from tests.tail_kit import Doors, RecordingSink, as_nobody, eventually, open_files_below, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.tail.supervisor import Supervisor


def states_of(supervisor: Supervisor) -> dict[str, tuple[str, str | None]]:
    return {file.file: (file.state, file.reason) for source in supervisor.status() for file in source.files}


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A directory that everybody may enter, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_a_late_file_is_found_and_told(tmp_path: Path) -> None:
    sink = RecordingSink()
    write(tmp_path / "a.log", b"a\n")
    async with tailing(sink, source(tmp_path / "*.log")) as supervisor:
        await supervisor.first_scan_done.wait()
        write(tmp_path / "b.log", b"b\n")
        await sink.first(2)
    (notice,) = sink.of_kind(Notice)
    assert (notice.kind, notice.source, notice.file) == ("source", "app", str(tmp_path / "b.log"))
    assert notice.detail == {"state": "appeared"}


async def test_late_directories_are_found_at_any_depth(tmp_path: Path) -> None:
    """Conformance: F2."""
    sink = RecordingSink()
    pattern = tmp_path / "logs" / "**" / "*.log"
    async with tailing(sink, source(pattern)) as supervisor:
        await supervisor.first_scan_done.wait()
        deep = tmp_path / "logs" / "one" / "two"
        deep.mkdir(parents=True)
        write(deep / "a.log", b"a\n")
        await sink.first(1)
        (deep / "three").mkdir()
        write(deep / "three" / "b.log", b"b\n")
        write(tmp_path / "logs" / "c.log", b"c\n")
        await sink.first(3)
    assert sorted(sink.texts) == [b"a", b"b", b"c"]


async def test_what_is_excluded_is_not_read(tmp_path: Path) -> None:
    """Conformance: F13."""
    sink = RecordingSink()
    (tmp_path / "private").mkdir()
    for name in ("a.log", "debug.log", "private/b.log", "c.log"):
        write(tmp_path / name, name.encode() + b"\n")
    spec = source(tmp_path / "**" / "*.log", exclude=("debug*", f"{tmp_path}/private/**"))
    async with tailing(sink, spec) as supervisor:
        await supervisor.first_scan_done.wait()
        assert sorted(await sink.first(2)) == [b"a.log", b"c.log"]
        assert len(states_of(supervisor)) == 2


async def test_one_file_under_many_names_is_read_once(tmp_path: Path) -> None:
    """Conformance: D7, D8, D9."""
    sink, log = RecordingSink(), tmp_path / "a.log"
    write(log, b"once\n")
    (tmp_path / "hard.log").hardlink_to(log)
    (tmp_path / "soft.log").symlink_to(log)
    sources = (source(tmp_path / "*.log", log, name="first"), source(tmp_path / "a*", name="second"))
    async with tailing(sink, *sources) as supervisor:
        await supervisor.first_scan_done.wait()
        write(tmp_path / "hard.log", b"twice\n")
        await sink.first(2)
        same = ("following", f"read as {log}")
        assert states_of(supervisor) == {
            str(log): ("following", None),
            str(tmp_path / "hard.log"): same,
            str(tmp_path / "soft.log"): same,
        }
        (tmp_path / "soft.log").unlink()
        await eventually(lambda: states_of(supervisor).get(str(tmp_path / "soft.log")) in {None, ("missing", None)})
    assert sink.texts == [b"once", b"twice"]
    assert [birth.source for birth in sink.of_kind(Birth)] == ["first"]


async def test_a_hard_link_is_read_on_when_the_other_name_goes(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "a.log"
    write(log, b"one\n")
    (tmp_path / "b.log").hardlink_to(log)
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(1)
        log.unlink()
        write(tmp_path / "b.log", b"two\n")
        await sink.first(2)
        write(log, b"new\n")
        await sink.first(3)
        write(tmp_path / "b.log", b"three\n")
        assert await sink.first(4) == [b"one", b"two", b"new", b"three"]


async def test_a_name_that_becomes_another_name_of_a_file_that_is_read_takes_nothing_from_it(tmp_path: Path) -> None:
    sink, a, b = RecordingSink(), tmp_path / "a.log", tmp_path / "b.log"
    write(a, b"a1\n")
    write(b, b"b1\n")
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(2)
        b.unlink()
        b.hardlink_to(a)
        await sink.until(lambda: sink.sealed)
        write(b, b"a2\n")
        await sink.first(3)
        b.unlink()
        write(b, b"b2\n")
        write(a, b"a3\n")
        await sink.first(5)
    assert not sink.of_kind(Moved)
    assert len(sink.births) == 3


async def test_what_is_no_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    """Conformance: D11, F4."""
    sink = RecordingSink()
    os.mkfifo(tmp_path / "fifo.log")
    (tmp_path / "directory.log").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s.log"))
        write(tmp_path / "a.log", b"a\n")
        (tmp_path / "dangling.log").symlink_to("nowhere")
        (tmp_path / "loop.log").symlink_to("loop.log")
        async with tailing(sink, source(tmp_path / "*.log")) as supervisor:
            await supervisor.first_scan_done.wait()
            assert await sink.first(1) == [b"a"]
            assert states_of(supervisor) == {
                str(tmp_path / "a.log"): ("following", None),
                str(tmp_path / "fifo.log"): ("untailable", "is a FIFO"),
                str(tmp_path / "s.log"): ("untailable", "is a socket"),
            }
            (tmp_path / "dangling.log").unlink()
            (tmp_path / "fifo.log").unlink()
            write(tmp_path / "dangling.log", b"found\n")
            write(tmp_path / "fifo.log", b"a file now\n")
            await sink.first(3)
    assert ("untailable", "is a FIFO") in sink.states()
    assert ("readable", None) in sink.states()


async def test_a_file_replaced_by_a_directory_is_told_and_read_when_it_is_a_file_again(tmp_path: Path) -> None:
    """Conformance: F4."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.unlink()
        log.mkdir()
        await sink.until(lambda: ("untailable", "is a directory") in sink.states())
        log.rmdir()
        write(log, b"two\n")
        await sink.first(2)
    assert sink.texts == [b"one", b"two"]


async def test_an_unreadable_file_is_told_once_and_read_once_it_is_readable(tmp_path: Path) -> None:
    """Conformance: F5."""
    sink, doors = RecordingSink(), Doors()
    write(tmp_path / "open.log", b"one\n")
    write(tmp_path / "shut.log", b"two\n")
    doors.closed["shut.log"] = errno.EACCES
    async with tailing(sink, source(tmp_path / "*.log"), opener=doors.open) as supervisor:
        await supervisor.first_scan_done.wait()
        write(tmp_path / "open.log", b"three\n")
        await sink.first(2)
        assert states_of(supervisor)[str(tmp_path / "shut.log")] == ("unreadable", "permission denied")
        del doors.closed["shut.log"]
        await sink.first(3)
    assert sink.texts == [b"one", b"three", b"two"]
    assert sink.states() == [("unreadable", "permission denied"), ("readable", None)]


async def test_a_file_that_is_unreadable_after_a_restart_is_no_loss(tmp_path: Path) -> None:
    """Conformance: F5."""
    sink, doors, log = RecordingSink(), Doors(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
    doors.closed["app.log"] = errno.EIO
    write(log, b"two\n")
    async with tailing(sink, source(log), known=sink.known(), first_seen=(), opener=doors.open):
        await sink.until(lambda: ("unreadable", "input/output error") in sink.states())
        doors.closed.clear()
        await sink.first(2)
    assert sink.texts == [b"one", b"two"]
    assert not sink.sealed


async def test_too_many_open_files_are_no_deletion(tmp_path: Path) -> None:
    """Conformance: F8."""
    sink, doors = RecordingSink(), Doors()
    for number in range(5):
        write(tmp_path / f"{number}.log", b"%d\n" % number)
    doors.closed = {f"{number}.log": errno.EMFILE for number in range(3, 5)}
    async with tailing(sink, source(tmp_path / "?.log"), opener=doors.open):
        await sink.until(lambda: len(sink.lines) == 3 and ("unreadable", "too many open files") in sink.states())
        doors.closed.clear()
        await sink.first(5)
    assert len(sink.births) == 5
    assert not sink.sealed


async def test_more_files_than_may_be_open_are_all_read_once(tmp_path: Path) -> None:
    """Conformance: H13."""
    sink = RecordingSink()
    for number in range(40):
        write(tmp_path / f"{number:02}.log", b"%d\n" % number)
    async with tailing(sink, source(tmp_path / "??.log"), max_open_files=5):
        await sink.first(40)
        for number in range(40):
            write(tmp_path / f"{number:02}.log", b"more %d\n" % number)
        await sink.first(80)
        (tmp_path / "00.log").rename(tmp_path / "00.log.1")
        write(tmp_path / "00.log.1", b"late\n")
        write(tmp_path / "00.log", b"new\n")
        await sink.first(82)
        assert len(open_files_below(tmp_path)) < 20
    assert len(sink.births) == 41
    assert len(set(sink.texts)) == 82
    assert sink.texts.index(b"late") < sink.texts.index(b"new")


async def test_sources_can_change_while_files_that_stay_are_read_on(tmp_path: Path) -> None:
    """Conformance: H10."""
    sink = RecordingSink()
    for name in ("a", "b"):
        write(tmp_path / f"{name}.log", name.encode() + b"1\n")
    a, b, everything = (
        source(tmp_path / glob, name=name) for glob, name in (("a.log", "a"), ("b.log", "b"), ("*", "c"))
    )
    async with tailing(sink, a, b) as supervisor:
        await sink.first(2)
        supervisor.reconfigure([a])
        assert list(states_of(supervisor)) == [str(tmp_path / "a.log")]
        for name in ("a", "b"):
            write(tmp_path / f"{name}.log", name.encode() + b"2\n")
        await sink.first(3)
        supervisor.reconfigure([b, a])
        await sink.first(4)
        supervisor.reconfigure([everything], {"c"})
        for name in ("a", "b"):
            write(tmp_path / f"{name}.log", name.encode() + b"3\n")
        await sink.first(6)
    assert sorted(sink.texts) == [b"a1", b"a2", b"a3", b"b1", b"b2", b"b3"]
    assert [(birth.source, birth.base) for birth in sink.of_kind(Birth)][2:] == [("c", 6), ("c", 6)]


async def test_a_source_that_is_renamed_and_renamed_back_gives_no_line_twice(tmp_path: Path) -> None:
    """Conformance: H10."""
    sink, path = RecordingSink(), tmp_path / "a.log"
    a, z = (source(path, name=name) for name in ("a", "z"))
    write(path, b"1\n")
    async with tailing(sink, a) as supervisor:
        await sink.first(1)
        for count, now in enumerate((z, a, z, a), start=2):
            supervisor.reconfigure([now])
            write(path, b"%d\n" % count)
            await sink.first(count)
    assert sink.texts == [b"1", b"2", b"3", b"4", b"5"]
    assert [birth.source for birth in sink.of_kind(Birth)] == ["a", "z", "a", "z", "a"]


async def test_a_directory_that_may_not_be_read_is_told_and_its_open_files_are_read_on(public_path: Path) -> None:
    """Conformance: F6."""
    sink, shut = RecordingSink(), public_path / "shut"
    shut.mkdir()
    write(shut / "a.log", b"one\n")
    with (shut / "a.log").open("ab", buffering=0) as writer:
        async with tailing(sink, source(public_path / "*" / "*.log")) as supervisor:
            await sink.first(1)
            shut.chmod(0)
            with as_nobody():
                await sink.until(lambda: sink.of_kind(Notice))
                assert states_of(supervisor) == {
                    str(shut): ("unreadable", "permission denied"),
                    str(shut / "a.log"): ("following", None),
                }
                writer.write(b"two\n")
                await sink.first(2)
            shut.chmod(0o755)
            await sink.until(lambda: ("readable", None) in sink.states())
    assert sink.states() == [("unreadable", "permission denied"), ("readable", None)]
    assert len(sink.births) == 1


async def test_a_file_that_may_not_be_looked_for_after_a_restart_is_no_loss(public_path: Path) -> None:
    sink, shut = RecordingSink(), public_path / "shut"
    shut.mkdir()
    write(shut / "a.log", b"one\n")
    async with tailing(sink, source(shut / "a.log")):
        await sink.first(1)
    write(shut / "a.log", b"two\n")
    shut.chmod(0)
    with as_nobody():
        async with tailing(sink, source(shut / "a.log"), known=sink.known(), first_seen=()) as supervisor:
            await supervisor.first_scan_done.wait()
            await sink.until(lambda: ("unreadable", "permission denied") in sink.states())
    shut.chmod(0o755)
    async with tailing(sink, source(shut / "a.log"), known=sink.known(), first_seen=()):
        await sink.first(2)
    assert not sink.sealed


async def test_a_rotated_file_that_the_glob_matches_may_appear_late(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(tmp_path / "app*")) as supervisor:
        await sink.first(1)
        write(tmp_path / "app.log.7", b"brought back\n")
        write(tmp_path / "app.log.8.gz", b"\x1f\x8b....\n")
        await sink.first(2)
        await sink.until(lambda: ("unreadable", "compressed") in sink.states())
        assert states_of(supervisor) == {
            str(log): ("following", None),
            str(tmp_path / "app.log.7"): ("following", None),
            str(tmp_path / "app.log.8.gz"): ("unreadable", "compressed"),
        }
        assert ("appeared", None) in sink.states()
        (tmp_path / "app.log.8.gz").unlink()
        await sink.until(lambda: ("vanished", None) in sink.states())
        await eventually(lambda: len(states_of(supervisor)) == 2)


async def test_a_file_that_was_moved_aside_and_is_finished_is_read_on_when_it_grows(tmp_path: Path) -> None:
    sink = RecordingSink()
    write(tmp_path / "a.log", b"one\n")
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(1)
        (tmp_path / "a.log").rename(tmp_path / "b.log")
        write(tmp_path / "a.log", b"two\n")
        await sink.until(lambda: sink.sealed)
        write(tmp_path / "b.log", b"three\n")
        await sink.first(3)
    assert sink.texts == [b"one", b"two", b"three"]
    assert sink.of_kind(Birth)[-1].base == 4


async def test_an_error_while_reading_is_told_and_nothing_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    is_broken = False

    def pread(fd: int, length: int, offset: int) -> bytes:
        if is_broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(fd, length, offset)

    real = os.pread
    monkeypatch.setattr(os, "pread", pread)
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(1)
        is_broken = True
        write(log, b"two\n")
        await sink.until(lambda: ("unreadable", "input/output error") in sink.states())
        assert supervisor.status()[0].files[0][:4] == (str(log), "unreadable", "input/output error", 4)
        is_broken = False
        assert await sink.first(2) == [b"one", b"two"]
        await sink.until(lambda: ("readable", None) in sink.states())
    assert len(sink.births) == 1
