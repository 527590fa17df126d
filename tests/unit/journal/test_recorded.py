from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from logstream.journal import ledger as ledger_module
from logstream.journal.base import USUALLY_AHEAD_MS
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from pathlib import Path

BEGIN_MS = 1_800_000_000_000
HOUR_MS = 3_600_000


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


class Hours:
    """A journal in which lines of two sources are recorded, one of three bytes each hour."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.journal = open_journal(directory)
        self.a, self.b = StoryFile(directory / "a.log", "s"), StoryFile(directory / "b.log", "t")

    async def tell(self, count: int = 10) -> None:
        for number in range(count):
            file = self.b if number % 2 else self.a
            await self.journal.commit(batch(file.changes(b"%d.\n" % number), time=BEGIN_MS / 1000 + 3600 * number))

    async def place(self, hour: float, source: str | None = None) -> int:
        wants = None if source is None else source.__eq__
        return await self.journal.place_of_time(int(BEGIN_MS + hour * HOUR_MS), wants)

    async def restart(self) -> None:
        await self.journal.aclose()
        self.journal = open_journal(self.directory)


@pytest.mark.parametrize("row_bytes", [1, 976])
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_lines_of_a_file_that_is_ahead_are_looked_for_where_they_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row_bytes: int, *, is_restarted: bool
) -> None:
    monkeypatch.setattr(ledger_module, "ROW_BYTES", row_bytes)
    hours = Hours(tmp_path)
    await hours.tell()
    assert await hours.place(5) == 15
    await hours.journal.note_ahead({hours.a.key: 2 * HOUR_MS})
    await hours.journal.note_ahead({hours.a.key: HOUR_MS, "unknown.": HOUR_MS})
    if is_restarted:
        await hours.restart()

    assert await hours.place(5) == await hours.place(5, "s") == 9
    assert await hours.place(5, "t") == 15
    assert await hours.place(11) == 27
    assert await hours.place(12) == 30
    assert await hours.place(-5) == 0
    await hours.journal.aclose()


async def test_nothing_is_looked_for_behind_the_end_of_a_file_that_was_ahead(tmp_path: Path) -> None:
    hours = Hours(tmp_path)
    await hours.tell(5)
    await hours.journal.note_ahead({hours.a.key: HOUR_MS})
    await hours.journal.commit(batch(hours.a.sealed(None), time=BEGIN_MS / 1000 + 5 * 3600))
    for number in range(5, 9):
        await hours.journal.commit(batch(hours.b.changes(b"%d.\n" % number), time=BEGIN_MS / 1000 + number * 3600))

    assert await hours.place(5) == 12
    assert await hours.place(8) == 24
    await hours.journal.aclose()


async def test_nothing_is_looked_for_before_a_file_that_is_ahead_was_begun(tmp_path: Path) -> None:
    hours = Hours(tmp_path)
    await hours.tell(4)
    late = StoryFile(tmp_path / "late.log", "s")
    await hours.journal.commit(batch(late.changes(b"5.\n"), time=BEGIN_MS / 1000 + 5 * 3600))
    await hours.journal.note_ahead({late.key: 20 * HOUR_MS})

    assert await hours.place(3) == 9
    assert await hours.place(6) == 12
    assert await hours.place(30) == 15
    await hours.journal.aclose()


async def test_of_a_file_that_is_gone_nothing_is_looked_for(tmp_path: Path) -> None:
    hours = Hours(tmp_path)
    await hours.tell()
    await hours.journal.note_ahead({hours.a.key: 2 * HOUR_MS})
    await hours.journal.commit(batch(hours.a.sealed(GapReason.DELETED), time=BEGIN_MS / 1000 + 10 * 3600))

    assert await hours.place(5) == 15
    await hours.journal.aclose()


async def test_a_look_at_as_many_clocks_as_files_gives_others_their_turns(tmp_path: Path) -> None:
    hours = Hours(tmp_path)
    files = [StoryFile(tmp_path / f"{number}.log", "s") for number in range(20)]
    await hours.journal.commit(batch(*(file.changes(b"..\n") for file in files), time=BEGIN_MS / 1000))
    await hours.journal.note_ahead({file.key: number * HOUR_MS for number, file in enumerate(files, 1)})
    turns = 0

    async def wait() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(wait())
    assert await hours.place(20) == 3 * 19
    waiting.cancel()
    assert turns >= len(files)
    await hours.journal.aclose()


async def test_a_line_that_was_written_while_others_were_read_is_found_by_its_own_time(tmp_path: Path) -> None:
    """It is recorded with the time at which reading began, and that is known to the second only."""
    hours = Hours(tmp_path)
    await hours.tell(1)
    await hours.journal.commit(batch(hours.b.changes(b"1.\n"), time=(BEGIN_MS + 999) / 1000))

    assert await hours.place((999 + USUALLY_AHEAD_MS) / HOUR_MS) == 0
    await hours.journal.aclose()
