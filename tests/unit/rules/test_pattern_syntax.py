"""What is refused in a regular expression, and what is known about one before it is compiled."""

from __future__ import annotations

import pytest

from logstream.rules import PatternError, check_pattern
from logstream.rules.syntax import MAX_PATTERN_CHARACTERS, survey


@pytest.mark.parametrize(
    ("pattern", "column", "words"),
    [
        ("ab(?=c)", 3, "look-ahead"),
        ("ab(?!c)", 3, "negative look-ahead"),
        ("(?<=a)b", 1, "look-behind"),
        ("äö(?<!a)b", 3, "negative look-behind"),
        (r"(a)\1", 4, "back-reference"),
        (r"(?<n>a)\k<n>", 8, "back-reference"),
        ("(?P<n>a)(?P=n)", 9, "back-reference"),
        (r"(a)\g{1}", 4, "back-reference"),
        ("(?>a)", 1, "atomic group"),
        ("a++", 3, "possessive"),
        ("a{2,3}+", 7, "possessive"),
        ("(a)(?1)", 4, "call of a group"),
        ("(?R)", 1, "call of a group"),
        ("(?(1)a|b)", 1, "conditional"),
        ("(?|a|b)", 1, "branch reset"),
        ("(*UTF8)a", 1, "control verb"),
        (r"a\G", 2, r"\G"),
        (r"a\Kb", 2, r"\K"),
        (r"\R", 1, r"\R"),
        (r"\X", 1, r"\X"),
        (r"\u00e4", 1, r"\x{20AC}"),
        ("a\0b", 2, r"\x00"),
        ("a\ud800", 2, "surrogate"),
        (r"a\é", 2, "outside ASCII"),
        (r"a[b\é]", 4, "outside ASCII"),
        (r"a[\Qé\E]", 3, "outside ASCII"),
        (r"a\Qé\E", 2, "outside ASCII"),
    ],
)
def test_what_hyperscan_cannot_do_is_named_with_its_column_and_a_way_out(pattern: str, column: int, words: str) -> None:
    with pytest.raises(PatternError) as refused:
        check_pattern(pattern)

    assert refused.value.column == column
    assert words in refused.value.reason
    assert f"column {column}: {refused.value.reason}" in str(refused.value)


@pytest.mark.parametrize(
    ("pattern", "column", "words"),
    [
        ("a)|(b", 2, "unmatched parentheses"),
        ("é(a", 2, "missing close parenthesis"),
        ("éé[a", 3, "unterminated character class"),
        ("*a", 1, "invalid repeat"),
        ("é[z-a]", 5, "range out of order"),
        ("€😀*é)", 5, "unmatched parentheses"),
        ("a\\", 2, "unescaped"),
        ("x$y", None, "$ can only stand at the end"),
    ],
)
def test_a_malformed_expression_is_refused_where_hyperscan_saw_it_counted_in_characters(
    pattern: str, column: int | None, words: str
) -> None:
    with pytest.raises(PatternError) as refused:
        check_pattern(pattern)

    assert words in refused.value.reason
    assert refused.value.column == column


@pytest.mark.parametrize(
    "pattern",
    [
        "a{1,30000}",
        "(.{50,1000}b){5}",
        "((((a{9}){999999999}){999999999}){999999999})",
        r"(\pL{1,10}x){10}",
        r"(?x) \w {1,900} {3}",
        "[^a]{2,}(?:[ab]{30}){99}",
    ],
)
def test_repeats_that_explode_are_refused_before_they_are_compiled(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"unfold to \d+ steps, at most \d+ are allowed") as refused:
        check_pattern(pattern)

    assert refused.value.column is not None
    assert pattern[refused.value.column - 1] == "{"


def test_groups_nested_so_deeply_that_compiling_would_take_minutes_are_refused() -> None:
    with pytest.raises(PatternError, match="nested deeper") as refused:
        check_pattern("(a" * 30 + ")*" * 30)

    assert refused.value.column == 25  # the 13th


def test_a_pattern_may_be_as_long_as_the_limit_and_no_longer() -> None:
    with pytest.raises(PatternError, match=f"{MAX_PATTERN_CHARACTERS + 1} characters"):
        check_pattern("(?#" + "a" * (MAX_PATTERN_CHARACTERS - 3) + ")")

    check_pattern("(?#" + "a" * (MAX_PATTERN_CHARACTERS - 4) + ")")


def test_a_long_pattern_is_cut_in_the_words_of_its_error_but_not_in_its_facts() -> None:
    pattern = "a" * 5000

    with pytest.raises(PatternError) as refused:
        check_pattern(pattern)

    assert len(str(refused.value)) < 200
    assert refused.value.pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"\d{4,}ms",
        r"\S+ \w",
        r"[^\n]",
        r"[^\]\n]",
        r"[^\s]",
        "[a-z]",
        "[ -~]",
        r"[\w.-]",
        r"[\t ]",
        "[[:alpha:]_]",
        r"\x41",
        r"\x{e4}",
        "(?s:a).",
        r"\.\/",
        r"\Qa.b\E",
        "(?#\n)a",
        "ä|ö",
        r"\bx\b",
        "(?x)a \n b",
    ],
)
def test_a_pattern_that_cannot_match_a_line_feed_is_safe_to_scan_in_a_block(pattern: str) -> None:
    assert survey(pattern).line_safe


@pytest.mark.parametrize(
    "pattern",
    [
        r"\s",
        r"\W",
        r"\D",
        r"\n",
        r"\x0a",
        r"\x{0a}",
        r"\012",
        r"\cJ",
        r"\v",
        r"\pL",
        r"\H",
        "(?s).",
        "(?s:.)",
        "a\nb",
        "[^a]",
        r"[^\\n]",
        r"[^\Q\n\E]",
        r"[\t-z]",
        r"[\x00-\x1f]",
        "[[:space:]]",
        "[[:^alpha:]]",
        r"[\W]",
        "[]\n]",
    ],
)
def test_a_pattern_that_may_match_a_line_feed_is_not_taken_for_safe(pattern: str) -> None:
    assert not survey(pattern).line_safe


@pytest.mark.parametrize(
    ("pattern", "in_block"),
    [
        (r"\Aa\z|b\Z", "^a$|b$"),
        (r"\\A[\\A]\x41", r"\\A[\\A]\x41"),
        ("(?-m)^a", "(?)^a"),
        ("(?i-ms:^a)", "(?i-s:^a)"),
        ("(?x)a # \\A", "(?x)a # \\A\n"),
        (r"\Q\A", r"\Q\A\E"),
    ],
)
def test_in_a_block_a_pattern_asks_for_lines_where_it_asked_for_the_text(pattern: str, in_block: str) -> None:
    assert survey(pattern).in_block == in_block
    check_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "closing"),
    [("(?x)a # b", "\n"), ("(?x)a # b\n", ""), (r"\Qa(", r"\E"), (r"\Qa(\E", ""), ("(?x:a) # b", ""), ("a # b", "")],
)
def test_a_comment_or_quote_left_open_is_noticed(pattern: str, closing: str) -> None:
    assert survey(pattern).closing == closing
