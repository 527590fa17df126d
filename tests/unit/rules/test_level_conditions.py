"""Conditions on levels and names."""

from __future__ import annotations

import pytest

from logstream.errors import UsageError
from logstream.records import Level
from logstream.rules import LevelCondition, glob_matches, parse_level_condition


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        (">=warn", "warn error fatal"),
        (">warn", "error fatal"),
        ("<=debug", "trace debug"),
        (" < Info ", "trace debug"),
        ("error", "error"),
        ("=error", "error"),
        ("==error", "error"),
        ("WARNING", "warn"),
        (">= err", "error fatal"),
        ("critical", "fatal"),
    ],
)
def test_a_level_condition_holds_for_the_levels_it_names(text: str, levels: str) -> None:
    condition = parse_level_condition(text)

    assert [level.word for level in Level if condition.holds(level)] == levels.split()


@pytest.mark.parametrize("comparison", [">=", "<=", ">", "<", "="])
def test_a_line_without_a_level_meets_no_condition(comparison: str) -> None:
    assert not parse_level_condition(f"{comparison}warn").holds(None)


def test_a_condition_is_written_as_it_is_read() -> None:
    assert str(parse_level_condition(">= warning")) == ">=warn"
    assert str(parse_level_condition("=warn")) == "warn"
    assert parse_level_condition("warn") == LevelCondition("=", Level.WARN)


@pytest.mark.parametrize("text", ["", ">=", "warm", ">=10", "!warn", ">>warn", "warn error"])
def test_a_condition_that_names_no_level_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(UsageError, match=r"expected a level \(one of trace, debug, .*found"):
        parse_level_condition(text)


def test_the_nearest_level_is_proposed() -> None:
    with pytest.raises(UsageError, match="did you mean warn"):
        parse_level_condition(">=warm")


def test_a_glob_matches_whole_names_and_minds_case() -> None:
    assert glob_matches("web-*", "web-1")
    assert glob_matches("[!w]?b", "dbb")
    assert not glob_matches("web", "web-1")
    assert not glob_matches("Web", "web")
    assert glob_matches("a.b", "a.b")
    assert not glob_matches("a.b", "axb")
