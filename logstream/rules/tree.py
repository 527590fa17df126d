"""The frozen tree of a query, and its normal form in writing.

Owns what terms there are and when two queries are one. Refuses to read text or to look at lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from logstream.rules.fields import FieldTest, Like, Same

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.rules.conditions import LevelCondition
    from logstream.rules.moments import TimeCondition


@dataclass(frozen=True, slots=True)
class Text:
    """A word or phrase, found in any case."""

    text: str

    def __str__(self) -> str:
        return self.text if _BARE_WORD.fullmatch(self.text) else _quoted(self.text)


@dataclass(frozen=True, slots=True)
class Wild:
    r"""A word with `*` (any text) or `?` (one character) in it, found in any case; `\*` and `\?` are themselves."""

    pattern: str

    def __str__(self) -> str:
        return self.pattern


@dataclass(frozen=True, slots=True)
class Regex:
    """`/expression/`, or `/expression/i` when `caseless`."""

    expression: str
    caseless: bool

    def __str__(self) -> str:
        return f"/{self.expression}/{'i' if self.caseless else ''}"


@dataclass(frozen=True, slots=True)
class SourceIs:
    """`source:glob`."""

    glob: str

    def __str__(self) -> str:
        return f"source:{_value(self.glob)}"


@dataclass(frozen=True, slots=True)
class EventIs:
    """`event:glob`."""

    glob: str

    def __str__(self) -> str:
        return f"event:{_value(self.glob)}"


@dataclass(frozen=True, slots=True)
class LevelIs:
    """`level:>=warn`."""

    condition: LevelCondition

    def __str__(self) -> str:
        return f"level:{self.condition}"


@dataclass(frozen=True, slots=True)
class TimeIs:
    """`time:>=2026-11-01T10:00`."""

    condition: TimeCondition

    def __str__(self) -> str:
        return f"time:{self.condition}"


@dataclass(frozen=True, slots=True)
class FieldIs:
    """`key:value`, `key:>=250ms`, `key:*`: a condition on the fields found in the line."""

    path: str
    test: FieldTest

    def __str__(self) -> str:
        match self.test:
            case Same(text):
                return f"{self.path}:{text if _BARE_FIELD_VALUE.fullmatch(text) else _quoted(text)}"
            case Like(pattern):
                return f"{self.path}:={pattern}"
            case test:
                return f"{self.path}:{test}"


@dataclass(frozen=True, slots=True)
class Not:
    """`-term`."""

    term: Node


@dataclass(frozen=True, slots=True)
class Every:
    """Terms that must all hold. Without terms it holds for each line."""

    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Terms of which one must hold. Without terms it holds for no line."""

    terms: tuple[Node, ...]


Leaf = Text | Wild | Regex | SourceIs | EventIs | LevelIs | TimeIs | FieldIs
Node = Leaf | Not | Every | Some

EVERYTHING: Final = Every(())
NOTHING: Final = Some(())
ANY_LINE: Final = Wild("*")
"""A word of stars alone. As a whole query it is `EVERYTHING`; negated it has to be written, and that has no words."""

_BARE_WORD: Final = re.compile(r"(?!(?:OR|AND)\Z)(?![A-Za-z_@][\w.@-]*:)[^\s()\"/*?-][^\s()*?]*")
_BARE_VALUE: Final = re.compile(r"[^\s()\"][^\s()]*")
_BARE_FIELD_VALUE: Final = re.compile(r"[^\s()\"<>=:/\\*?][^\s()*?]*")


def negation(term: Node) -> Node:
    """The opposite of a term."""
    if term == EVERYTHING:
        return NOTHING
    if term == NOTHING:
        return EVERYTHING
    return term.term if isinstance(term, Not) else Not(term)


def every(terms: Iterable[Node]) -> Node:
    """The conjunction of terms: flat, each term once, and no wider than needed."""
    flat: dict[Node, None] = {}
    for term in terms:
        flat.update(dict.fromkeys(term.terms if isinstance(term, Every) else (term,)))
    if NOTHING in flat:
        return NOTHING
    return next(iter(flat)) if len(flat) == 1 else Every(tuple(flat))


def some(terms: Iterable[Node]) -> Node:
    """The disjunction of terms: flat, each term once, and no wider than needed."""
    flat: dict[Node, None] = {}
    for term in terms:
        flat.update(dict.fromkeys(term.terms if isinstance(term, Some) else (term,)))
    if EVERYTHING in flat:
        return EVERYTHING
    return next(iter(flat)) if len(flat) == 1 else Some(tuple(flat))


def write(node: Node) -> str:
    """The node in the query language: reading it gives the same tree."""
    match node:
        case Not(Every() | Some() as term):
            written = f"-({write(term)})"
        case Not(term):
            written = f"-{write(term)}"
        case Every(terms):
            written = " ".join(f"({write(term)})" if isinstance(term, Some) else write(term) for term in terms)
        case Some(terms):
            written = " OR ".join(map(write, terms))
        case _:
            written = str(node)
    return written


def _value(text: str) -> str:
    return text if _BARE_VALUE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
