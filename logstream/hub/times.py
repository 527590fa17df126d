"""When lines happened: the time that orders a record among others, and selects it by `since` and `until`.

Owns how times are written as numbers, and what stands in for the time of a line of which none is known. Refuses to look
for one: that is for `line_times`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.base import TIME_RESOLUTION_MS

if TYPE_CHECKING:
    from logstream.journal.base import Block, Passed, Picked


class Span(NamedTuple):
    """A stretch of time, `since_ms <= time < until_ms` (epoch milliseconds); None is no bound."""

    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def is_everything(self) -> bool:
        """Whether there is no bound at all."""
        return self.since_ms is None and self.until_ms is None

    def holds(self, time_ms: int) -> bool:
        """Whether `time_ms` lies in it."""
        after_start = self.since_ms is None or time_ms >= self.since_ms
        return after_start and (self.until_ms is None or time_ms < self.until_ms)


def epoch_ms(text: str) -> int:
    """A record's time as epoch milliseconds."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def recorded_ms(block: Block | Passed | Picked) -> int:
    """The latest moment at which the block may have been recorded: it is known to the second only."""
    return block.time_ms + TIME_RESOLUTION_MS - 1
