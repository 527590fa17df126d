"""Rotated files that are compressed, and then written over with noise and emptied before they are deleted.

That is what `shred -u` does, which logrotate calls once it has compressed a file.
"""

from __future__ import annotations

import gzip
import os
import random
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Hole
from tests.tail_kit import BRISK, RecordingSink, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path


SLOW = replace(BRISK, absence_seconds=0.5, rotate_wait_seconds=60.0)
"""It takes a while until an older life is given up."""
SHREDDED = ["noise", "empty", "gone"]
"""How far `shred -u` has come when it is looked at."""


def rotate(log: Path) -> Path:
    """As logrotate's `create`."""
    older = log.with_name("app.log.1")
    log.rename(older)
    log.touch()
    return older


def compress_and_shred(path: Path, until: str, facts: os.stat_result | None = None) -> None:
    """No await in between: for the tail all this happens at once. The archive gets the time that `facts` tell."""
    facts, archive = facts or path.stat(), path.with_name(f"{path.name}.gz")
    archive.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(archive, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(4096))
    if until != "noise":
        os.truncate(path, 0)
    if until == "gone":
        path.unlink()


def first_key(sink: RecordingSink) -> str:
    """The life of which the file is deleted in some of these tests: that is a gap."""
    return next(iter(sink.births))


@pytest.mark.parametrize("until", SHREDDED)
async def test_what_was_not_read_before_a_file_was_shredded_is_read_in_its_archive(tmp_path: Path, until: str) -> None:
    """Its program wrote on until it opened its log anew, and nobody looked until it was shredded. Conformance: C3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log), pace=SLOW) as supervisor:
        await sink.first(1)
        older = rotate(log)
        await sink.until(lambda: len(sink.births) == 2)
        write(older, b"two\n")
        compress_and_shred(older, until)
        write(log, b"three\n")
        await sink.first(3)
        older.unlink(missing_ok=True)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not [hole for hole in sink.of_kind(Hole) if hole.key != first_key(sink)]


@pytest.mark.parametrize("until", SHREDDED)
@pytest.mark.parametrize("beside", ["nothing", "history", "a life that was read"])
async def test_what_was_not_read_before_a_file_was_shredded_is_read_in_an_archive_with_an_older_time(
    tmp_path: Path, until: str, beside: str
) -> None:
    """logrotate gives it the time that the log had before it was rotated, and the program wrote on. Conformance: C3."""
    sink, log, head = RecordingSink(), tmp_path / "app.log", b"begun\n" * 100
    if beside == "history":
        (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(head + b"history\n"))
        os.utime(tmp_path / "app.log.2.gz", (time.time() - 60,) * 2)
    elif beside == "a life that was read":
        write(log, head + b"zero\n")
        os.utime(log, (time.time() - 60,) * 2)
    async with tailing(sink, source(log), pace=SLOW) as supervisor:
        if beside == "a life that was read":
            await sink.until(lambda: b"zero" in sink.texts)
            compress_and_shred(rotate(log), until)
            (tmp_path / "app.log.1.gz").rename(tmp_path / "app.log.2.gz")
            (tmp_path / "app.log.1").unlink(missing_ok=True)
        write(log, head)
        os.utime(log, (time.time() - 30,) * 2)
        await sink.until(lambda: sink.texts[-100:] == [b"begun"] * 100)
        before = log.stat()
        write(log, b"one\n")
        await sink.until(lambda: b"one" in sink.texts)
        write(log, b"two\n")
        older = rotate(log)
        compress_and_shred(older, until, before)
        write(log, b"three\n")
        await sink.until(lambda: b"three" in sink.texts)
        older.unlink(missing_ok=True)
        await looked_everywhere(supervisor)
    assert [text for text in sink.texts if text not in {b"begun", b"zero"}] == [b"one", b"two", b"three"]
    assert sink.texts.count(b"begun") == 100 * (1 + sink.texts.count(b"zero"))
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("until", SHREDDED)
async def test_a_file_that_is_shredded_while_it_waits_for_an_older_one_is_read_in_its_archive(
    tmp_path: Path, until: str
) -> None:
    """Nothing of it had been read, but its first bytes were known. Conformance: C3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
    log.unlink()
    write(log, b"two\n")
    async with tailing(sink, source(log), known=sink.known(), first_seen=(), pace=SLOW) as supervisor:
        await sink.until(lambda: len(sink.births) == 2)
        older = rotate(log)
        await sink.until(lambda: len(sink.births) == 3)
        assert len(sink.lines) == 1
        compress_and_shred(older, until)
        write(log, b"three\n")
        await sink.first(3)
        older.unlink(missing_ok=True)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not [hole for hole in sink.of_kind(Hole) if hole.key != first_key(sink)]


