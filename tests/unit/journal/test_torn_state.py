"""A state write that a kill or a crash cut off at any byte: what was committed before it holds, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.journal.base import Block
from logstream.journal.sqlite import SqliteJournal
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from pathlib import Path

COMMITS = 6


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


async def told(journal: SqliteJournal) -> bytes:
    reader, found = journal.reader(0), b""
    while (item := await reader.read(journal.head)) is not None:
        assert isinstance(item, Block)
        found += item.content
    return found


async def written(directory: Path) -> tuple[StoryFile, list[int], bytes, bytes]:
    """A journal's database and log as they stand on disk, and how long the log was after each commit."""
    journal = open_journal(directory)
    file, lengths = StoryFile(directory / "a.log", "s"), [0]
    path = directory / "state" / "journal.db"
    for number in range(COMMITS):
        await journal.commit(batch(file.changes(b"line %d\n" % number), file.proof()))
        lengths.append(path.with_name("journal.db-wal").stat().st_size)
    content = path.read_bytes(), path.with_name("journal.db-wal").read_bytes()
    await journal.aclose()
    return file, lengths, *content


def crashed(directory: Path, database: bytes, log: bytes) -> Path:
    state = directory / "state"
    state.mkdir(parents=True)
    (state / "journal.db").write_bytes(database)
    (state / "journal.db-wal").write_bytes(log)
    return directory


async def test_a_torn_write_of_the_state_is_passed_over(tmp_path: Path) -> None:
    """Conformance: H2."""
    file, lengths, database, log = await written(tmp_path / "whole")
    lines = file.path.read_bytes().splitlines(keepends=True)
    kept = set()
    for number, length in enumerate(range(lengths[1], len(log) + 1, 997)):
        journal = open_journal(crashed(tmp_path / f"cut {number}", database, log[:length]))
        count = sum(length >= whole for whole in lengths[1:])
        (known,) = journal.known()
        assert await told(journal) == b"".join(lines[:count])
        assert known.committed == known.proof_offset == sum(map(len, lines[:count]))
        await journal.aclose()
        kept.add(count)
    assert kept >= set(range(1, COMMITS))


@pytest.mark.parametrize("place", [0.4, 0.7, 0.95])
async def test_a_write_of_the_state_with_garbage_in_it_is_passed_over_with_all_behind_it(
    tmp_path: Path, place: float
) -> None:
    """Conformance: H2."""
    file, lengths, database, log = await written(tmp_path / "whole")
    at = int(len(log) * place)
    journal = open_journal(crashed(tmp_path / "cut", database, log[:at] + b"\xaa" * 512 + log[at + 512 :]))
    count = sum(at >= whole for whole in lengths[1:])
    assert await told(journal) == b"".join(file.path.read_bytes().splitlines(keepends=True)[:count])
    await journal.aclose()
