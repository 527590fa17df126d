from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.journal import held as held_module
from logstream.journal.held import INSERT_KEYFRAME, INSERT_ROW, UPDATE_ROW, Held, Row

if TYPE_CHECKING:
    import pytest

MOVE = "UPDATE generation SET path = ? WHERE slot = ?"
NEW = "INSERT INTO generation VALUES (?, ?)"


def test_a_later_statement_about_the_same_takes_the_place_of_the_earlier_one() -> None:
    held = Held()
    assert not held
    held.add([(NEW, (7, b"a")), (MOVE, (b"b", 7)), (MOVE, (b"x", 8))])
    held.add([(MOVE, (b"c", 7))])

    assert held
    assert held.statements() == [(NEW, (7, b"a")), (MOVE, (b"c", 7)), (MOVE, (b"x", 8))]


def test_the_newest_row_on_the_disk_is_seen_as_it_has_grown() -> None:
    held = Held()
    held.add([(UPDATE_ROW, (b"12", 5))])

    assert held.rows_over([Row(0, 10, b"0"), Row(5, 20, b"1")], 0, 32) == [Row(0, 10, b"0"), Row(5, 20, b"12")]
    assert held.start_before(99) is None


def test_held_rows_come_behind_those_on_the_disk_a_page_at_a_time() -> None:
    held = Held()
    held.add([(INSERT_ROW, (start, start * 10, b"x")) for start in (3, 4, 5)])
    held.add([(UPDATE_ROW, (b"xy", 4))])
    stored = [Row(1, 10, b"1"), Row(2, 20, b"2")]

    assert [row.start for row in held.rows_over(stored, 1, 2)] == [1, 2]
    assert held.rows_over(stored[1:], 2, 3) == [stored[1], Row(3, 30, b"x"), Row(4, 40, b"xy")]
    assert [row.start for row in held.rows_over([], 4, 3)] == [4, 5]
    assert held.start_before(50) == 4
    assert held.start_before(30) is None


def test_a_row_that_is_on_the_disk_already_while_it_is_still_held_comes_once() -> None:
    """As in the moment between the disk's taking all and the memory's letting go of it."""
    held = Held()
    held.add([(INSERT_ROW, (start, start * 10, b"x")) for start in (3, 4, 5)])
    stored = [Row(2, 20, b"2"), Row(3, 30, b"x"), Row(4, 40, b"x")]

    assert [row.start for row in held.rows_over(stored, 2, 32)] == [2, 3, 4, 5]


def test_a_held_keyframe_is_found_by_its_place() -> None:
    held = Held()
    held.add([(INSERT_KEYFRAME, (3, b"vector"))])

    assert held.keyframe(3) == b"vector"
    assert held.keyframe(4) is None


def test_no_more_is_held_than_its_bound_and_what_is_replaced_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_module, "HELD_BYTES", 5_000)
    held = Held()
    for size in range(100):
        held.add([(UPDATE_ROW, (b"x" * size, 1))])
    assert not held.is_full
    held.add([(INSERT_ROW, (1, 1, b"x" * 5_000))])
    assert held.is_full
