"""File events that come late, never, or not at all, and clocks that lie: what is written is found without them."""

from __future__ import annotations

import gzip
import json
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logstream.stalls import core_wait_seconds
from logstream.tail import watcher as watching
from logstream.tail.batch import Birth, Hole
from logstream.tail.turn import Pace
from tests.installed import ROOT
from tests.tail_kit import (
    BRISK,
    RecordingSink,
    eventually,
    first_run,
    looked_everywhere,
    second_run,
    source,
    tailing,
    write,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

DAY_SECONDS = 86_400


def test_without_an_inotify_instance_left_polling_takes_over_and_watching_is_tried_again() -> None:
    """The kernel's own refusal, in a process of its own. Conformance: G2."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        done = subprocess.run(
            [sys.executable, "-m", "tests.without_watches", name],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["held"] > 0
    assert told["texts"] == [str(number) for number in range(21)]
    assert not told["was_armed"]
    (warning,) = told["warnings"]
    assert warning.startswith("file events stopped, polling instead: ")


async def silent(*_paths: str, stop_event: asyncio.Event, **_options: object) -> AsyncIterator[set[object]]:
    """Stands in for a watcher whose events are all lost: it is armed."""
    await stop_event.wait()
    if not stop_event.is_set():
        yield set()


async def test_what_no_event_tells_of_is_found_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in an overflow. Conformance: G1, G3."""
    monkeypatch.setattr(watching, "awatch", silent)
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    pace = replace(BRISK, hot_seconds=0.0)
    async with tailing(sink, source(tmp_path / "**" / "*.log"), pace=pace) as supervisor:
        await sink.first(1)
        assert supervisor._watcher is not None
        assert supervisor._watcher.is_armed
        write(log, b"two\n")
        await sink.first(2)
        log.rename(tmp_path / "app.log.1")
        write(log, b"three\n")
        await sink.first(3)
        (tmp_path / "new").mkdir()
        write(tmp_path / "new" / "b.log", b"four\n")
        assert await sink.first(4) == [b"one", b"two", b"three", b"four"]


@pytest.mark.parametrize("is_armed", [True, False], ids=["watched in vain", "polled"])
async def test_a_line_of_which_no_event_tells_comes_within_the_interval_between_two_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_armed: bool
) -> None:
    """At the pace that a service has, of a file that was quiet before.

    Without what the kernel says that the one thread here has waited for a core. Conformance: G1.
    """
    monkeypatch.setattr(watching, "awatch", silent)
    sink, log, waits = RecordingSink(), tmp_path / "app.log", []
    pace = Pace(hot_seconds=0.0)
    async with tailing(sink, source(tmp_path / "*.log"), pace=pace, uses_events=is_armed) as supervisor:
        write(log, b"0\n")
        await sink.first(1)
        await looked_everywhere(supervisor)
        for number in range(1, 9):
            began = time.monotonic() - core_wait_seconds()
            write(log, b"%d\n" % number)
            await sink.first(number + 1)
            waits.append(time.monotonic() - core_wait_seconds() - began)
    assert max(waits) < (pace.sweep_seconds if is_armed else pace.blind_sweep_seconds) + 0.25


def is_watched(watcher: watching.Watcher, directory: str, place: tuple[int, int]) -> bool:
    return watcher.is_armed and watcher._directories.get(directory) == place


@pytest.mark.parametrize("pattern", ["logs/*.log", "logs/app.log"])
async def test_a_watched_directory_that_is_deleted_and_made_again_is_followed(tmp_path: Path, pattern: str) -> None:
    """Conformance: A14, G5."""
    sink, directory = RecordingSink(), tmp_path / "logs"
    async with tailing(sink, source(tmp_path / pattern)) as supervisor:
        watcher = supervisor._watcher
        assert watcher is not None
        for number in range(5):
            directory.mkdir()
            write(directory / "app.log", b"%d\n" % number)
            await sink.first(2 * number + 1)
            facts = directory.stat()
            await eventually(partial(is_watched, watcher, str(directory), (facts.st_dev, facts.st_ino)))
            write(directory / "app.log", b"more\n")
            await sink.first(2 * number + 2)
            shutil.rmtree(directory)
    assert sink.texts == [line for number in range(5) for line in (b"%d" % number, b"more")]
    assert not sink.of_kind(Hole)


async def test_what_is_written_while_the_file_s_time_stands_still_is_found_by_its_size(tmp_path: Path) -> None:
    """Conformance: G6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    then = 1_000_000_000_000_000_000
    write(log, b"0\n")
    os.utime(log, ns=(then, then))
    async with tailing(sink, source(log), uses_events=False) as supervisor:
        for number in range(1, 10):
            await sink.first(number)
            await looked_everywhere(supervisor)
            write(log, b"%d\n" % number)
            os.utime(log, ns=(then - number, then - number) if number > 5 else (then, then))
        await sink.first(10)
    assert sink.texts == [b"%d" % number for number in range(10)]
    assert len(sink.births) == 1


@pytest.mark.parametrize("uses_events", [True, False])
async def test_lines_written_through_a_memory_map_are_found(tmp_path: Path, *, uses_events: bool) -> None:
    """Conformance: G7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log), uses_events=uses_events) as supervisor:
        for number in range(2, 5):
            await sink.first(number - 1)
            size = log.stat().st_size
            os.truncate(log, size + 4)
            await looked_everywhere(supervisor)
            with log.open("r+b") as file, mmap.mmap(file.fileno(), size + 4) as mapped:
                mapped[size:] = b"%03d\n" % number
                mapped.flush()
        assert await sink.first(4) == [b"one", b"002", b"003", b"004"]


