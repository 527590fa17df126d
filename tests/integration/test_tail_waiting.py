"""Lives that wait for an older one while they are copied away, compressed, shredded and begun anew."""

from __future__ import annotations

import gzip
import os
import shutil
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Hole
from logstream.tail.unpacking import Answer, Unpacking
from tests.tail_kit import BRISK, RecordingSink, eventually, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from logstream.tail.lineage import Lineage
    from logstream.tail.supervisor import Supervisor

SLOW = replace(BRISK, absence_seconds=0.5, rotate_wait_seconds=60.0)
"""It takes a while until the older life is given up."""


def pack(path: Path) -> Path:
    """What gzip makes of a file, before it deletes that: with the time of that."""
    facts, archive = path.stat(), path.with_name(f"{path.name}.gz")
    archive.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(archive, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return archive


def compress(path: Path) -> None:
    pack(path)
    path.unlink()


def shift(log: Path) -> None:
    """Give each older life the next higher number."""
    for number in range(5, 0, -1):
        for suffix in ("", ".gz"):
            if (older := log.with_name(f"app.log.{number}{suffix}")).exists():
                older.rename(log.with_name(f"app.log.{number + 1}{suffix}"))


def copy_away(log: Path) -> Path:
    """As logrotate's `copytruncate`: the copy has the time when it was made."""
    shift(log)
    copy = log.with_name("app.log.1")
    shutil.copyfile(log, copy)
    os.truncate(log, 0)
    return copy


def rotate(log: Path) -> None:
    """As logrotate's `create`."""
    log.rename(log.with_name("app.log.1"))
    log.touch()


async def left_empty(sink: RecordingSink, log: Path) -> None:
    """A log of which one line was read, rotated away; the new file was empty when the tail went."""
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        rotate(log)
        await sink.until(lambda: len(sink.births) == 2)
    log.with_name("app.log.1").unlink()


@asynccontextmanager
async def waiting(sink: RecordingSink, log: Path, *seen: bytes) -> AsyncIterator[tuple[Supervisor, Lineage]]:
    """A tail that waits for an older life, and has `seen` this in the log meanwhile, one after the other."""
    async with tailing(sink, source(log), known=sink.known(), first_seen=(), pace=SLOW) as supervisor:
        lineage = supervisor._roster.lineages[str(log)]
        await eventually(lambda: lineage.live is not None and lineage.readers[0].is_missing)
        for text in seen:
            write(log, text)
            await eventually(lambda: lineage.live is not None and lineage.live.size == log.stat().st_size)
        yield supervisor, lineage


async def test_an_archive_is_read_though_that_of_the_life_before_it_was_recognised_earlier(tmp_path: Path) -> None:
    """Where the end of a life is looked for in archives, the oldest that is left is not always that life's.

    Conformance: B7.
    """
    sink, log, first = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    log.touch()
    async with tailing(sink, source(log), pace=SLOW):
        await sink.until(lambda: len(sink.births) == 1)
        log.rename(first)
        write(log, b"one\n")
        await sink.first(1)
    with first.open():  # its inode's number is not given again
        first.unlink()
        for text in (b"two\n", b"three\n"):
            write(log, text)
            compress(copy_away(log))
        # The file that was empty and is gone is sought in archives first.
        async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
            await sink.first(3)
            await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]


@pytest.mark.parametrize("is_deleted", [True, False])
async def test_a_copy_that_is_shredded_while_it_waits_is_read_in_its_archive(
    tmp_path: Path, *, is_deleted: bool
) -> None:
    """Conformance: B7, C1."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    await left_empty(sink, log)
    async with waiting(sink, log, b"two\n") as (supervisor, _):
        copy = copy_away(log)
        await looked_everywhere(supervisor)
        pack(copy)
        os.truncate(copy, 0)
        if is_deleted:
            copy.unlink()
        write(log, b"three\n")
        await sink.first(3)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]


@pytest.mark.parametrize("packed", ["never", "at once", "while nobody looks"])
async def test_what_was_copied_away_from_a_file_that_waits_comes_once_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packed: str
) -> None:
    """By its first bytes, which had been recorded, it would be found a second time. Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
    write(log, b"two\n")
    compress(copy_away(log))
    write(log, b"three\n")
    with monkeypatch.context() as patch:
        patch.setattr(Unpacking, "ask", lambda *_: Answer.LATER)
        async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
            lineage = supervisor._roster.lineages[str(log)]
            await eventually(lambda: lineage.live is not None and lineage.live.size == len(b"three\n"))
            write(log, b"four\n")
            copy = copy_away(log)
            if packed == "at once":
                compress(copy)
            write(log, b"five\n")
            await looked_everywhere(supervisor)
    if packed == "while nobody looks":
        compress(copy)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(5)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three", b"four", b"five"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("others", [0, 1, 2])
async def test_what_was_copied_away_from_a_file_that_waits_keeps_its_place_before_what_came_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    """So many lives came and went unseen after it. Conformance: B7."""
    sink, log, is_waiting = RecordingSink(), tmp_path / "app.log", True
    ask, later = Unpacking.ask, [b"and line %d" % number for number in range(others)]
    monkeypatch.setattr(Unpacking, "ask", lambda *asked: Answer.LATER if is_waiting else ask(*asked))
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
    write(log, b"two\n")
    compress(copy_away(log))
    write(log, b"three\n")
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        lineage = supervisor._roster.lineages[str(log)]
        await eventually(lambda: lineage.live is not None and lineage.live.size == len(b"three\n"))
        await looked_everywhere(supervisor)
        # No await in between: for the tail all this happens at once.
        for text in later:
            compress(copy_away(log))
            write(log, text + b"\n")
        compress(copy_away(log))
        write(log, b"the last\n")
        await looked_everywhere(supervisor)
        is_waiting = False
        await sink.first(4 + others)
        await looked_everywhere(supervisor)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three", *later, b"the last"]
    assert not sink.of_kind(Hole)


async def test_a_copy_that_waits_while_it_is_compressed_is_read_in_its_archive_though_that_is_found_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """logrotate gives an archive the time that the log had before it was copied. Conformance: B7, C2."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
    write(log, b"two\n")
    compress(copy_away(log))
    write(log, b"three\n")
    facts = log.stat()
    copy = copy_away(log)
    os.utime(copy, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1_000_000))
    write(log, b"four\n")
    with monkeypatch.context() as patch:
        patch.setattr(Unpacking, "ask", lambda *_: Answer.LATER)
        async with tailing(sink, source(log), known=sink.known(), first_seen=()):
            await sink.until(lambda: len(sink.births) == 3)
    os.utime(copy, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    compress(copy)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(4)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert not sink.of_kind(Hole)
