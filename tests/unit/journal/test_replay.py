from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

from logstream.journal import entries as entries_module
from logstream.journal.base import Block, Lost
from logstream.journal.entries import EntryCursor
from logstream.journal.ids import anchor_of
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason, Position
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from logstream.journal.base import Run


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


async def test_one_loss_is_one_gap_however_large(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    for _ in range(6):
        await journal.commit(batch(a.changes(*[b"x" * 99 + b"\n"] * 9_000, coarse=True)))
    await journal.commit(batch(b.changes(b"b1\n")))
    a.path.unlink()
    reader = journal.reader(0)
    lost, block, end = [await reader.read(journal.head) for _ in range(3)]
    await journal.aclose()

    assert isinstance(lost, Lost)
    assert (lost.gap.start, lost.gap.end, lost.gap.lines) == (0, 5_400_000, 54_000)
    assert isinstance(block, Block)
    assert (block.content, block.at, end) == (b"b1\n", lost.next_at, None)


async def test_a_loss_reaches_over_what_nobody_wants_and_the_reader_stays_where_it_says(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a, other = StoryFile(tmp_path / "a.log", "a"), StoryFile(tmp_path / "other.log", "other")
    for number in range(5):
        await journal.commit(batch(a.changes(b"a%d\n" % number), other.changes(b"other\n")))
    a.path.unlink()
    reader = journal.reader(0, lambda source: source == "a")
    lost = await reader.read(journal.head)

    assert isinstance(lost, Lost)
    assert (lost.gap.start, lost.gap.end, lost.gap.lines) == (0, 15, 5)
    assert lost.next_at == reader.at == journal.head
    await journal.aclose()


class Steps:
    """How many runs a reader comes upon in each turn of the event loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.turns = [0]
        self.upon: dict[int, Callable[[], object]] = {}
        """What is done at the so many-th run."""
        next_run = EntryCursor.next_run

        def counted(cursor: EntryCursor, *arguments: Any) -> Run | None:  # noqa: ANN401 - as next_run has them
            self.turns[-1] += 1
            self.upon.pop(sum(self.turns), lambda: None)()
            return next_run(cursor, *arguments)

        monkeypatch.setattr(EntryCursor, "next_run", counted)

    async def count(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(0)
            self.turns.append(0)


async def lost_in_many_runs(directory: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[SqliteJournal, int]:
    monkeypatch.setattr(entries_module, "RUN_BYTES", 100)
    journal = open_journal(directory)
    a, b = StoryFile(directory / "a.log", "s"), StoryFile(directory / "b.log", "s")
    for number in range(50):
        await journal.commit(batch(a.changes(b"x" * 99 + b"\n"), b.changes(b"b\n"), time=1_800_000_000 + number * 10))
    a.path.unlink()
    return journal, a.told


async def test_while_the_end_of_a_loss_is_looked_for_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, end = await lost_in_many_runs(tmp_path, monkeypatch)
    key = journal.known()[0].key
    steps = Steps(monkeypatch)
    others = asyncio.create_task(steps.count(), name="others")
    await asyncio.sleep(0)
    lost = await journal.reader(0, only=key).read(journal.head)
    others.cancel()
    await journal.aclose()

    assert isinstance(lost, Lost)
    assert (lost.gap.start, lost.gap.end, lost.gap.lines) == (0, end, 50)
    assert sum(steps.turns) > 50
    assert max(steps.turns) <= 2


async def test_who_is_cut_off_while_the_end_of_a_loss_is_looked_for_is_told_of_all_of_it_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal, end = await lost_in_many_runs(tmp_path, monkeypatch)
    reader = journal.reader(0, only=journal.known()[0].key)
    steps = Steps(monkeypatch)
    reading = asyncio.create_task(reader.read(journal.head), name="reader")
    steps.upon[10] = reading.cancel
    await asyncio.wait([reading])
    assert reading.cancelled()
    assert reader.at == 0
    lost = await reader.read(journal.head)
    await journal.aclose()

    assert isinstance(lost, Lost)
    assert (lost.gap.start, lost.gap.end, lost.gap.lines) == (0, end, 50)


async def test_bytes_that_were_swapped_under_a_reader_are_not_taken_for_the_old_ones(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    lines = [b"%08d" % number + b"x" * 500 + b"\n" for number in range(1_000)]
    await journal.commit(batch(a.changes(*lines, coarse=True)))
    reader = journal.reader(0)
    first = await reader.read(journal.head)
    a.path.write_bytes(b"other bytes, and more of them\n" * 20_000)
    lost = await reader.read(journal.head)
    await journal.aclose()

    assert isinstance(first, Block)
    assert isinstance(lost, Lost)
    assert (lost.gap.start, lost.gap.end, lost.gap.reason) == (first.end, a.told, GapReason.TRUNCATED)


async def test_an_id_behind_a_gap_is_known_when_the_bytes_have_been_found_again(tmp_path: Path) -> None:
    """Another process may have the file open still. Torture with two workers, seed 13501."""
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n"), b.changes(b"b1\n"), a.changes(b"a2\n")))
    (tmp_path / "elsewhere").mkdir()
    a.path.rename(tmp_path / "elsewhere" / "a.log")
    reader = journal.reader(0)
    losses = [await reader.read(journal.head) for _ in range(3)][::2]
    (tmp_path / "elsewhere" / "a.log").rename(a.path)
    places = []
    for lost in losses:
        assert isinstance(lost, Lost)
        assert lost.after is not None
        places.append((await journal.resolve(lost.after)).at)
    await journal.aclose()
    assert places == [3, 9]


async def test_descriptors_that_nobody_uses_are_given_back(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    await journal.reader(0).read(journal.head)
    locator = journal._locator
    locator.release_idle()
    assert len(locator._open) == 1, "it was in use until now"
    locator.release_idle()
    assert len(locator._open) == 0
    assert isinstance(await journal.reader(0).read(journal.head), Block)
    await journal.aclose()


async def test_bytes_that_were_written_over_are_not_told_as_those_that_were_recorded(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "state", "process", lambda _: 65_536)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"one\n", b"two\n"), file.proof()))
    await journal.reader(0).read(journal.head)
    file.path.write_bytes(b"new\nnewer\n")

    item = await journal.reader(0).read(journal.head)

    assert isinstance(item, Lost)
    assert item.gap.reason is GapReason.TRUNCATED
    await journal.aclose()


async def test_an_id_is_known_while_its_file_has_been_written_anew_and_nobody_has_looked(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "state", "process", lambda _: 65_536)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"one\n", b"two\n"), file.proof()))
    position = Position(file.key, 4, anchor_of(b"one\n"))
    assert (await journal.resolve(position)).at == 4
    file.path.write_bytes(b"new one\nnew two\n")

    assert (await journal.resolve(position)).at == 4
    await journal.aclose()


async def test_a_file_that_was_written_anew_is_not_taken_for_what_it_was_by_a_proof_of_its_first_lines_alone(
    tmp_path: Path,
) -> None:
    """A program that greets at length begins each of its logs so. Conformance: B3."""
    journal = open_journal(tmp_path)
    file, greeting = StoryFile(tmp_path / "a.log", "s"), [b"greeting %09d\n" % number for number in range(300)]
    await journal.commit(batch(file.changes(*greeting, coarse=True), file.proof()))
    position = Position(file.key, file.told, anchor_of(b"".join(greeting)))
    proven = file.told
    await journal.commit(batch(file.changes(b"one\n", b"two\n")))  # not proven yet
    file.path.write_bytes(b"".join([*greeting, b"another one\n", b"another two\n"]))

    found = await journal.resolve(position)
    assert found.at == proven
    lost = await journal.reader(found.at).read(journal.head)
    await journal.aclose()
    assert isinstance(lost, Lost), "lines of another life, under ids of the former one"
    assert (lost.gap.start, lost.gap.end, lost.gap.reason) == (proven, file.told, GapReason.TRUNCATED)


async def test_a_file_that_lost_its_last_lines_a_moment_ago_is_read_as_far_as_it_has_them(tmp_path: Path) -> None:
    """The tail has yet to see that. Conformance: B6."""
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"one\n"), file.proof(), file.changes(b"two\n")))
    await journal.commit(batch(file.changes(b"three\n")))
    os.truncate(file.path, 8)
    reader = journal.reader(0, only=file.key)
    items = [await reader.read(8), await reader.read(journal.head)]
    await journal.aclose()
    assert isinstance(items[0], Block)
    assert items[0].content == b"one\ntwo\n"
    assert isinstance(items[1], Lost)
