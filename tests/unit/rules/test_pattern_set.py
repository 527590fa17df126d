"""Many patterns over one block: each finds the lines that match it when taken alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from logstream.rules import Pattern, PatternError, PatternSet
from logstream.rules import forms as forms_module
from logstream.rules.forms import Form, form_of
from logstream.rules.patterns import MAX_PATTERNS
from tests.known_lines import scan

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXT = "aé b\n\nÄ.xx\nfoo\rbar\nabx".encode()
ENDS = [5, 6, 12, 20, 24]


def lines_found(expression: str, text: str, *, caseless: bool = False) -> set[int]:
    raw = text.encode()
    ends = [at for at, byte in enumerate(raw) if byte == ord("\n")]
    return scan(PatternSet([Pattern(expression, caseless)]), raw, [*ends, len(raw)])[0]


def test_each_pattern_of_a_set_finds_its_own_lines() -> None:
    patterns = PatternSet(
        [
            Pattern("x$"),
            Pattern(r"\s"),
            Pattern("^$"),
            Pattern(""),
            Pattern(r"\Aa"),
            Pattern.of_text("ä."),
            Pattern("q"),
        ]
    )

    assert scan(patterns, TEXT, ENDS) == [{2, 4}, {0, 3}, {1}, {0, 1, 2, 3, 4}, {0, 4}, {2}, set()]


def test_a_set_without_patterns_or_lines_finds_nothing() -> None:
    assert scan(PatternSet([]), b"a", [1]) == []
    assert scan(PatternSet([Pattern("")]), b"", []) == [set()]


def test_an_empty_line_is_a_line() -> None:
    assert lines_found("^$", "") == {0}
    assert lines_found("", "") == {0}


def test_an_empty_last_line_begins_and_ends_like_any_other() -> None:
    assert lines_found("^", "a\n") == {0, 1}
    assert lines_found("$", "a\n") == {0, 1}
    assert lines_found("^$", "a\n\n") == {1, 2}


@pytest.mark.parametrize(
    ("expression", "text", "lines"),
    [
        ("^a?b", "\nxb\nxbaaxxbbxaa\nb\naxabbbaaxxbaxaa\nxb\nx\nb", {3, 7}),
        ("^a*$", "xxxxxxx\nxxxxxxxxx\n", {2}),
    ],
)
def test_the_last_bytes_of_a_block_are_searched_like_all_others(expression: str, text: str, lines: set[int]) -> None:
    assert lines_found(expression, text) == lines


def test_patterns_that_match_at_one_place_do_not_hide_each_other() -> None:
    text = " Ä1 \rÄa \r\rx\u2028Ä\n\nxb\nÄ\nb\n\0001\nxxb.a\u2028Äb  x\rbx\u20281xxÄÄxa.\rÄ1\n \0".encode()
    ends = [at for at, byte in enumerate(text) if byte == ord("\n")] + [len(text)]

    assert scan(PatternSet([Pattern(r"Ä{0,2}\d$"), Pattern.of_text("Äb")]), text, ends) == [{5, 6}, {6}]


@pytest.mark.parametrize("expression", [r"a\s+b", "a[^x]b", r"a\nb", r"a\Wb", "(?s)a.b", r"a\x0ab", "a\nb"])
def test_no_match_reaches_from_one_line_into_the_next(expression: str) -> None:
    assert lines_found(expression, "a\nb") == set()


@pytest.mark.parametrize("expression", [r"\Aa", r"a\z", r"a\Z", "(?-m)^a$", r"(?:\Aa|x)"])
def test_where_the_text_begins_or_ends_is_where_the_line_does(expression: str) -> None:
    assert lines_found(expression, "b\na\nb") == {1}


def test_a_match_across_lines_does_not_hide_one_within_a_line() -> None:
    assert lines_found(r"a\sb", "a\na b\nb\na b a\nb") == {1, 3}


@pytest.mark.parametrize("character", ["\r", "\0", "\u2028", "\x85", "\x0b", "\x0c"])
def test_only_the_line_feed_ends_a_line(character: str) -> None:
    assert lines_found("^a.b$", f"a{character}b\nab") == {0}
    assert lines_found("^b", f"a{character}b") == set()


def test_a_dot_is_a_code_point() -> None:
    assert lines_found("^.$", "ä\n€\n😀\naa") == {0, 1, 2}


def test_classes_know_ascii_only() -> None:
    assert lines_found(r"\w", "ä\na") == {1}
    assert lines_found(r"\d", "٣\n3") == {1}
    assert lines_found(r"\s", "\u00a0\n\t") == {1}


def test_an_expression_minds_case_unless_told_otherwise() -> None:
    assert lines_found("Fehler Ä", "Fehler Ä\nfehler ä") == {0}
    assert lines_found("Fehler Ä", "Fehler Ä\nfehler ä", caseless=True) == {0, 1}


def test_a_text_is_found_as_it_stands_in_any_case() -> None:
    text = r"a.b*c (x) [y] {2} \d ^$ | # äÖ?+"

    assert scan(PatternSet([Pattern.of_text(text)]), text.upper().encode(), [len(text.encode())]) == [{0}]
    assert scan(PatternSet([Pattern.of_text("a.b")]), b"axb", [3]) == [set()]
    assert scan(PatternSet([Pattern.of_text("a\0b")]), b"a\0b\na", [3, 5]) == [{0}]


def test_a_comment_at_the_end_does_not_swallow_what_is_appended() -> None:
    assert lines_found("(?x) a b # c", "xabx\nc") == {0}
    assert lines_found("(?x) a b # c )", "xabx\nc") == {0}
    assert lines_found(r"\Qa(b", "xa(bx") == {0}


def test_a_set_serves_several_threads() -> None:
    patterns = PatternSet([Pattern(r"a\s"), Pattern("line 7$")])
    text = b"\n".join(b"line %d" % number for number in range(20_000))
    ends = [at for at, byte in enumerate(text) if byte == ord("\n")] + [len(text)]

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: scan(patterns, text, ends), range(40)))

    assert found == [[set(), {7}]] * 40


def test_more_patterns_than_one_set_may_hold_are_refused() -> None:
    with pytest.raises(PatternError, match=f"at most {MAX_PATTERNS}"):
        PatternSet([Pattern(f"a{number}") for number in range(MAX_PATTERNS + 1)])


def test_patterns_too_costly_for_one_database_are_spread_over_several() -> None:
    many = [Pattern(f"^{number}[a-z]{{1,600}}|{number}\\s") for number in range(6)]

    patterns = PatternSet(many)

    assert len(patterns._blocks) >= 2
    assert scan(patterns, b"3 \n5\t", [2, 5]) == [set(), set(), set(), {0}, set(), {1}]


@pytest.mark.parametrize(("shared", "databases"), [(True, 1), (False, 3)])
def test_an_engine_that_loses_matches_among_many_patterns_gets_one_at_a_time(
    *, shared: bool, databases: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("logstream.rules.forms._may_share_a_database", lambda: shared)
    patterns = PatternSet([Pattern("a"), Pattern(r"\s"), Pattern("b$")])

    assert len(patterns._blocks) == databases
    assert scan(patterns, b"a b\na\n\tb", [3, 5, 8]) == [{0, 1}, {0, 2}, {0, 2}]


@pytest.mark.parametrize(("expression", "forms"), [("no such: thing", 1), ("a|b", 2), ("a$", 3)])
def test_what_is_plain_is_compiled_in_no_form_but_that_in_which_it_is_searched(
    expression: str, forms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_alone, compiled = forms_module.compiled, list[Form]()

    def spy(numbered: Sequence[tuple[int, Form]]) -> object:
        compiled.extend(form for _, form in numbered)
        return compile_alone(numbered)

    monkeypatch.setattr(forms_module, "compiled", spy)
    form = form_of.__wrapped__(Pattern(expression))

    assert len(compiled) == forms
    assert (compiled[-1].expression, compiled[-1].flags) == (form.expression, form.flags)


def test_the_first_unusable_pattern_is_named() -> None:
    with pytest.raises(PatternError) as refused:
        PatternSet([Pattern("a"), Pattern("b("), Pattern("c(")])

    assert refused.value.pattern == "b("


def test_a_set_shows_how_much_of_it_is_verified_line_by_line() -> None:
    assert repr(PatternSet([Pattern("a"), Pattern(r"\s")])) == "<PatternSet [2 patterns, 1 verified line by line]>"
