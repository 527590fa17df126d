from __future__ import annotations

from logstream.hub.frames import Shape
from logstream.hub.view import ViewEvidence
from logstream.rules import Evidence
from logstream.workers.merging import merged_views


def view(query: str, subscribers: int, evidence: Evidence) -> ViewEvidence:
    return ViewEvidence((), query, Shape.LINE, subscribers, evidence)


def test_what_several_processes_say_of_a_view_is_added_up() -> None:
    here = [view("a", 1, Evidence("a", 10, 2, 1_000, 100.0)), view("b", 1, Evidence("b", 1, 0, None, None))]
    there = [view("a", 2, Evidence("a", 30, 3, 900, 200.0)), view("c", 1, Evidence("c", 5, 5, 7, None))]

    assert merged_views([here, [], there]) == (
        view("a", 3, Evidence("a", 40, 5, 1_000, 175.0)),
        here[1],
        there[1],
    )


def test_what_is_not_known_by_any_of_them_stays_unknown() -> None:
    one = view("a", 1, Evidence("a", 0, 0, None, None))

    assert merged_views([[one], [one]]) == (one._replace(subscribers=2),)
