"""Whole-block scanning and query selection against a naive evaluator that takes one line at a time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from logstream.records import Level
from logstream.rules import (
    LevelCondition,
    Pattern,
    PatternError,
    PatternSet,
    QueryError,
    compile_query,
    glob_matches,
    parse_query,
)
from logstream.rules import everywhere as everywhere_module
from logstream.rules.fields import Compared, Like, Present, Same
from logstream.rules.moments import TimeCondition
from logstream.rules.tree import (
    EventIs,
    Every,
    FieldIs,
    LevelIs,
    Node,
    Not,
    Regex,
    Some,
    SourceIs,
    Text,
    TimeIs,
    Wild,
    every,
    some,
    write,
)
from tests.known_lines import KnownLines, scan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LINE_CHARACTERS = 'aAbB09 _-."\\/äÄöÖ\r\t\0\u2028€😀'

lines = st.text(LINE_CHARACTERS, max_size=8)
blocks = st.lists(lines, min_size=1, max_size=12)


def block_of(some_lines: Sequence[str]) -> tuple[bytes, list[int]]:
    text = "\n".join(some_lines).encode()
    ends = [at for at, byte in enumerate(text) if byte == ord("\n")]
    return text, [*ends, len(text)]


class Both(NamedTuple):
    """One expression as Hyperscan reads it, as `re` does, and as `re` does for text in lower case."""

    hyperscan: str
    exact: str
    lower: str


def same(source: str) -> Both:
    return Both(source, source, source)


def literal(character: str) -> Both:
    written = character if character.isalnum() else f"\\x{{{ord(character):x}}}"
    return Both(written, re.escape(character), re.escape(character.lower()))


def joined(parts: Sequence[Both], between: str = "", around: tuple[str, str] = ("", "")) -> Both:
    opening, closing = around
    return Both(*(opening + between.join(versions) + closing for versions in zip(*parts, strict=True)))


literals = st.sampled_from(LINE_CHARACTERS).map(literal)
classes = st.sampled_from(
    [
        *map(same, (".", r"\w", r"\W", r"\d", r"\D", r"\s", r"\S", r"[^a]", r"[a-b9]", r"[\s_]", r"[^\s]", r"\b")),
        *map(same, (r"[^\n]", r"[^\\n]", r"[\t-0]", r"[\t ]", r"[\W]", r"[^\W]", r"[]\n]", r"\n", r"\x0a", "(?s:.)")),
        Both("[Ää]", "[Ää]", "ä"),
        Both("[^ä]", "[^ä]", "[^ä]"),
        Both(r"\Q.a\E", r"\.a", r"\.a"),
        Both(r"[[:space:]b]", r"[\sb]", r"[\sb]"),
        Both("(?x: a # )\n )", "a", "a"),
    ]
)  # fmt: skip
repeats = st.sampled_from(["*", "+", "?", "{2}", "{0,3}", "{1,}", "*?"])


def larger(inner: st.SearchStrategy[Both]) -> st.SearchStrategy[Both]:
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map(joined),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: joined(parts, "|", ("(?:", ")"))),
        st.tuples(inner, repeats).map(lambda pair: joined([pair[0]], "", ("(?:", ")" + pair[1]))),
    )


middles = st.recursive(st.one_of(literals, literals, classes), larger, max_leaves=6)
starts = st.sampled_from([*map(same, ("", "", "", "^", "(?:^|a)", r"\A")), Both("(?-m)^", "^", "^")])
stops = st.sampled_from([*map(same, ("", "", "", "$", "(?:$|b)")), Both(r"\z", r"\Z", r"\Z")])
branches = st.tuples(starts, middles, stops).map(joined)
expressions = st.one_of(
    branches,
    branches.map(lambda branch: branch._replace(hyperscan=branch.hyperscan + "(?x) # b)")),
    st.sampled_from(list(map(same, ("", "^", "$", "^$", "a*")))),
    st.lists(branches, min_size=2, max_size=3).map(lambda parts: joined(parts, "|")),
)


def usable(pattern: Pattern) -> bool:
    """Hyperscan refuses some expressions that are well formed, such as one that can never match."""
    try:
        PatternSet([pattern])
    except PatternError:
        return False
    return True


@settings(deadline=None, max_examples=400)
@given(st.lists(st.tuples(expressions, st.booleans()), min_size=1, max_size=4), blocks, st.data())
@example([(same(r"\s+a"), False), (same("a$"), False)], ["b ", "a", ""], None)
@example([(same("^"), False), (Both("[[:space:]b]", r"[\sb]", r"[\sb]"), False)], ["", ""], None)
def test_a_block_scan_finds_what_one_line_at_a_time_finds_wherever_the_block_is_cut(
    written: list[tuple[Both, bool]], some_lines: list[str], data: st.DataObject | None
) -> None:
    kept = [(both, caseless) for both, caseless in written if usable(Pattern(both.hyperscan, caseless))]
    assume(kept)
    patterns = PatternSet([Pattern(both.hyperscan, caseless) for both, caseless in kept])
    cut = data.draw(st.integers(0, len(some_lines))) if data else 0

    found = [set[int]() for _ in kept]
    for first, part in ((0, some_lines[:cut]), (cut, some_lines[cut:])):
        if part:
            for lines_found, more in zip(found, scan(patterns, *block_of(part)), strict=True):
                lines_found.update(first + line for line in more)

    for (both, caseless), lines_found in zip(kept, found, strict=True):
        naive = re.compile(both.lower if caseless else both.exact, re.ASCII)
        expected = {i for i, line in enumerate(some_lines) if naive.search(line.lower() if caseless else line)}
        assert lines_found == expected, both


alternating = st.lists(st.lists(lines, min_size=1, max_size=4), min_size=1, max_size=4)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(middles, st.booleans()), min_size=1, max_size=3), alternating, st.integers(1, 3))
@example([(same("a"), True), (same(r"\d+"), False)], [["a1", "A0"], ["a", "1"], ["9a"]], 2)
def test_a_scan_finds_the_same_lines_whatever_was_in_each_line_before(
    written: list[tuple[Both, bool]], some_blocks: list[list[str]], times: int
) -> None:
    kept = [pattern for both, caseless in written if usable(pattern := Pattern(both.hyperscan, caseless))]
    assume(kept)
    patterns, others = PatternSet(kept), PatternSet(kept)
    expected = [scan(others, *block_of(block)) for block in some_blocks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(everywhere_module, "PAUSE", 1)
        patch.setattr(everywhere_module, "FEWEST_LINES", 1)
        for block, found in list(zip(some_blocks, expected, strict=True)) * 2:
            for _ in range(times):
                assert scan(patterns, *block_of(block)) == found


NAIVE_EXPRESSIONS = ["a", "A$", "^b", r"\d+", r"[^a]b", r"\s", "^$", "a.b", r"\/", r"[/a]"]
GLOBS = ["*", "web", "w*", "db", "[dw]*", "line", "x-*"]

leaves: st.SearchStrategy[Node] = st.one_of(
    st.text(LINE_CHARACTERS, min_size=1, max_size=3).map(lambda text: Text(text.lower() if text.isascii() else text)),
    st.sampled_from(["OR", "AND", "a:b", "-a", "/a/", "(a", "12:30", '"'])
    .map(str.lower)
    .map(Text),
    st.builds(Regex, st.sampled_from(NAIVE_EXPRESSIONS), st.booleans()),
    st.builds(SourceIs, st.sampled_from(GLOBS)),
    st.builds(EventIs, st.sampled_from(GLOBS)),
    st.builds(LevelIs, st.builds(LevelCondition, st.sampled_from([">=", "<=", ">", "<", "="]), st.sampled_from(Level))),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.filter(lambda term: not isinstance(term, Not)).map(Not),
        st.lists(inner, min_size=2, max_size=4).map(every),
        st.lists(inner, min_size=2, max_size=4).map(some),
    ),
    max_leaves=8,
)


class Line(NamedTuple):
    text: str
    level: Level | None
    event: str


known_lines = st.builds(
    Line, lines, st.one_of(st.none(), st.sampled_from(Level)), st.sampled_from(["line", "x-err", "db"])
)


def naively(node: Node, line: Line, source: str) -> bool:
    match node:
        case Not(term):
            return not naively(term, line, source)
        case Every(terms):
            return all(naively(term, line, source) for term in terms)
        case Some(terms):
            return any(naively(term, line, source) for term in terms)
    return holds(node, line, source)


def holds(leaf: Node, line: Line, source: str) -> bool:
    match leaf:
        case Text(text):
            return text.lower() in line.text.lower()
        case Regex(expression, caseless):
            return re.search(expression, line.text, re.ASCII | (re.IGNORECASE if caseless else 0)) is not None
        case SourceIs(glob):
            return glob_matches(glob, source)
        case EventIs(glob):
            return glob_matches(glob, line.event)
        case LevelIs(condition):
            return condition.holds(line.level)
    raise AssertionError(leaf)


T = TypeVar("T")


def asked_once(answer: Callable[[int], T], universe: Sequence[int]) -> Callable[[int], T]:
    asked: list[int] = []

    def ask(line: int) -> T:
        assert line in universe
        assert line not in asked
        asked.append(line)
        return answer(line)

    return ask


@settings(deadline=None, max_examples=300)
@given(trees, st.lists(known_lines, min_size=1, max_size=8), st.sampled_from(["web", "db"]), st.data())
def test_a_query_selects_what_a_naive_evaluator_selects(
    tree: Node, known: list[Line], source: str, data: st.DataObject
) -> None:
    universe = sorted(data.draw(st.sets(st.integers(0, len(known) - 1))))
    text, ends = block_of([line.text for line in known])
    level_of = asked_once(lambda line: known[line].level, universe)
    event_of = asked_once(lambda line: known[line].event, universe)

    query = compile_query(parse_query(write(tree)))
    selected = query.select(text, ends, source=source, facts=KnownLines(level_of, event_of), universe=universe)

    assert selected == [line for line in universe if naively(tree, known[line], source)]


field_texts = st.one_of(
    st.sampled_from(["500", "250ms", ">5", "=x", "//x", ":y", "\\z", "a*b", "?", 'q"', "a b", "OR", "-", "*"]),
    st.text(LINE_CHARACTERS, min_size=1, max_size=4),
)
signs = st.sampled_from([">=", "<=", ">", "<"])
paths = st.sampled_from(["status", "a.b", "@timestamp", "levle", "fields.level"])
tests = st.one_of(
    st.builds(Same, field_texts),
    st.just(Present()),
    st.builds(Like, st.sampled_from(["a*", "=*x", ">?", "//*", '"*', r"a\**", "?"])),
    st.builds(Compared, signs, st.sampled_from(["5", "-1.5e3", "250ms", "1h30m", "95%"])),
)
moments = st.sampled_from(["2026-11-01", "2026-11-01T10:00", "2026-11-01T10:00:00.5+01:00"])
all_leaves: st.SearchStrategy[Node] = st.one_of(
    leaves,
    st.builds(Wild, st.sampled_from(["a*b", "*-?", "a?", r"\**x*y", "OR?", "x/?", '?"', "*:a?"])),
    st.builds(FieldIs, paths, tests),
    st.builds(TimeIs, st.builds(TimeCondition, st.one_of(signs, st.just("=")), moments)),
    st.builds(TimeIs, st.builds(TimeCondition, st.just("="), moments, moments)),
)


@settings(max_examples=500)
@given(
    st.recursive(
        all_leaves,
        lambda inner: st.one_of(
            inner.filter(lambda term: not isinstance(term, Not)).map(Not),
            st.lists(inner, min_size=2, max_size=4).map(every),
            st.lists(inner, min_size=2, max_size=4).map(some),
        ),
        max_leaves=8,
    )
)
def test_a_written_tree_is_read_back_as_it_was_and_its_normal_form_is_stable(tree: Node) -> None:
    query = parse_query(write(tree))

    assert query.root == tree
    assert parse_query(query.canonical) == query


@settings(deadline=None, max_examples=500)
@given(st.text('ab"/-():\\ORAND level:>=warn source:x*?[]{}^$.2026ms%\n\0\ud800', max_size=20))
def test_any_text_is_a_query_or_a_query_error_with_a_column_in_reach(text: str) -> None:
    refused = None
    try:
        query = parse_query(text)
        assert parse_query(query.canonical) == query
    except QueryError as error:
        refused = error

    assert refused is None or 1 <= refused.column <= len(text) + 1, str(refused)


@settings(deadline=None, max_examples=500)
@given(st.text(r"ab(|)[]{}0,9*+?\\^$.:=<>!#iPxsQE-dwWnk1é" + "\n", max_size=16))
def test_any_text_is_a_pattern_or_a_pattern_error(text: str) -> None:
    refused = None
    try:
        assert scan(PatternSet([Pattern(text)]), *block_of(["ab", "", "0 9"]))[0] <= {0, 1, 2}
    except PatternError as error:
        refused = error

    assert refused is None or refused.column is None or 1 <= refused.column <= len(text) + 1, str(refused)
