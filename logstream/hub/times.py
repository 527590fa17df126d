"""When lines happened: the time that orders a record among others, and selects it by `since` and `until`.

Owns what stands in for a time that a line does not tell: that of the line before it in its file, else when it was
recorded. Refuses to select: it answers a time for each line, in the order in which blocks are read.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.base import TIME_RESOLUTION_MS

if TYPE_CHECKING:
    from logstream.hub.hub import Hub
    from logstream.hub.judged_block import JudgedBlock
    from logstream.journal.base import Block, Passed, Picked

LOOK_BACK_BYTES = 64 * 1024
"""How far before a block the last time that its file told is looked for."""


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


class LineTimes:
    """The times of lines, over the blocks of one walk through the recorded order."""

    def __init__(self, hub: Hub) -> None:
        """No block has been seen yet."""
        self._hub = hub
        self._last_ms: dict[str, int] = {}
        self._ends: dict[str, int] = {}

    def of(self, judged: JudgedBlock) -> list[int]:
        """The time of each line of the block."""
        block = judged.block
        key = block.generation.key
        # Of what goes on with the block before, it is known what that tells, or that it tells nothing.
        goes_on = self._ends.get(key) == block.start
        last_ms = self._last_ms.get(key) if goes_on else None
        found: list[int] = []
        for index in range(len(judged.ends)):
            own_ms = judged.time_ms_of(index)
            if own_ms is None and index == 0 and not goes_on:
                last_ms = _time_before(self._hub, block)
            if own_ms is not None:
                last_ms = own_ms
            found.append(recorded_ms(block) if last_ms is None else last_ms)
        self._ends[key] = block.end
        if last_ms is not None:
            self._last_ms[key] = last_ms
        else:
            self._last_ms.pop(key, None)
        return found

    def before(self, line: Block) -> int:
        """The time of a line that tells none."""
        told_ms = _time_before(self._hub, line)
        return recorded_ms(line) if told_ms is None else told_ms


def _time_before(hub: Hub, block: Block) -> int | None:
    """The last time that the file tells before the block: the walk began behind the line that told it."""
    judged = hub.judge_before(block, LOOK_BACK_BYTES) if block.start else None
    if judged is None:
        return None
    told = (judged.time_ms_of(index) for index in reversed(range(len(judged.ends))))
    return next((time_ms for time_ms in told if time_ms is not None), None)
