"""The query language: how people write, and what they are told when it cannot be read."""

from __future__ import annotations

import pytest

from logstream.rules import QueryError, parse_query


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("", ""),
        ("  \t\n", ""),
        ("timeout", "timeout"),
        ("  Time   OUT ", "time out"),
        ("a AND b", "a b"),
        ("a OR b c", "a OR b c"),
        ("(a OR b) c", "(a OR b) c"),
        ("a OR (b OR c)", "a OR b OR c"),
        ("((a))", "a"),
        ("a A a", "a"),
        ('"Connection  Reset"', '"connection  reset"'),
        (r'"say \"hi\" C:\\x \d"', r'"say \"hi\" c:\\x \\d"'),
        ("-a", "-a"),
        ("-(a b)", "-(a b)"),
        ("-(-a)", "a"),
        ('-"a b"', '-"a b"'),
        (r"/took=\d{4,}ms/", r"/took=\d{4,}ms/"),
        (r"/a\/b/i", r"/a\/b/i"),
        ("/[^/]+/", "/[^/]+/"),
        ("/a b/", "/a b/"),
        ("source:nginx", "source:nginx"),
        ('source:"my app"', 'source:"my app"'),
        ("event:http-?xx", "event:http-?xx"),
        ("level:error", "level:error"),
        ('level:">= warning"', "level:>=warn"),
        ("level:==error", "level:error"),
        ("12:30:01", "12:30:01"),
        ("::1", "::1"),
        ("10.0.0.1:8080", "10.0.0.1:8080"),
        ('"http://x"', '"http://x"'),
        ('"OR"', "or"),
        ('"-x"', '"-x"'),
        ('"/x"', '"/x"'),
        ('msg="not found"', 'msg="not found"'),
        ("or and not", "or and not"),
        ("Ä", "Ä"),
    ],
)
def test_a_query_is_read_and_has_one_normal_form(text: str, canonical: str) -> None:
    query = parse_query(text)

    assert query.canonical == canonical
    assert parse_query(canonical) == query


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("a OR", 5, "expected a term"),
        ("OR a", 1, "expected a term"),
        ("a AND AND b", 7, "expected a term"),
        ("()", 2, "expected a term"),
        ("(a", 3, "a ) for the ( in column 1"),
        ("a)", 2, "that nothing opens"),
        ("a -", 4, "the term that - negates"),
        ("a - b", 4, 'a dash as text is written "-"'),
        ("--verbose", 2, 'is quoted: "--verbose"'),
        ('a "b', 5, 'a closing " for the one in column 3'),
        ('""', 1, "text between the quotes"),
        ("/var/log/syslog", 6, 'a path is quoted: "/var/log/syslog"'),
        ("/var", 5, "a closing / for the one in column 1"),
        ("//", 1, "a regular expression between the slashes"),
        ("/a/ix", 4, "i or a blank"),
        ("panic: ", 7, 'a text with a colon is quoted: "panic:"'),
        ("status:>=", 10, "a number, perhaps with a unit (ns, us,"),
        ("status:>=5x", 10, "texts have no order; status:5x finds the text"),
        ("a took:<5parsecs", 9, "a number, perhaps with a unit"),
        ("time:yesterday", 6, "a time such as 2026-11-01, 2026-11-01T10:00"),
        ("time:2026-02-30", 6, "found '2026-02-30'"),
        ("user:\ud800", 6, "a lone surrogate is no character"),
        ("a.b.c.d.e.f.g.h.i.j.k:1", 1, "a path of at most 10 parts"),
        ("level:warm", 7, "did you mean warn?"),
        ("level:>=", 7, "one of trace, debug, info, warn, error, fatal"),
        ("level:", 7, "a value right after level:"),
        ("source: x", 8, "a value right after source:"),
        ('event:""', 7, "text between the quotes"),
        ("ab /x(?=y)/", 6, "look-ahead"),
        (r"/(a)\1/", 5, "back-reference"),
        ("/ä[b/", 6, "a closing /"),
        ("/é(/", 3, "missing close parenthesis"),
        ("/a{1,30000}/", 3, "unfold to 30000 steps"),
        ("/x{1,900}/ /y{1,1900}/ /z{1,1900}/", 24, "unfold to at most 4096 steps"),
        ("x\ud800", 1, "surrogate"),
        ("a" * 4097, 4097, "at most 4096 characters"),
        ("(" * 51 + "a" + ")" * 51, 51, "at most 50 open parentheses"),
        ("a " * 201, 401, "at most 200 terms"),
    ],
)
def test_a_mistake_is_answered_with_its_column_and_what_was_expected(text: str, column: int, words: str) -> None:
    with pytest.raises(QueryError) as refused:
        parse_query(text)

    assert refused.value.column == column
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"column {column}: expected {refused.value.expected}, found ")


def test_the_words_of_an_error_stay_short_whatever_was_typed() -> None:
    for text in ("/" + "a" * 2000 + "/" + "b" * 2000, "key:" + "x" * 4000, "level:" + "x" * 4000, "--" + "x" * 4000):
        with pytest.raises(QueryError) as refused:
            parse_query(text)
        assert len(str(refused.value)) < 400


def test_a_query_at_its_limits_is_read() -> None:
    assert parse_query("(" * 50 + "a" + ")" * 50).canonical == "a"
    assert len(parse_query(" ".join(f"w{number}" for number in range(200))).canonical.split()) == 200
    assert parse_query("a" * 1024).canonical == "a" * 1024
    assert parse_query("." * 1024).canonical == "." * 1024
