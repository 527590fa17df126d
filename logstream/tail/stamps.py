"""What the stamp in a rotated file's name says: what kind it is, and which of two of one kind is newer. Pure.

Knows counts, dates and times in many spellings, with a time zone or without, and TAI64N labels. Owns what a stamp looks
like. Refuses to say of which log a file with one is an older life: that is for `rotation`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

YEAR, MONTH, DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATE = rf"{YEAR}[._-]?{MONTH}[._-]?{DAY}"
_REASON = r"-(?:size|time|manual)"
"""What timberjack, a rotating writer for Go, puts behind its stamps."""
DATED = rf"{_DATE}(?:[\d.,:_T+-]|(?<=\d) (?=\d))*(?<=\d)Z?(?:{_REASON})?"
"""A stamp that begins with a date, its year first: such a one is no part of a log's own name."""
LOOSE = r"\d[\d.,:_T+-]*"
"""Any other number, or numbers."""
LABEL = r"4[0-9a-f]{23}"
"""A time as TAI64N has it: seconds and nanoseconds in 24 hexadecimal digits (http://cr.yp.to/libtai/tai64.html)."""
COUNT = "count"
_COUNT_DIGITS = 5
"""A longer number is a date or a time (larger is newer); a shorter one alone is a count (larger is older)."""

_YEAR_FIRST = re.compile(rf"({YEAR})[._-]?({MONTH})[._-]?({DAY})(.*)", re.DOTALL)
_YEAR_LAST = re.compile(rf"(?:[0-3]?\d[._-][0-3]?\d[._-]|{DAY}{{2}})({YEAR})(?!\d)")
_TIME = re.compile(
    r"T(?P<hours>\d\d)[.:_-]?(?P<minutes>\d\d)(?:[.:_-]?(?P<seconds>\d\d)(?:[.,](?P<fraction>\d+))?)?"
    r"(?:Z|(?P<sign>[+-])(?P<ahead_hours>0\d|1[0-4]):?(?P<ahead_minutes>[0134][05]))?"
    rf"(?:{_REASON})?$"
)
"""As ISO 8601 has it. Digits behind a hyphen are an offset where it is one, and four: else they may be a count."""


class Stamp(NamedTuple):
    """Within one `kind`, a larger `order` is newer; where it is the same the stamp does not tell."""

    kind: str
    order: tuple[int, ...]


def read_stamp(text: str) -> Stamp:
    """What a `DATED` or `LOOSE` stamp says."""
    numbers = tuple(map(int, re.findall(r"\d+", text)))
    if len(numbers) == 1 and len(text) <= _COUNT_DIGITS:
        return Stamp(COUNT, (-numbers[0],))
    if match := _YEAR_FIRST.match(text):
        year, month, day, rest = match.groups()
        return Stamp("date", _dated(int(year), int(month), int(day), rest))
    if match := _YEAR_LAST.match(text):
        # Day or month may come first. The year is all that is sure.
        return Stamp("year", (int(match[1]),))
    return Stamp("number", numbers)


def label_order(label: str) -> tuple[int, ...]:
    """Of two TAI64N labels that with the larger order is newer."""
    return (int(label, 16),)


def _dated(year: int, month: int, day: int, rest: str) -> tuple[int, ...]:
    """A date and what follows it, as numbers; a time that says its offset as that of UTC."""
    match = _TIME.match(rest)
    if match is None:
        return (year, month, day, *map(int, re.findall(r"\d+", rest)))
    hours, minutes, seconds = (int(match[name] or 0) for name in ("hours", "minutes", "seconds"))
    fraction = () if match["fraction"] is None else (int(match["fraction"][:9].ljust(9, "0")),)
    if match["sign"] is not None:
        ahead = timedelta(hours=int(match["ahead_hours"]), minutes=int(match["ahead_minutes"]))
        try:
            local = datetime(year, month, day, hours, minutes, seconds)  # noqa: DTZ001 - made one of UTC below
        except ValueError:
            pass  # no time that there is
        else:
            utc = local - ahead if match["sign"] == "+" else local + ahead
            return (*utc.timetuple()[:6], *fraction)
    return (year, month, day, hours, minutes, seconds, *fraction)
