"""Which file is which: files alike, links, inodes that come back, and bytes that were written over."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING, Any

import pytest

from logstream.tail.batch import Birth, Hole, Sealed
from tests.tail_kit import (
    RecordingSink,
    first_run,
    looked_everywhere,
    rewrite,
    second_run,
    source,
    tailing,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

HEAD = b"# the same head in each file\n" * 100


async def test_files_with_the_same_first_kilobytes_are_both_read_in_full(tmp_path: Path) -> None:
    """Conformance: D3."""
    sink = RecordingSink()
    for name in ("a", "b"):
        write(tmp_path / f"{name}.log", HEAD + name.encode() + b"1\n")
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(202)
        for name in ("b", "a"):
            write(tmp_path / f"{name}.log", name.encode() + b"2\n")
        await sink.first(204)
    for name in ("a", "b"):
        texts = [text for file, text in sink.lines if file == str(tmp_path / f"{name}.log")]
        assert texts == [*HEAD.splitlines(), f"{name}1".encode(), f"{name}2".encode()]


@pytest.mark.parametrize("is_down", [False, True])
async def test_files_with_all_the_same_bytes_are_both_read(tmp_path: Path, *, is_down: bool) -> None:
    """Conformance: D4."""
    sink, spec = RecordingSink(), source(tmp_path / "*")
    write(tmp_path / "app.log", HEAD + b"one\n")
    if is_down:
        await first_run(sink, spec, 101)
        write(tmp_path / "unrelated", HEAD + b"one\n")
        await second_run(sink, spec, 202)
    else:
        async with tailing(sink, spec):
            await sink.first(101)
            write(tmp_path / "unrelated", HEAD + b"one\n")
            await sink.first(202)
    assert sink.texts == [*HEAD.splitlines(), b"one"] * 2
    assert [birth.base for birth in sink.of_kind(Birth)] == [0, 0]


async def test_a_file_of_one_byte_and_a_line_end_is_read_at_once(tmp_path: Path) -> None:
    """Conformance: D5."""
    sink = RecordingSink()
    for number in range(5):
        write(tmp_path / f"{number}.log", b"x\n")
    async with tailing(sink, source(tmp_path / "*.log")) as supervisor:
        await supervisor.first_scan_done.wait()
        assert sink.texts == [b"x"] * 5


@pytest.mark.parametrize("target", ["nowhere", "link.log"], ids=["dangling", "looping"])
async def test_a_link_that_leads_nowhere_is_nothing_until_it_leads_somewhere(tmp_path: Path, target: str) -> None:
    """Conformance: D11."""
    sink, link = RecordingSink(), tmp_path / "link.log"
    link.symlink_to(target)
    async with tailing(sink, source(tmp_path / "*.log")) as supervisor:
        await supervisor.first_scan_done.wait()
        assert supervisor.status()[0].files == ()
        if target == "nowhere":
            write(tmp_path / "nowhere", b"found\n")
        else:
            write(tmp_path / "target", b"found\n")
            (tmp_path / "new").symlink_to("target")
            (tmp_path / "new").rename(link)
        assert await sink.first(1) == [b"found"]
    assert sink.states() == [("appeared", None)]


async def test_a_link_may_lead_anywhere_because_the_configuration_says_what_is_read(tmp_path: Path) -> None:
    """Conformance: D11."""
    sink = RecordingSink()
    (tmp_path / "logs").mkdir()
    write(tmp_path / "elsewhere", b"from elsewhere\n")
    (tmp_path / "logs" / "link.log").symlink_to(tmp_path / "elsewhere")
    async with tailing(sink, source(tmp_path / "logs" / "*.log")):
        assert await sink.first(1) == [b"from elsewhere"]


async def test_an_inode_that_is_used_again_while_its_file_was_not_held_open_is_a_new_file(tmp_path: Path) -> None:
    """Conformance: D1."""
    sink, log = RecordingSink(), tmp_path / "a.log"
    write(log, b"same first line\n")
    async with tailing(sink, source(tmp_path / "*.log"), max_open_files=1):
        await sink.first(1)
        # Another active file takes the only descriptor; nothing keeps the inode of a.log from being used again.
        write(tmp_path / "b.log", b"b\n")
        await sink.first(2)
        inode = log.stat().st_ino
        for _ in range(50):
            log.unlink()
            write(log, b"same first line\nand one more\n")
            if log.stat().st_ino == inode:
                break
        await sink.first(4)
    assert sink.texts == [b"same first line", b"b", b"same first line", b"and one more"]


@pytest.mark.parametrize("is_down", [False, True])
async def test_another_and_shorter_file_with_the_same_head_is_read_from_its_start(
    tmp_path: Path, *, is_down: bool
) -> None:
    """Conformance: A11, D15."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, HEAD + b"one\ntwo\n")
    write(tmp_path / "new", HEAD + b"three\n")
    if is_down:
        await first_run(sink, spec, 102)
        (tmp_path / "new").rename(log)
        await second_run(sink, spec, 203)
    else:
        async with tailing(sink, spec):
            await sink.first(102)
            (tmp_path / "new").rename(log)
            await sink.first(203)
    assert sink.texts == [*HEAD.splitlines(), b"one", b"two", *HEAD.splitlines(), b"three"]


