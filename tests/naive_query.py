"""What terms of a query mean, said once more and as plainly as can be: what the real ones are held against.

Knows nothing of the product's code. One line at a time, fractions for numbers, `re` for shapes.
"""

from __future__ import annotations

import calendar
import re
import time
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_UNITS = {
    "ns": ("time", Fraction(1, 10**9)),
    "us": ("time", Fraction(1, 10**6)),
    "ms": ("time", Fraction(1, 1000)),
    "s": ("time", Fraction(1)),
    "m": ("time", Fraction(60)),
    "h": ("time", Fraction(3600)),
    "d": ("time", Fraction(86400)),
    "B": ("size", Fraction(1)),
    "kB": ("size", Fraction(1000)),
    "KiB": ("size", Fraction(1024)),
    "MB": ("size", Fraction(10**6)),
    "MiB": ("size", Fraction(2**20)),
    "%": ("%", Fraction(1)),
}


def wild_holds(pattern: str, text: str, *, whole: bool) -> bool:
    """Whether a shape with `*` and `?` is the text, or is in it."""
    expression = ""
    at = 0
    while at < len(pattern):
        if pattern[at : at + 2] in {"\\*", "\\?"}:
            expression += re.escape(pattern[at + 1])
            at += 2
            continue
        expression += {"*": ".*", "?": "."}.get(pattern[at], re.escape(pattern[at]))
        at += 1
    flags = re.IGNORECASE | re.DOTALL
    return (re.fullmatch if whole else re.search)(expression, text, flags) is not None


def field_holds(fields: Mapping[str, Any] | None, path: str, sign: str, value: str) -> bool:
    """Whether a field compares so with a value: `>= <= > <`, `=` (quoted), `~` (a shape) or `*` (it is there)."""
    return any(_compares(found, sign, value) for name, found in _all_paths(fields or {}) if name == path)


def time_holds(sign: str, text: str, time_ms: int | None) -> bool:
    """Whether a time is in, before or after the day or minute that was written, which is UTC."""
    if time_ms is None:
        return False
    shape, length_ms = ("%Y-%m-%dT%H:%M", 60_000) if "T" in text else ("%Y-%m-%d", 86_400_000)
    start = calendar.timegm(time.strptime(text, shape)) * 1000
    end = start + length_ms
    return {
        "=": start <= time_ms < end,
        ">=": time_ms >= start,
        ">": time_ms >= end,
        "<": time_ms < start,
        "<=": time_ms < end,
    }[sign]


def _all_paths(node: Any, name: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(node, list):
        for item in node:
            yield from _all_paths(item, name)
        return
    if name:
        yield name, node
    if isinstance(node, dict):
        for key, inner in node.items():
            yield from _all_paths(inner, f"{name}.{key}" if name else key)


def _compares(found: Any, sign: str, value: str) -> bool:  # noqa: ANN401 - whatever JSON holds
    if sign == "*" or isinstance(found, dict):
        return sign == "*" and found is not None
    is_word = found is None or isinstance(found, bool)
    text = {True: "true", False: "false", None: "null"}[found] if is_word else str(found)
    if sign == "~":
        return found is not None and wild_holds(value, text, whole=True)
    if sign == "=" and text.lower() == value.lower():
        return True
    return not is_word and _amounts_compare(_amount(text), sign, _amount(value))


def _amounts_compare(left: tuple[Fraction, str] | None, sign: str, right: tuple[Fraction, str] | None) -> bool:
    if left is None or right is None:
        return False
    (number, unit), (wanted, wanted_unit) = left, right
    if unit and wanted_unit:
        (kind, size), (wanted_kind, wanted_size) = _UNITS[unit], _UNITS[wanted_unit]
        if kind != wanted_kind:
            return False
        number, wanted = number * size, wanted * wanted_size
    return {
        "=": number == wanted,
        ">=": number >= wanted,
        ">": number > wanted,
        "<": number < wanted,
        "<=": number <= wanted,
    }[sign]


def _amount(text: str) -> tuple[Fraction, str] | None:
    found = re.fullmatch(r"([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(ns|us|ms|[smhd]|B|kB|KiB|MB|MiB|%)?", text.strip())
    return None if found is None else (Fraction(found[1]), found[2] or "")
