"""Sets of lines as the bits of a number: made and read as the sets that they stand for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from logstream.rules.bitmaps import (
    all_lines,
    bitmap,
    bitmap_of_mask,
    bitmap_of_places,
    indexes_of,
    mask_of,
)
from logstream.rules.tags import _grouped_line_by_line, grouped

COUNT = 100
some_lines = st.one_of(
    st.sets(st.integers(0, COUNT - 1)),
    st.integers(0, COUNT).map(lambda count: set(range(count))),
    st.sets(st.integers(0, COUNT - 1), max_size=3),
)


@given(some_lines)
def test_a_set_is_read_as_it_was_made_in_whatever_way(lines: set[int]) -> None:
    made = bitmap(lines)

    assert list(indexes_of(made)) == sorted(lines)
    assert made == bitmap_of_places([*sorted(lines), *lines], COUNT)
    assert made == bitmap_of_places(np.array(sorted(lines), np.intp), COUNT)
    assert made == bitmap_of_mask(np.array([line in lines for line in range(COUNT)]))
    assert mask_of(made, COUNT).tolist() == [line in lines for line in range(COUNT)]


@given(st.integers(0, COUNT), st.integers(0, COUNT))
def test_a_range_of_lines_is_made_as_one_piece(start: int, stop: int) -> None:
    assert bitmap(range(start, stop)) == bitmap(list(range(start, stop)))
    assert all_lines(stop) == bitmap(range(stop)) == bitmap_of_places(range(stop), COUNT)


@given(st.lists(some_lines, max_size=9))
def test_lines_with_the_same_of_some_sets_are_grouped(sets: list[set[int]]) -> None:
    said = [(number, bitmap(lines)) for number, lines in enumerate(sets)]
    expected: dict[tuple[int, ...], set[int]] = {}
    for line in range(COUNT):
        numbers = tuple(number for number, lines in enumerate(sets) if line in lines)
        if numbers:
            expected.setdefault(numbers, set()).add(line)

    for groups in (grouped(said), _grouped_line_by_line(said)):
        assert {numbers: set(indexes_of(lines)) for numbers, lines in groups} == expected
        assert len(groups) == len(expected)


def test_with_very_many_groups_each_line_is_looked_at_by_itself() -> None:
    said = [(number, sum(1 << line for line in range(COUNT) if (line >> number) & 1)) for number in range(8)]

    assert len(grouped(said)) == COUNT - 1
    assert sorted(grouped(said)) == sorted(_grouped_line_by_line(said))
