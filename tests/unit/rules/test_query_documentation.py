"""docs/query.md says what queries select: each of its examples is asked."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest

from logstream.api.frames import WireEncoder
from logstream.hub.judged_block import JudgedBlock, SourceTraits
from logstream.journal.base import Block
from logstream.records import Generation
from logstream.rules import QueryError, RuleSet, compile_query, parse_query
from tests.installed import ROOT

PAGE = (ROOT / "docs" / "query.md").read_text(encoding="utf-8")
SELECTING = re.compile(r"\| query \| selects \| but not \|\n\|---\|---\|---\|\n(?P<rows>(?:\|[^\n]*\n)+)")
MISTAKEN = re.compile(r"\| query \| is answered with \|\n\|---\|---\|\n(?P<rows>(?:\|[^\n]*\n)+)")
CELL = re.compile(r"`([^`]+)`")


class Selecting(NamedTuple):
    query: str
    selected: str
    other: str


def rows(table: re.Pattern[str], cells: int) -> list[list[str]]:
    found = []
    for each in table.finditer(PAGE):
        for row in each["rows"].splitlines():
            told = CELL.findall(row)
            assert len(told) == cells, row
            found.append(told)
    return found


SELECTIONS = [Selecting(*row) for row in rows(SELECTING, 3)]
MISTAKES = rows(MISTAKEN, 2)


def selects(query: str, line: str) -> bool:
    block = Block(Generation("aaaaaaaa", "app", "/var/log/app.log"), 0, 0, 0, b"", line.encode() + b"\n")
    judged = JudgedBlock(block, SourceTraits(), RuleSet([]), WireEncoder())
    selected = compile_query(parse_query(query)).select(
        judged.text, judged.ends, source="app", facts=judged, universe=judged.kept
    )
    return list(selected) == [0]


def test_the_page_has_examples_of_both_kinds() -> None:
    assert len(SELECTIONS) > 30
    assert len(MISTAKES) > 5


@pytest.mark.parametrize("example", SELECTIONS, ids=lambda example: example.query)
def test_a_query_selects_what_the_page_says_and_nothing_else(example: Selecting) -> None:
    assert selects(example.query, example.selected)
    assert not selects(example.query, example.other)


@pytest.mark.parametrize(("query", "answer"), MISTAKES)
def test_a_mistake_is_answered_with_what_the_page_says(query: str, answer: str) -> None:
    with pytest.raises(QueryError, match=re.escape(answer)):
        parse_query(query)
