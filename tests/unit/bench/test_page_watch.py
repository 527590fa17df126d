"""Figures of a page under load: what counts as a long task, a late frame and growth."""

from __future__ import annotations

import pytest

from bench.page_watch import Look, growth_percent, smoothness


def look(*tasks: tuple[float, float], gaps: list[float] | None = None, ages: list[float] | None = None) -> Look:
    return Look(list(tasks), gaps or [16.0], ages or [10.0], 0.0)


def test_a_look_is_read_as_the_page_tells_it() -> None:
    told = b'{"tasks":[[5,60]],"gaps":[16.5],"ages":[12],"now":99.5}'

    assert Look.of(told.decode()) == Look([(5, 60)], [16.5], [12], 99.5)


def test_the_longest_task_is_of_all_looks_but_not_of_a_rest() -> None:
    seen = smoothness([look((100, 55)), look((200, 300), (600, 70))], rests=[(250, 260)])

    assert seen.longest_task_ms == 70
    assert seen.tasks_at_rest == 1


def test_without_tasks_told_the_longest_is_none() -> None:
    assert smoothness([look()], []).longest_task_ms == 0


def test_frames_are_counted_by_the_time_between_them_and_one_that_was_skipped_makes_the_next_late() -> None:
    seen = smoothness([look(gaps=[16.0, 16.0]), look(gaps=[16.0, 32.0])], [])

    assert seen.frames_per_second == pytest.approx(50)
    assert seen.late_percent == 25


def test_the_age_of_the_newest_line_is_of_all_looks() -> None:
    seen = smoothness([look(ages=[10.0, 20.0]), look(ages=[900.0])], [])

    assert (seen.age_p50_ms, seen.age_p99_ms) == (20, 900)


def test_a_page_that_stood_still_has_no_figure_that_looks_good() -> None:
    seen = smoothness([Look([], [], [], 0.0)], [])

    assert (seen.frames_per_second, seen.late_percent, seen.age_p99_ms) == (0, 100, float("inf"))


def test_growth_is_that_of_the_line_through_the_sizes() -> None:
    assert growth_percent([100, 110, 120]) == pytest.approx(20)
    assert growth_percent([100, 100, 100]) == 0
