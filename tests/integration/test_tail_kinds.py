"""What may stand in a file's place, and who may read it: other kinds of files, rights and names that go and come."""

from __future__ import annotations

import gzip
import os
import resource
import socket
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail.batch import Birth, Hole, Moved, Sealed
from tests.tail_kit import (
    BRISK,
    Doors,
    RecordingSink,
    as_nobody,
    eventually,
    first_run,
    looked_everywhere,
    open_files_below,
    second_run,
    source,
    tailing,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from logstream.tail.turn import Turn


@pytest.fixture
def public_path() -> Iterator[Path]:
    """A directory that everybody may enter, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def as_owner() -> Iterator[None]:
    """With all rights for a moment, below `as_nobody`."""
    before = os.geteuid()
    os.seteuid(os.getuid())
    try:
        yield
    finally:
        os.seteuid(before)


@pytest.mark.parametrize("kind", ["directory", "FIFO", "socket"])
async def test_what_takes_a_file_s_place_is_shown_and_a_file_there_is_read_again(tmp_path: Path, kind: str) -> None:
    """Conformance: F4."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(1)
        log.unlink()
        with socket.socket(socket.AF_UNIX) as listener:
            match kind:
                case "directory":
                    log.mkdir()
                case "FIFO":
                    os.mkfifo(log)
                case _:
                    listener.bind(str(log))
            await sink.until(lambda: ("untailable", f"is a {kind}") in sink.states())
            assert supervisor.status()[0].files[-1][:3] == (str(log), "untailable", f"is a {kind}")
        if kind == "directory":
            log.rmdir()
        else:
            log.unlink()
        write(log, b"two\n")
        assert await sink.first(2) == [b"one", b"two"]
        await sink.until(lambda: ("readable", None) in sink.states())


async def test_a_file_that_may_be_read_again_goes_on_where_it_was(public_path: Path) -> None:
    """Conformance: F5."""
    sink, log = RecordingSink(), public_path / "app.log"
    spec = source(public_path / "*.log")
    write(log, b"one\n")
    with as_nobody():
        await first_run(sink, spec, 1)
    write(log, b"two\n")
    log.chmod(0)
    with as_nobody():
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await sink.until(lambda: ("unreadable", "permission denied") in sink.states())
            await looked_everywhere(supervisor)
            assert sink.texts == [b"one"]
            with as_owner():
                log.chmod(0o644)
            assert await sink.first(2) == [b"one", b"two"]
            await sink.until(lambda: ("readable", None) in sink.states())
    assert sink.states() == [("unreadable", "permission denied"), ("readable", None)]
    assert len(sink.births) == 1


async def test_an_open_file_is_read_on_when_the_right_to_open_it_goes(public_path: Path) -> None:
    """Conformance: F6."""
    sink, log = RecordingSink(), public_path / "app.log"
    write(log, b"one\n")
    with log.open("ab", buffering=0) as writer, as_nobody():
        async with tailing(sink, source(public_path / "*.log")) as supervisor:
            await sink.first(1)
            with as_owner():
                log.chmod(0)
            await looked_everywhere(supervisor)
            writer.write(b"two\n")
            await sink.first(2)
            assert supervisor.status()[0].files[0].state == "following"
    assert sink.texts == [b"one", b"two"]
    assert sink.states() == []


async def test_the_kernel_s_refusal_to_open_more_files_is_no_deletion(tmp_path: Path) -> None:
    """Conformance: F8."""
    sink, logs = RecordingSink(), [tmp_path / f"{number:02}.log" for number in range(60)]
    for log in logs:
        write(log, b"one\n")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - names of descriptors
    async with tailing(sink, source(tmp_path / "*.log"), max_open_files=1_000, uses_events=False):
        resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 30, hard))
        try:
            await sink.first(60)
            for log in logs:
                write(log, b"two\n")
            await sink.first(120)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert sink.texts[:60] == [b"one"] * 60
    assert sorted(sink.texts) == [b"one"] * 60 + [b"two"] * 60
    assert len(sink.births) == 60
    assert not sink.sealed


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Nobody in this process can open anything unless something else is closed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))  # noqa: PTH208 - names of descriptors
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
    fillers = []
    try:
        with suppress(OSError):
            while True:
                fillers.append(os.open("/dev/null", os.O_RDONLY))
        yield
    finally:
        for filler in fillers:
            os.close(filler)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("names", [["app"], ["app", *"abcdef"]], ids=["needed", "to spare"])
