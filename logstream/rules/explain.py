"""A query in words, and what could stand at a cursor in it: for people who type one.

Owns the words. Refuses to compile anything and to know which sources and types there are: they are handed in.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.records import Level
from logstream.rules.fields import OWN_PREFIX, Compared, Like, Present, Same
from logstream.rules.keys import KEYS, near_key
from logstream.rules.mistakes import QueryError
from logstream.rules.query import parse_query
from logstream.rules.tree import (
    EVERYTHING,
    NOTHING,
    EventIs,
    Every,
    FieldIs,
    LevelIs,
    Not,
    Regex,
    Some,
    SourceIs,
    Text,
    TimeIs,
    Wild,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from logstream.rules.tree import Node

_SIGNS: Final = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than", "=": "exactly"}
_WHEN: Final = {">=": "at or after", "<=": "at or before", ">": "after", "<": "before", "=": "in"}
_LEVELS: Final = {
    ">=": "at least level",
    "<=": "at most level",
    ">": "a level above",
    "<": "a level below",
    "=": "level",
}
_KEY_DETAILS: Final = {
    "level": "a level, such as >=warn",
    "source": "a source by its name or a glob",
    "event": "a type that a rule gives",
    "time": "a time, such as >=2026-11-01T10:00",
}
_AT_CURSOR: Final = re.compile(r"-*\(*-*(?:(?P<key>[A-Za-z_@][\w.@-]*):(?P<sign>>=|<=|>|<|=|))?(?P<word>[^\s()\":]*)\Z")
MOST_COMPLETIONS: Final = 50


class Names(NamedTuple):
    """What there is to name in a query."""

    sources: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


class Completion(NamedTuple):
    """`text` could stand in place of the characters from `start` to `end` of the query; `kind` says what it is."""

    text: str
    kind: str
    start: int
    end: int
    detail: str


class Explanation(NamedTuple):
    """A query as it was understood, or what is wrong with it, and what could be typed at the cursor."""

    canonical: str | None
    words: str | None
    error: QueryError | None
    hints: tuple[str, ...]
    completions: tuple[Completion, ...]


def explain(text: str, cursor: int | None = None, names: Names = Names()) -> Explanation:  # noqa: B008 - it is frozen
    """Explain a query; `cursor` counts the characters before it, without one it stands at the end."""
    at = len(text) if cursor is None else max(0, min(cursor, len(text)))
    completions = tuple(_completions(text, at, names))[:MOST_COMPLETIONS]
    try:
        query = parse_query(text)
    except QueryError as error:
        return Explanation(None, None, error, (), completions)
    return Explanation(query.canonical, in_words(query.root), None, tuple(_hints(query.root)), completions)


def in_words(root: Node) -> str:
    """What a query selects, as one sentence without a full stop."""
    if root == EVERYTHING:
        return "all lines"
    if root == NOTHING:
        return "no line"
    return f"lines {_words(root)}"


def _words(node: Node) -> str:
    match node:
        case Not(term):
            return f"not {_within(term)}"
        case Every(terms):
            return ", and ".join(_within(term) for term in terms)
        case Some(terms):
            return ", or ".join(_within(term) for term in terms)
        case _:
            return _leaf_words(node)


def _within(node: Node) -> str:
    return f"({_words(node)})" if isinstance(node, Every | Some) else _words(node)


def _leaf_words(leaf: Node) -> str:  # noqa: PLR0911 - one answer for each kind of term
    match leaf:
        case Text(text):
            return f"with “{text}” in any case"
        case Wild(pattern):
            return f"with text like “{pattern}” in any case"
        case Regex(expression, caseless):
            return f"in which /{expression}/ is found{' in any case' if caseless else ''}"
        case SourceIs(glob):
            return f"of the source {glob}" if not set(glob) & set("*?[") else f"of sources like {glob}"
        case EventIs(glob):
            return f"of the type {glob}" if not set(glob) & set("*?[") else f"of types like {glob}"
        case LevelIs(condition):
            return f"of {_LEVELS[condition.comparison]} {condition.level.word}"
        case TimeIs(condition):
            if condition.until is not None:
                return f"from {condition.text} to the end of {condition.until} (UTC unless it says otherwise)"
            return f"with a time {_WHEN[condition.comparison]} {condition.text} (UTC unless it says otherwise)"
        case FieldIs(path, test):
            return _field_words(path, test)
    raise AssertionError(leaf)


def _field_words(path: str, test: Present | Same | Like | Compared) -> str:
    match test:
        case Present():
            return f"that have a field {path}"
        case Same(text):
            return f"whose field {path} is “{text}”"
        case Like(pattern):
            return f"whose field {path} is like “{pattern}”"
        case Compared(sign, text):
            return f"whose field {path} is {_SIGNS[sign]} {text}"


def _hints(node: Node) -> Iterator[str]:
    match node:
        case FieldIs(path, _) if not path.startswith(OWN_PREFIX):
            near = near_key(path)
            if near is not None:
                yield f"{path}: names a field; did you mean {near}:?"
        case Not(term):
            yield from _hints(term)
        case Every(terms) | Some(terms):
            for term in terms:
                yield from _hints(term)
        case _:
            pass


def _completions(text: str, cursor: int, names: Names) -> Iterator[Completion]:
    found = _AT_CURSOR.search(text, text.rfind(" ", 0, cursor) + 1, cursor)
    if found is None:
        return
    key, word, start = found["key"], found["word"], found.start("word")
    if key is None:
        yield from _matching(((f"{known}:", "key", _KEY_DETAILS[known]) for known in KEYS), word, start, cursor)
        if word and text[:start].strip():
            yield from _matching([("OR", "operator", "either side")], word, start, cursor)
    elif key == "level":
        signs = () if found["sign"] or word else (">=", ">", "<=", "<")
        yield from _matching(((level.word, "level", "") for level in Level), word, start, cursor)
        yield from _matching(((sign, "operator", _SIGNS[sign]) for sign in signs), word, start, cursor)
    elif key in {"source", "event"}:
        known_names = names.sources if key == "source" else names.events
        yield from _matching(((name, key, "") for name in known_names), word, start, cursor)


def _matching(offered: Iterable[tuple[str, str, str]], word: str, start: int, cursor: int) -> Iterator[Completion]:
    for text, kind, detail in offered:
        if text.lower().startswith(word.lower()) and text != word:
            yield Completion(text, kind, start, cursor, detail)
