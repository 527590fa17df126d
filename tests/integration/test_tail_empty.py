"""Lives that were empty when they were looked at last: no byte tells them from others, and their lines are not lost."""

from __future__ import annotations

import errno
import gzip
import os
import random
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail import heirs, opening
from logstream.tail.batch import Hole
from logstream.tail.family import family_of
from logstream.tail.rotation import rotated_name
from tests.tail_kit import BRISK, Doors, RecordingSink, eventually, looked_everywhere, rewrite, source, tailing, write

if TYPE_CHECKING:
    from logstream.tail.batch import SourceSpec
    from logstream.tail.rotation import Sibling

PATIENT = replace(BRISK, rotate_wait_seconds=60.0)
"""What has lost its name is not finished before the tail goes."""
NAMES = ["app.log.{}", "app.log-2026010{}"]


def number_of(name: str, age: int) -> int:
    """How the names count: from the newest on, or by dates."""
    return age if name.endswith("g.{}") else 9 - age


def compress(path: Path, name: Path | None = None) -> None:
    """As gzip does: the time stays, and the file goes once its archive is whole."""
    facts, packed = path.stat(), (name or path).with_name(f"{(name or path).name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(packed, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    path.unlink()


def rotate(log: Path, name: Path, content: bytes) -> None:
    log.rename(name)
    write(log, content)


async def seen_empty(sink: RecordingSink, spec: SourceSpec, log: Path, *names: Path) -> None:
    """Rotate a log away empty, under one name after the other, and write a line to it then."""
    write(log, b"")
    async with tailing(sink, spec, pace=PATIENT) as supervisor:
        await sink.until(lambda: len(sink.births) == 1)
        for number, name in enumerate(names, start=2):
            rotate(log, name, b"one\n" if name is names[-1] else b"")
            await sink.until(lambda number=number: len(sink.births) == number)  # type: ignore[misc]
        await sink.first(1)
        await looked_everywhere(supervisor)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_rotated", [False, True], ids=["in its place", "rotated twice since"])
async def test_late_lines_of_a_file_that_was_empty_come_from_its_archive(
    tmp_path: Path, glob: str, name: str, *, is_rotated: bool
) -> None:
    """Newer lives of the log were known when the tail went. Torture, seed 9202. Conformance: A3, C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    old = tmp_path / name.format(number_of(name, 1))
    await seen_empty(sink, source(tmp_path / glob), log, old)
    write(old, b"late 1\nlate 2\n")
    counts = name == NAMES[0]
    expected = [b"one", b"late 1", b"late 2", b"two"]
    if is_rotated:
        compress(old, tmp_path / name.format(3) if counts else None)
        log.rename(tmp_path / name.format(2 if counts else 9))
        write(tmp_path / (name.format(1) if counts else "app.log-20260110"), b"two\n")
        write(log, b"three\n")
        expected.append(b"three")
    else:
        compress(old)
        write(log, b"two\n")
    async with tailing(sink, source(tmp_path / glob), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(len(expected))
        await looked_everywhere(supervisor)
        await sink.until(lambda: sink.sealed)
    assert sink.texts == expected
    assert not sink.of_kind(Hole)
    async with tailing(sink, source(tmp_path / glob), known=sink.known(), first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
        write(log, b"last\n")
        await sink.first(len(expected) + 1)
    assert sink.texts == [*expected, b"last"]


@pytest.mark.parametrize("lost", [None, 0, 1], ids=["none is lost", "the older one is lost", "the newer one is lost"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("counts_inodes", [True, False])
async def test_of_two_files_that_were_empty_each_is_read_or_missed(
    tmp_path: Path, name: str, lost: int | None, monkeypatch: pytest.MonkeyPatch, *, counts_inodes: bool
) -> None:
    """Also where the file system gives no inode's number again, and does not count its uses (tmpfs).

    Conformance: A3, A16, C8.
    """
    if not counts_inodes:
        monkeypatch.setattr(opening, "inode_generation", lambda _: None)
    sink, log = RecordingSink(), tmp_path / "app.log"
    counts = name == NAMES[0]
    older, newer = tmp_path / name.format(number_of(name, 2)), tmp_path / name.format(number_of(name, 1))
    await seen_empty(sink, source(log), log, older, newer)
    texts = [b"late 1", b"late 2"]
    held = [path.open() for path in (older, newer)]  # their inodes' numbers are not given again
    for number, path in enumerate([older, newer]):
        write(path, texts[number] + b"\n")
        if number == lost:
            path.unlink()
        else:
            compress(path, path.with_name(name.format(number_of(name, 2 - number) + 3)) if counts else None)
    log.rename(tmp_path / name.format(3 if counts else 9))
    write(log, b"two\n")
    expected = [b"one", *(text for number, text in enumerate(texts) if number != lost), b"two"]
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(len(expected))
        await looked_everywhere(supervisor)
    for file in held:
        file.close()
    assert sink.texts == expected
    holes = sink.of_kind(Hole)
    assert [(hole.start, hole.end, hole.reason) for hole in holes] == [(0, None, GapReason.DELETED)] * (
        lost is not None
    )
    if lost is not None and not counts:
        assert holes[0].key == list(sink.births)[lost]  # names that count do not tell which of them it is


@pytest.mark.parametrize("is_read", [True, False])
async def test_a_file_that_was_empty_and_is_gone_is_missed_beside_archives_of_others(
    tmp_path: Path, *, is_read: bool
) -> None:
    """Conformance: A16."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    await seen_empty(sink, source(log), log, tmp_path / "app.log.1")
    write(tmp_path / "app.log.1", b"late\n")
    (tmp_path / "app.log.1").unlink()
    if not is_read:
        write(log, b"two\n")
    compress(log, tmp_path / "app.log.1")
    write(log, b"three\n")
    expected = [b"one", b"three"] if is_read else [b"one", b"two", b"three"]
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(len(expected))
        await looked_everywhere(supervisor)
    assert sink.texts == expected
    ((birth, *_), (hole,)) = list(sink.births), sink.of_kind(Hole)
    assert (hole.key, hole.start, hole.end, hole.reason) == (birth, 0, None, GapReason.DELETED)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.parametrize("is_copied", [False, True], ids=["renamed", "copied"])
async def test_an_archive_that_is_newer_than_a_copy_of_a_newer_life_is_not_that_of_an_empty_file(
    tmp_path: Path, glob: str, *, is_copied: bool
) -> None:
    """Else its lines come before what was not read of that life. Torture, seed 53535. Conformance: A15, B7."""
    sink, log, spec = RecordingSink(), tmp_path / "app.log", source(tmp_path / glob)
    first, second, third = (tmp_path / f"app.log.{number}" for number in (1, 2, 3))
    await seen_empty(sink, spec, log, first)
    write(log, b"two\n")
    first.rename(second)
    shutil.copyfile(log, first)
    os.truncate(log, 0)
    write(log, b"three\n")
    second.rename(third)
    first.rename(second)
    if is_copied:
        shutil.copyfile(log, first)
        os.truncate(log, 0)
    else:
        log.rename(first)
    compress(first)
    write(log, b"four\n")
    with third.open():  # its inode's number is not given again
        third.unlink()
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await sink.first(4)
            await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    (hole,) = sink.of_kind(Hole)
    assert (hole.key, hole.start, hole.end) == (next(iter(sink.births)), 0, None)


async def test_an_archive_is_given_to_an_empty_file_by_no_listing_that_was_overtaken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that are renamed while their directory is listed are missing there, also those that tell what is newer."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    await seen_empty(sink, source(log), log, tmp_path / "app.log.1")
    (tmp_path / "app.log.1").unlink()
    write(log, b"two\n")
    log.rename(tmp_path / "app.log.2")
    write(tmp_path / "app.log.1", b"three\n")
    compress(tmp_path / "app.log.1")
    write(log, b"four\n")
    two, listings = str(tmp_path / "app.log.2"), iter(range(3, 50))

    def overtaken(path: str) -> dict[str, Sibling]:
        """For some time there is never the newer file's name, and always a new one of one that is very old."""
        family, number = family_of(path), next(listings, None)
        if number is not None and two in family:
            gone, name = family.pop(two), f"app.log.{number}"
            old = gone._replace(path=name, name=rotated_name("app.log", name) or gone.name, ino=0, mtime_ns=0)
            family[str(tmp_path / name)] = old
        return family

    monkeypatch.setattr(heirs, "family_of", overtaken)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(4)
        await looked_everywhere(supervisor)
    assert next(listings, None) is None
    assert sink.texts == [b"one", b"two", b"three", b"four"]


async def test_an_archive_stays_that_of_an_empty_file_when_all_are_renamed_before_it_is_missed(tmp_path: Path) -> None:
    """Names tell which file is newer only where both are had at the same time."""
    sink, log, spec = RecordingSink(), tmp_path / "app.log", source(tmp_path / "app.log")
    await seen_empty(sink, spec, log, tmp_path / "app.log.1")
    write(tmp_path / "app.log.1", b"late\n")
    held = [(tmp_path / "app.log.1").open(), log.open()]  # their inodes' numbers are not given again
    compress(tmp_path / "app.log.1", tmp_path / "app.log.3")
    log.unlink()
    write(tmp_path / "app.log.1", b"two\n")
    write(log, b"three\n")
    slow = replace(BRISK, absence_seconds=0.5)
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=slow) as supervisor:
        lineage = supervisor._roster.lineages[str(log)]
        await eventually(lambda: lineage.readers[0].is_missing and len(lineage.readers) == 5)
        (tmp_path / "app.log.3.gz").rename(tmp_path / "app.log.6.gz")
        (tmp_path / "app.log.1").rename(tmp_path / "app.log.4")
        await sink.first(4)
        await looked_everywhere(supervisor)
    for file in held:
        file.close()
    assert sink.texts == [b"one", b"late", b"two", b"three"]
    assert [hole.key for hole in sink.of_kind(Hole)] == [list(sink.births)[1]]  # the one that was deleted


