"""Where generations were at the rows that were passed of late: who begins near one decodes no more than that row.

Owns how many of these are remembered, and that none outlives the rows that it was made of. Pure. Keyframes tell the
same of few rows, but lastingly; these spare a walk back, stretch by stretch, from decoding the same rows each time.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstream.journal.codec import Reached

_MOST_MARKS: Final = 64
_MOST_GENERATIONS: Final = 256
"""Where a mark would tell of more, it would take longer to make, and more room, than it is worth."""


class Marks:
    """Marks by the starts of rows; the oldest leaves."""

    def __init__(self) -> None:
        """Nothing was passed yet."""
        self._epoch = 0
        self._starts: list[int] = []
        self._reached: dict[int, Mapping[int, Reached]] = {}

    def note(self, start: int, reached: Mapping[int, Reached], epoch: int) -> None:
        """Remember where generations were at a row; of rows of an earlier epoch nothing is known any more."""
        if epoch != self._epoch:
            self._epoch, self._starts, self._reached = epoch, [], {}
        if start in self._reached or len(reached) > _MOST_GENERATIONS:
            return
        if len(self._starts) == _MOST_MARKS:
            oldest = next(iter(self._reached))
            self._starts.remove(oldest)
            del self._reached[oldest]
        insort(self._starts, start)
        self._reached[start] = dict(reached)

    def before(self, at: int, epoch: int) -> tuple[int, dict[int, Reached]] | None:
        """The last mark at or before the place `at`: the start of its row, and where generations were there."""
        index = bisect_right(self._starts, at) if epoch == self._epoch else 0
        if not index:
            return None
        start = self._starts[index - 1]
        return start, dict(self._reached[start])
