"""JSON lines: which keys of an object state its time and level.

Owns the key names. Refuses to flatten, rename or convert: the fields are the object as it stands in the line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from logstream.parse.levels import level_from_field
from logstream.parse.times import Clock, time_from_field

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.records import Level

_TIME_KEYS: Final = ("time", "timestamp", "ts", "@timestamp", "t", "date", "@t")
_LEVEL_KEYS: Final = ("level", "lvl", "severity", "log.level", "levelname", "@l")

MAX_DEPTH: Final = 100
"""Nesting up to which fields are kept. orjson reads 1024 levels and refuses to write more than 254."""


def read_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the line is as a whole, else None."""
    if text[:1] != "{" or text.rstrip()[-1:] != "}":
        return None
    try:
        found = orjson.loads(text)
    except ValueError:  # also for lone surrogates and too deep nesting
        return None
    return found if isinstance(found, dict) else None


def fields_of(text: str, found: dict[str, Any]) -> dict[str, Any] | None:
    """The object's fields, or None when it is nested too deeply to be written again."""
    # Counting is cheap, and no object is deeper than it has opening brackets.
    if text.count("{") + text.count("[") <= MAX_DEPTH or not _is_deeper(found, MAX_DEPTH):
        return found
    return None


def _is_deeper(root: dict[str, Any], depth: int) -> bool:
    layer: list[dict[str, Any] | list[Any]] = [root]
    for _ in range(depth):
        layer = [inner for outer in layer for inner in _members(outer) if isinstance(inner, dict | list)]
        if not layer:
            return False
    return True


def _members(outer: dict[str, Any] | list[Any]) -> Iterable[object]:
    return outer.values() if isinstance(outer, dict) else outer


def time_of_object(found: dict[str, Any], clock: Clock) -> str | None:
    """The time under the first key that holds one."""
    for key in _TIME_KEYS:
        if key in found:
            time = time_from_field(found[key], clock)
            if time is not None:
                return time
    return None


def level_of_object(found: dict[str, Any]) -> Level | None:
    """The level under the first key that holds one; `log.level` also as `{"log": {"level": ...}}`."""
    for key in _LEVEL_KEYS:
        if key in found:
            level = level_from_field(found[key])
            if level is not None:
                return level
    nested = found.get("log")
    return level_from_field(nested.get("level")) if isinstance(nested, dict) else None
