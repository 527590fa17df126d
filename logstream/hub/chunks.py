"""Frames of one view joined to what one write holds, for all subscribers at the same place.

Owns which joined pieces are kept and for how long. Refuses to make any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from logstream.records import Position

RUNS_BYTES = 1 << 20
"""Joined pieces that one view keeps at most; the oldest leaves first."""
ALL_RUNS_BYTES = 32 << 20
"""Joined pieces that all views keep together."""
WHOLE_BYTES = 32 * 1024
"""A piece that holds so much need not be made again because there is more by now."""


class Run(NamedTuple):
    """Bytes ready for the wire, the place and the position after them (None: no position), and what they tell of."""

    content: bytes
    next_at: int
    position: Position | None
    gap_sources: tuple[str, ...]
    records: int


class Runs:
    """Runs by the places where they begin."""

    def __init__(self) -> None:
        """None is known."""
        self._runs: dict[int, Run] = {}
        self._bytes = 0

    def find(self, at: int, head: int) -> Run | None:
        """The run from `at` on, unless more should be joined to it."""
        run = self._runs.get(at)
        if run is None:
            return None
        is_done = run.next_at == head or len(run.content) >= WHOLE_BYTES or self.has_whole(run.next_at)
        return run if is_done else None

    def has_whole(self, at: int) -> bool:
        """Whether those who get to `at` will find a whole run: who stops there goes on in step with others."""
        run = self._runs.get(at)
        return run is not None and len(run.content) >= WHOLE_BYTES

    def keep(self, at: int, run: Run, most_bytes: int) -> None:
        """Have `run` for whoever comes to `at` next."""
        self._drop(at)
        self._runs[at] = run
        self._bytes += len(run.content)
        while self._bytes > most_bytes and len(self._runs) > 1:
            self._drop(next(iter(self._runs)))

    def clear(self) -> None:
        """Forget all."""
        self._runs.clear()
        self._bytes = 0

    def _drop(self, at: int) -> None:
        run = self._runs.pop(at, None)
        self._bytes -= 0 if run is None else len(run.content)
