"""Conditions on a line that are not patterns: its level, and globs over the names of sources and events.

Owns the words for them. Refuses to know where a level or a name comes from.
"""

from __future__ import annotations

import operator
import re
from difflib import get_close_matches
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

from logstream.errors import UsageError
from logstream.records import Level

if TYPE_CHECKING:
    from collections.abc import Callable

Comparison = Literal[">=", "<=", ">", "<", "="]

_COMPARE: Final[dict[str, Callable[[int, int], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_ALSO_CALLED: Final = {"warning": Level.WARN, "err": Level.ERROR, "critical": Level.FATAL}
_LEVEL_WORDS: Final = tuple(level.word for level in Level)

LEVELS_EXPECTED: Final = f"one of {', '.join(_LEVEL_WORDS)}, after {', '.join(get_args(Comparison))} or alone"


class LevelConditionError(UsageError):
    """A level condition that names no level. `found` is what was given, `nearest` the level it may have meant."""

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found
        self.expected = LEVELS_EXPECTED
        word = found.lstrip("<>=! ").lower()
        self.nearest = next(iter(get_close_matches(word, _LEVEL_WORDS, n=1)), None)

    def __str__(self) -> str:
        """What was expected, what was found, and the nearest level."""
        nearest = "" if self.nearest is None else f"; did you mean {self.nearest}?"
        return f"expected a level ({self.expected}), found {self.found!r}{nearest}"


class LevelCondition(NamedTuple):
    """A comparison with a level. A line without a level meets no condition, not even `<`."""

    comparison: Comparison
    level: Level

    def holds(self, level: Level | None) -> bool:
        """Whether a line of this level meets the condition."""
        return level is not None and _COMPARE[self.comparison](level, self.level)

    def __str__(self) -> str:
        """The condition as it is written in rules and queries."""
        sign = "" if self.comparison == "=" else self.comparison
        return f"{sign}{self.level.word}"


def parse_level_condition(text: str) -> LevelCondition:
    """Read `>=warn`, `error`, `< info`; raises LevelConditionError, which says what was expected."""
    found = re.fullmatch(r"\s*(>=|<=|>|<|==?|)\s*([A-Za-z]+)\s*", text)
    if found is None:
        raise LevelConditionError(text)
    sign, word = found[1], found[2].lower()
    level = _ALSO_CALLED.get(word)
    if level is None and word in _LEVEL_WORDS:
        level = Level.from_word(word)
    if level is None:
        raise LevelConditionError(text)
    for comparison in get_args(Comparison):
        if comparison == sign:
            return LevelCondition(comparison, level)
    return LevelCondition("=", level)


@lru_cache(maxsize=1024)
def glob_matches(glob: str, name: str) -> bool:
    """Whether `name` as a whole is of the shape `glob` (`*`, `?`, `[a-z]`, `[!a-z]`); case counts."""
    return _compiled_glob(glob).match(name) is not None


@lru_cache(maxsize=256)
def _compiled_glob(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob))
