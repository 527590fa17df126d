"""Directories that are not there when the service starts, and come back: late mounts, volumes, moved trees."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail.batch import Birth, Hole, Moved, Range, Sealed
from logstream.tail.vacancy import EMPTY, NOT_THERE
from tests.full_disk import SmallDisk
from tests.overlay import overlay
from tests.tail_kit import BRISK, RecordingSink, eventually, first_run, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import Iterator

MUCH = b"".join(b"line %d of many\n" % number for number in range(100))
CALM = replace(BRISK, rotate_wait_seconds=60.0)
HASTY = replace(BRISK, vacancy_seconds=0.3)


@pytest.fixture(name="elsewhere")
def _elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A directory on another file system."""
    with TemporaryDirectory(dir="/dev/shm") as directory:
        assert Path(directory).stat().st_dev != tmp_path.stat().st_dev
        yield Path(directory)


@contextmanager
def mounted(what: Path, where: Path) -> Iterator[None]:
    """One directory in the place of another, as a volume is mounted."""
    where.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", what, where], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", where], check=True)


def is_told(sink: RecordingSink, reason: str) -> bool:
    return ("unreadable", reason) in sink.states()


@pytest.mark.parametrize("glob", ["logs/*.log", "logs/app.log", "*/*.log*", "**/*.log"])
@pytest.mark.parametrize("uses_events", [True, False])
async def test_a_directory_that_comes_late_is_read_on_exactly(tmp_path: Path, glob: str, *, uses_events: bool) -> None:
    """Conformance: A9, A14."""
    sink, log = RecordingSink(), tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    spec = source(tmp_path / glob)
    write(log, b"one\n")
    async with tailing(sink, spec, pace=CALM):
        await sink.first(1)
        log.rename(log.with_name("app.log.1"))
        write(log, b"two\n")
        await sink.first(2)
    write(log.with_name("app.log.1"), b"late\n")
    write(log, b"three\n")
    hidden = log.parent.rename(tmp_path / ".hidden")
    known = sink.known()
    async with tailing(sink, spec, known=known, pace=CALM, first_seen=(), uses_events=uses_events) as supervisor:
        await sink.until(lambda: is_told(sink, NOT_THERE))
        await supervisor.first_scan_done.wait()
        await looked_everywhere(supervisor)
        assert [(file.state, file.reason) for file in supervisor.status()[0].files] == [("unreadable", NOT_THERE)] * 2
        hidden.rename(log.parent)
        await sink.first(4)
        write(log, b"four\n")
        await sink.first(5)
    assert sink.texts == [b"one", b"two", b"late", b"three", b"four"]
    assert len(sink.births) == 2
    assert not sink.of_kind(Hole)
    assert ("vanished", None) not in sink.states()
    assert ("readable", None) in sink.states()


