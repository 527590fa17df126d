"""The runs that come next for one reader, and which of them are being looked at already.

Owns when it is worth while to have threads look ahead: where one alone, set on a run, was of use. Refuses to know what
becomes of a run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.journal.ahead import AHEAD_BYTES, FEWEST_BYTES, MOST_AHEAD

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.ahead import Found, Searched, SearchThreads
    from logstream.journal.base import Run, Sieve
    from logstream.journal.entries import EntryCursor
    from logstream.journal.ledger import Ledger
    from logstream.journal.locate import Locator
    from logstream.records import Generation

_LEAST_PAUSE_BYTES: Final = 8 << 20
_MOST_PAUSE_BYTES: Final = 256 << 20
"""How far a reader goes by itself after threads could not help it; twice as far each time."""


class Reading(NamedTuple):
    """What all readers of a journal read with."""

    ledger: Ledger
    locator: Locator
    max_line_bytes: Callable[[str], int]
    threads: SearchThreads


class Upcoming:
    """A place in the recorded order that moves onward, run by run, with threads before it."""

    def __init__(self, cursor: EntryCursor, wants: Callable[[Generation], bool] | None, reading: Reading) -> None:
        """Stand where `cursor` does; only generations that `wants` accepts are come upon."""
        self._cursor = cursor
        self._wants = wants
        self._reading = reading
        self._runs: deque[Run] = deque()
        self._searched: deque[Searched] = deque()
        self._pause_bytes = _LEAST_PAUSE_BYTES
        self._paused_until = 0
        self._is_worth_while = False

    @property
    def at(self) -> int:
        """The place of the next run."""
        return self._runs[0].at if self._runs else self._cursor.at

    async def next_run(self, until: int) -> Run | None:
        """The next run before the place `until`; the place moves behind it.

        It may take a while until one is found, in which others have their turn.
        """
        if self._runs and self._runs[0].next_at > until:
            self.begin_at(self._runs[0].at)
        if self._runs:
            return self._runs.popleft()
        await self._cursor.arrive(until, self._wants)
        return self._cursor.next_run(until, self._wants)

    async def following(self, run: Run, until: int) -> Run | None:
        """As `next_run`, for who tells of what comes behind `run` together with it, however much that is.

        Who is cut off meanwhile has told nothing, and stands at `run` again.
        """
        try:
            await asyncio.sleep(0)
            return await self.next_run(until)
        except asyncio.CancelledError:
            self.begin_at(run.at)
            raise

    def begin_at(self, at: int) -> None:
        """Go to the place `at`."""
        self.close()
        self._cursor = self._cursor.beginning_at(at)

    async def searched(self, run: Run, until: int, sieve_of: Callable[[Run], Sieve | None]) -> Found | None:
        """What a thread has found in `run`, the last one given; None where the reader has to look for itself.

        Has threads look at the runs behind it, up to the place `until`.
        """
        while self._searched and self._searched[0].run.at < run.at:
            self._searched.popleft().drop()
        if not self._searched and run.at >= self._paused_until:
            self._begin(run, sieve_of)
        if not self._searched or self._searched[0].run != run:
            return None
        if self._is_worth_while:
            await self._look_further(until, sieve_of)
        searched = self._searched.popleft()
        found = await searched.take()
        if searched.max_line_bytes != self._reading.max_line_bytes(run.generation.source):
            found = None  # lines are cut elsewhere now
        self._is_worth_while = found is not None
        if found is None:
            self._drop_searched()
            self._paused_until = run.next_at + self._pause_bytes
            self._pause_bytes = min(_MOST_PAUSE_BYTES, 2 * self._pause_bytes)
        else:
            self._pause_bytes = _LEAST_PAUSE_BYTES
        return found

    async def _look_further(self, until: int, sieve_of: Callable[[Run], Sieve | None]) -> None:
        while len(self._runs) < MOST_AHEAD and self._reading.threads.have_room:
            await self._cursor.arrive(until, self._wants)
            run = self._cursor.next_run(until, self._wants, AHEAD_BYTES)
            if run is None:
                break
            self._runs.append(run)
            if not self._begin(run, sieve_of):
                break

    def _begin(self, run: Run, sieve_of: Callable[[Run], Sieve | None]) -> bool:
        """Have a thread look at `run`, if that can be."""
        ledger, locator, max_line_bytes, threads = self._reading
        life = ledger.lives.get(run.generation.key)
        if life is None or run.hole is not None or run.end is None or not threads.have_room:
            return False
        # Nothing is picked out of what begins a file.
        is_whole = run.start > 0 and life.has_kept(run.end) and run.next_at <= ledger.durable_head
        sieve = sieve_of(run) if is_whole and run.end - run.start >= FEWEST_BYTES else None
        lent = None if sieve is None else locator.lend(life)
        if sieve is None or lent is None:
            return False
        searched = threads.begin(*lent, run, sieve, max_line_bytes(run.generation.source))
        if searched is not None:
            self._searched.append(searched)
        return searched is not None

    def _drop_searched(self) -> None:
        while self._searched:
            self._searched.popleft().drop()

    def close(self) -> None:
        """Wait for nothing any more."""
        self._drop_searched()
        self._runs.clear()
