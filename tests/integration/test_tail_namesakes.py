"""Logs of one name in many directories, all of which begin with the same lines: whose life a file is."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Hole
from tests.tail_kit import BRISK, RecordingSink, first_run, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.tail.batch import Known, SourceSpec

HEADER = b"".join(b"starting module %d of a program that runs many times\n" % number for number in range(30))
SELDOM_PROVEN = replace(BRISK, proof_seconds=3600.0)


def log_in(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    return directory / "app.log"


def told_of(sink: RecordingSink, log: Path) -> list[bytes]:
    return [text for file, text in sink.lines if file == str(log)]


async def killed_after(sink: RecordingSink, spec: SourceSpec, log: Path, *parts: bytes) -> list[Known]:
    """What a journal knows of a log to which `parts` were written, one after another, and no time is left to prove."""
    known, count = sink.known(), len(sink.texts)
    first_seen = () if known else {spec.name}
    async with tailing(sink, spec, known=known, first_seen=first_seen, pace=SELDOM_PROVEN):
        for part in parts:
            write(log, part)
            count += part.count(b"\n")
            await sink.first(count)
        return sink.known()


@pytest.mark.parametrize("lines", [(), (b"here 1\n",)], ids=["only that", "and more"])
async def test_a_log_is_not_taken_for_one_in_another_directory_that_began_with_the_same_lines(
    tmp_path: Path, lines: tuple[bytes, ...]
) -> None:
    """Conformance: D3, D4."""
    sink, here, there = RecordingSink(), log_in(tmp_path / "here"), log_in(tmp_path / "there")
    spec = source(tmp_path / "*" / "app.log")
    known = await killed_after(sink, spec, here, HEADER, *lines)
    here.unlink()
    write(tmp_path / "other", b"takes the number of the inode")
    write(there, HEADER + b"there 1\nthere 2\n")
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"there 2"])
    assert told_of(sink, there) == [*HEADER.splitlines(), b"there 1", b"there 2"]
    assert told_of(sink, here) == [*HEADER.splitlines(), *(line.rstrip() for line in lines)]


async def test_a_log_is_not_taken_for_one_in_another_directory_that_has_just_gone(tmp_path: Path) -> None:
    """Conformance: D3, D4."""
    sink, here, there = RecordingSink(), log_in(tmp_path / "here"), log_in(tmp_path / "there")
    write(here, HEADER)
    async with tailing(sink, source(tmp_path / "*" / "app.log")):
        await sink.first(30)
        here.unlink()
        write(there, HEADER + b"there 1\n")
        await sink.until(lambda: sink.texts[-1:] == [b"there 1"])
    assert told_of(sink, there) == [*HEADER.splitlines(), b"there 1"]


@pytest.mark.parametrize("is_gone", [False, True])
async def test_of_logs_that_began_with_the_same_lines_none_is_taken_to_have_been_moved_to_another_file_system(
    tmp_path: Path, elsewhere: Path, *, is_gone: bool
) -> None:
    """Nobody can tell which of them it would be. Conformance: D4, D14."""
    sink, here, other = RecordingSink(), log_in(tmp_path / "here"), log_in(tmp_path / "other")
    there = elsewhere / "app.log"
    spec = source(tmp_path / "*" / "app.log", there)
    write(other, HEADER + b"other 1\n" * (not is_gone))
    write(here, HEADER)
    async with tailing(sink, spec):
        await sink.first(60 + (not is_gone))
    here.unlink()
    if is_gone:
        other.unlink()
    write(there, HEADER + b"there 1\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"there 1"])
    assert told_of(sink, there) == [*HEADER.splitlines(), b"there 1"]


@pytest.mark.parametrize("has_older", [False, True])
async def test_a_log_is_not_gone_on_with_in_its_next_life_that_begins_with_the_same_lines(
    tmp_path: Path, *, has_older: bool
) -> None:
    """Killed after lines of which there is no proof, of all it knows. Conformance: C2, D3."""
    sink, log, header = RecordingSink(), tmp_path / "app.log", HEADER
    if has_older:
        header *= 3  # more than is proven at once
        write(log, header + b"oldest 1\noldest 2\n")
        await first_run(sink, source(log), 92)
        log.rename(tmp_path / "app.log.2")
    known = await killed_after(sink, source(log), log, header, b"old 1\n")
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(header + b"old 1\nold 2\n"))
    log.unlink()
    write(log, header + b"new 1\nnew 2\n")
    before = len(sink.texts)
    async with tailing(sink, source(log), known=known, first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"new 2"])
    assert sink.texts[before:] == [b"old 2", *header.splitlines(), b"new 1", b"new 2"]
    assert not sink.of_kind(Hole)


async def test_a_rotated_file_is_no_copy_of_that_of_a_log_in_another_directory_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    """Conformance: D4."""
    sink, here, there = RecordingSink(), log_in(tmp_path / "here"), log_in(tmp_path / "there")
    spec = source(tmp_path / "*" / "app.log*")
    write(here.with_name("app.log.1"), HEADER + b"ended\n")
    write(here, b"here\n")
    write(there, b"there\n")
    await first_run(sink, spec, 33)
    there.rename(there.with_name("app.log.2"))
    write(there.with_name("app.log.1"), HEADER + b"ended\n")
    write(there, b"new\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"new"])
    texts = [text for file, text in sink.lines if file.startswith(str(there))]
    assert texts == [b"there", *HEADER.splitlines(), b"ended", b"new"]


@pytest.mark.parametrize("lines", [b"x\n", b"there 1\nthere 2\n"], ids=["less", "more"])
async def test_a_log_that_has_the_number_of_a_deleted_one_is_told_under_its_own_name(
    tmp_path: Path, lines: bytes
) -> None:
    """Where the file system does not count how often it gives a number. Conformance: D1, D2."""
    sink, here, there = RecordingSink(), tmp_path / "here.log", tmp_path / "there.log"
    spec = source(tmp_path / "*.log")
    write(here, b"here 1\n")
    await first_run(sink, spec, 1)
    here.unlink()
    write(there, lines)
    known = [one._replace(ino=there.stat().st_ino, igen=None) for one in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.first(1 + lines.count(b"\n"))
        write(there, b"last\n")
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    assert told_of(sink, there) == [*lines.splitlines(), b"last"]


async def test_a_rotated_file_that_has_the_number_of_a_deleted_log_is_told(tmp_path: Path) -> None:
    """Where the file system does not count how often it gives a number. Conformance: D1, D2."""
    sink, here, there = RecordingSink(), log_in(tmp_path / "here"), log_in(tmp_path / "there")
    spec = source(tmp_path / "*" / "app.log")
    write(here, b"here 1\n")
    write(there, b"there 1\n")
    await first_run(sink, spec, 2)
    here.unlink()
    there.rename(there.with_name("app.log.2"))
    unseen = there.with_name("app.log.1")
    write(unseen, b"there 2\n")
    write(there, b"there 3\n")
    known = [
        one._replace(ino=unseen.stat().st_ino, igen=None) if one.file == str(here) else one for one in sink.known()
    ]
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"there 3"])
    assert told_of(sink, there) == [b"there 1", b"there 2", b"there 3"]
