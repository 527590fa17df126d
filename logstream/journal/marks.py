"""Where generations were at the rows that were passed of late: who begins near one decodes no more than that row.

Owns how many of these are remembered, and that none outlives the rows that it was made of. Pure. Keyframes tell the
same of few rows, but lastingly; these spare a walk back, stretch by stretch, from decoding the same rows each time.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from logstream.journal.vector import Vector

_MOST_MARKS: Final = 64
_MOST_GENERATIONS: Final = 65_536
"""So many all marks together tell of: some 100 bytes for each."""


class Marks:
    """Marks by the starts of rows; the oldest leaves."""

    def __init__(self) -> None:
        """Nothing was passed yet."""
        self._epoch = 0
        self._starts: list[int] = []
        self._reached: dict[int, Vector] = {}
        self._generations = 0

    def note(self, start: int, reached: Vector, epoch: int) -> None:
        """Remember where generations were at a row; of rows of an earlier epoch nothing is known any more."""
        if epoch != self._epoch:
            self._epoch, self._starts, self._reached, self._generations = epoch, [], {}, 0
        count = len(reached.offsets)
        if start in self._reached or count > _MOST_GENERATIONS:
            return
        while len(self._starts) == _MOST_MARKS or self._generations + count > _MOST_GENERATIONS:
            oldest = next(iter(self._reached))
            self._starts.remove(oldest)
            self._generations -= len(self._reached.pop(oldest).offsets)
        insort(self._starts, start)
        self._generations += count
        self._reached[start] = reached.copy()

    def before(self, at: int, epoch: int) -> tuple[int, Vector] | None:
        """The last mark at or before the place `at`: the start of its row, and where generations were there."""
        index = bisect_right(self._starts, at) if epoch == self._epoch else 0
        if not index:
            return None
        start = self._starts[index - 1]
        return start, self._reached[start].copy()
