"""Delays are counted for each delivered line, of the clients and the lines that are asked for and no others."""

from __future__ import annotations

from array import array

import pytest

from bench.crowd_process import Arrivals
from bench.delivery import Written, delays_by_span, delays_ms, when_all_had

# Two ticks of two lines each, at 1 s and at 2 s.
WRITTEN = Written([1.0, 2.0], [2, 4])
EVERYBODY = range(2)


def arrivals(*reads: tuple[float, int, int]) -> Arrivals:
    found = Arrivals(array("d"), array("L"), array("l"))
    for time, client, marks in reads:
        found.times.append(time)
        found.clients.append(client)
        found.marks.append(marks)
    return found


def test_each_line_counts_from_the_write_of_its_tick() -> None:
    came = arrivals((1.01, 0, 1), (1.02, 0, 1), (2.003, 0, 2), (2.5, 1, 4))

    assert delays_ms(came, WRITTEN, 1, EVERYBODY) == {10.0: 1, 20.0: 1, 3.0: 2, 1500.0: 2, 500.0: 2}


def test_a_line_has_come_with_the_last_of_its_marks() -> None:
    came = arrivals((1.01, 0, 3), (1.02, 0, 1), (2.01, 0, 4))

    assert delays_ms(came, WRITTEN, 2, EVERYBODY) == {10.0: 3, 20.0: 1}


def test_only_the_clients_and_lines_that_are_asked_for_count() -> None:
    came = arrivals((1.01, 0, 2), (1.02, 1, 2), (2.03, 0, 2), (2.04, 1, 2))

    assert delays_ms(came, WRITTEN, 1, range(1, 2)) == {20.0: 2, 40.0: 2}
    assert delays_ms(came, WRITTEN, 1, EVERYBODY, range(2)) == {10.0: 2, 20.0: 2}
    assert delays_ms(came, WRITTEN, 1, EVERYBODY, range(2, 4)) == {30.0: 2, 40.0: 2}


def test_lines_are_counted_in_the_span_in_which_they_were_written() -> None:
    written = Written([1.0, 2.0, 3.0], [2, 4, 6])
    came = arrivals((3.01, 0, 6), (1.01, 1, 2), (2.02, 1, 2), (3.03, 1, 2))

    first, last = delays_by_span(came, written, 1, EVERYBODY, range(2, 6), 2)

    assert first == {1010.0: 2, 20.0: 2}
    assert last == {10.0: 2, 30.0: 2}


def test_a_tick_that_lies_in_two_spans_counts_in_the_first() -> None:
    came = arrivals((2.01, 0, 4))

    assert delays_by_span(came, WRITTEN, 1, EVERYBODY, range(4), 3) == [{1010.0: 2, 10.0: 2}, {}]


@pytest.mark.parametrize(("marks", "clients", "when"), [(2, range(2), 3.0), (2, range(1), 2.0), (3, range(2), 4.5)])
def test_all_have_had_it_when_the_last_has(marks: int, clients: range, when: float) -> None:
    came = arrivals((1.0, 0, 1), (2.0, 0, 1), (3.0, 1, 2), (4.0, 1, 1), (4.5, 0, 1), (5.0, 0, 1))

    assert when_all_had(came, marks, clients) == when
