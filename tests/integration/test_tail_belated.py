"""Archives of lives that were copied away and truncated unseen, which get their names when the next life is read."""

from __future__ import annotations

import gzip
import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Hole
from logstream.tail.identity import TICK_NS
from tests.tail_kit import RecordingSink, eventually, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

A, B, C = (
    [b"%s %d" % (name, number) for number in range(count)] for name, count in ((b"a", 20), (b"b", 15), (b"c", 3))
)


class Log:
    """A log that is rotated by copying, by a program that compresses under another name."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "app.log"
        self.parts: list[Path] = []

    async def is_settled(self) -> None:
        """Not within the same tick of the clock as the write that was seen."""
        await eventually(lambda: time.time_ns() - self.path.stat().st_mtime_ns > TICK_NS)

    def write(self, lines: list[bytes]) -> None:
        write(self.path, b"".join(line + b"\n" for line in lines))

    def rotate(self) -> None:
        part = self.path.with_name(f".{len(self.parts)}.part")
        facts = self.path.stat()
        part.write_bytes(gzip.compress(self.path.read_bytes()))
        os.utime(part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        os.truncate(self.path, 0)
        self.parts.append(part)

    def finish(self) -> None:
        for number, part in enumerate(reversed(self.parts), 1):
            part.rename(self.path.with_name(f"app.log.{number}.gz"))


@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
async def test_an_archive_that_gets_its_name_when_the_next_life_is_read_is_told_behind_that(
    tmp_path: Path, *, is_down: bool
) -> None:
    """Conformance: B7."""
    sink, log = RecordingSink(), Log(tmp_path)
    spec = source(log.path)
    (history := tmp_path / "app.log.9.gz").write_bytes(gzip.compress(b"history\n"))
    os.utime(history, (1_000_000_000, 1_000_000_000))
    log.write(A)
    async with tailing(sink, spec):
        await sink.first(20)
        await log.is_settled()
        # No await in between: for the tail all this happens at once.
        log.rotate()
        log.write(B)
        time.sleep(2 * TICK_NS / 1e9)  # noqa: ASYNC251 - while nobody looks
        log.rotate()
        log.write(C)
        await sink.first(23)
        if not is_down:
            log.finish()
            await sink.first(38)
    if is_down:
        log.finish()
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(38)
        await looked_everywhere(supervisor)
        log.write([b"more"])
        await sink.first(39)
    assert sink.texts == [*A, *C, *B, b"more"]
    assert not sink.of_kind(Hole)


async def test_what_becomes_of_an_archive_that_came_late_is_not_told_again(tmp_path: Path) -> None:
    """Conformance: B7."""
    sink, log = RecordingSink(), Log(tmp_path)
    spec = source(log.path)
    log.write(A)
    async with tailing(sink, spec):
        await sink.first(20)
        await log.is_settled()
        log.rotate()
        log.write(B)
        time.sleep(2 * TICK_NS / 1e9)  # noqa: ASYNC251 - while nobody looks
        log.rotate()
        log.write(C)
        await sink.first(23)
        log.finish()
        await sink.first(38)
    for number in (1, 2):
        archive = tmp_path / f"app.log.{number}.gz"
        shutil.copy2(archive, tmp_path / f"app.log.{number + 4}.gz")
        archive.rename(tmp_path / f"app.log.{number + 2}.gz")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
        for number in (3, 4):
            shutil.copy2(tmp_path / f"app.log.{number}.gz", tmp_path / f"app.log.{number + 4}.gz")
        (lineage,) = supervisor._roster.lineages.values()
        for lines in (39, 40):
            log.write([b"again"])
            await sink.first(lines)
            await eventually(lambda: lineage.awaited is not None and lineage.awaited.directory_ns)
    assert sink.texts == [*A, *C, *B, b"again", b"again"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("other", [[], B], ids=["alone", "another behind"])
async def test_of_an_archive_that_came_late_only_that_is_told_which_was_not_read_of_its_life(
    tmp_path: Path, other: list[bytes], *, is_down: bool
) -> None:
    """It was written to once more before it was rotated, and nobody looked. Conformance: B7."""
    sink, log, unseen = RecordingSink(), Log(tmp_path), [b"unseen"]
    spec, much = source(log.path), [b"%s %s" % (line, b"x" * 20) for line in A]
    log.write(much)
    async with tailing(sink, spec):
        await sink.first(20)
        await log.is_settled()
        # No await in between: for the tail all this happens at once.
        log.write(unseen)
        log.rotate()
        if other:
            log.write(other)
            time.sleep(2 * TICK_NS / 1e9)  # noqa: ASYNC251 - while nobody looks
            log.rotate()
        log.write(C)
        await sink.first(23)
        if not is_down:
            log.finish()
            await sink.first(24 + len(other))
    if is_down:
        log.finish()
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(24 + len(other))
        await looked_everywhere(supervisor)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
        log.write([b"more"])
        await sink.first(25 + len(other))
    assert sink.texts == [*much, *C, *unseen, *other, b"more"]


@pytest.mark.parametrize("greeting", [b"hello", b"hello %s" % (b"x" * 400)], ids=["short", "long"])
async def test_an_archive_that_begins_like_a_life_that_was_read_is_told_whole_where_others_of_its_log_do(
    tmp_path: Path, greeting: bytes
) -> None:
    """Conformance: B7."""
    sink, log = RecordingSink(), Log(tmp_path)
    log.write([greeting, *A])
    async with tailing(sink, source(log.path)) as supervisor:
        await sink.first(21)
        log.rotate()
        await sink.until(lambda: len(sink.births) == 2)
        log.write([greeting])
        await sink.first(22)
        await log.is_settled()
        # No await in between: for the tail all this happens at once.
        log.rotate()
        log.write([greeting, *B])
        time.sleep(2 * TICK_NS / 1e9)  # noqa: ASYNC251 - while nobody looks
        log.rotate()
        log.write(C)
        await sink.first(25)
        log.finish()
        await sink.first(41)
        await looked_everywhere(supervisor)
    assert sink.texts == [greeting, *A, greeting, *C, greeting, *B]
