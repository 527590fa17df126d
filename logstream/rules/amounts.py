"""Numbers with and without units, as queries and logs write them: `500`, `250ms`, `1h30m`, `1.5MiB`.

Owns the units. Compares exactly: no number is rounded on the way. Refuses to guess a unit: a number without one is
taken to be in the unit of what it is compared with.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import Final, NamedTuple

MOST_CHARACTERS: Final = 100
"""A longer text is no amount: what it costs to compare grows with its digits."""

_NUMBER: Final = r"\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?"
_AMOUNT: Final = re.compile(rf"([+-]?{_NUMBER})[ ]?([A-Za-zµμ%]*)", re.ASCII)
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|μs|ms|[smhd]))+", re.ASCII)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([a-zµμ]+)", re.ASCII)

_SECONDS: Final = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "µs": Fraction(1, 10**6),  # the micro sign
    "μs": Fraction(1, 10**6),  # the Greek letter
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "sec": Fraction(1),
    "m": Fraction(60),
    "min": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86_400),
}
_BYTES: Final = {
    f"{prefix}{binary}b": Fraction((1024 if binary else 1000) ** power)
    for power, prefix in enumerate("kmgtpe", start=1)
    for binary in ("", "i")
} | {"b": Fraction(1)}
UNITS: Final = "ns, us, ms, s, m, h, d, B, kB, MB, GB, KiB, MiB, GiB, %"
"""The units by name, for errors."""


class Amount(NamedTuple):
    """A number and its unit: of which `kind` it is (empty: there is no unit)."""

    number: Decimal
    kind: str = ""
    unit: Fraction = Fraction(1)


def read_amount(text: str) -> Amount | None:
    """The amount that the text is as a whole; None if it is none."""
    if len(text) > MOST_CHARACTERS:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is not None and (unit := _unit(found[2])) is not None:
        return Amount(Decimal(found[1]), *unit)
    if _DURATION.fullmatch(text):
        nanoseconds = sum(Fraction(number) * _SECONDS[unit] for number, unit in _PART.findall(text)) * 10**9
        if nanoseconds.denominator == 1:
            return Amount(Decimal(nanoseconds.numerator), "time", _SECONDS["ns"])
    return None


def _unit(name: str) -> tuple[str, Fraction] | None:
    """The kind of a unit, and its size; None for an unknown one."""
    if name in {"", "%"}:
        return name, Fraction(1)
    if name in _SECONDS:
        return "time", _SECONDS[name]
    size = _BYTES.get(name.lower())
    return None if size is None else ("size", size)


def amount_of(value: object) -> Amount | None:
    """The amount that a field's value is: a number, or a text that is one. What is not finite is none."""
    if isinstance(value, str):
        return read_amount(value.strip())
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Amount(Decimal(value))
    if isinstance(value, float) and value - value == 0:  # neither NaN nor infinite
        return Amount(Decimal(repr(value)))
    return None


def order(one: Amount, other: Amount) -> int | None:
    """Below, at or above 0 as `one` is less than, equal to or more than `other`; None if they cannot be compared."""
    if one.unit == other.unit or not one.kind or not other.kind:
        if one.kind and other.kind and one.kind != other.kind:
            return None
        return (one.number > other.number) - (one.number < other.number)
    if one.kind != other.kind:
        return None
    left, right = Fraction(one.number) * one.unit, Fraction(other.number) * other.unit
    return (left > right) - (left < right)
