"""Everything that can be asked of a recorded order, whoever records it: places, ids, readers.

Owns the answers, over a store, a ledger and a locator that others keep. Refuses to record.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from logstream.journal.ahead import SearchThreads
from logstream.journal.base import TIME_RESOLUTION_MS, USUALLY_AHEAD_MS, Reached, Resolution
from logstream.journal.codec import decode_row
from logstream.journal.entries import EntryCursor
from logstream.journal.ids import anchor_of, gap_anchor, open_gap_anchor
from logstream.journal.latest import read_before_of
from logstream.journal.replay import Replay
from logstream.journal.resolving import Resolver
from logstream.journal.search import reached_at, read_before, search_place
from logstream.journal.upcoming import Reading, Upcoming
from logstream.records import GapReason, Position
from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.base import Sieve
    from logstream.journal.ledger import Ledger
    from logstream.journal.life import Life
    from logstream.journal.locate import Locator
    from logstream.journal.reading import StoreReading
    from logstream.records import Generation


class Recorded:
    """The half of `base.Journal` that reads."""

    def __init__(
        self, store: StoreReading, ledger: Ledger, locator: Locator, max_line_bytes: Callable[[str], int]
    ) -> None:
        """Answer from what `store` and `ledger` hold."""
        self._store = store
        self._ledger = ledger
        self._locator = locator
        self._max_line_bytes = max_line_bytes
        self._resolver = Resolver(store, ledger, locator, max_line_bytes)
        self._threads = SearchThreads()

    @property
    def generation_count(self) -> int:
        """How many generations are known, also those that have ended."""
        return len(self._ledger.lives)

    @property
    def head(self) -> int:
        """The place after everything recorded so far."""
        return self._ledger.head

    @property
    def durable_head(self) -> int:
        """The place up to which the disk has everything."""
        return self._ledger.durable_head

    @property
    def size_bytes(self) -> int:
        """What the store and its write-ahead log take on the disk."""
        return self._store.size_bytes()

    async def resolve(self, position: Position, tells: Callable[[str], bool] | None = None) -> Resolution:
        """The place after `position`, checked against the file's own bytes while they exist."""
        return await self._resolver.resolve(position, tells)

    async def position_at(self, at: int, tells: Callable[[str], bool] | None = None) -> Position | None:
        """The position of the last byte before the place `at`; None at the very start, or while it cannot be read.

        Of a place that is not durable yet, that of the last one that is: whoever comes back with it misses nothing.
        With `tells`, of the last one that is of a source which it accepts.
        """
        at = min(at, self.durable_head)
        if at <= 0:
            return None
        life = self._ledger.lives.get(self._ledger.last_key or "")
        if at == self.head and life is not None and (tells is None or tells(life.generation.source)):
            if life.anchor is None:
                life.anchor = await self._anchor_at(life, life.committed)
            offset, anchor = life.committed, life.anchor
        else:
            found = (
                await read_before(self._store, self._ledger, at)
                if tells is None
                else await read_before_of(self._store, self._ledger, at, tells)
            )
            if found is None:
                return None
            life, offset, is_open_gap = found
            gone = open_gap_anchor(life.generation.key, offset)
            anchor = gone if is_open_gap else await self._anchor_at(life, offset)
        return None if anchor is None else Position(life.generation.key, offset, anchor)

    async def place_of_time(self, time_ms: int, wants: Callable[[str], bool] | None = None) -> int:
        """The start of the first entry that may have been recorded at or after `time_ms`, or may tell it; or the head.

        With `wants`, of those of sources that it accepts.
        """
        place = self._recorded_from(time_ms - USUALLY_AHEAD_MS)
        lives = [life for life in self._ledger.lives.values() if life.ahead_ms and life.gone is None]
        known: dict[int, int] = {}
        for life in lives:
            if wants is not None and not wants(life.generation.source):
                continue
            if life.ahead_ms not in known:
                await asyncio.sleep(0)  # there may be as many clocks as files
                known[life.ahead_ms] = self._recorded_from(time_ms - life.ahead_ms)
            first = max(life.birth_at, known[life.ahead_ms])
            if life.sealed_at is None or first < life.sealed_at:
                place = min(place, first)
        return place

    def _recorded_from(self, time_ms: int) -> int:
        """The start of the first entry that may have been recorded at or after `time_ms`, or the head."""
        time_ms -= TIME_RESOLUTION_MS - 1
        for row in self._store.rows_from(self._store.row_before(time_ms))[:2]:
            for entry in decode_row(row.start, row.time_ms, row.entries):
                if entry.time_ms >= time_ms:
                    return min(entry.at, self.head)
        return self.head

    async def align(self, at: int) -> int:
        """The last place at or before `at` where a line is known to begin."""
        cursor = EntryCursor(self._store, self._ledger, min(at, self.head))
        await cursor.arrive(self.head)
        found = cursor.peek()
        return at if found is None else found[0].at

    def reader(
        self,
        at: int,
        wants: Callable[[str], bool] | None = None,
        *,
        only: str | None = None,
        sieve_of: Callable[[Generation], Sieve | None] | None = None,
    ) -> Replay:
        """A reader that begins at the place `at`."""

        def is_wanted(generation: Generation) -> bool:
            return (only is None or generation.key == only) and (wants is None or wants(generation.source))

        selects = None if wants is None and only is None else is_wanted
        reading = Reading(self._ledger, self._locator, self._max_line_bytes, self._threads)
        return Replay(Upcoming(EntryCursor(self._store, self._ledger, at), selects, reading), reading, sieve_of)

    def bytes_before(self, generation: Generation, offset: int, length: int) -> bytes | None:
        """The at most `length` bytes of `generation` before `offset`; None while they cannot be read."""
        life = self._ledger.lives.get(generation.key)
        if life is None or not life.has_kept(offset):
            return None
        return self._read_before(self._locator.locate(life), offset, length)

    async def reached(self, at: int) -> tuple[Reached, ...]:
        """How far each generation was recorded at the place `at`, for those of which something was."""
        return await reached_at(self._store, self._ledger, at)

    async def place_in(self, generation: Generation, offset: int) -> int | None:
        """The place of the byte `offset` of a generation, which was recorded; None if that has been forgotten since."""
        life = self._ledger.lives.get(generation.key)
        return None if life is None else await search_place(self._store, self._ledger, life, offset)

    def _read_before(self, found: int | GapReason, offset: int, length: int) -> bytes | None:
        return None if isinstance(found, GapReason) else self._locator.read_before(found, offset, length)

    async def _anchor_at(self, life: Life, offset: int) -> int | None:
        """The anchor there, also if the bytes are gone for good; None if they only cannot be read now."""
        found = await self._locator.find_kept(life, offset)
        if found is GapReason.UNREADABLE:
            return None
        before = self._read_before(found, offset, ANCHOR_BYTES)
        return gap_anchor(life.generation.key, offset) if before is None else anchor_of(before)
