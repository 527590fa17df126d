"""The journal kept in SQLite: the embedded implementation of `base.Journal`.

Owns the state directory's store, the ledger over it, and the order commit -> publish. Refuses to know of subscribers.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from logstream.journal.base import TIME_RESOLUTION_MS, Block, Health, Lost, Reached, Resolution, without_ids
from logstream.journal.codec import decode_row
from logstream.journal.entries import EntryCursor
from logstream.journal.errors import JournalError, StateUnusableError
from logstream.journal.ids import AFTER_GAP, AFTER_OPEN_GAP, anchor_of
from logstream.journal.locate import Locator
from logstream.journal.power import note_boot, note_clean_end
from logstream.journal.replay import Replay
from logstream.journal.resolving import Resolver
from logstream.journal.search import find_place, load_ledger, reached_at, read_before
from logstream.journal.store import Durability, Store
from logstream.journal.upkeep import Upkeep
from logstream.records import GapReason, Position
from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from logstream.journal.base import Sieve
    from logstream.journal.held import Statement
    from logstream.journal.life import Life
    from logstream.records import Generation
    from logstream.tail.batch import Batch, Known

_log = logging.getLogger(__name__)
CHECKPOINT_SECONDS = 1.0
_RELEASE_TICKS = 30
GONE_TOLD = 1000
"""Generations without a file of which the tail is told, so that it knows a copy of them."""
WAL_BYTES = 1 << 20
"""Size of the write-ahead log at which it is copied back, also while much is being recorded."""


class SqliteJournal:
    """See `base.Journal`."""

    def __init__(self, directory: Path, durability: Durability, max_line_bytes: Callable[[str], int]) -> None:
        """Open or create the state in `directory`; raises StateUnusableError."""
        self._store = Store(directory, durability)
        self._durability = durability
        self._max_line_bytes = max_line_bytes
        self._ledger = load_ledger(self._store, max_line_bytes)
        if note_boot(self._store, self._ledger, durability):
            self._ledger = load_ledger(self._store, max_line_bytes)
        self._locator = Locator(directory)
        self._resolver = Resolver(self._store, self._ledger, self._locator)
        self._write_lock = asyncio.Lock()
        self._upkeep = Upkeep(self._store, self._ledger, self._write_lock)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._sources_seen = frozenset(name for (name,) in self._store.select("SELECT name FROM source"))

    @property
    def head(self) -> int:
        """The place after everything recorded so far."""
        return self._ledger.head

    @property
    def durable_head(self) -> int:
        """The place up to which the disk has everything."""
        return self._ledger.durable_head

    @property
    def health(self) -> Health:
        """Whether the disk has everything."""
        return Health(self._store.failure is None, self._store.failure)

    @property
    def size_bytes(self) -> int:
        """What the store and its write-ahead log take on the disk."""
        return self._store.size_bytes()

    async def commit(self, batch: Batch) -> tuple[Block | Lost, ...]:
        """Record `batch` for good, then answer what it appended.

        While the disk does not take it, it is held in memory, and what it appended has no ids. Raises JournalError, and
        changes nothing then, if no more can be held.
        """
        async with self._write_lock:
            plan = self._ledger.plan(batch)
            is_durable = not plan.statements or await self._write(plan.statements)
            self._ledger.install(plan)
            if not self._store.is_behind:
                self._ledger.durable_head = self.head
        for key, life in plan.touched.items():
            if life.gone is not None:
                self._locator.forget(key)
        return tuple(plan.appended) if is_durable else tuple(map(without_ids, plan.appended))

    async def _write(self, statements: list[Statement]) -> bool:
        was_behind = self._store.is_behind
        if self._durability == "full" and not was_behind:
            # Each commit waits for the disk: that must not be the loop's time.
            is_durable = await asyncio.get_running_loop().run_in_executor(self._worker, self._store.write, statements)
        else:
            is_durable = self._store.write(statements)
        if not is_durable and not was_behind:
            _log.error("the state cannot be written, lines go on without ids: %s", self._store.failure)
        return is_durable

    async def run(self) -> None:
        """Copy the write-ahead log back when it has grown or things are quiet; until cancelled, in the owner's task."""
        ticks, copied_head, last_head = 0, self.head, self.head
        while True:
            await asyncio.sleep(CHECKPOINT_SECONDS)
            ticks += 1
            if self._store.is_deleted:
                await self._leave()
            if self._store.is_behind:
                await self._settle()
            if self._upkeep.is_due:
                await self._upkeep.prune()
            if ticks % _RELEASE_TICKS == 0:
                self._locator.release_idle()
            is_quiet = self.head == last_head != copied_head
            last_head = self.head
            if not self._store.is_behind and (is_quiet or self._store.wal_bytes() >= WAL_BYTES):
                copied_head = last_head
                await self._checkpoint()

    async def _leave(self) -> None:
        async with self._write_lock:
            self._store.leave()
        _log.error("%s: lines go on without ids until it has been written again", self._store.failure)

    async def _settle(self) -> None:
        async with self._write_lock:
            try:
                await asyncio.get_running_loop().run_in_executor(self._worker, self._store.settle)
            except (JournalError, StateUnusableError, OSError, sqlite3.Error) as error:
                self._store.failure = str(error)
            else:
                self._ledger.durable_head = self.head
                _log.warning("the state can be written again: lines have ids from here on")

    async def _checkpoint(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._worker, self._store.copy_back)
            async with self._write_lock:
                await loop.run_in_executor(self._worker, self._store.restart_wal)
        except (JournalError, OSError) as error:
            _log.warning("checkpoint of %s put off: %s", self._store.path, error)

    async def resolve(self, position: Position) -> Resolution:
        """The place after `position`, checked against the file's own bytes while they exist."""
        return await self._resolver.resolve(position)

    async def position_at(self, at: int) -> Position | None:
        """The position of the last byte before the place `at`; None at the very start, or while it cannot be read.

        Of a place that is not durable yet, that of the last one that is: whoever comes back with it misses nothing.
        """
        at = min(at, self.durable_head)
        if at <= 0:
            return None
        life = self._ledger.lives.get(self._ledger.last_key or "")
        if at == self.head and life is not None:
            if life.anchor is None:
                life.anchor = await self._anchor_at(life, life.committed)
            offset, anchor = life.committed, life.anchor
        else:
            found = read_before(self._store, self._ledger, at)
            if found is None:
                return None
            life, offset, is_open_gap = found
            anchor = AFTER_OPEN_GAP if is_open_gap else await self._anchor_at(life, offset)
        return None if anchor is None else Position(life.generation.key, offset, anchor)

    async def place_of_time(self, time_ms: int) -> int:
        """The start of the first entry that may have been recorded at or after `time_ms`, or the head."""
        time_ms -= TIME_RESOLUTION_MS - 1
        for row in self._store.rows_from(self._store.row_before(time_ms))[:2]:
            for entry in decode_row(row.start, row.time_ms, row.entries):
                if entry.time_ms >= time_ms:
                    return min(entry.at, self.head)
        return self.head

    async def align(self, at: int) -> int:
        """The last place at or before `at` where a line is known to begin."""
        found = EntryCursor(self._store, self._ledger, min(at, self.head)).peek()
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
        cursor = EntryCursor(self._store, self._ledger, at)

        def is_wanted(generation: Generation) -> bool:
            return (only is None or generation.key == only) and (wants is None or wants(generation.source))

        selects = None if wants is None and only is None else is_wanted
        return Replay(cursor, self._ledger, self._locator, self._max_line_bytes, selects, sieve_of)

    def bytes_before(self, generation: Generation, offset: int, length: int) -> bytes | None:
        """The at most `length` bytes of `generation` before `offset`; None while they cannot be read."""
        life = self._ledger.lives.get(generation.key)
        if life is None or not life.has_kept(offset):
            return None
        return self._read_before(self._locator.locate(life), offset, length)

    def reached(self, at: int) -> tuple[Reached, ...]:
        """How far each generation was recorded at the place `at`, for those of which something was."""
        return reached_at(self._store, self._ledger, at)

    def place_in(self, generation: Generation, offset: int) -> int:
        """The place of the byte `offset` of a generation, which is recorded."""
        return find_place(self._store, self._ledger, self._ledger.lives[generation.key], offset)

    def known(self) -> tuple[Known, ...]:
        """Every generation whose bytes may still be on disk, and the latest of those that are gone."""
        seen_time, lives = self._ledger.clock_seconds, self._ledger.lives.values()
        gone = [life for life in lives if life.gone not in {None, GapReason.EXPIRED}][-GONE_TOLD:]
        return tuple(life.known(seen_time) for life in (*gone, *(life for life in lives if life.gone is None)))

    def sources_seen(self) -> frozenset[str]:
        """Names of the sources that have been watched before."""
        return self._sources_seen

    async def note_sources(self, names: frozenset[str]) -> None:
        """Remember that the sources `names` are being watched."""
        async with self._write_lock:
            await self._write([("INSERT OR IGNORE INTO source VALUES (?)", (name,)) for name in sorted(names)])
        self._sources_seen |= names

    async def aclose(self) -> None:
        """Finish writing and release the state."""
        async with self._write_lock:
            self._worker.shutdown(wait=True)
            self._locator.close()
            note_clean_end(self._store)
            self._store.close()

    def _read_before(self, found: int | GapReason, offset: int, length: int) -> bytes | None:
        return None if isinstance(found, GapReason) else self._locator.read_before(found, offset, length)

    async def _anchor_at(self, life: Life, offset: int) -> int | None:
        """The anchor there; 0 if the bytes are gone for good, None if they only cannot be read now."""
        found = await self._locator.find(life) if life.has_kept(offset) else GapReason.TRUNCATED
        if found is GapReason.UNREADABLE:
            return None
        before = self._read_before(found, offset, ANCHOR_BYTES)
        return AFTER_GAP if before is None else anchor_of(before)
