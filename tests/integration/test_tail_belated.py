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
