"""What a query selects, and what it does not ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.records import Level
from logstream.rules import compile_query, parse_query
from tests.known_lines import KnownLines

if TYPE_CHECKING:
    from collections.abc import Sequence

LINES = [
    "GET /health 200",
    "ERROR Connection Reset by peer took=1234ms",
    "connection ok took=12ms",
    "Fehler: Größe überschritten",
    "",
]
LEVELS = [Level.INFO, Level.ERROR, Level.INFO, Level.WARN, None]
EVENTS = ["http-2xx", "line", "line", "line", "line"]


class Asked:
    """The callers' side of a selection, which notes what it is asked."""

    def __init__(self) -> None:
        self.levels: list[int] = []
        self.events: list[int] = []

    def level_of(self, line: int) -> Level | None:
        self.levels.append(line)
        return LEVELS[line]

    def event_of(self, line: int) -> str:
        self.events.append(line)
        return EVENTS[line]


def select(
    query: str, *, source: str = "web", universe: Sequence[int] = range(5), asked: Asked | None = None
) -> list[int]:
    text = "\n".join(LINES).encode()
    ends = [at for at, byte in enumerate(text) if byte == ord("\n")] + [len(text)]
    asked = asked or Asked()
    return compile_query(parse_query(query)).select(
        text, ends, source=source, facts=KnownLines(asked.level_of, asked.event_of), universe=universe
    )


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("connection", [1, 2]),
        ("CONNECTION", [1, 2]),
        ("/connection/", [2]),
        ("/connection/i", [1, 2]),
        ('"connection reset"', [1]),
        ("connection -reset", [2]),
        (r"/took=\d{4,}ms/", [1]),
        ("health OR reset", [0, 1]),
        ("(health OR connection) took", [1, 2]),
        ("health OR connection =1234", [0, 1]),
        ("-(health OR connection)", [3, 4]),
        ("GRÖSSE", []),
        ("größe", [3]),
        ("GRÖßE ÜBER", [3]),
        ("level:>=warn", [1, 3]),
        ("-level:>=warn", [0, 2, 4]),
        ("level:<fatal", [0, 1, 2, 3]),
        ("event:http-*", [0]),
        ("-event:line", [0]),
        ("source:web", [0, 1, 2, 3, 4]),
        ("source:w* reset", [1]),
        ("source:db", []),
        ("-source:db reset", [1]),
        ("source:db OR reset", [1]),
        ("/^$/", [4]),
    ],
)
def test_a_query_selects_the_lines_that_it_describes(query: str, lines: list[int]) -> None:
    assert select(query) == lines


def test_only_lines_of_the_universe_are_selected_or_asked_about() -> None:
    asked = Asked()

    assert select("-level:error", universe=[0, 1, 4], asked=asked) == [0, 4]
    assert sorted(asked.levels) == [0, 1, 4]


def test_levels_and_events_are_asked_only_where_nothing_cheaper_decides() -> None:
    asked = Asked()

    assert select("level:error event:line connection", asked=asked) == [1]
    assert sorted(asked.levels) == [1, 2]
    assert asked.events == [1]


def test_a_line_is_asked_about_once_for_all_terms() -> None:
    asked = Asked()

    assert select("level:error OR level:warn OR -level:info", asked=asked) == [1, 3, 4]
    assert sorted(asked.levels) == [0, 1, 2, 3, 4]


def test_a_query_decided_by_the_source_asks_nothing() -> None:
    asked = Asked()

    assert select("source:db (level:error OR event:line)", asked=asked) == []
    assert select("-source:db OR level:error", asked=asked) == [0, 1, 2, 3, 4]
    assert not asked.levels
    assert not asked.events


def test_only_the_query_that_needs_no_look_says_that_it_selects_everything() -> None:
    assert compile_query(parse_query("")).everything
    assert not compile_query(parse_query("source:*")).everything
    assert not compile_query(parse_query("a")).everything
