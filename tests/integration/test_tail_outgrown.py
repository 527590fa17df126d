"""Archives that hold more than was read of their lives.

Those that logrotate's `copytruncate` and `compress` leave have the time that the log had before it was copied, and what
was being read, of the log or of its copy, was written later.
"""

from __future__ import annotations

import gzip
import os
import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Hole
from logstream.tail.unpacking import Answer, Unpacking
from tests.tail_kit import BRISK, RecordingSink, first_run, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

NOW = time.time()
LIVES = [[b"%d of life %d" % (line, life) for line in range(6)] for life in range(5)]


def text_of(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def put(path: Path, content: bytes, ago: int) -> None:
    path.write_bytes(content)
    os.utime(path, (NOW - ago, NOW - ago))


def pack(log: Path, life: int, ago: int) -> None:
    """The archive of a life, as the newest one."""
    for number in range(9, 0, -1):
        if (older := log.with_name(f"app.log.{number}.gz")).exists():
            older.rename(log.with_name(f"app.log.{number + 1}.gz"))
    put(log.with_name("app.log.1.gz"), gzip.compress(text_of(LIVES[life])), ago)


async def read_first(sink: RecordingSink, log: Path) -> None:
    """A life that is over, in its archive."""
    put(log, text_of(LIVES[0]), 100)
    await first_run(sink, source(log), 6)
    pack(log, 0, 100)


@pytest.mark.parametrize("read", [0, 2, 6])
@pytest.mark.parametrize("behind", [0, 1, 2])
@pytest.mark.parametrize("last", [b"", b"last\n"], ids=["empty", "written since"])
async def test_a_copy_that_was_being_read_is_read_on_in_its_archive_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: int, behind: int, last: bytes
) -> None:
    """So many lines of it had been `read`, and so many rotations came after it. Conformance: B7."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    await read_first(sink, log)
    put(copy, text_of(LIVES[1][: read or 6]), 40)
    put(log, b"", 40)
    with monkeypatch.context() as patch:
        if not read:  # the copy has to wait for an archive
            put(tmp_path / "app.log.2.gz", gzip.compress(b"waiting\n"), 80)
            patch.setattr(Unpacking, "ask", lambda *_: Answer.LATER)
        async with tailing(sink, source(log), known=sink.known(), first_seen=()):
            await sink.until(lambda: len(sink.births) == 3)
            if read:
                await sink.first(6 + read)
    assert len(sink.lines) == 6 + read
    copy.unlink()
    pack(log, 1, 60)
    for number in range(behind):
        pack(log, 2 + number, 30 - number)
    put(log, last, 10)
    lines = [line for life in LIVES[: 2 + behind] for line in life] + [b"waiting"] * (not read) + last.splitlines()
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(len(lines))
        await looked_everywhere(supervisor)
        write(log, b"more\n")
        await sink.first(len(lines) + 1)
    assert sorted(sink.texts) == sorted([*lines, b"more"])
    assert [line for line in sink.texts if line in LIVES[1]] == LIVES[1]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("behind", [0, 1, 2])
@pytest.mark.parametrize("last", [b"", b"last\n"], ids=["empty", "written since"])
async def test_a_log_that_was_written_to_before_it_was_copied_is_read_on_in_its_archive_after_a_restart(
    tmp_path: Path, behind: int, last: bytes
) -> None:
    """logrotate had looked at its time before. Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    await read_first(sink, log)
    put(log, text_of(LIVES[1][:2]), 40)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(8)
        await looked_everywhere(supervisor)
    pack(log, 1, 60)
    for number in range(behind):
        pack(log, 2 + number, 30 - number)
    put(log, last, 10)
    lines = [line for life in LIVES[: 2 + behind] for line in life] + last.splitlines()
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(len(lines))
        await looked_everywhere(supervisor)
        write(log, b"more\n")
        await sink.first(len(lines) + 1)
    assert sink.texts == [*lines, b"more"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("until", ["noise", "empty"])
async def test_a_copy_that_is_shredded_while_it_waits_is_read_in_an_archive_of_an_older_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, until: str
) -> None:
    """Conformance: B7, C3."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    await read_first(sink, log)
    put(copy, text_of(LIVES[1]), 40)
    put(tmp_path / "app.log.2.gz", gzip.compress(b"waiting\n"), 80)
    put(log, b"last\n", 20)
    pace = replace(BRISK, absence_seconds=0.5, rotate_wait_seconds=60.0)
    async with tailing(sink, source(log), known=sink.known(), first_seen=(), pace=pace) as supervisor:
        with monkeypatch.context() as patch:
            patch.setattr(Unpacking, "ask", lambda *_: Answer.LATER)
            await sink.until(lambda: len(sink.births) == 3)
            await looked_everywhere(supervisor)
            pack(log, 1, 60)
            with copy.open("r+b") as file:
                file.write(random.Random(1).randbytes(4096))
            if until == "empty":
                os.truncate(copy, 0)
        await sink.first(14)
        copy.unlink()
        await looked_everywhere(supervisor)
    assert sink.texts == [*LIVES[0], b"waiting", *LIVES[1], b"last"]
    assert not sink.of_kind(Hole)


async def test_an_archive_of_what_was_there_before_anybody_looked_is_no_end_of_a_life_that_begins_like_it(
    tmp_path: Path,
) -> None:
    """A log that greets, and nothing is known that came before what was read of it."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    put(tmp_path / "app.log.1.gz", gzip.compress(b"hello\nhistory\n"), 100)
    put(log, b"hello\n", 40)
    await first_run(sink, source(log), 1)
    (tmp_path / "app.log.1.gz").rename(tmp_path / "app.log.2.gz")
    put(log, b"last\n", 10)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(2)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"hello", b"last"]


