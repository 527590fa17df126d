from __future__ import annotations

from logstream.journal.codec import Reached
from logstream.journal.marks import _MOST_GENERATIONS, _MOST_MARKS, Marks


def test_the_nearest_mark_before_a_place_is_told_and_may_be_changed_by_who_takes_it() -> None:
    marks = Marks()
    for start in (300, 100, 200):
        marks.note(start, {1: Reached(start, 0)}, epoch=0)

    assert marks.before(99, epoch=0) is None
    assert marks.before(100, epoch=0) == (100, {1: Reached(100, 0)})
    found = marks.before(299, epoch=0)
    assert found == (200, {1: Reached(200, 0)})
    assert found is not None
    found[1].clear()
    assert marks.before(299, epoch=0) == (200, {1: Reached(200, 0)})


def test_no_mark_outlives_the_rows_that_it_was_made_of() -> None:
    marks = Marks()
    marks.note(100, {1: Reached(100, 0)}, epoch=0)

    assert marks.before(150, epoch=1) is None
    marks.note(200, {1: Reached(200, 0)}, epoch=1)
    assert marks.before(150, epoch=1) is None
    assert marks.before(250, epoch=1) == (200, {1: Reached(200, 0)})
    assert marks.before(250, epoch=0) is None


def test_there_are_no_more_marks_than_are_worth_their_room() -> None:
    marks = Marks()
    for start in range(1, _MOST_MARKS + 2):
        marks.note(start, {}, epoch=0)
    marks.note(1000, {slot: Reached(0, 0) for slot in range(_MOST_GENERATIONS + 1)}, epoch=0)

    assert marks.before(1, epoch=0) is None
    assert marks.before(2, epoch=0) == (2, {})
    assert marks.before(2000, epoch=0) == (_MOST_MARKS + 1, {})