async def test_a_file_that_was_empty_and_compressed_empty_is_no_gap(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    await seen_empty(sink, source(log), log, tmp_path / "app.log.1")
    compress(tmp_path / "app.log.1")
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        write(log, b"two\n")
        await sink.first(2)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two"]
    assert not sink.of_kind(Hole)


async def test_history_beside_a_file_that_was_empty_and_is_gone_is_not_told(tmp_path: Path) -> None:
    """It was there, compressed, before anybody looked."""
    sink, log, history = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.2.gz"
    history.write_bytes(gzip.compress(b"history\n"))
    os.utime(history, (time.time() - 60, time.time() - 60))
    await seen_empty(sink, source(log), log, tmp_path / "app.log.1")
    (tmp_path / "app.log.1").unlink()
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        write(log, b"two\n")
        await sink.first(2)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two"]
    assert [hole.end for hole in sink.of_kind(Hole)] == [None]


async def test_a_damaged_archive_of_a_file_that_was_empty_is_a_gap_and_is_unpacked_once(tmp_path: Path) -> None:
    """Conformance: C6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    await seen_empty(sink, source(log), log, tmp_path / "app.log.1")
    packed = bytearray(gzip.compress(random.Random(1).randbytes(5_000)))
    packed[10:200] = bytes(190)
    (tmp_path / "app.log.1.gz").write_bytes(packed)
    (tmp_path / "app.log.1").unlink()
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        write(log, b"two\n")
        await sink.first(2)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two"]
    assert sink.states().count(("unreadable", "compressed")) == 1
    assert [hole.end for hole in sink.of_kind(Hole)] == [None]


@pytest.mark.parametrize("is_deleted", [False, True])
async def test_an_archive_of_a_file_that_was_empty_is_read_once_it_may_be_opened(
    tmp_path: Path, *, is_deleted: bool
) -> None:
    """And missed if it goes before that."""
    sink, log, doors, packed = RecordingSink(), tmp_path / "app.log", Doors(), tmp_path / "app.log.1.gz"
    spec = source(log)
    await seen_empty(sink, source(log), log, tmp_path / "app.log.1")
    write(tmp_path / "app.log.1", b"late\n")
    compress(tmp_path / "app.log.1")
    doors.closed[packed.name] = errno.EACCES
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", lambda path, mode: os.fdopen(doors.open(str(path), os.O_RDONLY), mode))
        async with tailing(sink, spec, known=sink.known(), first_seen=(), opener=doors.open) as supervisor:
            write(log, b"two\n")
            await sink.first(2)
            assert ("unreadable", "cannot be opened") in sink.states()
            assert not sink.of_kind(Hole)
            if is_deleted:
                packed.unlink()
            doors.closed.clear()
            await sink.until(lambda: sink.of_kind(Hole) if is_deleted else len(sink.texts) == 3)
            await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"late"][: 3 - is_deleted]
    assert [hole.end for hole in sink.of_kind(Hole)] == [None] * is_deleted


@pytest.mark.parametrize("trouble", ["is renamed", "has no descriptor"])
async def test_an_archive_of_a_file_that_was_empty_is_read_though_it_is_not_opened_at_once(
    tmp_path: Path, trouble: str
) -> None:
    """Newer lines wait for it. Conformance: A15."""
    sink, log, doors, packed = RecordingSink(), tmp_path / "app.log", Doors(), tmp_path / "app.log.1.gz"
    await seen_empty(sink, source(log), log, tmp_path / "app.log.1")
    write(tmp_path / "app.log.1", b"late\n")
    compress(tmp_path / "app.log.1")
    if trouble == "is renamed":
        doors.upon[packed.name] = lambda: packed.rename(tmp_path / "app.log.2.gz")
    else:
        doors.upon[packed.name] = lambda: None
        doors.closed[packed.name] = errno.EMFILE
    write(log, b"two\n")
    async with tailing(sink, source(log), known=sink.known(), first_seen=(), opener=doors.open) as supervisor:
        await eventually(lambda: not doors.upon)
        await looked_everywhere(supervisor)
        doors.closed.clear()
        await sink.first(3)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"late", b"two"]
    assert not sink.of_kind(Hole)


async def test_a_copy_in_the_making_that_is_compressed_when_it_is_seen_again_is_neither_told_nor_missed(
    tmp_path: Path,
) -> None:
    """Conformance: B7, C1."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    spec = source(tmp_path / "app.log*")
    write(log, b"one\n")
    async with tailing(sink, spec, pace=PATIENT) as supervisor:
        await sink.first(1)
        copy.touch()
        await looked_everywhere(supervisor)
        assert len(sink.births) == 2
    copy.write_bytes(log.read_bytes())
    os.truncate(log, 0)
    compress(copy)
    write(log, b"two\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(2)
        await looked_everywhere(supervisor)
        write(log, b"three\n")
        await sink.first(3)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.parametrize("seen", [b"", b"two\n"], ids=["empty", "written to"])
async def test_lines_that_were_copied_away_while_they_waited_for_an_older_file_are_read_in_the_copy(
    tmp_path: Path, glob: str, seen: bytes
) -> None:
    """It was empty when the tail went, and an older file is gone since: that is not believed at once.

    Conformance: B7.
    """
    sink, log, spec = RecordingSink(), tmp_path / "app.log", source(tmp_path / glob)
    write(log, b"one\n")
    async with tailing(sink, spec) as supervisor:
        await sink.first(1)
        rotate(log, tmp_path / "app.log.1", b"")
        await sink.until(lambda: len(sink.births) == 2)
    (tmp_path / "app.log.1").unlink()
    write(log, seen)
    slow = replace(BRISK, absence_seconds=0.5)
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=slow) as supervisor:
        lineage = supervisor._roster.lineages[str(log)]
        await eventually(lambda: lineage.live is not None and lineage.readers[0].is_missing)
        # No await in between: for the tail all this happens at once.
        for text in (b"three\n", b"four\n"):
            write(log, text)
            if (older := tmp_path / "app.log.1").exists():
                older.rename(tmp_path / "app.log.2")
            shutil.copyfile(log, tmp_path / "app.log.1")
            os.truncate(log, 0)
        write(log, b"five\n")
        await sink.first(4 + len(seen.splitlines()))
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", *seen.splitlines(), b"three", b"four", b"five"]
    assert [(hole.start, hole.end, hole.reason) for hole in sink.of_kind(Hole)] == [(4, None, GapReason.DELETED)]


@pytest.mark.parametrize("is_truncating", [True, False], ids=["copied and truncated", "renamed"])
async def test_a_copy_that_was_empty_when_it_was_found_and_is_gone_is_no_gap_and_another_file_is(
    tmp_path: Path, *, is_truncating: bool
) -> None:
    """Torture, seed 91300: a glob matches the copies, too, and the service is killed while one is being made."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    spec = source(tmp_path / "*.log*")
    write(log, b"one\n")
    async with tailing(sink, spec, pace=PATIENT):
        await sink.first(1)
        if is_truncating:
            rewrite(log, b"two, after a truncation\n")
        else:
            log.rename(tmp_path / "app.log.2")
            write(log, b"two, after a renaming\n")
        await sink.first(2)
        write(copy, b"")
        await sink.until(lambda: str(copy) in {birth.file for birth in sink.births.values()})
    copy.unlink()
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
        (ended,) = [key for key, birth in sink.births.items() if birth.file == str(copy)]
        await sink.until(lambda: ended in sink.sealed)
    assert [hole.key for hole in sink.of_kind(Hole)] == ([] if is_truncating else [ended])
