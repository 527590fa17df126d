"""What has flowed through the hub since the start: bytes and lines in, gaps, records out, and reads of history.

Owns the counts alone. Refuses to look at a clock or to know how they are told.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.base import Block, Passed, Picked
from logstream.tail.framing import framing_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.hub.frames import Frame
    from logstream.journal.base import Lost
    from logstream.records import Gap

LATEST_GAPS = 20
"""So many gaps of each source and reason are told one by one."""


class Losses(NamedTuple):
    """How many gaps were recorded for one reason, and the bytes of those whose end is known.

    `latest` are the last of them, oldest first, each with the time when it was recorded, in epoch seconds.
    """

    reason: str
    gaps: int
    bytes: int
    latest: tuple[tuple[float, Gap], ...]


class Traffic:
    """Counts that only grow. By source where a source is meant; a gap without one counts under an empty name."""

    def __init__(self) -> None:
        """Nothing has flowed."""
        self.bytes_in: Counter[str] = Counter()
        self.lines_in: Counter[str] = Counter()
        self.gaps: Counter[tuple[str, str]] = Counter()
        self.lost_bytes: Counter[tuple[str, str]] = Counter()
        """Of those gaps whose end is known."""
        self._latest: defaultdict[tuple[str, str], deque[tuple[float, Gap]]]
        self._latest = defaultdict(lambda: deque(maxlen=LATEST_GAPS))
        self.records_out = 0
        self.replay_reads = 0
        self.replay_bytes = 0

    def recorded(self, items: Iterable[Block | Lost], time: float) -> None:
        """Count what was recorded at `time`."""
        for item in items:
            if isinstance(item, Block):
                source = item.generation.source
                self.bytes_in[source] += len(item.content)
                self.lines_in[source] += framing_of(item.generation.encoding).count(item.content, item.start)
            else:
                gap = item.gap
                key = gap.source or "", gap.reason.value
                self.gaps[key] += 1
                self.lost_bytes[key] += 0 if gap.end is None else gap.end - (gap.start or 0)
                self._latest[key].append((time, gap))

    def losses(self, source: str) -> tuple[Losses, ...]:
        """What was lost of a source before anybody could read it, by reason."""
        return tuple(
            Losses(reason, count, self.lost_bytes[name, reason], tuple(self._latest[name, reason]))
            for (name, reason), count in sorted(self.gaps.items())
            if name == source
        )

    def sent(self, frame: Frame) -> None:
        """Count what one subscriber takes."""
        self.records_out += frame.records

    def replayed(self, item: Block | Lost | Passed | Picked) -> None:
        """Count a read of files for somebody who lags."""
        self.replay_reads += 1
        if isinstance(item, Block):
            self.replay_bytes += len(item.content)
        elif isinstance(item, Passed | Picked):
            self.replay_bytes += item.next_at - item.at
