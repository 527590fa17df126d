from __future__ import annotations

import copy
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.journal.codec import Entry, RowWriter, decode_row
from logstream.records import GapReason


class Extent(NamedTuple):
    slot: int
    lines: tuple[int, ...] | int
    length: int


class Hole(NamedTuple):
    slot: int
    length: int | None
    reason: GapReason


class Pause(NamedTuple):
    now_ms: int


fine = st.lists(st.integers(1, 500), min_size=1, max_size=5).map(tuple)
slots = st.integers(0, 400)
steps = st.lists(
    st.one_of(
        st.builds(lambda slot, lines: Extent(slot, lines, sum(lines)), slots, fine),
        st.builds(Extent, slots, st.integers(1, 10_000), st.integers(1, 2_000_000)),
        st.builds(Hole, slots, st.none() | st.integers(0, 10**9), st.sampled_from(GapReason)),
        st.builds(Pause, st.integers(0, 10**7)),
    )
)


def write(row: RowWriter, step: Extent | Hole | Pause) -> None:
    match step:
        case Extent():
            row.add_extent(step.slot, step.length, step.lines)
        case Hole():
            row.add_hole(step.slot, step.length, step.reason)
        case Pause():
            row.mark_time(row.time_ms + step.now_ms)


def spread(entries: list[Entry]) -> list[tuple[object, ...]]:
    """Entries as what they say of each slot in order, with merged neighbours taken apart into bytes and lines."""
    told: list[tuple[object, ...]] = []
    for entry in entries:
        if entry.hole is not None:
            told.append((entry.slot, "hole", entry.length, entry.hole))
        elif isinstance(entry.lines, tuple):
            told.extend((entry.slot, "line", length) for length in entry.lines)
        elif told and told[-1][:2] == (entry.slot, "coarse"):
            _, _, length, lines = told.pop()
            assert isinstance(length, int)
            assert isinstance(lines, int)
            told.append((entry.slot, "coarse", length + (entry.length or 0), lines + entry.line_count))
        else:
            told.append((entry.slot, "coarse", entry.length, entry.lines))
    return told


def expected(walk: list[Extent | Hole | Pause]) -> list[tuple[object, ...]]:
    entries = [
        Entry(0, 0, step.slot, step.length, step.lines, None)
        if isinstance(step, Extent)
        else Entry(0, 0, step.slot, step.length, None, step.reason)
        for step in walk
        if not isinstance(step, Pause)
    ]
    return spread(entries)


@given(steps, st.integers(0, 2**50))
def test_a_row_tells_what_was_put_in_in_the_same_order(walk: list[Extent | Hole | Pause], start: int) -> None:
    row = RowWriter.begin(start, 1_000)
    for step in walk:
        write(row, step)

    entries = list(decode_row(start, 1_000, row.blob))

    assert spread(entries) == expected(walk)
    assert row.at == (entries[-1].at + entries[-1].weight if entries else start)
    assert [entry.at for entry in entries] == [start + sum(e.weight for e in entries[:i]) for i in range(len(entries))]


@given(steps, st.integers(0, 30))
def test_a_row_read_back_goes_on_where_it_was(walk: list[Extent | Hole | Pause], cut: int) -> None:
    row = RowWriter.begin(7, 1_000)
    for step in walk[:cut]:
        write(row, step)
    reopened = RowWriter.reopen(7, 1_000, row.blob)
    for step in walk[cut:]:
        write(reopened, step)

    assert spread(list(decode_row(7, 1_000, reopened.blob))) == expected(walk)
    assert reopened.at == 7 + sum(entry.weight for entry in decode_row(7, 1_000, reopened.blob))


@given(steps, st.integers(0, 30))
def test_a_copy_goes_on_as_the_row_does(walk: list[Extent | Hole | Pause], cut: int) -> None:
    row = RowWriter.begin(7, 1_000)
    for step in walk[:cut]:
        write(row, step)
    copied = row.copy()
    for step in walk[cut:]:
        write(copied, step)
        write(row, step)

    assert copied == row


def test_a_copy_that_is_given_up_leaves_the_row_as_it_was() -> None:
    row = RowWriter.begin(0, 0)
    row.add_extent(1, 10, (10,))
    before = row.blob
    attempt = copy.copy(row)
    attempt.add_extent(1, 20, (20,))

    assert row.blob == before
    assert (row.at, attempt.at) == (10, 30)


def test_neighbours_of_one_generation_become_one_entry_and_keep_each_line() -> None:
    row = RowWriter.begin(0, 0)
    row.add_extent(3, 10, (10,))
    row.add_extent(3, 12, (5, 7))

    assert [entry.lines for entry in decode_row(0, 0, row.blob)] == [(10, 5, 7)]


@pytest.mark.parametrize("slot", [3, 70, 9_000])
def test_lines_that_come_one_by_one_take_the_same_bytes_as_all_at_once(slot: int) -> None:
    one_by_one, at_once = RowWriter.begin(0, 0), RowWriter.begin(0, 0)
    for row in (one_by_one, at_once):
        row.add_extent(1, 5, (5,))
    for length in range(100, 300, 4):
        one_by_one.add_extent(slot, length, (length,))
    at_once.add_extent(slot, sum(range(100, 300, 4)), tuple(range(100, 300, 4)))

    assert one_by_one == at_once


def test_time_goes_on_within_a_row_and_never_back() -> None:
    row = RowWriter.begin(0, 5_000)
    for now_ms in (5_000, 7_500, 6_000, 9_000):
        row.mark_time(now_ms)
        row.add_extent(now_ms, 1, (1,))

    assert [entry.time_ms for entry in decode_row(0, 5_000, row.blob)] == [5_000, 7_500, 7_500, 9_000]


def test_single_lines_trickling_from_300_files_cost_less_than_six_bytes_each() -> None:
    rows: list[RowWriter] = [RowWriter.begin(0, 0)]
    for tick in range(40):
        for slot in range(tick % 3, 300, 3):
            row = rows[-1]
            if len(row.blob) > 1024:
                rows.append(row := RowWriter.begin(row.at, tick * 50))
            row.mark_time(tick * 50)
            row.add_extent(slot, 120, (120,))

    assert sum(len(row.blob) for row in rows) / 4_000 < 6


def test_a_torn_row_is_an_error_and_not_a_wrong_answer() -> None:
    row = RowWriter.begin(0, 0)
    row.add_extent(1, 300, 2)

    with pytest.raises(IndexError):
        list(decode_row(0, 0, row.blob[:-1]))
