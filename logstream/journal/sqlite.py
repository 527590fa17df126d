"""The journal kept in SQLite: the embedded implementation of `base.Journal`.

Owns the state directory's store, the ledger over it, and the order commit -> publish. Refuses to know of subscribers.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from logstream.journal.base import Block, Health, Lost, without_ids
from logstream.journal.errors import JournalError, StateUnusableError
from logstream.journal.locate import Locator
from logstream.journal.lock import lock
from logstream.journal.power import note_clean_end, note_use, note_witness
from logstream.journal.recorded import Recorded
from logstream.journal.replica import Delta, Settled, Snapshot
from logstream.journal.search import load_ledger
from logstream.journal.store import Durability, Store
from logstream.journal.upkeep import Upkeep
from logstream.records import GapReason
from logstream.tail.batch import Batch, Notice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from logstream.journal.held import Statement
    from logstream.journal.ledger import Plan
    from logstream.journal.replica import Change
    from logstream.tail.batch import Known

_log = logging.getLogger(__name__)
CHECKPOINT_SECONDS = 1.0
_RELEASE_TICKS = 30
_WITNESS_TICKS = 60
"""So often a new witness is made: a copy is known that was made before, also if the service was killed since."""
GONE_TOLD = 1000
"""Generations without a file of which the tail is told, so that it knows a copy of them."""
WAL_BYTES = 1 << 20
"""Size of the write-ahead log at which it is copied back, also while much is being recorded."""


class SqliteJournal(Recorded):
    """See `base.Journal`."""

    def __init__(
        self,
        directory: Path,
        durability: Durability,
        max_line_bytes: Callable[[str], int],
        take_lock: Callable[[Path], int] = lock,
    ) -> None:
        """Open or create the state in `directory`; raises StateUnusableError."""
        store = Store(directory, durability, take_lock)
        ledger = load_ledger(store, max_line_bytes)
        if note_use(store, ledger, durability):
            ledger = load_ledger(store, max_line_bytes)
        super().__init__(store, ledger, Locator(directory), max_line_bytes)
        self._store: Store = store
        self._durability = durability
        self._write_lock = asyncio.Lock()
        self._upkeep = Upkeep(self._store, self._ledger, self._write_lock)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        noted = self._store.select("SELECT name, noted_ms FROM source")
        self._sources_seen = {name: None if noted_ms is None else noted_ms / 1000 for name, noted_ms in noted}
        self._followers: list[Callable[[Change], None]] = []

    @property
    def health(self) -> Health:
        """Whether the disk has everything."""
        return Health(self._store.failure is None, self._store.failure)

    async def commit(self, batch: Batch) -> tuple[Block | Lost, ...]:
        """Record `batch` for good, then answer what it appended.

        While the disk does not take it, it is held in memory, and what it appended has no ids. Raises JournalError, and
        changes nothing then, if no more can be held.
        """
        async with self._write_lock:
            plan = self._ledger.plan(batch)
            appended = await self._carry_out(plan, batch)
        for key, life in plan.touched.items():
            if life.gone is not None:
                self._locator.forget(key)
        return appended

    async def note_ahead(self, ahead_ms: Mapping[str, int]) -> None:
        """Remember by how much lines of generations tell times later than their recording; raises JournalError."""
        async with self._write_lock:
            plan = self._ledger.plan_ahead(ahead_ms)
            if plan.statements:
                await self._carry_out(plan, Batch((), 0))

    async def _carry_out(self, plan: Plan, batch: Batch) -> tuple[Block | Lost, ...]:
        """Write what `batch` changes, or hold it, take it over and tell those who follow; what was appended."""
        is_durable = not plan.statements or await self._write(plan.statements)
        self._ledger.install(plan)
        if not self._store.is_behind:
            self._ledger.durable_head = self.head
        appended = tuple(plan.appended) if is_durable else tuple(map(without_ids, plan.appended))
        if self._followers:
            self._tell(self._delta(batch, plan, appended, is_durable=is_durable))
        return appended

    async def follow(self, tell: Callable[[Change], None]) -> None:
        """Tell all that is known now, then each change, for others to keep a replica: in order, and none left out."""
        async with self._write_lock:
            ledger = self._ledger
            lives, held = tuple(ledger.lives.values()), tuple(self._store.held.statements())
            heads = self.head, self.durable_head, self._resolver.loaded_head
            tell(Snapshot(lives, tuple(ledger.keyframes), *heads, ledger.last_key, held))
            self._followers.append(tell)

    def leave(self, tell: Callable[[Change], None]) -> None:
        """Tell no more."""
        if tell in self._followers:
            self._followers.remove(tell)

    def _tell(self, change: Change) -> None:
        for tell in tuple(self._followers):
            tell(change)

    def _delta(self, batch: Batch, plan: Plan, appended: tuple[Block | Lost, ...], *, is_durable: bool) -> Delta:
        notices = tuple(change for change in batch.changes if isinstance(change, Notice))
        held = () if is_durable else tuple(plan.statements)
        heads = self.head, self.durable_head
        return Delta(tuple(plan.touched.values()), appended, notices, plan.keyframe, *heads, plan.last_key, held)

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
        ticks, copied_head, last_head, witnessed_head = 0, self.head, self.head, self.head
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
            if ticks % _WITNESS_TICKS == 0 and self.head != witnessed_head and not self._store.is_behind:
                witnessed_head = self.head
                await self._renew_witness()
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
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(self._worker, self._store.settle)
                await loop.run_in_executor(self._worker, note_witness, self._store)
            except (JournalError, StateUnusableError, OSError, sqlite3.Error) as error:
                self._store.failure = str(error)
            else:
                self._ledger.durable_head = self.head
                self._tell(Settled(self.head))
                _log.warning("the state can be written again: lines have ids from here on")

    async def _renew_witness(self) -> None:
        async with self._write_lock:
            await asyncio.get_running_loop().run_in_executor(self._worker, note_witness, self._store)

    async def _checkpoint(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._worker, self._store.copy_back)
            async with self._write_lock:
                await loop.run_in_executor(self._worker, self._store.restart_wal)
        except (JournalError, OSError) as error:
            _log.warning("checkpoint of %s put off: %s", self._store.path, error)

    def known(self) -> tuple[Known, ...]:
        """Every generation that may still be on disk, and the latest of those that are gone, in the order of births."""
        seen_time, lives = self._ledger.clock_seconds, self._ledger.lives.values()
        gone = [life.slot for life in lives if life.gone not in {None, GapReason.EXPIRED}]
        told = frozenset(gone[-GONE_TOLD:])
        return tuple(life.known(seen_time) for life in lives if life.gone is None or life.slot in told)

    def sources_seen(self) -> Mapping[str, float | None]:
        """The sources that have been watched before, and since when, in epoch seconds; None: nobody noted that."""
        return self._sources_seen

    async def note_sources(self, names: frozenset[str], now_seconds: float) -> None:
        """Remember that the sources `names` are being watched, those that are new since `now_seconds`."""
        new = sorted(names - self._sources_seen.keys())
        async with self._write_lock:
            now_ms = int(now_seconds * 1000)
            await self._write([("INSERT OR IGNORE INTO source VALUES (?, ?)", (name, now_ms)) for name in new])
        self._sources_seen |= dict.fromkeys(new, now_seconds)

    async def aclose(self) -> None:
        """Finish writing and release the state."""
        async with self._write_lock:
            self._threads.close()
            self._worker.shutdown(wait=True)
            self._locator.close()
            note_clean_end(self._store)
            self._store.close()
