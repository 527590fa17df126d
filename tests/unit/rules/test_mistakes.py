"""The codes of mistakes: each can be met, and the page has words of its own for each."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from logstream.rules import QueryError, parse_query
from logstream.rules.mistakes import Mistake

WORDS = Path(__file__).parents[3] / "web/src/words/zhMistakes.ts"
MISTAKES = {
    "a -": ("dash_alone", {}),
    "--a": ("dash_twice", {}),
    'a "b': ("quote_open", {"opened": 3}),
    '""': ("quote_empty", {}),
    "a /b": ("regex_open", {"opened": 3}),
    "//": ("regex_empty", {}),
    "/a/x": ("regex_flags", {}),
    r"/(a)\1/": ("regex_unusable", {"reason": "a back-reference is not supported: write out what is repeated"}),
    "/x{1,900}/ /y{1,1900}/ /z{1,1900}/": ("regex_cost", {"limit": 4096}),
    "took:=": ("value_missing", {"key": "took:="}),
    "user:\ud800": ("not_text", {}),
    "x\ud800": ("text_unusable", {"reason": "a lone surrogate is no character"}),
    "level:warm": ("level", {"nearest": "warn"}),
    "time:soon": ("time", {}),
    "took:>x": ("number", {"key": "took:>", "units": "ns, us, ms, s, m, h, d, B, kB, MB, GB, KiB, MiB, GiB, %"}),
    "a.b.c.d.e.f.g.h.i.j.k:1": ("path_long", {"limit": 10}),
    "a" * 4097: ("query_long", {"limit": 4096}),
    "a" * 1025: ("term_long", {"limit": 1024}),
    "a OR": ("term_missing", {}),
    "a " * 201: ("too_many_terms", {"limit": 200}),
    "(" * 51 + "a": ("too_deep", {"limit": 50}),
    "a (b": ("parenthesis_open", {"opened": 3}),
    "a)": ("parenthesis_alone", {}),
}


@pytest.mark.parametrize("query", MISTAKES, ids=lambda query: query[:20].encode("ascii", "replace").decode())
def test_a_mistake_has_a_code_and_facts_that_survive_another_process(query: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_query(query)
    told = pickle.loads(pickle.dumps(refused.value))  # noqa: S301 - written here

    assert (told.code, told.facts) == MISTAKES[query]
    assert str(told) == str(refused.value)


def test_each_code_can_be_met_and_the_page_has_words_for_each() -> None:
    codes = set(Mistake)
    words = set(re.findall(r"^  (\w+): \(", WORDS.read_text(), re.MULTILINE))

    assert {code for code, _ in MISTAKES.values()} == codes
    assert words == codes | {"slow", "unknown_source"}