async def test_a_volume_that_is_mounted_late_is_read_on_exactly(tmp_path: Path) -> None:
    """Its mount point is there, and empty. Conformance: D12."""
    sink, logs = RecordingSink(), tmp_path / "logs"
    spec = source(logs / "*.log")
    with SmallDisk(tmp_path / "disk") as disk:
        with mounted(disk.path, logs):
            write(logs / "app.log", b"one\n")
            await first_run(sink, spec, 1)
            write(logs / "app.log", b"two\n")
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await sink.until(lambda: is_told(sink, EMPTY))
            await looked_everywhere(supervisor)
            with mounted(disk.path, logs):
                await sink.first(2)
                write(logs / "app.log", b"three\n")
                await sink.first(3)
    assert sink.texts == [b"one", b"two", b"three"]
    assert len(sink.births) == 1
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("content", [b"one\ntwo\n", MUCH], ids=["little", "much"])
async def test_a_directory_that_comes_late_under_another_device_number_is_read_on_exactly(
    tmp_path: Path, elsewhere: Path, content: bytes
) -> None:
    """Conformance: D12."""
    sink, logs = RecordingSink(), tmp_path / "logs"
    (tmp_path / "before").mkdir()
    logs.symlink_to("before")
    count = content.count(b"\n")
    write(logs / "app.log", content)
    spec = source(logs / "*.log")
    await first_run(sink, spec, count)
    shutil.copy2(logs / "app.log", elsewhere / "app.log")
    logs.unlink()
    write(elsewhere / "app.log", b"while down\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.until(lambda: is_told(sink, NOT_THERE))
        logs.symlink_to(elsewhere)
        await sink.first(count + 1)
        await looked_everywhere(supervisor)
        write(logs / "app.log", b"later\n")
        await sink.first(count + 2)
    assert sink.texts == [*content.splitlines(), b"while down", b"later"]
    assert len(sink.births) == 1
    assert not sink.of_kind(Hole)


async def test_a_file_behind_a_link_to_a_directory_that_comes_late_is_read_on_exactly(tmp_path: Path) -> None:
    sink, link, home = RecordingSink(), tmp_path / "app.log", tmp_path / "mount" / "app.log"
    home.parent.mkdir()
    link.symlink_to(home)
    write(home, b"one\n")
    await first_run(sink, source(link), 1)
    write(home, b"two\n")
    hidden = home.parent.rename(tmp_path / "hidden")
    async with tailing(sink, source(link), known=sink.known(), first_seen=()) as supervisor:
        await sink.until(lambda: is_told(sink, NOT_THERE))
        await looked_everywhere(supervisor)
        hidden.rename(home.parent)
        assert await sink.first(2) == [b"one", b"two"]
    assert len(sink.births) == 1
    assert not sink.of_kind(Hole)


async def test_a_directory_that_was_renamed_while_down_is_read_on_where_it_is(tmp_path: Path) -> None:
    """Conformance: A7."""
    sink = RecordingSink()
    spec = source(tmp_path / "*" / "app.log")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "app.log", b"%s one\n" % name.encode())
    await first_run(sink, spec, 2)
    (tmp_path / "a").rename(tmp_path / "c")
    write(tmp_path / "c" / "app.log", b"a two\n")
    for count in (3, 4):
        async with tailing(sink, spec, known=sink.known(), first_seen=()):
            await sink.first(count)
        write(tmp_path / "c" / "app.log", b"a three\n")
    assert sink.texts[2:] == [b"a two", b"a three"]
    assert len(sink.births) == 2
    assert not sink.of_kind(Hole)
    assert [moved.path for moved in sink.of_kind(Moved)] == [str(tmp_path / "c" / "app.log")]


@pytest.mark.parametrize("rotations", [1, 2])
async def test_a_directory_that_was_renamed_and_its_logs_rotated_while_down_is_read_on_where_it_is(
    tmp_path: Path, rotations: int
) -> None:
    """Conformance: A7."""
    sink = RecordingSink()
    spec = source(tmp_path / "*" / "*.log")
    (tmp_path / "a").mkdir()
    for name in ("x", "y"):
        write(tmp_path / "a" / f"{name}.log", b"%s one\n" % name.encode())
    await first_run(sink, spec, 2)
    seen_time = time.time()
    there = (tmp_path / "a").rename(tmp_path / "c")
    for name in ("x", "y"):
        log = there / f"{name}.log"
        write(log, b"%s late\n" % name.encode())
        for number in range(rotations):
            if number:
                (there / f"{name}.log.1").rename(there / f"{name}.log.2")
            log.rename(there / f"{name}.log.1")
            write(log, b"%s new %d\n" % (name.encode(), number))
    count = 2 * (2 + rotations)
    known = [generation._replace(seen_time=seen_time) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=(), pace=CALM) as supervisor:
        await sink.first(count)
        write(there / f"x.log.{rotations}", b"x last\n")
        await sink.first(count + 1)
        await looked_everywhere(supervisor)
    news = [f"{name} new {number}".encode() for name in "xy" for number in range(rotations)]
    assert sorted(sink.texts) == sorted([b"x one", b"y one", b"x late", b"y late", b"x last", *news])
    assert not sink.of_kind(Hole)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await supervisor.first_scan_done.wait()
        await looked_everywhere(supervisor)
    assert len(sink.texts) == count + 1


