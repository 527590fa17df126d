"""How many connections each of several processes has, so that those who accept from one socket share them out evenly.

Owns a few numbers in memory that forked processes share; each writes its own alone. Refuses to accept anything.
"""

from __future__ import annotations

import mmap
from typing import Final

_COUNT_BYTES: Final = 8
_AWAY: Final = (1 << 64) - 1
_SLACK: Final = 1
"""A process may have so many connections more than the one that has fewest before it lets others go first."""


class Spread:
    """The connections of `processes` processes; make it before they are forked. Nobody serves yet."""

    def __init__(self, processes: int) -> None:
        self._counts = memoryview(mmap.mmap(-1, _COUNT_BYTES * processes)).cast("Q")
        for number in range(processes):
            self.note(number, None)

    def note(self, number: int, count: int | None) -> None:
        """Process `number` has `count` connections; None: it does not serve."""
        self._counts[number] = _AWAY if count is None else count

    def is_ahead(self, number: int) -> bool:
        """Whether process `number` has more than others who serve."""
        return self._counts[number] > min(self._counts) + _SLACK

    def __repr__(self) -> str:
        counts = ["away" if count == _AWAY else str(count) for count in self._counts]
        return f"<Spread {' '.join(counts)}>"


class Share:
    """One process's part in a `Spread`."""

    def __init__(self, spread: Spread, number: int) -> None:
        self._spread = spread
        self._number = number

    def note(self, count: int) -> None:
        """This process has `count` connections."""
        self._spread.note(self._number, count)

    def leave(self) -> None:
        """This process accepts no more."""
        self._spread.note(self._number, None)

    @property
    def is_ahead(self) -> bool:
        """Whether others should go first."""
        return self._spread.is_ahead(self._number)
