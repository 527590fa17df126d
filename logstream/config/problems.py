"""What can be wrong with a configuration, as values: `Problem` and the error that carries all of them.

Owns the words in which a problem is shown. Refuses to know where problems come from: that is `loading`.
"""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, NamedTuple

from logstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN_CHARACTERS = 60
_SHOWN_BITS = 64
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]{1,60}")


class Problem(NamedTuple):
    """One mistake, told so that it can be mended without opening the manual.

    `place` is a file with its line, an environment variable or an option; `key` is the setting, empty when the whole
    file is meant; `expected` and `nearest` (the known name most like the one found) may be empty.
    """

    place: str
    key: str
    message: str
    expected: str = ""
    nearest: str = ""

    def __str__(self) -> str:
        told = ": ".join(part for part in (self.place, self.key, self.message) if part)
        if self.expected:
            told += f", expected {self.expected}"
        return told + (f" (did you mean {self.nearest}?)" if self.nearest else "")


class ConfigError(UsageError):
    """The configuration cannot be used; `problems` holds everything that is wrong with it, in file order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


class RefusalError(ValueError):
    """A validator's own words against a value; without it a problem says what was found and what was expected."""

    def __init__(self, message: str, *, expected: str = "", nearest: str = "") -> None:
        self.message, self.expected, self.nearest = message, expected, nearest
        super().__init__(message)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The one of `known` that `name` was probably meant to be, or an empty string."""
    candidates = sorted(known)
    plain = name.lower().replace("-", "_")
    for wanted in (name, plain):
        if close := difflib.get_close_matches(wanted, candidates, n=1, cutoff=0.7):
            return close[0]
    return ""


def quote(text: str) -> str:
    """`text` in double quotes, shortened, with nothing in it that a terminal would act on."""
    short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 3] + "..."
    return f'"{printable(short)}"'


def printable(text: str) -> str:
    """`text`, escaped if anything in it would act on a terminal or cannot be encoded."""
    return text if text.isprintable() else ascii(text)[1:-1]


def show_key(key: str) -> str:
    """`key` as it stands in TOML: bare where that is allowed."""
    return key if _BARE_KEY.fullmatch(key) else quote(key)


def describe(value: object) -> str:  # noqa: PLR0911 - one return for each type of TOML
    """A TOML value in words: its type, and the value itself where it is short."""
    match value:
        case bool():
            return f"the boolean {str(value).lower()}"
        case str():
            return f"the string {quote(value)}"
        case int():
            # A number of thousands of digits is refused by str(): it is told by its size.
            return (
                f"the integer {value}" if value.bit_length() <= _SHOWN_BITS else f"an integer beyond {_SHOWN_BITS} bits"
            )
        case float():
            return f"the float {value}"
        case list() | tuple():
            return "an array" if value else "an empty array"
        case dict():
            return "a table"
        case _:
            return "a date or time"
