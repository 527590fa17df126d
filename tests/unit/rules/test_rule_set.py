"""Rules over a block: what order means."""

from __future__ import annotations

import pytest

from logstream.records import Level
from logstream.rules import RESERVED_EVENTS, PatternError, Rule, RuleSet, Tag, Tags, Verdicts, parse_level_condition
from tests.known_lines import KnownLines

LINES = ["GET /health 200", "GET /health 500", "ERROR disk full", "debug noise", "plain"]
LEVELS = [Level.INFO, Level.INFO, Level.ERROR, Level.DEBUG, None]


def judge(*rules: Rule, source: str = "web", asked: list[int] | None = None) -> Verdicts:
    text = "\n".join(LINES).encode()
    ends = [at for at, byte in enumerate(text) if byte == ord("\n")] + [len(text)]

    def level_of(line: int) -> Level | None:
        if asked is not None:
            asked.append(line)
        return LEVELS[line]

    return RuleSet(rules).judge(text, ends, source=source, facts=KnownLines(level_of))


def test_without_rules_all_lines_are_kept_and_none_is_touched() -> None:
    verdicts = judge()

    assert verdicts == Verdicts(range(5), Tags())
    assert isinstance(verdicts.kept, range)


def test_lines_are_kept_as_a_range_when_no_rule_drops_one() -> None:
    assert isinstance(judge(Rule("t", match="health"), Rule("d", match="absent", action="drop")).kept, range)


def test_a_drop_ends_a_line() -> None:
    verdicts = judge(Rule("noise", match="health|noise", action="drop"), Rule("all"))

    assert verdicts.kept == [2, 4]
    assert set(verdicts.tags) == {2, 4}


def test_a_keep_shields_a_line_from_later_drops() -> None:
    keep, drop = Rule("failed", match="500", action="keep"), Rule("health", match="health", action="drop")

    assert judge(keep, drop).kept == [1, 2, 3, 4]
    assert judge(drop, keep).kept == [2, 3, 4]


def test_a_shielded_line_lists_the_drop_that_matched_it() -> None:
    verdicts = judge(Rule("failed", match="500", action="keep"), Rule("health", match="health", action="drop"))

    assert verdicts.tags == {1: Tag(None, None, ("failed", "health"))}


def test_tags_add_up_and_the_first_type_and_level_win() -> None:
    verdicts = judge(
        Rule("get", match="GET"),
        Rule("http", match="GET", event="http"),
        Rule("http-5xx", match=" 5..$", event="http-5xx", set_level=Level.ERROR),
        Rule("loud", match="500", set_level=Level.FATAL),
    )

    assert verdicts.tags == {
        0: Tag("http", None, ("get", "http")),
        1: Tag("http", Level.ERROR, ("get", "http", "http-5xx", "loud")),
    }


def test_a_keep_gives_type_and_level_too() -> None:
    assert judge(Rule("k", match="500", action="keep", event="e", set_level=Level.WARN)).tags == {
        1: Tag("e", Level.WARN, ("k",))
    }


def test_a_level_condition_sees_the_level_that_an_earlier_rule_set() -> None:
    raise_level = Rule("raise", match="plain|500", set_level=Level.ERROR)
    loud = Rule("loud", level=parse_level_condition(">=error"))

    assert {line for line, tag in judge(raise_level, loud).tags.items() if "loud" in tag.rules} == {1, 2, 4}
    assert {line for line, tag in judge(loud, raise_level).tags.items() if "loud" in tag.rules} == {2}


def test_all_conditions_of_a_rule_must_hold() -> None:
    rule = Rule("r", match="GET|disk", source="w*", level=parse_level_condition("error"))

    assert set(judge(rule).tags) == {2}
    assert set(judge(rule, source="db").tags) == set()


def test_a_rule_without_conditions_matches_each_line() -> None:
    assert set(judge(Rule("all")).tags) == {0, 1, 2, 3, 4}
    assert judge(Rule("none", action="drop")).kept == []


def test_a_level_is_asked_once_a_line_and_only_where_the_pattern_matched() -> None:
    asked: list[int] = []

    judge(
        Rule("a", match="GET", level=parse_level_condition("info")),
        Rule("b", match="GET|disk", level=parse_level_condition("error")),
        asked=asked,
    )

    assert sorted(asked) == [0, 1, 2]


def test_a_dropped_line_is_not_asked_about() -> None:
    asked: list[int] = []

    judge(Rule("d", match="GET", action="drop"), Rule("l", level=parse_level_condition("info")), asked=asked)

    assert sorted(asked) == [2, 3, 4]


def test_a_pattern_that_cannot_be_used_is_refused_when_the_set_is_made() -> None:
    with pytest.raises(PatternError):
        RuleSet([Rule("r", match="a(")])


def test_no_rule_may_give_the_types_of_the_wire_itself() -> None:
    assert {"hello", "ping", "gap", "batch", "bye", "rotated", "source", "error", "open", "message"} < RESERVED_EVENTS
    assert "line" not in RESERVED_EVENTS
