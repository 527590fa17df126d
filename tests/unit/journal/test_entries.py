from __future__ import annotations

import asyncio
import copy
from pathlib import Path  # noqa: TC003 - fixtures are looked up by it
from typing import TYPE_CHECKING

import pytest

from logstream.journal import entries as entries_module
from logstream.journal import ledger as ledger_module
from logstream.journal import search as search_module
from logstream.journal.base import Block
from logstream.journal.codec import decode_row
from logstream.journal.entries import EntryCursor, count_lines, keyframe_before, vector_at
from logstream.journal.sqlite import SqliteJournal
from logstream.journal.vector import Vector
from logstream.records import GapReason
from tests.story import Decoding, StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logstream.journal.base import Run
    from logstream.journal.codec import Entry
    from logstream.records import Generation


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


def cursor_of(journal: SqliteJournal, at: int) -> EntryCursor:
    return EntryCursor(journal._store, journal._ledger, at)


def runs(journal: SqliteJournal, at: int = 0, wants: Callable[[Generation], bool] | None = None) -> list[Run]:
    cursor = cursor_of(journal, at)
    found = []
    while (run := cursor.next_run(journal.head, wants)) is not None:
        found.append(run)
    return found


async def test_every_line_of_many_rows_without_a_keyframe_is_found_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 32)
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    for number in range(300):
        lines = [b"%06d\n" % line for line in range(number * 16, number * 16 + 16)]
        await journal.commit(batch(file.changes(*lines)))
    assert len(journal._store.select("SELECT start FROM row")) > 3 * len(journal._store.rows_from(0))
    assert journal._ledger.keyframes == []

    for at in range(0, journal.head, 7 * 11):
        found = cursor_of(journal, at).peek()
        assert found is not None
        entry, before = found
        assert entry.at <= at < entry.at + entry.weight
        assert before.offset == entry.at
        run = cursor_of(journal, at).next_run(journal.head)
        assert run is not None
        assert (run.start, run.at) == (at, at)
        position = await journal.position_at(at + 7)
        assert position is not None
        assert position.offset == at + 7
        assert (await journal.resolve(position)).at == at + 7


async def trickled(directory: Path) -> SqliteJournal:
    journal = open_journal(directory)
    files = [StoryFile(directory / f"{number}.log", "s") for number in range(40)]
    for _ in range(200):
        await journal.commit(batch(*(file.changes(b"line\n") for file in files)))
    return journal


async def test_a_look_behind_a_keyframe_decodes_hardly_more_than_it_wants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await trickled(tmp_path)
    decoding = Decoding(monkeypatch)
    keyframe = journal._ledger.keyframes[0]

    assert await journal.align(keyframe + 7) == keyframe + 5
    assert 0 < sum(decoding.turns) < 2_000


async def test_who_asks_how_far_many_files_were_lets_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "_LIVES_A_SLICE", 10)
    journal = await trickled(tmp_path)
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns(), name="others")
    assert len(await journal.reached(journal._ledger.keyframes[-1])) == 40
    others.cancel()
    assert turns >= 4


@pytest.mark.parametrize("what", ["align", "position", "position of some", "resolve", "place", "reached", "read"])
async def test_who_looks_far_behind_a_keyframe_lets_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """With thousands of files keyframes lie far apart."""
    monkeypatch.setattr(ledger_module, "KEYFRAME_ENTRIES", 1_000_000)
    journal = await trickled(tmp_path)
    at = journal.head - 300
    position = await journal.position_at(at)
    assert position is not None
    # As for whoever comes to a place that nobody has passed of late.
    monkeypatch.setattr(type(journal._ledger.marks), "before", lambda *_: None)
    decoding = Decoding(monkeypatch)
    others = asyncio.create_task(decoding.run(), name="others")
    await asyncio.sleep(0)
    match what:
        case "align":
            assert await journal.align(at) == at
        case "position":
            assert await journal.position_at(at) == position
        case "position of some":
            assert await journal.position_at(at, lambda source: source == "s") == position
        case "place":
            assert await journal.place_in(journal._ledger.lives[position.generation].generation, position.offset) == at
        case "reached":
            assert {offset for _, _, offset in await journal.reached(at)} == {198 * 5, 199 * 5}
        case "resolve":
            assert (await journal.resolve(position)).at == at
        case _:
            block = await journal.reader(at).read(journal.head)
            assert isinstance(block, Block)
            assert (block.at, block.content) == (at, b"line\n")
    others.cancel()

    assert sum(decoding.turns) > 7_000
    assert max(decoding.turns) < 2_000


