"""Keeping the state small: when what may be forgotten is looked for, and the transactions that forget it.

Owns the pace. What may be forgotten, and how rows are written without it, is for `pruning`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from logstream.journal.errors import JournalError
from logstream.journal.pruning import KEPT_GENERATIONS, PRUNED_AT_ONCE, Rewriting, candidates, gone_everywhere

if TYPE_CHECKING:
    from logstream.journal.held import Statement
    from logstream.journal.ledger import Ledger
    from logstream.journal.life import Life
    from logstream.journal.store import Store

_LOG = logging.getLogger(__name__)
REWRITTEN = 2
_NOTE_REWRITTEN = "INSERT INTO checkpoint VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1"
"""Counted with each piece: another process that reads the rows must not take half of it for the whole."""
_ROWS_A_PIECE = 8
_LIVES_A_PIECE = 1_000
_DELETE_LIFE = ("DELETE FROM generation WHERE slot = ?", "DELETE FROM former WHERE slot = ?")
_PAUSES = 4
"""A piece of work that took c seconds is followed by a pause of so many c: commits wait for none but that piece."""


class Upkeep:
    """Forgets, for one journal."""

    def __init__(self, store: Store, ledger: Ledger, write_lock: asyncio.Lock) -> None:
        """Look soon: much may have been deleted while nobody looked."""
        self._store = store
        self._ledger = ledger
        self._write_lock = write_lock
        self._due_lives = KEPT_GENERATIONS

    @property
    def is_due(self) -> bool:
        """Whether there are so many more generations than at the last look that another one is worth while."""
        return len(self._ledger.lives) >= self._due_lives and not self._store.is_behind

    async def prune(self) -> int:
        """Forget what is gone everywhere; the number of generations. A disk that does not take it ends it early."""
        lives = list(self._ledger.lives.values())
        self._due_lives = len(lives) + PRUNED_AT_ONCE
        # The newest row is still appended to: what it speaks of stays.
        old = [life for life in candidates(lives) if (life.sealed_at or 0) <= self._ledger.newest_row]
        gone = await asyncio.to_thread(gone_everywhere, old, lives)
        if not gone:
            return 0
        try:
            await self._forget(gone)
        except JournalError as error:
            _LOG.warning("forgetting old generations is put off: %s", error)
            return 0
        self._due_lives = len(self._ledger.lives) + PRUNED_AT_ONCE
        return len(gone)

    async def _forget(self, gone: list[Life]) -> None:
        tombs: dict[str, int] = {}
        async with self._write_lock:
            for source in {life.generation.source for life in gone}:
                tomb, statements = self._ledger.tombstone(source)
                self._store.transact(statements)
                self._ledger.install_tombstone(tomb)
                tombs[source] = tomb.slot
        by_slot = self._ledger.by_slot
        rewriting = Rewriting({life.slot for life in gone}, lambda slot: by_slot[slot].generation.source, tombs)
        end = max(life.sealed_at or 0 for life in gone)
        at: int | None = self._before(min(life.birth_at for life in gone))
        while at is not None:
            started = time.perf_counter()
            async with self._write_lock:
                at = self._rewrite(rewriting, at, end)
            await asyncio.sleep(_PAUSES * (time.perf_counter() - started))
        for first in range(0, len(gone), _LIVES_A_PIECE):
            # No row speaks of them any more: those that are left in a crash are forgotten the next time.
            piece = gone[first : first + _LIVES_A_PIECE]
            async with self._write_lock:
                self._transact([(sql, (life.slot,)) for life in piece for sql in _DELETE_LIFE])
                self._ledger.forget(piece)
            await asyncio.sleep(0)

    def _rewrite(self, rewriting: Rewriting, at: int, end: int) -> int | None:
        """Write the next rows anew, without giving way: who walks over rows must not see half of it."""
        rows = [row for row in self._store.rows_from(at)[:_ROWS_A_PIECE] if row.start < self._ledger.newest_row]
        if not rows or rows[0].start > end:
            return None
        piece = rewriting.take(rows, frozenset(self._ledger.keyframes))
        if piece.statements:
            self._transact(piece.statements)
            self._ledger.forget((), piece.keyframes)
            self._ledger.epoch += 1
        return rewriting.at

    def _transact(self, statements: list[Statement]) -> None:
        if self._store.is_behind:
            raise JournalError(self._store.path, OSError(self._store.failure))
        self._store.transact([*statements, (_NOTE_REWRITTEN, (REWRITTEN,))])

    def _before(self, at: int) -> int:
        """The start of the row before the one that holds the place `at`, so that neighbouring holes are joined."""
        sql = "SELECT start FROM row WHERE start <= ? ORDER BY start DESC LIMIT 2"
        return int(self._store.select(sql, (at,))[-1][0])
