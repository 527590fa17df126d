"""Conditions on the fields that parsing found in a line: which values a key names, and when one of them meets a test.

Owns paths (`http.status` is a key of that name, or `status` within `http`), lists (one item that meets the test is
enough) and the comparison of values with what a person typed. Refuses to parse lines.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import re2

from logstream.rules.amounts import Amount, amount_of, order, read_amount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from logstream.rules.conditions import Comparison

MAX_PATH_PARTS: Final = 10
OWN_PREFIX: Final = "fields."
"""Before a key that the language has for itself: `fields.level:3` is the field called level."""

_MEETS: Final[dict[Comparison, Callable[[int, int], bool]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_WILD: Final = re.compile(r"\\([*?])|([*?])")
_OPTIONS: Final = re2.Options()
_OPTIONS.case_sensitive = False
_OPTIONS.dot_nl = True


@dataclass(frozen=True, slots=True)
class Present:
    """`key:*`: there is such a field, and it is not null."""

    def holds(self, value: object) -> bool:
        """Whether a value meets the test."""
        return value is not None

    def __str__(self) -> str:
        return "*"


@dataclass(frozen=True, slots=True)
class Same:
    """`key:value`: the same text in any case, or the same amount; `true`, `false` and `null` are those values, too."""

    text: str

    def holds(self, value: object) -> bool:
        """Whether a value meets the test."""
        if isinstance(value, dict):
            return False
        if _text_of(value).casefold() == self.text.casefold():
            return True
        wanted = _amount(self.text)
        amount = None if wanted is None else amount_of(value)
        return wanted is not None and amount is not None and order(amount, wanted) == 0

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Like:
    r"""`key:pat*ern`: the whole value has this shape, in any case: `*` is any text, `?` one character, `\*` a star."""

    pattern: str

    def holds(self, value: object) -> bool:
        """Whether a value meets the test."""
        return (
            value is not None
            and not isinstance(value, dict)
            and _shape(self.pattern).fullmatch(_text_of(value)) is not None
        )

    def __str__(self) -> str:
        return self.pattern


@dataclass(frozen=True, slots=True)
class Compared:
    """`key:>=250ms`: an amount that compares so. What is no amount, or one of another kind, meets no comparison."""

    comparison: Comparison
    text: str

    def holds(self, value: object) -> bool:
        """Whether a value meets the test."""
        amount, wanted = amount_of(value), _amount(self.text)
        compared = None if amount is None or wanted is None else order(amount, wanted)
        return compared is not None and _MEETS[self.comparison](compared, 0)

    def __str__(self) -> str:
        return f"{self.comparison}{self.text}"


FieldTest = Present | Same | Like | Compared


def meets(fields: Mapping[str, Any] | None, path: str, test: FieldTest) -> bool:
    """Whether one of the values that `path` names in `fields` meets the test."""
    if fields is None:
        return False
    if any(test.holds(value) for value in _values(fields, path.split("."))):
        return True
    own = path.removeprefix(OWN_PREFIX)
    return own != path and any(test.holds(value) for value in _values(fields, own.split(".")))


def may_name(path: str, field: str) -> bool:
    """Whether `path` may name something in the field `field`, which has no dot in its name."""
    return field in {path.partition(".")[0], path.removeprefix(OWN_PREFIX).partition(".")[0]}


def wildcard_expression(pattern: str, *, any_text: str, any_character: str, escape: Callable[[str], str]) -> str:
    r"""A shape with `*` and `?` as a regular expression in somebody's dialect."""
    parts: list[str] = []
    end = 0
    for found in _WILD.finditer(pattern):
        parts.append(escape(pattern[end : found.start()] + (found[1] or "")))
        parts.append({"*": any_text, "?": any_character}.get(found[2] or "", ""))
        end = found.end()
    return "".join(parts) + escape(pattern[end:])


def is_wild(text: str) -> bool:
    r"""Whether `*` or `?` stands in the text, and not behind a backslash."""
    return any(found[2] for found in _WILD.finditer(text))


def unescaped(text: str) -> str:
    r"""The text with `\*` and `\?` as the characters themselves."""
    return _WILD.sub(lambda found: found[1] or found[2], text)


@lru_cache(maxsize=1024)
def _shape(pattern: str) -> re2._Regexp:
    # Not `re`: a viewer's `*a*a*a*a*b` would hold the server for minutes on one long value.
    expression = wildcard_expression(pattern, any_text=".*", any_character=".", escape=re2.escape)
    return re2.compile(expression, _OPTIONS)


@lru_cache(maxsize=1024)
def _amount(text: str) -> Amount | None:
    return read_amount(text)


def _text_of(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case _:
            return str(value)


def _values(node: object, parts: list[str]) -> Iterator[object]:
    """All values that a path names below a node; of lists each item."""
    if isinstance(node, list):
        for item in node:
            yield from _values(item, parts)
    elif not parts:
        yield node
    elif isinstance(node, dict):
        for count in range(1, len(parts) + 1):
            key = ".".join(parts[:count])
            if key in node:
                yield from _values(node[key], parts[count:])
