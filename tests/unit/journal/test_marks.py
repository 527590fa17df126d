from __future__ import annotations

from logstream.journal.marks import _MOST_GENERATIONS, _MOST_MARKS, Marks
from logstream.journal.vector import Vector


def test_the_nearest_mark_before_a_place_is_told_and_may_be_changed_by_who_takes_it() -> None:
    marks = Marks()
    for start in (300, 100, 200):
        marks.note(start, Vector({1: start}, {1: 0}), epoch=0)

    assert marks.before(99, epoch=0) is None
    assert marks.before(100, epoch=0) == (100, Vector({1: 100}, {1: 0}))
    found = marks.before(299, epoch=0)
    assert found == (200, Vector({1: 200}, {1: 0}))
    assert found is not None
    found[1].offsets.clear()
    assert marks.before(299, epoch=0) == (200, Vector({1: 200}, {1: 0}))


def test_no_mark_outlives_the_rows_that_it_was_made_of() -> None:
    marks = Marks()
    marks.note(100, Vector({1: 100}, {1: 0}), epoch=0)

    assert marks.before(150, epoch=1) is None
    marks.note(200, Vector({1: 200}, {1: 0}), epoch=1)
    assert marks.before(150, epoch=1) is None
    assert marks.before(250, epoch=1) == (200, Vector({1: 200}, {1: 0}))
    assert marks.before(250, epoch=0) is None


def test_there_are_no_more_marks_than_are_worth_their_room() -> None:
    marks = Marks()
    for start in range(1, _MOST_MARKS + 2):
        marks.note(start, Vector(), epoch=0)
    too_many = dict.fromkeys(range(_MOST_GENERATIONS + 1), 0)
    marks.note(1000, Vector(too_many, too_many), epoch=0)

    assert marks.before(1, epoch=0) is None
    assert marks.before(2, epoch=0) == (2, Vector())
    assert marks.before(2000, epoch=0) == (_MOST_MARKS + 1, Vector())


def test_marks_that_tell_of_many_are_few() -> None:
    marks = Marks()
    third = dict.fromkeys(range(_MOST_GENERATIONS // 3), 0)
    for start in range(1, 6):
        marks.note(start, Vector(third, third), epoch=0)

    assert marks.before(2, epoch=0) is None
    assert [found and found[0] for found in (marks.before(start, epoch=0) for start in (3, 4, 5))] == [3, 4, 5]