async def test_a_directory_that_was_renamed_and_made_anew_while_down_is_read_on_where_it_is(tmp_path: Path) -> None:
    """Conformance: A7."""
    sink = RecordingSink()
    spec = source(tmp_path / "*" / "app.log")
    log = tmp_path / "a" / "app.log"
    log.parent.mkdir()
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    there = log.parent.rename(tmp_path / "c") / "app.log"
    write(there, b"two\n")
    log.parent.mkdir()
    write(log, b"new\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(3)
        await looked_everywhere(supervisor)
        write(there, b"three\n")
        await sink.first(4)
    assert sorted(sink.texts) == [b"new", b"one", b"three", b"two"]
    assert not sink.of_kind(Hole)


async def test_of_directories_that_never_come_back_the_files_are_gaps_and_others_wait_for_none(tmp_path: Path) -> None:
    """As those of containers go. Conformance: A16."""
    sink = RecordingSink()
    spec = source(tmp_path / "*" / "app.log")
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "app.log", b"%s one\n" % name.encode())
    await first_run(sink, spec, 3)
    for name in ("a", "b"):
        write(tmp_path / name / "app.log", b"nobody has read this\n")
        shutil.rmtree(tmp_path / name)
    write(tmp_path / "c" / "app.log", b"c two\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.until(lambda: sink.states().count(("unreadable", NOT_THERE)) == 2)
        await sink.first(4)
        await looked_everywhere(supervisor)
        assert not sink.of_kind(Hole)
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=HASTY) as supervisor:
        await sink.until(lambda: len(sink.of_kind(Sealed)) == 2)
        await sink.until(lambda: sink.states().count(("vanished", None)) == 2)
        await eventually(lambda: len(supervisor.status()[0].files) == 1)
    assert [(hole.start, hole.end, hole.reason) for hole in sink.of_kind(Hole)] == [(6, None, GapReason.DELETED)] * 2
    assert len(sink.births) == 3


async def test_files_that_take_the_place_of_those_that_are_waited_for_are_read_behind_the_gap(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.parent.rename(tmp_path / "hidden")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: is_told(sink, NOT_THERE))
        log.parent.mkdir()
        write(log, b"another\n")
        await sink.first(2)
    assert [type(change) for change in sink.changes if isinstance(change, Hole | Range)] == [Range, Hole, Range]
    assert sink.texts == [b"one", b"another"]


async def test_sources_that_change_meanwhile_leave_what_is_waited_for_as_it_is(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "logs" / "app.log"
    log.parent.mkdir()
    spec = source(tmp_path / "logs" / "*.log")
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    hidden = log.parent.rename(tmp_path / "hidden")
    write(tmp_path / "other.log", b"other\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.until(lambda: is_told(sink, NOT_THERE))
        supervisor.reconfigure([source(tmp_path / "*.log", name="other")], {"other"})
        await sink.first(2)
        supervisor.reconfigure([spec, source(tmp_path / "*.log", name="other")])
        await looked_everywhere(supervisor)
        hidden.rename(log.parent)
        assert await sink.first(3) == [b"one", b"other", b"two"]
    assert len(sink.births) == 2
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("content", [b"starting\n", MUCH], ids=["little", "much"])
async def test_a_new_file_that_begins_like_one_of_its_name_that_is_waited_for_is_told_whole(
    tmp_path: Path, elsewhere: Path, content: bytes
) -> None:
    """As each container begins its log with the same lines. Conformance: D4."""
    sink, log = RecordingSink(), tmp_path / "a" / "app.log"
    count = content.count(b"\n")
    spec = source(tmp_path / "*" / "app.log", elsewhere / "*" / "app.log")
    log.parent.mkdir()
    write(log, content)
    await first_run(sink, spec, count)
    log.parent.rename(tmp_path / ".hidden")  # as if it was deleted, but its number is given to nobody else
    new = (elsewhere if content != MUCH else tmp_path) / "b" / "app.log"
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.until(lambda: is_told(sink, NOT_THERE))
        await looked_everywhere(supervisor)
        new.parent.mkdir()
        write(new, content + b"and more\n")
        await sink.first(2 * count + 1)
    assert sink.lines[count:] == [(str(new), line) for line in (content + b"and more\n").splitlines()]


async def test_a_file_that_an_overlay_copies_when_it_is_written_to_goes_on(tmp_path: Path, elsewhere: Path) -> None:
    """Found as it is, then in a lower layer, copied up while it is followed, and found so. Conformance: D13."""
    sink, logs, lower = RecordingSink(), tmp_path / "logs", elsewhere / "lower"
    spec, log = source(logs / "*.log"), logs / "app.log"
    lower.mkdir()
    logs.symlink_to(lower)
    write(log, MUCH)
    await first_run(sink, spec, 100)
    with overlay(elsewhere) as merged:
        logs.unlink()
        logs.symlink_to(merged)
        assert log.stat().st_dev != sink.of_kind(Birth)[0].dev
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await looked_everywhere(supervisor)
            for number in range(3):
                write(log, b"%d\n" % number)
                await sink.first(101 + number)
            await looked_everywhere(supervisor)
        assert (elsewhere / "upper" / "app.log").read_bytes() == log.read_bytes()
        write(log, b"last\n")
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await sink.first(104)
            await looked_everywhere(supervisor)
    assert sink.texts == [*MUCH.splitlines(), b"0", b"1", b"2", b"last"]
    assert len(sink.births) == 1
    assert not sink.of_kind(Hole)
