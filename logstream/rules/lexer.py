"""From the characters of a query to its tokens, each with its column.

Owns how words, phrases, expressions and `key:value` are written, and the error that says what was expected where.
Refuses to know how tokens combine.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.errors import UsageError
from logstream.rules.conditions import LevelConditionError, parse_level_condition
from logstream.rules.patterns import Pattern, cost_of
from logstream.rules.syntax import PatternError
from logstream.rules.tree import EventIs, Leaf, LevelIs, Regex, SourceIs, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SHOWN_CHARACTERS: Final = 40


class QueryError(UsageError):
    """A query that cannot be read.

    `column` counts characters from 1; `expected` and `found` say what should stand there and what does; `hint`, where
    not empty, says how to write what was probably meant.
    """

    def __init__(self, column: int, expected: str, found: str, hint: str = "") -> None:
        super().__init__(column, expected, found, hint)
        self.column = column
        self.expected = expected
        self.found = found
        self.hint = hint

    def __str__(self) -> str:
        """One sentence, with the column first."""
        hint = f"; {self.hint}" if self.hint else ""
        return f"column {self.column}: expected {self.expected}, found {self.found}{hint}"


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


def shown(text: str) -> str:
    """What was found, cut to a length that fits into an error."""
    return repr(text) if len(text) <= _SHOWN_CHARACTERS else repr(text[:_SHOWN_CHARACTERS] + "...")


_WORD: Final = re.compile(r"[^\s()]+")
_PHRASE: Final = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_EXPRESSION: Final = re.compile(r"/((?:[^/\\\[]|\\.|\[\^?\]?(?:[^\]\\]|\\.)*\])*)/(\w*)", re.DOTALL)
_KEY: Final = re.compile(r"([A-Za-z_@][\w.@-]*):")
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
    return Token(keyword, at + 1, written) if keyword else Token(Kind.LEAF, at + 1, written, Text(written))


def _word(text: str, at: int) -> str:
    word = _WORD.match(text, at)
    return "" if word is None else word[0]


def _minus(text: str, at: int) -> Token:
    rest = _word(text, at)
    if rest == "-" and not text.startswith("(", at + 1):
        found = shown(text[at + 1]) if at + 1 < len(text) else Kind.END.value
        raise QueryError(at + 2, "the term that - negates, right after it", found, 'a dash as text is written "-"')
    if rest.startswith("--"):
        hint = f'a text that begins with - is quoted: "{rest[:_SHOWN_CHARACTERS]}"'
        raise QueryError(at + 2, "the term that - negates", "a second -", hint)
    return Token(Kind.MINUS, at + 1, "-")


def _quoted(text: str, at: int) -> Token:
    phrase, end = _phrase(text, at)
    return Token(Kind.LEAF, at + 1, text[at:end], Text(phrase))


def _phrase(text: str, at: int) -> tuple[str, int]:
    """The phrase that opens at `at`, and where it ends."""
    phrase = _PHRASE.match(text, at)
    if phrase is None:
        raise QueryError(len(text) + 1, f'a closing " for the one in column {at + 1}', Kind.END.value)
    if not phrase[1]:
        raise QueryError(at + 1, "text between the quotes", '""')
    return re.sub(r'\\(["\\])', r"\1", phrase[1]), phrase.end()


def _expression(text: str, at: int) -> Token:
    whole = _EXPRESSION.match(text, at)
    path = f'a path is quoted: "{_word(text, at)[:_SHOWN_CHARACTERS]}"'
    if whole is None:
        raise QueryError(len(text) + 1, f"a closing / for the one in column {at + 1}", Kind.END.value, path)
    expression, flags = whole[1], whole[2]
    if not expression:
        raise QueryError(at + 1, "a regular expression between the slashes", "//", path)
    follows = _word(text, whole.end(2))
    if flags not in {"", "i"} or follows:
        raise QueryError(whole.start(2) + 1, "i or a blank after the regular expression", shown(flags + follows), path)
    try:
        cost_of(Pattern(expression, caseless=flags == "i"))
    except PatternError as error:
        column = at + 1 + (error.column or 0)
        raise QueryError(column, "a usable regular expression", shown(whole[0]), error.reason) from error
    return Token(Kind.LEAF, at + 1, whole[0], Regex(expression, caseless=flags == "i"))


_BY_FIRST_CHARACTER: Final[dict[str, Callable[[str, int], Token]]] = {
    "(": lambda _text, at: Token(Kind.OPEN, at + 1, "("),
    ")": lambda _text, at: Token(Kind.CLOSE, at + 1, ")"),
    "-": _minus,
    '"': _quoted,
    "/": _expression,
}


def _level(value: str, column: int) -> LevelIs:
    try:
        return LevelIs(parse_level_condition(value))
    except LevelConditionError as error:
        hint = "" if error.nearest is None else f"did you mean {error.nearest}?"
        raise QueryError(column, f"a level: {error.expected}", shown(value), hint) from error


# Each key with what makes a term of its value and the value's column.
_KEYS: Final[dict[str, Callable[[str, int], Leaf]]] = {
    "source": lambda value, _column: SourceIs(value),
    "event": lambda value, _column: EventIs(value),
    "level": _level,
}


def _field(text: str, key: re.Match[str]) -> Token:
    at = key.start()
    make = _KEYS.get(key[1])
    if make is None:
        near = get_close_matches(key[1].lower(), _KEYS, n=1)
        meant = f"did you mean {near[0]}:? " if near else ""
        hint = f'{meant}a text with a colon is quoted: "{_word(text, at)[:_SHOWN_CHARACTERS]}"'
        known = ", ".join(f"{name}:" for name in _KEYS)
        raise QueryError(at + 1, f"one of the keys {known}", shown(key[0]), hint)
    if text.startswith('"', key.end()):
        value, end = _phrase(text, key.end())
    else:
        value = _word(text, key.end())
        end = key.end() + len(value)
    if not value:
        found = shown(text[end]) if end < len(text) else Kind.END.value
        raise QueryError(end + 1, f"a value right after {key[0]}", found)
    return Token(Kind.LEAF, at + 1, text[at:end], make(value, key.end() + 1))