async def test_a_file_replaced_by_one_with_other_bytes_is_read_to_its_end_and_the_new_one_from_its_start(
    tmp_path: Path,
) -> None:
    """Conformance: A11."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        write(tmp_path / "new", b"other one\nother two\n")
        write(log, b"two\n")
        (tmp_path / "new").rename(log)
        assert await sink.first(4) == [b"one", b"two", b"other one", b"other two"]
    assert not sink.of_kind(Hole)


async def test_a_rewrite_with_the_very_bytes_that_were_read_repeats_nothing(tmp_path: Path) -> None:
    """Conformance: B5."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\ntwo\n")
    async with tailing(sink, source(log)):
        await sink.first(2)
        # No await in between: nobody sees the file while it is shorter.
        rewrite(log, b"one\ntwo\nthree\n")
        await sink.first(3)
        write(log, b"four\n")
        assert await sink.first(4) == [b"one", b"two", b"three", b"four"]
    assert len(sink.births) == 1


async def test_a_first_line_edited_in_place_repeats_nothing(tmp_path: Path) -> None:
    """Conformance: B17."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n" + b"x" * 500 + b"\n")
    async with tailing(sink, spec):
        await sink.first(2)
        with log.open("r+b") as file:
            file.write(b"ONE")
        write(log, b"two\n")
        await sink.first(3)
    with log.open("r+b") as file:
        file.write(b"One")
    write(log, b"three\n")
    assert (await second_run(sink, spec, 4))[2:] == [b"two", b"three"]
    assert len(sink.births) == 1
    assert not sink.of_kind(Sealed)


@pytest.mark.parametrize(
    "changed",
    [
        {"paths": ("{0}/*",)},
        {"paths": ("{0}/app.log", "{0}/app*", "{0}/other.log")},
        {"exclude": ("*.gz",)},
        {"max_line_bytes": 1_000},
        {"start": "end"},
        {"encoding": "latin-1"},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_a_start_with_another_configuration_repeats_nothing(tmp_path: Path, changed: dict[str, Any]) -> None:
    """Conformance: H10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n" + b"x" * 1_500 + b"\n")
    await first_run(sink, source(log), 2)
    write(log, b"two\n")
    options = dict(changed)
    paths = [path.format(tmp_path) for path in options.pop("paths", ("{0}/app.log",))]
    assert (await second_run(sink, source(*paths, **options), 3))[2:] == [b"two"]
    assert len(sink.births) == 1


async def test_an_old_file_that_is_written_again_goes_on_where_it_was(tmp_path: Path) -> None:
    """Conformance: F13."""
    sink, log = RecordingSink(), tmp_path / "old.log"
    spec = source(tmp_path / "*")
    write(log, b"one\n")
    os.utime(log, (1_000_000_000, 1_000_000_000))
    async with tailing(sink, spec) as supervisor:
        await sink.first(1)
        await looked_everywhere(supervisor)
        write(log, b"two\n")
        await sink.first(2)
    os.utime(log, (1_000_000_000, 1_000_000_000))
    await second_run(sink, spec, 2)
    write(log, b"three\n")
    await second_run(sink, spec, 3)
    assert sink.texts == [b"one", b"two", b"three"]


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("is_down", [False, True])
async def test_what_came_between_is_read_though_it_begins_with_all_of_a_quiet_older_life(
    tmp_path: Path, *, is_down: bool, is_packed: bool
) -> None:
    """Many programs write the same first line into each log. Conformance: A3, D3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)

    def rotate_twice() -> None:
        log.rename(tmp_path / "app.log.2")
        between = gzip.compress(b"banner\ntwo\n") if is_packed else b"banner\ntwo\n"
        write(tmp_path / f"app.log.1{'.gz' if is_packed else ''}", between)
        write(log, b"banner\nthree\n")

    write(log, b"banner\n")
    async with tailing(sink, spec):
        await sink.first(1)
        if not is_down:
            rotate_twice()
            await sink.until(lambda: b"three" in sink.texts)
    if is_down:
        rotate_twice()
        async with tailing(sink, spec, known=sink.known(), first_seen=()):
            await sink.until(lambda: b"three" in sink.texts)
    assert sink.texts == [b"banner", b"banner", b"two", b"banner", b"three"]


@pytest.mark.parametrize("is_packed", [False, True])
async def test_files_that_are_rotated_behind_a_link_while_down_are_read(tmp_path: Path, *, is_packed: bool) -> None:
    """As Kubernetes keeps the logs of containers. Conformance: A3, A8, D10."""
    sink, log, link = RecordingSink(), tmp_path / "pod" / "0.log", tmp_path / "containers" / "web.log"
    spec = source(link.parent / "*.log")
    log.parent.mkdir()
    link.parent.mkdir()
    write(log, b"one\n")
    link.symlink_to(log)
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    for number, text in enumerate((b"three\n", b"four\n")):
        older = log.rename(f"{log}.20261128-12000{number}")
        if is_packed:
            write(f"{older}.gz", gzip.compress(older.read_bytes()))
            older.unlink()
        write(log, text)
    assert await second_run(sink, spec, 4) == [b"one", b"two", b"three", b"four"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("is_down", [True, False], ids=["down", "up"])
async def test_a_log_that_is_rotated_by_a_link_to_its_new_name_is_read_once(tmp_path: Path, *, is_down: bool) -> None:
    """It has both names, the old one and the new one, when it is seen first. Conformance: D7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)

    def rotate() -> None:
        log.rename(tmp_path / "app.log.2")
        write(log, b"two\n")
        (tmp_path / "app.log.1").hardlink_to(log)

    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
        if not is_down:
            rotate()  # no await in between: for the tail all this happens at once
            await sink.first(2)
    if is_down:
        rotate()
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(2)
        await looked_everywhere(supervisor)
        log.unlink()
        write(tmp_path / "app.log.1", b"three\n")
        write(log, b"four\n")
        await sink.first(4)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert not sink.of_kind(Hole)
