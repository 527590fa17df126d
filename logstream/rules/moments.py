"""Conditions on the time that a line tells: `time:>=2026-11-01T10:00`.

Owns how a moment is written in a query, to the day, minute, second or millisecond, and how long it lasts. Refuses to
look at a clock: a time without an offset is UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from logstream.rules.conditions import Comparison

TIME_EXPECTED: Final = (
    "a time such as 2026-11-01, 2026-11-01T10:00 or 2026-11-01T10:00:00.5+01:00, or two with .. between"
)
_WRITTEN: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d)(?:(:\d\d)(?:\.(\d{1,9}))?)?([Zz]|[+-]\d\d:\d\d)?)?", re.ASCII
)
_DAY_MS, _MINUTE_MS, _SECOND_MS = 86_400_000, 60_000, 1000


class _Moment(NamedTuple):
    from_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True)
class TimeCondition:
    """A time before, in, or after what was written; `until` is the end of a range, both ends in it.

    A line that tells no time meets no condition.
    """

    comparison: Comparison
    text: str
    until: str | None = None

    def holds(self, time_ms: int | None) -> bool:
        """Whether a line of this time (epoch milliseconds) meets the condition."""
        least_ms, beyond_ms = _bounds(self)
        return time_ms is not None and least_ms <= time_ms < beyond_ms

    def __str__(self) -> str:
        """The condition as it is written in queries."""
        if self.until is not None:
            return f"{self.text}..{self.until}"
        return f"{'' if self.comparison == '=' else self.comparison}{self.text}"


@lru_cache(maxsize=1024)
def _bounds(condition: TimeCondition) -> tuple[float, float]:
    """The first millisecond that meets the condition, and the first behind it that does not."""
    first, last = read_moment(condition.text), read_moment(condition.until or condition.text)
    if first is None or last is None:
        return inf, inf
    match condition.comparison:
        case ">=":
            return first.from_ms, inf
        case ">":
            return first.until_ms, inf
        case "<":
            return -inf, first.from_ms
        case "<=":
            return -inf, first.until_ms
        case "=":
            return first.from_ms, last.until_ms


def read_moment(text: str) -> _Moment | None:
    """From when until when (epoch milliseconds) the written moment lasts; None if it is none."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    day, minute, second, fraction, offset = found.groups()
    spelled = f"{day}T{minute or '00:00'}{second or ':00'}{(offset or 'Z').upper().replace('Z', '+00:00')}"
    try:
        seconds = datetime.fromisoformat(spelled).astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
    start = int(seconds) * 1000 + int((fraction or "0").ljust(3, "0")[:3])
    if minute is None:
        length = _DAY_MS
    elif second is None:
        length = _MINUTE_MS
    else:
        length = _SECOND_MS // 10 ** min(len(fraction or ""), 3)
    return _Moment(start, start + length)