async def test_lines_written_to_a_page_that_stays_mapped_are_found(tmp_path: Path) -> None:
    """Only the first write to a page moves the file's time, mmap(2). Conformance: G7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, bytes(4096))
    async with tailing(sink, source(log)) as supervisor:
        await supervisor.first_scan_done.wait()
        with log.open("r+b") as file, mmap.mmap(file.fileno(), 4096) as mapped:
            for number in range(5):
                mapped[4 * number : 4 * number + 4] = b"%03d\n" % number
                await sink.first(number + 1)
                await looked_everywhere(supervisor)
    assert sink.texts == [b"%03d" % number for number in range(5)]


@pytest.mark.parametrize("count", [1, 300])
async def test_a_line_arrives_well_within_a_second_however_many_files_trickle(tmp_path: Path, count: int) -> None:
    """All waits but the longest of a hundred; a watcher's usual debounce is 1.6 s.

    Without what the kernel says that the one thread here has waited for a core: on a busy machine that is longer.

    Conformance: G8.
    """
    sink, waits = RecordingSink(), []
    logs = [tmp_path / f"{number}.log" for number in range(count)]
    for log in logs:
        log.touch()
    async with tailing(sink, source(tmp_path / "*.log")) as supervisor:
        await supervisor.first_scan_done.wait()
        for number in range(100):
            began = time.monotonic() - core_wait_seconds()
            write(logs[number % count], b"%d\n" % number)
            await sink.first(number + 1)
            waits.append(time.monotonic() - core_wait_seconds() - began)
    assert sorted(waits)[-2] < 0.8


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_clock_that_jumps_changes_neither_identity_nor_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Conformance: G9."""
    shift_seconds = 0.0
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + shift_seconds)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + int(shift_seconds * 1_000_000_000))
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec, other = source(log), tmp_path / "app.log.1"
    write(log, b"1\n")
    async with tailing(sink, spec, pace=BRISK):
        await sink.first(1)
        shift_seconds = days * DAY_SECONDS
        write(log, b"2\n")
        os.utime(log, (real() - shift_seconds, real() - shift_seconds))
        await sink.first(2)
        log.rename(other)
        write(log, b"3\n")
        os.utime(log, (real() + shift_seconds, real() + shift_seconds))
        await sink.first(3)
        shift_seconds = 0.0
        write(other, b"4\n")
        await sink.first(4)
    seen_time = time.time() + days * DAY_SECONDS
    write(log, b"5\n")
    other.rename(tmp_path / "app.log.2")
    log.rename(other)
    write(log, b"6\n")
    (tmp_path / "app.log.2").rename(tmp_path / "app.log.3")
    other.rename(tmp_path / "app.log.2")
    log.rename(other)
    os.utime(other, (seen_time, seen_time))
    write(log, b"7\n")
    known = [generation._replace(seen_time=seen_time) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        assert await sink.first(7) == [b"1", b"2", b"3", b"4", b"5", b"6", b"7"]
    assert not sink.of_kind(Hole)
    assert len(sink.of_kind(Birth)) == 4


async def test_file_times_to_come_keep_nothing_from_being_read(tmp_path: Path) -> None:
    """Conformance: G9."""
    sink, log, later = RecordingSink(), tmp_path / "app.log", time.time() + 30 * DAY_SECONDS
    spec = source(log)
    write(log, b"1\n")
    os.utime(log, (later, later))
    await first_run(sink, spec, 1)
    write(log, b"2\n")
    os.utime(log, (later, later))
    await second_run(sink, spec, 2)
    log.rename(tmp_path / "app.log.1")
    write(log, b"3\n")
    assert await second_run(sink, spec, 3) == [b"1", b"2", b"3"]


async def test_what_was_rotated_and_compressed_under_a_clock_that_was_set_back_is_read_in_order(tmp_path: Path) -> None:
    """And what was history before stays history. Conformance: G9."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec, now = source(log), time.time()

    def pack(name: str, content: bytes, seconds: float) -> None:
        (tmp_path / name).write_bytes(gzip.compress(content))
        os.utime(tmp_path / name, (seconds, seconds))

    pack("app.log.3.gz", b"history\n", now - 3 * DAY_SECONDS)
    write(log, b"1\n")
    await first_run(sink, spec, 1)
    # It was an hour later by the clock that is set back now.
    ahead = now + 3600
    known = [one._replace(seen_time=ahead, written_ns=int(ahead * 1e9)) for one in sink.known()]
    pack("app.log.2.gz", b"1\n2\n", now - 120)
    pack("app.log.1.gz", b"3\n", now - 60)
    log.unlink()
    write(log, b"4\n")
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"4"])
    assert sink.texts == [b"1", b"2", b"3", b"4"]
    assert not sink.of_kind(Hole)
