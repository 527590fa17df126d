from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from logstream.journal import held as held_module
from logstream.journal import ledger as ledger_module
from logstream.journal.base import Block, Health, Lost
from logstream.journal.errors import JournalError, StateUnusableError
from logstream.journal.sqlite import SqliteJournal
from logstream.journal.store import Store
from logstream.records import GapReason, Position
from tests.full_disk import SmallDisk
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from pathlib import Path


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


def refuse(journal: SqliteJournal, *, refuses: bool = True) -> None:
    """Let SQLite refuse to write, as it does on a disk that is read-only."""
    connection = journal._store._connection
    assert connection is not None
    connection.execute(f"PRAGMA query_only = {'ON' if refuses else 'OFF'}")


async def read_all(journal: SqliteJournal, at: int = 0) -> list[Block | Lost]:
    reader = journal.reader(at)
    items = []
    while (item := await reader.read(journal.head)) is not None:
        items.append(item)
    return items


def durable(items: list[Block | Lost]) -> list[Block | Lost]:
    return [item._replace(is_durable=True) if isinstance(item, Block) else item for item in items]


async def test_what_is_held_reads_like_what_is_stored_and_is_stored_when_the_disk_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many rows and keyframes over several files, some of them written before the disk refused."""
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 64)
    monkeypatch.setattr(ledger_module, "KEYFRAME_ENTRIES", 200)
    journal = open_journal(tmp_path)
    files = [StoryFile(tmp_path / f"{name}.log", "s") for name in "abcd"]
    steps = random.Random(1)
    for number in range(3_000):
        if number == 1_000:
            refuse(journal)
        file = files[steps.randrange(3 if number < 1_500 else 4)]
        appended = await journal.commit(batch(file.changes(b"%d\n" % number), time=1_800_000_000.0 + number))
        (block,) = appended
        assert isinstance(block, Block)
        assert block.is_durable == (number < 1_000)
    assert journal.health.reason == "attempt to write a readonly database"
    assert journal.durable_head < journal.head
    items = await read_all(journal)
    assert journal._ledger.keyframes[-1] > journal.durable_head
    middles = [item.at for item in items[::170]]  # each elsewhere between two keyframes
    from_middles = {at: await read_all(journal, at) for at in middles}
    moments = [await journal.place_of_time((1_800_000_000 + second) * 1000) for second in range(0, 3_000, 100)]
    assert moments == sorted(set(moments))

    with pytest.raises(JournalError, match="readonly"):
        journal._store.settle()
    refuse(journal, refuses=False)
    await journal._settle()
    assert journal.health == Health(is_ready=True, reason=None)
    assert journal.durable_head == journal.head
    assert await read_all(journal) == durable(items)
    for at, before in from_middles.items():
        assert await read_all(journal, at) == durable(before)
    await journal.aclose()

    again = open_journal(tmp_path)
    assert await read_all(again) == durable(items)
    assert [await again.place_of_time((1_800_000_000 + second) * 1000) for second in range(0, 3_000, 100)] == moments
    await again.aclose()


async def test_a_place_that_is_not_durable_has_the_position_of_the_last_that_is(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    kept = await journal.position_at(journal.head)
    refuse(journal)
    (block, lost) = await journal.commit(batch(b.changes(b"b1\n"), a.hole(5, GapReason.TRUNCATED)))

    assert await journal.position_at(journal.head) == kept == Position(a.key, 3, kept.anchor if kept else 0)
    assert isinstance(block, Block)
    assert isinstance(lost, Lost)
    assert (block.is_durable, lost.after) == (False, None)
    assert await read_all(journal, 3) == [block, lost]
    await journal.aclose()


async def test_nothing_is_taken_beyond_what_memory_may_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_module, "HELD_BYTES", 1_500)
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"1\n")))
    refuse(journal)
    others = [StoryFile(tmp_path / f"{number}.log", "s") for number in range(20)]
    for other in others[:3]:
        await journal.commit(batch(other.changes(b"x\n")))
    with pytest.raises(JournalError, match="held in memory"):
        await journal.commit(batch(*(other.changes(b"x\n") for other in others[3:5])))
    head = journal.head
    assert head == 2 + 3 * 2

    refuse(journal, refuses=False)
    await journal._settle()
    await journal.commit(batch(file.changes(b"2\n")))
    assert (journal.head, journal.durable_head) == (head + 2, head + 2)
    await journal.aclose()


async def test_a_copy_in_memory_is_not_taken_over_when_another_process_has_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"1\n")))
    await journal.aclose()
    first = StateUnusableError(tmp_path, "not writable (Read-only file system)", "make it", is_passing=True)

    def fails(_: Store) -> None:
        raise first

    with monkeypatch.context() as patched:
        patched.setattr(Store, "_open", fails)
        copied = Store(tmp_path / "state", "process")
        assert copied.is_behind
        assert len(copied.rows_from(0)) == 1
        with pytest.raises(StateUnusableError):
            copied.settle()
    other = open_journal(tmp_path)
    await other.commit(batch(file.changes(b"2\n")))
    await other.aclose()
    with pytest.raises(JournalError, match="another process has written it meanwhile"):
        copied.settle()
    assert copied.is_behind
    copied.close()


def test_a_disk_that_is_full_from_the_start_is_told_with_what_helps_and_costs_no_ids(tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "state") as disk:
        disk.fill()
        store = Store(disk.path, "process")
        with pytest.raises(StateUnusableError, match="full; let its disk take something again") as caught:
            store.settle()
        assert "away" not in str(caught.value)
        disk.free()
        store.settle()
        assert not store.is_behind
        store.close()