async def test_what_was_rotated_is_not_passed_over_while_there_is_no_descriptor_to_list_a_directory(
    tmp_path: Path, names: list[str]
) -> None:
    """Nor afterwards: a listing that fails is no empty one. Conformance: F8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    for name in names:
        write(tmp_path / f"{name}.log", b"one\n")
    async with tailing(sink, source(tmp_path / "*.log"), uses_events=False) as supervisor:
        await sink.first(len(names))
        await looked_everywhere(supervisor)
        log.rename(tmp_path / "app.log.2")
        write(tmp_path / "app.log.1", b"two\n")
        write(log, b"three\n")
        with no_descriptors():
            if len(names) == 1:
                await sink.until(lambda: ("unreadable", "too many open files") in sink.states())
            else:
                await sink.until(lambda: b"three" in sink.texts)
        await sink.first(len(names) + 2)
    assert sink.texts == [*[b"one"] * len(names), b"two", b"three"]


def allow(path: Path, mode: int) -> None:
    path.chmod(mode)


async def test_a_directory_that_may_be_entered_and_not_listed_keeps_nobody_from_reading_what_is_new(
    public_path: Path,
) -> None:
    """What was rotated in it while nobody looked is found once it may be listed. Conformance: F5."""
    sink, log = RecordingSink(), public_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    with as_nobody():
        await first_run(sink, spec, 1)
    write(log, b"unread\n")
    log.rename(public_path / "app.log.1")
    write(log, b"two\n")
    allow(public_path, 0o711)
    with as_nobody():
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            assert await sink.first(2) == [b"one", b"two"]
            await looked_everywhere(supervisor)
            assert [file.state for file in supervisor.status()[0].files] == ["unreadable", "following"]
            with as_owner():
                allow(public_path, 0o755)
            assert await sink.first(3) == [b"one", b"two", b"unread"]
    assert not sink.of_kind(Hole)


async def test_a_file_that_is_renamed_between_the_search_and_the_open_is_not_deleted(tmp_path: Path) -> None:
    """Conformance: A12."""
    sink, doors, log = RecordingSink(), Doors(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    # It has been listed when it is opened; at that moment it is renamed.
    doors.upon["app.log"] = lambda: log.rename(tmp_path / "app.log.1")
    async with tailing(sink, spec, known=sink.known(), first_seen=(), opener=doors.open):
        assert await sink.first(2) == [b"one", b"two"]
        write(log, b"three\n")
        assert await sink.first(3) == [b"one", b"two", b"three"]
    assert [moved.path for moved in sink.of_kind(Moved)] == [str(tmp_path / "app.log.1")]
    assert not sink.of_kind(Hole)
    assert GapReason.DELETED not in [sealed.reason for sealed in sink.of_kind(Sealed)]


async def test_a_file_that_was_born_and_deleted_unseen_does_no_harm(tmp_path: Path) -> None:
    """Conformance: A4."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        # No await in between: for the tail all this happens at once.
        log.rename(tmp_path / "app.log.2")
        write(log, b"nobody has seen this\n")
        log.unlink()
        write(log, b"two\n")
        write(tmp_path / "app.log.2", b"late\n")
        await sink.first(3)
    assert sink.texts == [b"one", b"late", b"two"]
    assert [*sink.committed.values()] == [len(b"one\nlate\n"), len(b"two\n")]


