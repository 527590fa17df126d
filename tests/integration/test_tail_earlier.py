"""Logs that were read on between the copy and the truncation: their archives hold less than was told of them."""

from __future__ import annotations

import gzip
import os
import time
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail.batch import Hole, Sealed
from tests.tail_kit import RecordingSink, eventually, first_run, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 1_000_000_000
LIVES = [[b"line %03d of life %d" % (line, life) for line in range(30)] for life in range(3)]
BETWEEN = [b"between %d" % number for number in range(3)]


def text_of(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def pack(log: Path, lines: list[bytes], mtime_ns: int, number: int = 1) -> None:
    """Give a log's lines, which were copied away before, an archive."""
    archive = log.with_name(f"app.log.{number}.gz")
    archive.write_bytes(gzip.compress(text_of(lines)))
    os.utime(archive, ns=(mtime_ns, mtime_ns))


def rotate(log: Path, lines: list[bytes]) -> None:
    pack(log, lines, log.stat().st_mtime_ns)
    os.truncate(log, 0)


async def read_and_rotate(sink: RecordingSink, log: Path) -> None:
    """A life whose archive is known, so that the next one is newer by its name."""
    write(log, text_of(LIVES[0]))
    async with tailing(sink, source(log)):
        await sink.first(30)
        rotate(log, LIVES[0])
        write(log, text_of(LIVES[1]))
        await sink.first(60)
    log.with_name("app.log.1.gz").rename(log.with_name("app.log.2.gz"))


@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("is_behind", [False, True], ids=["one rotation", "two rotations"])
async def test_what_was_read_between_a_copy_and_the_truncation_does_not_make_its_archive_a_new_life(
    tmp_path: Path, *, is_down: bool, is_behind: bool
) -> None:
    """As logrotate's `copytruncate` and `compress` leave it beside a program that writes on. Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    await read_and_rotate(sink, log)
    copied_ns = log.stat().st_mtime_ns
    write(log, text_of(BETWEEN))

    def truncate() -> None:
        # No await in between: for the tail all this happens at once.
        os.truncate(log, 0)
        pack(log, LIVES[1], copied_ns, number=1 + is_behind)
        if is_behind:
            pack(log, LIVES[2], log.stat().st_mtime_ns)
        write(log, b"new\n")

    lines = [*LIVES[0], *LIVES[1], *BETWEEN, *(LIVES[2] if is_behind else []), b"new"]
    log.with_name("app.log.2.gz").rename(log.with_name(f"app.log.{2 + is_behind}.gz"))
    async with tailing(sink, source(log), known=sink.known(), first_seen=()):
        await sink.first(63)
        if not is_down:
            truncate()
            await sink.first(len(lines))
    if is_down:
        truncate()
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(len(lines))
        await looked_everywhere(supervisor)
        write(log, b"more\n")
        await sink.first(len(lines) + 1)
    assert sink.texts == [*lines, b"more"]
    assert not sink.of_kind(Hole)


async def test_a_life_that_waits_for_its_end_is_no_gap_where_its_archive_ends_before_what_was_read(
    tmp_path: Path,
) -> None:
    """Nobody knows of anything that was written to it after that. Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, text_of([*LIVES[0], *BETWEEN]))
    async with tailing(sink, source(log)):
        await sink.first(33)
    os.truncate(log, 0)
    # What had been read last was not recorded: the archive is younger than what is known.
    (known,) = (one._replace(written_ns=one.written_ns and one.written_ns - SECOND) for one in sink.known())
    pack(log, LIVES[0], (known.written_ns or 0) + SECOND // 2)
    write(log, b"new\n")
    async with tailing(sink, source(log), known=[known], first_seen=()) as supervisor:
        await sink.first(34)
        await eventually(lambda: sink.sealed)
        await looked_everywhere(supervisor)
    assert sink.texts == [*LIVES[0], *BETWEEN, b"new"]
    assert not sink.of_kind(Hole)
    assert [sealed.reason for sealed in sink.of_kind(Sealed)] == [GapReason.TRUNCATED]


async def test_a_shorter_life_that_begins_alike_and_came_after_the_last_look_is_told(tmp_path: Path) -> None:
    """A program that greets at each start, as long as bytes and times do not say that it is the same life."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, text_of([*LIVES[0], *BETWEEN]))
    async with tailing(sink, source(log)):
        await sink.first(33)
    seen_ns = log.stat().st_mtime_ns
    os.truncate(log, 0)
    pack(log, [*LIVES[0], *BETWEEN], seen_ns, number=2)
    pack(log, [*LIVES[0][:20], b"later"], seen_ns + 5 * SECOND)
    write(log, b"new\n")
    os.utime(log, ns=(seen_ns + 9 * SECOND, seen_ns + 9 * SECOND))
    async with tailing(sink, source(log), known=sink.known(), first_seen=()):
        await sink.first(33 + 21 + 1)
    assert sink.texts == [*LIVES[0], *BETWEEN, *LIVES[0][:20], b"later", b"new"]
    assert not sink.of_kind(Hole)


async def test_a_shorter_life_that_begins_alike_and_came_while_the_service_was_down_is_read_in_its_copy(
    tmp_path: Path,
) -> None:
    sink, log, now = RecordingSink(), tmp_path / "app.log", time.time()
    spec = source(log)
    greeting = b"%255d\n" % 0
    lives = [greeting + b"first\n" * 5, greeting + b"second\n", greeting + b"third\n"]

    def put(path: Path, content: bytes, ago: int) -> None:
        write(path, content)
        os.utime(path, (now - ago, now - ago))

    put(log, lives[0], 100)
    await first_run(sink, spec, 6)
    put(tmp_path / "app.log.2", lives[0], 80)
    put(tmp_path / "app.log.1", lives[1], 60)
    os.truncate(log, 0)
    put(log, lives[2], 40)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(8)
        await looked_everywhere(supervisor)
    assert sink.texts == b"".join(lives).splitlines()
    assert not sink.of_kind(Hole)


async def test_a_log_that_is_deleted_while_down_is_a_gap_though_an_archive_of_long_ago_begins_alike(
    tmp_path: Path,
) -> None:
    sink, log, now = RecordingSink(), tmp_path / "app.log", time.time()
    spec = source(log)
    greeting = b"%255d\n" % 0
    archive = tmp_path / "app.log-20200101.gz"
    archive.write_bytes(gzip.compress(greeting + b"history\n"))
    os.utime(archive, (now - 9_000, now - 9_000))
    write(log, greeting + b"first\n" * 20)
    os.utime(log, (now + 2_000, now + 2_000))
    await first_run(sink, spec, 21)
    write(log, b"lost\n")
    log.unlink()
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: bool(sink.sealed))
    assert [(hole.end, hole.reason) for hole in sink.of_kind(Hole)] == [(None, GapReason.DELETED)]
