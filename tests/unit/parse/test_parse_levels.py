"""Levels as people and loggers write them, and words that only look like levels."""

from __future__ import annotations

import pytest

from logstream.parse import parse_line


def level(text: str) -> str | None:
    found = parse_line(text, format="plain").level
    return None if found is None else found.word


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("2026-11-23 16:04:01,123 ERROR connection reset", "error"),
        ("2026-11-23 16:04:01 [main] WARN  com.example.Foo - slow", "warn"),
        ("[2026-11-23 16:04:01,123: ERROR/MainProcess] boom", "error"),
        ("INFO:root:started", "info"),
        ("WARNING: low disk", "warn"),
        ("x NOTICE y", "info"),
        ("x DEBUG y", "debug"),
        ("x TRACE y", "trace"),
        ("x FATAL y", "fatal"),
        ("x CRITICAL y", "fatal"),
        ("x CRIT y", "fatal"),
        ("x PANIC y", "fatal"),
        ("x EMERG y", "fatal"),
        ("x ALERT y", "fatal"),
        ("x ERR y", "error"),
        ("Nov 23, 2026 4:04:01 PM Foo bar SEVERE: bad", "error"),
        ("2026/11/23 16:04:01 [error] 12#12: *1 open() failed", "error"),
        ("[Fri Nov 23 16:04:01 2026] [core:error] [pid 35708] x", "error"),
        ("[Info] x", "info"),
        ("16:04:01 <warn> x", "warn"),
        ("time=16:04:01 level=warn msg=x", "warn"),
        ('ts=1 lvl="ERROR" x', "error"),
        ("x severity=critical y", "fatal"),
        ("error: cannot open", "error"),
        ("Warning: deprecated", "warn"),
        ("2026/11/23 16:04:01 error: x", "error"),
        ("Nov 23 16:04:01 host sshd[33]: error: PAM", "error"),
        ("foo.c:12:3: error: bar", "error"),
        ("(12) fatal: x", "fatal"),
    ],
)
def test_a_level_is_recognised_where_it_is_written_as_one(text: str, word: str) -> None:
    assert level(text) == word


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no errors found",
        "an error was not seen",
        "terror: a film",
        "0 errors, 3 warnings",
        "informative: yes",
        "the last error: none",
        "GET /ERROR HTTP/1.1",
        "NON-FATAL x",
        "MY_ERROR_CODE ERROR_5 XERROR ERRORS INFORM",
        "see java.lang.ERROR",
        "[errors] [1234] <en> [warned]",
        "sublevel=error",
        "level=5",
        "it is fine: yes",
        "default: x",
    ],
)
def test_words_in_prose_are_not_levels(text: str) -> None:
    assert level(text) is None


def test_the_first_level_in_the_line_counts_however_it_is_written() -> None:
    assert level("[info] got ERROR from upstream") == "info"
    assert level("level=debug msg=[error]") == "debug"
    assert level("warning: ERROR [info] level=debug") == "warn"
    assert level("INFO [error] level=debug") == "info"
    assert level("[1] [x] error: level=info") == "error"


def test_a_level_far_into_the_line_belongs_to_the_message() -> None:
    assert level("x" * 100 + " ERROR") == "error"
    assert level("x" * 160 + " ERROR") is None
    assert level("x" * 160 + " [error] level=warn") is None