@pytest.mark.parametrize("keyframe_entries", [1_024, 1_000_000])
async def test_who_wants_a_quiet_source_among_busy_ones_lets_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyframe_entries: int
) -> None:
    monkeypatch.setattr(ledger_module, "KEYFRAME_ENTRIES", keyframe_entries)
    quiet = StoryFile(tmp_path / "quiet.log", "quiet")
    journal = await trickled(tmp_path)
    at = journal.head
    await journal.commit(batch(quiet.changes(b"at last\n")))
    until = journal.head
    await journal.commit(batch(quiet.changes(b"later\n")))
    decoding = Decoding(monkeypatch)
    others = asyncio.create_task(decoding.run(), name="others")
    await asyncio.sleep(0)
    reader = journal.reader(0, lambda source: source == "quiet")
    block = await reader.read(until)
    assert isinstance(block, Block)
    assert (block.at, block.content) == (at, b"at last\n")
    assert await reader.read(until) is None
    assert reader.at == until
    others.cancel()

    assert sum(decoding.turns) > 7_000
    assert max(decoding.turns) < 2_000


async def test_rows_written_anew_while_what_nobody_wants_is_passed_are_begun_again(tmp_path: Path) -> None:
    quiet = StoryFile(tmp_path / "quiet.log", "quiet")
    journal = await trickled(tmp_path)
    at = journal.head
    await journal.commit(batch(quiet.changes(b"at last\n")))
    reader = journal.reader(0, lambda source: source == "quiet")
    reading = asyncio.create_task(reader.read(journal.head), name="reader")
    for _ in range(3):
        await asyncio.sleep(0)
    assert 0 < reader.at < at
    journal._ledger.epoch += 1
    block = await reading
    assert isinstance(block, Block)
    assert (block.at, block.content) == (at, b"at last\n")


async def test_neighbouring_entries_of_one_generation_are_one_run_with_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries_module, "RUN_BYTES", 20)
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    for number in range(4):
        await journal.commit(batch(a.changes(b"a%d\n" % number, b"more\n"), time=1_800_000_000 + number * 10))
    await journal.commit(batch(b.changes(b"b\n"), a.hole(None, GapReason.DELETED), b.changes(b"b\n")))

    told = [(run.generation.key == a.key, run.start, run.end, run.at, run.lines, run.hole) for run in runs(journal)]
    assert told == [
        (True, 0, 24, 0, 6, None),
        (True, 24, 32, 24, 2, None),
        (False, 0, 2, 32, 1, None),
        (True, 32, None, 34, None, GapReason.DELETED),
        (False, 2, 4, 35, 1, None),
    ]


async def test_a_run_is_cut_where_reading_stops_and_counts_what_it_holds(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"1\n", b"22\n", b"333\n", b"4444\n")))
    run = cursor_of(journal, 2).next_run(9)

    assert run is not None
    assert (run.start, run.end, run.at, run.lines) == (2, 9, 2, 2)
    assert run.next_at == 9


async def test_what_nobody_wants_is_passed_over_up_to_the_end_asked_for(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    file, other = StoryFile(tmp_path / "a.log", "no"), StoryFile(tmp_path / "b.log", "yes")
    await journal.commit(batch(file.changes(b"a1\n", b"a2\n"), other.changes(b"b1\n"), file.changes(b"a3\n")))
    cursor = cursor_of(journal, 0)

    assert cursor.next_run(3, lambda generation: generation.source == "yes") is None
    assert cursor.at == 3
    assert [(run.start, run.at) for run in runs(journal, 0, lambda generation: generation.source == "yes")] == [(0, 6)]


async def test_a_cursor_at_the_head_sees_a_row_grow_merge_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 24)
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    cursor = cursor_of(journal, 0)
    ends: dict[str, int] = {a.key: 0, b.key: 0}
    for number in range(100):
        file = b if number % 7 == 0 else a
        await journal.commit(batch(file.changes(b"x" * (number % 5) + b"\n")))
        run = cursor.next_run(journal.head)
        assert run is not None
        assert (run.generation.key, run.start, run.end) == (file.key, ends[file.key], file.told)
        ends[file.key] = file.told
        assert cursor.next_run(journal.head) is None
        assert cursor.peek() is None


