"""From the characters of a query to its tokens, each with its column.

Owns how words, phrases, expressions and `key:value` are written, and the error that says what was expected where.
Refuses to know how tokens combine.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.rules.fields import is_wild, unescaped
from logstream.rules.forms import Pattern, cost_of
from logstream.rules.keys import Value, make_term
from logstream.rules.mistakes import SHOWN_CHARACTERS, Mistake, QueryError, shown
from logstream.rules.syntax import PatternError
from logstream.rules.tree import ANY_LINE, Leaf, Regex, Text, Wild

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Kind(Enum):
    """What a token is; the values name it in errors."""

    LEAF = "a term"
    MINUS = "-"
    OPEN = "("
    CLOSE = ")"
    OR = "OR"
    AND = "AND"
    END = "the end of the query"


class Token(NamedTuple):
    """A piece of a query. `leaf` is set for terms; `column` counts from 1; `written` is its text."""

    kind: Kind
    column: int
    written: str
    leaf: Leaf | None = None


_WORD: Final = re.compile(r"[^\s()]+")
_PHRASE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_EXPRESSION: Final = re.compile(r"/((?:[^/\\\[]|\\.|\[\^?\]?(?:[^\]\\]|\\.)*\])*)/(\w*)", re.DOTALL)
# What looks like a key and is none: an address (http://), a path (C:\dir), a name of C++ or Rust (std::io).
_KEY: Final = re.compile(r"([A-Za-z_@][\w.@-]*):(?!//|\\|:)")
_LAST_STARS: Final = re.compile(r"(?<!\\)\*+\Z")
_KEYWORDS: Final = {"OR": Kind.OR, "AND": Kind.AND}


def read_tokens(text: str) -> Iterator[Token]:
    """The tokens of a query, ending with one of kind END; raises QueryError."""
    at = 0
    while True:
        at = _after_blanks(text, at)
        token = _token(text, at)
        yield token
        if token.kind is Kind.END:
            return
        at += len(token.written)


def _after_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _token(text: str, at: int) -> Token:
    if at == len(text):
        return Token(Kind.END, at + 1, "")
    read = _BY_FIRST_CHARACTER.get(text[at])
    if read is not None:
        return read(text, at)
    key = _KEY.match(text, at)
    if key is not None:
        return _field(text, key)
    written = _word(text, at)
    keyword = _KEYWORDS.get(written)
    return Token(keyword, at + 1, written) if keyword else Token(Kind.LEAF, at + 1, written, _bare(written))


def _bare(word: str) -> Text | Wild:
    # A word is found anywhere in a line: stars at its ends change nothing.
    within = _LAST_STARS.sub("", word.lstrip("*"))
    if not is_wild(within):
        return Text(unescaped(within)) if within else ANY_LINE
    return Wild(word)


def _word(text: str, at: int) -> str:
    word = _WORD.match(text, at)
    return "" if word is None else word[0]


def _minus(text: str, at: int) -> Token:
    rest = _word(text, at)
    if rest == "-" and not text.startswith("(", at + 1):
        found = shown(text[at + 1]) if at + 1 < len(text) else Kind.END.value
        hint = 'a dash as text is written "-"'
        raise QueryError(Mistake.DASH_ALONE, at + 2, "the term that - negates, right after it", found, hint)
    if rest.startswith("--"):
        hint = f'a text that begins with - is quoted: "{rest[:SHOWN_CHARACTERS]}"'
        raise QueryError(Mistake.DASH_TWICE, at + 2, "the term that - negates", "a second -", hint)
    return Token(Kind.MINUS, at + 1, "-")


def _quoted(text: str, at: int) -> Token:
    phrase, end = _phrase(text, at)
    return Token(Kind.LEAF, at + 1, text[at:end], Text(phrase))


def _phrase(text: str, at: int) -> tuple[str, int]:
    """The phrase that opens at `at`, and where it ends."""
    phrase = _PHRASE.match(text, at)
    if phrase is None:
        expected = f'a closing " for the one in column {at + 1}'
        raise QueryError(Mistake.QUOTE_OPEN, len(text) + 1, expected, Kind.END.value, facts={"opened": at + 1})
    if not phrase[1]:
        raise QueryError(Mistake.QUOTE_EMPTY, at + 1, "text between the quotes", '""')
    return re.sub(r'\\(["\\])', r"\1", phrase[1]), phrase.end()


def _expression(text: str, at: int) -> Token:
    whole = _EXPRESSION.match(text, at)
    path = f'a path is quoted: "{_word(text, at)[:SHOWN_CHARACTERS]}"'
    if whole is None:
        expected = f"a closing / for the one in column {at + 1}"
        raise QueryError(Mistake.REGEX_OPEN, len(text) + 1, expected, Kind.END.value, path, {"opened": at + 1})
    expression, flags = whole[1], whole[2]
    if not expression:
        raise QueryError(Mistake.REGEX_EMPTY, at + 1, "a regular expression between the slashes", "//", path)
    follows = _word(text, whole.end(2))
    if flags not in {"", "i"} or follows:
        expected = "i or a blank after the regular expression"
        raise QueryError(Mistake.REGEX_FLAGS, whole.start(2) + 1, expected, shown(flags + follows), path)
    try:
        cost_of(Pattern(expression, caseless=flags == "i"))
    except PatternError as error:
        column = at + 1 + (error.column or 0)
        expected = "a usable regular expression"
        facts = {"reason": error.reason}
        raise QueryError(Mistake.REGEX_UNUSABLE, column, expected, shown(whole[0]), error.reason, facts) from error
    return Token(Kind.LEAF, at + 1, whole[0], Regex(expression, caseless=flags == "i"))


_BY_FIRST_CHARACTER: Final[dict[str, Callable[[str, int], Token]]] = {
    "(": lambda _text, at: Token(Kind.OPEN, at + 1, "("),
    ")": lambda _text, at: Token(Kind.CLOSE, at + 1, ")"),
    "-": _minus,
    '"': _quoted,
    "/": _expression,
}


def _field(text: str, key: re.Match[str]) -> Token:
    at, name, end = key.start(), key[1], key.end()
    if text.startswith('"', end):
        phrase, stop = _phrase(text, end)
        value = Value(phrase, end + 1, is_quoted=True)
    else:
        written = _word(text, end)
        stop = end + len(written)
        value = Value(written, end + 1, is_quoted=False)
    if not value.text:
        found = shown(text[end]) if end < len(text) else Kind.END.value
        quoted = f'a text with a colon is quoted: "{key[0]}"'
        raise QueryError(
            Mistake.VALUE_MISSING, end + 1, f"a value right after {key[0]}", found, quoted, {"key": key[0]}
        )
    return Token(Kind.LEAF, at + 1, text[at:stop], make_term(name, value))
