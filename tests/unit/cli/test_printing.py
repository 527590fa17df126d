"""How lines look on a terminal, in a pipe, as JSON and as logfmt."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import orjson
import pytest

from logstream.cli.printing import Form, Look, Printer, logfmt, told_in_words
from logstream.following import Followed, News, Told
from logstream.rules import marks_of, parse_query

RECORD: dict[str, Any] = {
    "id": "1.a.b.c",
    "source": "app",
    "file": "/a.log",
    "time": "2026-11-01T10:00:00Z",
    "level": "error",
    "event": "line",
    "text": 'say "hi" é',
    "fields": {"n": 1, "ok": True, "deep": {"a": 1}, "odd key": 1, "s": "a b"},
    "rules": ["loud"],
    "cont": False,
}
GAP = {"source": "app", "file": "/a.log", "from": 0, "to": 10, "lines": 2, "bytes": 10, "reason": "deleted"}

NOT_KNOWN = {**GAP, "bytes": None, "lines": None, "file": None}


def shown(*followed: Followed, form: Form = "text", look: Look | None = None, source: bool = False) -> str:
    out = BytesIO()
    printer = Printer(form, out, look or Look(is_coloured=False), shows_source=source)
    for one in followed:
        printer.show(one)
    return out.getvalue().decode()


def told(text: str, **changes: object) -> Told:
    return Told([{**RECORD, "text": text, **changes}])


def test_a_pipe_gets_the_text_as_it_is() -> None:
    assert shown(told("a \x1b[31mred\x1b[0m \x07 line")) == "a \x1b[31mred\x1b[0m \x07 line\n"
    assert shown(told("x"), source=True) == "app x\n"


def test_a_terminal_gets_colours_but_no_other_control_characters() -> None:
    found = shown(told("a \x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J", level="info"), look=Look(is_coloured=True))

    assert found == "a \x1b[31mred\x1b[0m \u241b]0;title\u2407 <9b>2J\n"


@pytest.mark.parametrize(("level", "colour"), [("error", "31"), ("warn", "33"), ("debug", "90"), ("fatal", "91")])
def test_a_level_has_its_colour(level: str, colour: str) -> None:
    assert shown(told("x", level=level), look=Look(is_coloured=True)) == f"\x1b[{colour}mx\x1b[0m\n"


def test_the_colour_that_a_rule_gives_wins_over_that_of_the_level() -> None:
    look = Look(is_coloured=True, rule_colours={"loud": "green"})

    assert shown(told("x"), look=look) == "\x1b[32m\x1b[1mx\x1b[0m\n"


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ("Two three", "one [two] [three] four.five"),
        ("-two three", "one two [three] four.five"),
        ("t*e", "one [two thre]e four.five"),
        (r"/[a-z]+\./ OR One", "[one] two three [four.]five"),
        ('"four.five"', "one two three [four.five]"),
        ("level:error source:app", "one two three four.five"),
    ],
)
def test_what_a_query_asks_for_is_marked(query: str, marked: str) -> None:
    look = Look(is_coloured=True, marks=marks_of(parse_query(query)))
    found = shown(told("one two three four.five", level="info"), look=look)

    assert found.replace("\x1b[7m", "[").replace("\x1b[27m", "]") == f"{marked}\n"


def test_json_is_the_record_a_line() -> None:
    assert [orjson.loads(line) for line in shown(told("a"), told("b"), form="json").splitlines()] == [
        {**RECORD, "text": "a"},
        {**RECORD, "text": "b"},
    ]


def test_logfmt_has_the_members_and_the_plain_fields() -> None:
    assert logfmt(RECORD) == (
        "time=2026-11-01T10:00:00Z level=error source=app event=line"
        r' text="say \"hi\" é" fields.n=1 fields.ok=true fields.s="a b"'
    )
    bare = {**RECORD, "time": None, "level": None, "fields": None, "text": ""}
    assert logfmt(bare) == 'source=app event=line text=""'


def test_a_gap_stands_among_the_lines_for_programs_and_is_said_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    gap = News("gap", GAP)

    assert shown(gap) == ""
    assert [orjson.loads(line) for line in shown(gap, form="json").splitlines()] == [{"event": "gap", **GAP}]
    assert shown(gap, form="logfmt").startswith("event=gap source=app file=/a.log from=0 to=10")
    assert (
        capsys.readouterr().err.splitlines()
        == ["logstream: gap: 10 bytes (2 lines) of /a.log cannot be had any more: deleted"] * 3
    )


@pytest.mark.parametrize(
    ("kind", "facts", "words"),
    [
        ("gap", NOT_KNOWN, "gap: an unknown number of bytes cannot be had any more: deleted"),
        ("rotated", {"file": "/a.log"}, "/a.log was rotated"),
        ("lost", {"reason": "it broke", "pause_seconds": 1.5}, "it broke; trying again in 1.5 s"),
        ("resumed", {"exact": True}, "connected again, nothing is missing"),
        ("resumed", {"exact": False, "reason": "why"}, "the place to go on from is not known: why"),
        ("inexact", {"exact": False, "reason": "why"}, "the place to go on from is not known: why"),
        ("source", {"file": "/a.log", "state": "following"}, ""),
        ("source", {"file": "/a", "state": "unreadable", "reason": "compressed"}, "/a cannot be read: compressed"),
    ],
)
def test_what_is_no_line_is_put_in_words(kind: str, facts: dict[str, Any], words: str) -> None:
    assert told_in_words(kind, facts) == words