async def test_a_file_moved_to_another_directory_while_down_is_a_gap_of_unknown_length(tmp_path: Path) -> None:
    """Conformance: A7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    (tmp_path / "archive").mkdir()
    log.rename(tmp_path / "archive" / "app.log.1")
    write(log, b"three\n")
    assert await second_run(sink, spec, 2) == [b"one", b"three"]
    assert [(hole.start, hole.end, hole.reason) for hole in sink.of_kind(Hole)] == [(4, None, GapReason.DELETED)]


async def test_a_path_without_a_file_costs_a_look_now_and_then_and_what_comes_is_read_from_its_start(
    tmp_path: Path,
) -> None:
    """Conformance: A13."""
    pace = replace(BRISK, hot_seconds=0.05, sweep_seconds=0.05, blind_sweep_seconds=0.05)
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log), pace=pace) as supervisor:
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        await sink.until(lambda: ("vanished", None) in sink.states())
        await eventually(lambda: not supervisor._schedule._hot)
        pauses: list[float] = []
        take_turn = supervisor._schedule.take_turn

        def noted(turn: Turn, *, is_blind: bool) -> Generator[None, None, float]:
            pauses.append((yield from take_turn(turn, is_blind=is_blind)))
            return pauses[-1]

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(supervisor._schedule, "take_turn", noted)
            await eventually(lambda: len(pauses) > 20)
        write(log, b"two\n")
        assert await sink.first(2) == [b"one", b"two"]
    assert sum(pause < 0.01 for pause in pauses) <= len(pauses) / 2
    assert sink.of_kind(Birth)[-1].base == 0


@pytest.mark.parametrize("rest", [b"", b"unread\nrest"], ids=["all read", "something unread"])
async def test_a_deleted_file_is_read_to_its_end_and_then_let_go(tmp_path: Path, rest: bytes) -> None:
    """Conformance: A16."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        with log.open("ab", buffering=0) as writer:
            assert open_files_below(tmp_path) == [str(log)] * 2
            writer.write(rest)
            log.unlink()
        await sink.until(lambda: sink.sealed)
        assert open_files_below(tmp_path) == []
    assert sink.texts == [b"one", *rest.splitlines()]


async def test_a_rotated_file_that_may_not_be_read_is_named_and_read_once_it_may(public_path: Path) -> None:
    """Its log can be read again, and goes on; what came between was lost without a word. Conformance: F5."""
    sink, log, older = RecordingSink(), public_path / "app.log", public_path / "app.log.1"
    spec = source(log)
    write(log, b"one\n")
    with as_nobody():
        await first_run(sink, spec, 1)
    log.rename(public_path / "app.log.2")
    write(older, b"two\n")
    older.chmod(0)
    write(log, b"three\n")
    with as_nobody():
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            assert await sink.first(2) == [b"one", b"three"]
            assert ("unreadable", "permission denied") in sink.states()
            await looked_everywhere(supervisor)
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await looked_everywhere(supervisor)
            with as_owner():
                older.chmod(0o644)
            await sink.first(3)
            await looked_everywhere(supervisor)
            write_as_owner(log, b"four\n")
            assert await sink.first(4) == [b"one", b"three", b"two", b"four"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("suffix", ["", ".gz"])
async def test_a_rotated_file_that_went_before_it_could_be_read_is_a_gap(public_path: Path, suffix: str) -> None:
    """Conformance: F5."""
    sink, log, older = RecordingSink(), public_path / "app.log", public_path / f"app.log.1{suffix}"
    spec = source(log)
    write(log, b"one\n")
    with as_nobody():
        await first_run(sink, spec, 1)
    log.rename(public_path / "app.log.2")
    older.write_bytes(gzip.compress(b"two\n") if suffix else b"two\n")
    older.chmod(0)
    write(log, b"three\n")
    with as_nobody():
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await sink.first(2)
            await looked_everywhere(supervisor)
            assert not sink.of_kind(Hole)
            with as_owner():
                older.unlink()
            await sink.until(lambda: sink.of_kind(Hole))
            await looked_everywhere(supervisor)
    ((_, start, end, reason),) = sink.of_kind(Hole)
    assert (start, end, reason) == (0, None, GapReason.DELETED)
    assert sink.texts == [b"one", b"three"]


def write_as_owner(path: Path, content: bytes) -> None:
    with as_owner():
        write(path, content)
