"""What `key:value` means: the keys that the language has for itself, and all others, which name fields.

Owns the reading of values, with the column of what is wrong in them. Refuses to know how terms combine.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, NamedTuple, get_args

from logstream.rules.amounts import UNITS, read_amount
from logstream.rules.conditions import Comparison, LevelConditionError, parse_level_condition
from logstream.rules.fields import MAX_PATH_PARTS, Compared, FieldTest, Like, Present, Same, is_wild, unescaped
from logstream.rules.mistakes import Mistake, QueryError, shown
from logstream.rules.moments import TIME_EXPECTED, TimeCondition, read_moment
from logstream.rules.tree import EventIs, FieldIs, Leaf, LevelIs, SourceIs, TimeIs

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPARED: Final = re.compile(r"(>=|<=|>|<|=|)(.*)", re.DOTALL)
_RANGE: Final = re.compile(r"(.+?)\.\.(.+)", re.DOTALL)


class Value(NamedTuple):
    """What stands behind `key:`, and the column where it begins; quoted, nothing in it has a meaning of its own."""

    text: str
    column: int
    is_quoted: bool


def make_term(key: str, value: Value) -> Leaf:
    """The term of a key and its value; raises QueryError with the value's column."""
    try:
        value.text.encode()
    except UnicodeEncodeError as error:
        hint = "a lone surrogate is no character"
        raise QueryError(Mistake.NOT_TEXT, value.column, "text", shown(value.text), hint) from error
    make = KEYS.get(key)
    return make(value) if make else _field(key, value)


def near_key(key: str) -> str | None:
    """The language's own key that was perhaps meant by a field's name."""
    if key in KEYS:
        return None
    return next(iter(get_close_matches(key.lower(), KEYS, n=1)), None)


def _level(value: Value) -> LevelIs:
    try:
        return LevelIs(parse_level_condition(value.text))
    except LevelConditionError as error:
        hint = "" if error.nearest is None else f"did you mean {error.nearest}?"
        facts = {} if error.nearest is None else {"nearest": error.nearest}
        raise QueryError(
            Mistake.LEVEL, value.column, f"a level: {error.expected}", shown(value.text), hint, facts
        ) from error


def _time(value: Value) -> TimeIs:
    sign, text = _compared(value.text)
    between = _RANGE.fullmatch(text) if sign == "=" else None
    written = between.groups() if between else (text,)
    if any(read_moment(one) is None for one in written):
        raise QueryError(Mistake.TIME, value.column, TIME_EXPECTED, shown(value.text))
    return TimeIs(TimeCondition(sign, *written))


KEYS: Final[dict[str, Callable[[Value], Leaf]]] = {
    "source": lambda value: SourceIs(value.text),
    "event": lambda value: EventIs(value.text),
    "level": _level,
    "time": _time,
}
"""The language's own keys, each with what makes a term of its value."""


def _field(key: str, value: Value) -> FieldIs:
    if key.count(".") >= MAX_PATH_PARTS:
        column = value.column - len(key) - 1
        expected = f"a path of at most {MAX_PATH_PARTS} parts"
        raise QueryError(Mistake.PATH_LONG, column, expected, shown(key), facts={"limit": MAX_PATH_PARTS})
    return FieldIs(key, Same(value.text) if value.is_quoted else _test(key, value))


def _test(key: str, value: Value) -> FieldTest:
    sign, text = _compared(value.text)
    if sign != "=":
        if read_amount(text) is None:
            column = value.column + len(sign)
            found = shown(text) if text else "nothing"
            hint = f"texts have no order; {key}:{text} finds the text" if text else ""
            expected = f"a number, perhaps with a unit ({UNITS}), right after {key}:{sign}"
            raise QueryError(Mistake.NUMBER, column, expected, found, hint, {"key": f"{key}:{sign}", "units": UNITS})
        return Compared(sign, text)
    if not text:
        column = value.column + len(value.text)
        expected = f"a value right after {key}:="
        raise QueryError(Mistake.VALUE_MISSING, column, expected, "nothing", facts={"key": f"{key}:="})
    if not text.strip("*"):
        return Present()
    return Like(text) if is_wild(text) else Same(unescaped(text))


def _compared(text: str) -> tuple[Comparison, str]:
    found = _COMPARED.fullmatch(text)
    if found is not None:
        for sign in get_args(Comparison):
            if found[1] == sign:
                return sign, found[2]
    return "=", text
