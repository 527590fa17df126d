from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.journal.base import Block, Lost
from logstream.journal.ids import anchor_of
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason, Position
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from pathlib import Path


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
