"""A query in words, its hints, and what could be typed at a cursor."""

from __future__ import annotations

import pytest

from logstream.rules import Names, QueryError, explain

NAMES = Names(("nginx", "nginx-errors", "app"), ("line", "http-5xx"))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "all lines"),
        ("*", "all lines"),
        ("-*", "lines not with text like “*” in any case"),
        ("timeout", "lines with “timeout” in any case"),
        ("time*out", "lines with text like “time*out” in any case"),
        ("/a.c/", "lines in which /a.c/ is found"),
        ("/a.c/i", "lines in which /a.c/ is found in any case"),
        ("level:>=warn", "lines of at least level warn"),
        ("level:<warn", "lines of a level below warn"),
        ("source:nginx", "lines of the source nginx"),
        ("source:ngin*", "lines of sources like ngin*"),
        ("event:http-5xx", "lines of the type http-5xx"),
        ("time:>2026-11-01", "lines with a time after 2026-11-01 (UTC unless it says otherwise)"),
        (
            "time:2026-11-01..2026-11-02",
            "lines from 2026-11-01 to the end of 2026-11-02 (UTC unless it says otherwise)",
        ),
        ("status:>=500", "lines whose field status is at least 500"),
        ("user:42", "lines whose field user is “42”"),
        ("user:a*", "lines whose field user is like “a*”"),
        ("user:*", "lines that have a field user"),
        (
            "a OR b -c",
            "lines with “a” in any case, or (with “b” in any case, and not with “c” in any case)",
        ),
    ],
)
def test_a_query_is_told_in_words(query: str, words: str) -> None:
    explained = explain(query)

    assert explained.error is None
    assert explained.words == words


def test_a_mistake_is_an_answer_with_its_column() -> None:
    explained = explain("a level:loud")

    assert (explained.canonical, explained.words) == (None, None)
    assert isinstance(explained.error, QueryError)
    assert explained.error.column == 9


@pytest.mark.parametrize(
    ("query", "hints"),
    [
        ("levle:warn", ("levle: names a field; did you mean level:?",)),
        ("-(a OR Source:x)", ("Source: names a field; did you mean source:?",)),
        ("fields.levle:warn", ()),
        ("status:500", ()),
    ],
)
def test_a_field_that_looks_like_a_key_gets_a_hint(query: str, hints: tuple[str, ...]) -> None:
    assert explain(query).hints == hints


@pytest.mark.parametrize(
    ("query", "cursor", "offered"),
    [
        ("", None, ["source:", "event:", "level:", "time:"]),
        ("timeout le", None, ["level:"]),
        ("timeout O", None, ["OR"]),
        ("lev timeout", 3, ["level:"]),
        ("level:", None, ["trace", "debug", "info", "warn", "error", "fatal", ">=", ">", "<=", "<"]),
        ("level:>=e", None, ["error"]),
        ("(a OR -source:ng", None, ["nginx", "nginx-errors"]),
        ("event:h", None, ["http-5xx"]),
        ('source:"ng', None, []),
        ("source:app", None, []),
    ],
)
def test_what_could_stand_at_the_cursor_is_offered(query: str, cursor: int | None, offered: list[str]) -> None:
    completions = explain(query, cursor, NAMES).completions

    assert [completion.text for completion in completions] == offered


def test_a_completion_says_which_characters_it_replaces() -> None:
    query = "a -level:>=e b"
    completion = explain(query, 12, NAMES).completions[0]

    assert query[: completion.start] + completion.text + query[completion.end :] == "a -level:>=error b"


def test_no_more_than_fifty_completions_are_offered() -> None:
    names = Names(tuple(f"web-{number}" for number in range(500)))

    assert len(explain("source:web", None, names).completions) == 50