async def test_rows_that_the_ledger_has_not_taken_over_yet_are_not_looked_at(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    cursor = cursor_of(journal, 0)
    plan = journal._ledger.plan(batch(b.changes(b"b1\n"), a.changes(b"a2\n")))
    journal._store.transact(plan.statements)

    first = cursor.next_run(journal.head)
    assert first is not None
    assert (first.generation.key, first.end) == (a.key, 3)
    assert cursor.peek() is None
    assert cursor_of(journal, 1).peek() is not None

    journal._ledger.install(plan)
    second, third = cursor.next_run(journal.head), cursor.next_run(journal.head)
    assert second is not None
    assert third is not None
    assert [(run.generation.key, run.start, run.end) for run in (second, third)] == [(b.key, 0, 3), (a.key, 3, 6)]


async def test_a_row_that_is_known_in_part_is_read_to_its_end_before_the_rows_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 4)
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    # As in a process that reads what another one records, and is told of it a moment later.
    late = copy.copy(journal._ledger)
    cursor = EntryCursor(journal._store, late, 0)
    await journal.commit(batch(b.changes(b"b1\n")))
    await journal.commit(batch(a.changes(b"a2\n")))
    assert len(journal._store.rows_from(0)) == 2
    first = cursor.next_run(late.head)
    assert first is not None
    assert (first.start, first.end) == (0, 3)
    assert cursor.peek() is None

    late._row = journal._ledger._row
    found = [cursor.next_run(late.head) for _ in range(3)]
    assert [(run.generation.key, run.start, run.end, run.at) for run in found if run] == [
        (b.key, 0, 3, 3),
        (a.key, 3, 6, 6),
    ]


async def test_rows_that_were_read_before_generations_were_forgotten_are_not_decoded_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 4)
    journal = open_journal(tmp_path)
    files = [StoryFile(tmp_path / f"{name}.log", "s") for name in "abc"]
    for file in files:
        await journal.commit(batch(file.changes(b"one\n")))
    cursor = cursor_of(journal, 0)
    assert cursor.peek() is not None
    assert cursor._rows
    del journal._ledger.by_slot[journal._ledger.lives[files[2].key].slot]
    journal._ledger.epoch += 1
    monkeypatch.setattr(journal._store, "rows_from", lambda _: [])

    cursor.at = 8
    await cursor.arrive(journal.head)
    assert cursor.peek() is None


async def test_no_more_rows_are_decoded_than_lie_between_a_place_and_where_somebody_was_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 32)
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    for number in range(30):
        await journal.commit(batch(file.changes(*[b"%06d\n" % line for line in range(number * 16, number * 16 + 16)])))
    rows = [row.start for row in journal._store.rows_from(0)]
    decoded: list[int] = []

    def noted(start: int, time_ms: int, blob: bytes) -> Iterator[Entry]:
        decoded.append(start)
        return decode_row(start, time_ms, blob)

    monkeypatch.setattr(entries_module, "decode_row", noted)
    found = cursor_of(journal, rows[3] + 1).peek()

    assert found is not None
    assert decoded == rows[:4]
    decoded.clear()
    again = [cursor_of(journal, at).peek() for at in (rows[3] + 1, rows[2] + 1, rows[1] + 1)]
    assert again[0] == found
    assert decoded == [rows[3], rows[2], rows[1]]


async def test_a_keyframe_tells_where_every_generation_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "KEYFRAME_ENTRIES", 8)
    monkeypatch.setattr(ledger_module, "_KEYFRAME_ENTRIES_A_LIFE", 1)
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 16)
    journal = open_journal(tmp_path)
    files = [StoryFile(tmp_path / f"{number}.log", "s") for number in range(3)]
    told = []
    for number in range(200):
        file = files[number % 3]
        told.append((journal.head, file.key, file.told))
        await journal.commit(batch(file.changes(b"%d\n" % number)))
    ledger = journal._ledger
    assert len(ledger.keyframes) > 5
    assert vector_at(journal._store, 0) == Vector()
    assert keyframe_before(ledger, ledger.keyframes[0] - 1) == 0
    assert [keyframe_before(ledger, start) for start in ledger.keyframes] == ledger.keyframes

    for at, key, offset in told:
        run = cursor_of(journal, at).next_run(journal.head)
        assert run is not None
        assert (run.generation.key, run.start) == (key, offset)


@pytest.mark.parametrize(
    ("skip", "stop", "count"), [(0, 9, 3), (2, 9, 2), (0, 5, 2), (2, 5, 1), (5, 5, 0), (1, 9, 2), (0, 4, 1)]
)
def test_lines_are_counted_where_they_lie_wholly_inside(skip: int, stop: int, count: int) -> None:
    assert count_lines((2, 3, 4), skip, stop) == count
    assert count_lines(3, skip, stop) is None
