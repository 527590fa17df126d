"""Patterns in each line of a block: one answer for all of its lines instead of one for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.rules import Pattern, PatternSet, all_lines
from logstream.rules.everywhere import FEWEST_LINES, MOST_OTHERS, PAUSE, Everywhere
from logstream.rules.forms import form_of
from logstream.rules.scanning import CLOSING
from tests.known_lines import scan

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY = [f"Order {number} took {number} ms \N{EURO SIGN}" for number in range(FEWEST_LINES)]
MOST = [*EVERY[:-1], "order"]
PATTERNS = [Pattern.of_text("order"), Pattern(r"took \d+ ms")]


def block_of(lines: Sequence[str]) -> tuple[bytes, list[int]]:
    text = "\n".join(lines).encode()
    return text, [at for at, byte in enumerate(text + b"\n") if byte == ord("\n")]


def closed(lines: Sequence[str]) -> bytes:
    return block_of(lines)[0] + CLOSING


def everywhere(patterns: Sequence[Pattern] = PATTERNS) -> Everywhere:
    """One that has seen a block with all of the patterns in each line."""
    made = Everywhere([form_of(pattern) for pattern in patterns])
    made.note([all_lines(FEWEST_LINES)] * len(patterns), FEWEST_LINES)
    return made


def test_a_pattern_is_asked_for_in_all_lines_at_once_after_it_was_in_each() -> None:
    assert everywhere().among([0, 1], closed(EVERY), FEWEST_LINES) == {0, 1}
    assert everywhere().among([0, 1], closed(MOST), FEWEST_LINES) == {0}
    assert everywhere().among([1], closed(EVERY), FEWEST_LINES) == {1}
    assert Everywhere([form_of(pattern) for pattern in PATTERNS]).among([0, 1], closed(EVERY), FEWEST_LINES) == set()


def test_where_it_was_not_in_each_it_is_not_tried_for_a_while() -> None:
    seen = everywhere()
    seen.among([0, 1], closed(MOST), FEWEST_LINES)

    for _ in range(PAUSE):
        assert seen.among([0, 1], closed(EVERY), FEWEST_LINES) == {0}
        seen.note([all_lines(FEWEST_LINES)] * 2, FEWEST_LINES)
    seen.note([all_lines(FEWEST_LINES)] * 2, FEWEST_LINES)

    assert seen.among([0, 1], closed(EVERY), FEWEST_LINES) == {0, 1}


def test_of_few_lines_and_beside_many_other_patterns_nothing_is_tried() -> None:
    others = [Pattern(f"absent {number}") for number in range(MOST_OTHERS + 1)]
    seen = Everywhere([form_of(pattern) for pattern in (PATTERNS[0], *others)])
    seen.note([all_lines(FEWEST_LINES), *[0] * len(others)], FEWEST_LINES)

    assert seen.among(range(1 + MOST_OTHERS), closed(EVERY), FEWEST_LINES) == {0}
    assert seen.among(range(2 + MOST_OTHERS), closed(EVERY), FEWEST_LINES) == set()
    assert everywhere().among([0, 1], closed(EVERY[:-1]), FEWEST_LINES - 1) == set()


@pytest.mark.parametrize("expression", ["^Order", r"\bOrder", "ms .$", r"Order\s"])
def test_what_asks_for_a_lines_edge_or_might_reach_beyond_it_is_not_asked_of_all_at_once(expression: str) -> None:
    assert form_of(Pattern(expression)).in_each is None


@pytest.mark.parametrize(
    ("expression", "is_asked"), [("O.{5}", True), ("O.{9}", False), ("o" * 60, True), ("o" * 70, False)]
)
def test_what_would_take_longer_than_to_be_told_of_each_line_is_not_asked_either(
    expression: str, *, is_asked: bool
) -> None:
    assert (form_of(Pattern(expression)).in_each is not None) is is_asked


def test_a_set_finds_the_same_lines_however_often_it_is_asked() -> None:
    patterns = PatternSet([*PATTERNS, Pattern("9 ms")])
    last = {number for number in range(FEWEST_LINES) if number % 10 == 9}
    all_of_them = set(range(FEWEST_LINES))

    for _ in range(3):
        assert scan(patterns, *block_of(EVERY)) == [all_of_them, all_of_them, last]
    assert patterns._everywhere.among([0, 1], closed(EVERY), FEWEST_LINES) == {0, 1}
    for _ in range(2):
        assert scan(patterns, *block_of(MOST)) == [all_of_them, all_of_them - {FEWEST_LINES - 1}, last - {31}]
