"""logfmt: `key=value` pairs, as Heroku, logrus, Go's slog and many others write them.

Owns the reading of pairs. Refuses to know which keys mean time or level: those are JSON's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from logstream.parse.parsed import number_or_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY: Final = r"[A-Za-z_@][\w.@/-]*"
_VALUE: Final = r'"(?:[^"\\]|\\.)*"|(?:[^\s"]\S*)?'  # a quote at the start of a value must be closed
_PAIR: Final = re.compile(rf"({_KEY})=({_VALUE})(?:[ \t]+|\Z)", re.ASCII)
_PAIRS: Final = re.compile(rf"(?:{_KEY}=(?:{_VALUE})(?:[ \t]+|\Z))+", re.ASCII)
_ITEM: Final = re.compile(rf"({_KEY})(?:=({_VALUE}))?(?:[ \t]+|\Z)", re.ASCII)
_ITEMS: Final = re.compile(rf"(?:{_KEY}(?:=(?:{_VALUE}))?(?:[ \t]+|\Z))+", re.ASCII)
_FEWEST_PAIRS: Final = 2
_WORDS: Final = {"true": True, "false": False, "null": None}
_NUMERIC: Final = frozenset("-0123456789")


def read_pairs(text: str, *, is_strict: bool) -> dict[str, Any] | None:
    """The pairs of a line that is nothing else, else None.

    `is_strict` is for lines of which nobody has said that they are logfmt: prose has words without a value, and a lone
    `x=1` may be anything. Otherwise a bare key is true. Numbers are numbers; `true`, `false` and `null` are those.
    """
    if is_strict:
        found = _PAIR.findall(text) if _PAIRS.fullmatch(text) else ()
        return {key: _value(value) for key, value in found} if len(found) >= _FEWEST_PAIRS else None
    if "=" not in text or not _ITEMS.fullmatch(text):
        return None
    return {item[1]: True if item[2] is None else _value(item[2]) for item in _ITEM.finditer(text)}


def pairs_in(text: str) -> Iterator[tuple[str, Any]]:
    """The pairs that stand among other things in a text, each behind a blank."""
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is not None:
            yield pair[1], _value(pair[2])
            at = pair.end()
        else:
            blank = text.find(" ", at)
            at = len(text) if blank < 0 else blank + 1


def _value(text: str) -> object:
    first = text[:1]
    if first == '"':
        return _unquoted(text[1:-1])
    if first in _NUMERIC:
        return number_or_text(text)
    return _WORDS.get(text, text)


def _unquoted(text: str) -> str:
    if "\\" not in text:
        return text
    try:
        return str(orjson.loads(f'"{text}"'))
    except ValueError:  # an escape that JSON does not have
        return text.replace('\\"', '"').replace("\\\\", "\\")