async def test_the_archive_of_an_earlier_life_is_no_end_of_one_that_begins_like_it(tmp_path: Path) -> None:
    """It was renamed since, and is as old as that life."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    put(log, b"hello\none\n", 100)
    await first_run(sink, source(log), 2)
    put(tmp_path / "app.log.1.gz", gzip.compress(b"hello\none\n"), 100)
    put(log, b"hello\n", 40)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(3)
        await looked_everywhere(supervisor)
    (tmp_path / "app.log.1.gz").unlink()
    put(tmp_path / "app.log.2.gz", gzip.compress(b"hello\none\n"), 100)
    put(log, b"last\n", 10)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(4)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"hello", b"one", b"hello", b"last"]


@pytest.mark.parametrize("is_left", [False, True], ids=["compressed", "left alone"])
async def test_late_lines_of_a_file_that_was_read_to_its_end_are_read_in_its_archive(
    tmp_path: Path, *, is_left: bool
) -> None:
    """Unless that file is there as it was: what begins like it is another one then. Conformance: C2."""
    sink, log, rotated = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    lines = [b"%d %s" % (number, b"x" * 100) for number in range(5)]
    write(log, text_of(lines))
    async with tailing(sink, source(log)):
        await sink.first(5)
        log.rename(rotated)
        write(log, b"new\n")
        await sink.until(lambda: sink.sealed)
    archive = tmp_path / ("app.log.1.gz" if is_left else "app.log.2.gz")
    archive.write_bytes(gzip.compress(text_of([*lines, b"late"])))
    if is_left:
        rotated.rename(tmp_path / "app.log.3")
    else:
        rotated.unlink()
    log.rename(tmp_path / ("app.log.2" if is_left else "app.log.1"))
    write(log, b"newer\n")
    again = [*lines, b"late"] if is_left else [b"late"]
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(7 + len(again))
        await looked_everywhere(supervisor)
    assert sorted(sink.texts) == sorted([*lines, b"new", b"newer", *again])
