"""What is masked, and what is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.records import Level
from logstream.rules import MASK, PatternError, Rule, RuleSet, Verdicts, check_redaction, parse_level_condition
from logstream.rules.forms import check_pattern
from logstream.rules.redaction import PRESETS, Redactor, card_spans, masked, masked_fields
from tests.known_lines import KnownLines


def judged(lines: list[str], *rules: Rule, level: Level | None = None) -> Verdicts:
    text = "\n".join(lines).encode()
    ends = [at for at, byte in enumerate(text) if byte == ord("\n")] + [len(text)]
    return RuleSet(rules).judge(text, ends, source="web", facts=KnownLines(lambda _: level))


def shown(line: str, *rules: Rule) -> str:
    found = judged([line], *rules).masked
    return found[0].text if found else line


def by_preset(name: str, line: str) -> str:
    return shown(line, Rule("secrets", redact=(name,)))


@pytest.mark.parametrize(
    ("preset", "line", "expected"),
    [
        ("bearer", "Authorization: Bearer eyJhbGciOi.J9-_~+/x== 200", "Authorization: Bearer *** 200"),
        ("bearer", '{"authorization":"bearer a.b"}', '{"authorization":"bearer ***"}'),
        ("bearer", "GET /me?access_token=s3cr3t&page=2", "GET /me?access_token=***&page=2"),
        ("bearer", "a forbearer of news", "a forbearer of news"),
        ("url-password", "postgres://app:p@ss@db:5432/x", "postgres://app:***@db:5432/x"),
        ("url-password", "redis://:pw@cache", "redis://:***@cache"),
        ("url-password", r"https:\/\/u:p@host", r"https:\/\/u:***@host"),
        ("url-password", "http://host:8080/a@b", "http://host:8080/a@b"),
        ("email", "to=<joe.x+tag@mail.example.com>, müller@exämple.de.", "to=<***>, ***."),
        ("email", "root@localhost", "root@localhost"),
        ("card", "card=4111111111111111 4111 1111 1111 1111 378282246310005", "card=*** *** ***"),
        ("card", "pan 4111-1111-1111-1111, order 4111111111111112", "pan ***, order 4111111111111112"),
        ("card", "order 1234 4111 1111 1111 1111", "order 1234 ***"),
        ("card", "0.4111111111111111 1732445123123456789", "0.4111111111111111 1732445123123456789"),
    ],
)
def test_a_preset_masks_its_secrets_and_nothing_else(preset: str, line: str, expected: str) -> None:
    assert by_preset(preset, line) == expected


def test_a_card_number_needs_its_check_digit_to_be_a_hit() -> None:
    rule = Rule("cards", redact=("card",), event="card")
    verdicts = judged(["4111111111111111", "4111111111111112"], rule)

    assert set(verdicts.tags) == {0}
    assert [(spoken.lines_tried, spoken.hits) for spoken in verdicts.spoken] == [(2, 1)]


@pytest.mark.parametrize(
    ("match", "line", "expected"),
    [
        (r"password=(\S+)", "password=x password=yy ok", "password=*** password=*** ok"),
        (r"secret\d+", "a secret1 secret22", "a *** ***"),
        (r"key=(\w+)|token", "key=abc token", "key=*** ***"),
        (r"(a(b)c)", "xabcx", "x***x"),
        (".*", "all of it", "***"),
        ("x*", "axxb", "a***b"),
        ("^", "nothing to mask", "nothing to mask"),
        ("ключ=(.+)$", "ключ=значение", "ключ=***"),
    ],
)
def test_groups_are_masked_else_the_whole_match(match: str, line: str, expected: str) -> None:
    assert shown(line, Rule("r", match=match, redact=True)) == expected


def test_only_lines_that_all_conditions_hold_for_are_masked() -> None:
    loud = Rule("loud", match="x", level=parse_level_condition("error"), redact=True)
    elsewhere = Rule("elsewhere", match="x", source="db", redact=True)
    asked = Rule("asked", match="x", where="other", redact=True)

    assert judged(["x"], loud, level=Level.INFO).masked == {}
    assert judged(["x"], loud, level=Level.ERROR).masked[0].text == MASK
    assert judged(["x"], elsewhere).masked == {}
    assert {line: found.text for line, found in judged(["x", "x other"], asked).masked.items()} == {1: "*** other"}


def test_what_several_rules_find_is_masked_together() -> None:
    one, two = Rule("one", match="bcd", redact=True), Rule("two", match="def", redact=True)

    assert shown("abcdefg", one, two) == "a***g"


def test_a_dropped_line_is_masked_too_since_its_trace_may_be_kept() -> None:
    verdicts = judged(["x"], Rule("drop", match="x", action="drop"), Rule("mask", match="x", redact=True))

    assert (verdicts.kept, verdicts.masked[0].text) == ([], MASK)


def test_rules_see_the_line_as_it_stands_whatever_is_masked_before_them() -> None:
    verdicts = judged(["x"], Rule("mask", match="x", redact=True), Rule("later", match="x"))

    assert verdicts.tags[0].rules == ("mask", "later")


def test_where_the_place_of_a_match_is_not_found_the_whole_line_is_masked() -> None:
    # The two engines agree on all that is tested here; what is put to the redactor by hand is a line without a match.
    assert masked("no match here", Redactor("x", ()).spans("no match here")) == MASK


def test_a_pattern_whose_place_cannot_be_found_is_refused() -> None:
    check_pattern("(?x) a b # spaced")
    with pytest.raises(PatternError, match="cannot be masked"):
        check_redaction("(?x) a b # spaced")


def test_values_that_an_escape_has_hidden_are_masked_as_values() -> None:
    redactor = Redactor(None, ["email"])

    assert masked_fields({"a": "x@example.com", "b": [{"c": "y@example.com"}], "d": 1}, [redactor]) == {
        "a": MASK,
        "b": [{"c": MASK}],
        "d": 1,
    }


@given(st.text(max_size=30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=5))
def test_nothing_of_a_span_is_left_and_nothing_else_is_taken(text: str, starts: list[tuple[int, int]]) -> None:
    spans = [(start, min(start + length, len(text))) for start, length in starts if start < len(text)]
    hidden = {place for start, end in spans for place in range(start, end)}
    expected = "".join("\0" if place in hidden else character for place, character in enumerate(text))
    while "\0\0" in expected:
        expected = expected.replace("\0\0", "\0")

    if "\0" not in text:
        assert masked(text, spans) == expected.replace("\0", MASK)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 if place % 2 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


@given(st.text(alphabet="0123456789", min_size=13, max_size=19), st.sampled_from(["", " ", "-"]))
def test_a_number_in_groups_is_a_card_if_luhn_and_the_issuers_say_so(digits: str, separator: str) -> None:
    grouped = separator.join(digits[at : at + 4] for at in range(0, len(digits), 4))
    whole = (0, len(grouped))

    assert (whole in list(card_spans(grouped))) == (digits[0] in "23456" and _luhn(digits))


@pytest.mark.parametrize("name", PRESETS)
@given(text=st.text(alphabet="ab@.:/ -=41é", max_size=60).map("bearer http://x:4111111111111111".__add__))
def test_what_a_preset_finds_its_pattern_has_found_before(name: str, text: str) -> None:
    found = list(PRESETS[name].spans(text))
    verdicts = judged([text], Rule("r", redact=(name,)))

    assert bool(found) == (0 in verdicts.masked)