@pytest.mark.parametrize("is_rotated", [False, True], ids=["log", "rotated"])
async def test_what_a_file_is_written_over_with_of_which_nothing_was_known_is_told_by_nobody(
    tmp_path: Path, *, is_rotated: bool
) -> None:
    """It was empty when it was found: what it is compressed to is read. Conformance: C3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    log.touch()
    async with tailing(sink, source(log), pace=SLOW) as supervisor:
        await sink.until(lambda: len(sink.births) == 1)
        older = rotate(log)
        if is_rotated:
            older.rename(tmp_path / "app.log.2")
            older = rotate(log)
        await sink.until(lambda: len(sink.births) == 2 + is_rotated)
        write(older, b"one\n")
        compress_and_shred(older, "noise")
        write(log, b"two\n")
        await looked_everywhere(supervisor)
        assert sink.lines == []  # while it is there the archive may still be in the making
        older.unlink()
        await sink.first(2)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two"]
    assert not [hole for hole in sink.of_kind(Hole) if hole.key != first_key(sink)]


@pytest.mark.parametrize("until", SHREDDED)
async def test_a_copy_that_is_shredded_is_told_by_nobody(tmp_path: Path, until: str) -> None:
    """It was known as a copy of what waits, by the time of its last write. Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
    log.unlink()
    write(log, b"two\n")
    async with tailing(sink, source(log), known=sink.known(), first_seen=(), pace=SLOW) as supervisor:
        await sink.until(lambda: len(sink.births) == 2)
        copy = tmp_path / "app.log.1"
        shutil.copyfile(log, copy)
        os.truncate(log, 0)
        await looked_everywhere(supervisor)
        assert len(sink.lines) == 1
        compress_and_shred(copy, until)
        await looked_everywhere(supervisor)
        write(log, b"three\n")
        await sink.first(3)
        copy.unlink(missing_ok=True)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not [hole for hole in sink.of_kind(Hole) if hole.key != first_key(sink)]


async def test_what_is_written_over_a_file_while_it_is_read_is_told_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes before the place were read before they were written over, those behind it were not. Conformance: C3."""
    sink, log, pread = RecordingSink(), tmp_path / "app.log", os.pread
    write(log, b"one\n")
    async with tailing(sink, source(log), pace=SLOW) as supervisor:
        await sink.first(1)
        older = rotate(log)
        await sink.until(lambda: len(sink.births) == 2)
        write(older, b"two\n")
        inode = older.stat().st_ino

        def slow_pread(fd: int, length: int, offset: int) -> bytes:
            if length < 4096 or os.fstat(fd).st_ino != inode or not older.exists():
                return pread(fd, length, offset)
            first = pread(fd, 4, offset)
            compress_and_shred(older, "noise")
            rest = pread(fd, length - 4, offset + 4)
            older.unlink()
            return first + rest

        monkeypatch.setattr(os, "pread", slow_pread)
        write(log, b"three\n")
        await sink.first(3)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("is_packed", [True, False], ids=["packed", "plain"])
async def test_what_is_no_text_is_told_of_an_archive_and_of_a_file_beside_which_is_none(
    tmp_path: Path, *, is_packed: bool
) -> None:
    """Nobody shreds those: a program may log what it likes."""
    sink, log, noise = RecordingSink(), tmp_path / "app.log", random.Random(1).randbytes(4096) + b"\n"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
    log.rename(tmp_path / "app.log.2")
    (tmp_path / "app.log.1").write_bytes(noise)
    if is_packed:
        (tmp_path / "app.log.1").unlink()
        (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(noise))
    write(log, b"two\n")
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.until(lambda: sink.texts[-1] == b"two")
        await looked_everywhere(supervisor)
    assert b"\n".join(sink.texts) == b"one\n" + noise + b"two"


async def test_no_gap_is_told_of_an_emptied_file_whose_number_another_one_has_after_a_restart(tmp_path: Path) -> None:
    """All that was in it was read, there or in its archive. Conformance: C3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log), pace=replace(SLOW, deleted_wait_seconds=60.0)):
        await sink.first(1)
        older = rotate(log)
        await sink.until(lambda: len(sink.births) == 2)
        compress_and_shred(older, "gone")
        await sink.until(lambda: len(sink.births) == 3 and first_key(sink) in sink.sealed)
    (tmp_path / "app.log.1.gz").rename(tmp_path / "app.log.3.gz")
    os.utime(tmp_path / "app.log.3.gz")  # there is an archive that may be that of the emptied file
    rotate(log).rename(tmp_path / "app.log.2")
    write(log, b"two\n")
    given = rotate(log).stat().st_ino
    write(log, b"three\n")
    live = [*sink.births][1]
    known = [one if one.key == live else one._replace(ino=given, igen=(one.igen or 0) ^ 1) for one in sink.known()]
    async with tailing(sink, source(log), known=known, first_seen=()) as supervisor:
        await sink.first(3)
        await sink.until(lambda: [*sink.births][2] in sink.sealed)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not sink.of_kind(Hole)
