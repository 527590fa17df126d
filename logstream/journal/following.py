"""The journal as a process has it that only reads: rows from the state's file, all else as the recording process tells.

Owns a connection that writes nothing. Refuses to know how changes come here, and to publish them.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from logstream.journal.base import Health, Resolution
from logstream.journal.errors import JournalError
from logstream.journal.held import Held
from logstream.journal.locate import Locator
from logstream.journal.reading import StoreReading, connect
from logstream.journal.recorded import Recorded
from logstream.journal.replica import ReplicaLedger, Settled
from logstream.journal.salvage import copy_into
from logstream.journal.search import load_lives
from logstream.journal.store import prepare
from logstream.journal.upkeep import REWRITTEN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from logstream.journal.base import Block, Lost, Reached
    from logstream.journal.held import Statement
    from logstream.journal.replica import Delta, Snapshot
    from logstream.records import Generation, Position
    from logstream.tail.batch import Batch, Known

T = TypeVar("T")
_RELEASE_SECONDS = 30.0
_REWRITTEN = "SELECT count FROM checkpoint WHERE id = ?"


class FollowingStore(StoreReading):
    """The state's file, read beside the process that writes it."""

    def __init__(self, directory: Path, held: Iterable[Statement], on_rewritten: Callable[[], None]) -> None:
        """Open the state; `held` is what its disk has not taken. `on_rewritten` is called when rows are others now."""
        super().__init__(directory / "journal.db")
        self._on_rewritten = on_rewritten
        self._reading = self._open()
        self.held.add(held)
        self._rewritten = self._count_rewritten()

    def _open(self) -> sqlite3.Connection:
        try:
            reading = connect(f"file:{quote(os.fsencode(self.path))}?mode=rw", uri=True)
            reading.execute("PRAGMA query_only = ON")
            reading.execute(_REWRITTEN, (REWRITTEN,))
        except sqlite3.Error:
            # Its disk takes nothing, and a write-ahead log cannot be read without room beside it.
            reading = connect(":memory:")
            try:
                copy_into(reading, self.path)
                prepare(reading, self.path.parent)
            except (OSError, sqlite3.Error) as cause:
                reading.close()
                raise JournalError(self.path, cause) from cause
        return reading

    def begin_anew(self, held: Iterable[Statement] = ()) -> None:
        """Open the state again: another file may have its name."""
        before, self._reading = self._reading, self._open()
        before.close()
        self.held = Held()
        self.held.add(held)
        self._rewritten = self._count_rewritten()

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All committed rows that `sql` answers, once it is known whether they have been written anew.

        Raises JournalError.
        """
        try:
            self._reading.execute("BEGIN")  # one look at the file for both questions
            try:
                found = self._count_rewritten()
                rows = self._reading.execute(sql, values).fetchall()
            finally:
                self._reading.execute("COMMIT")
        except sqlite3.Error as cause:
            raise JournalError(self.path, cause) from cause
        if found != self._rewritten:
            self._rewritten = found
            self._on_rewritten()
        return rows

    def _count_rewritten(self) -> int:
        found = self._reading.execute(_REWRITTEN, (REWRITTEN,)).fetchone()
        return 0 if found is None else int(found[0])

    def look(self) -> None:
        """Find out whether rows have been written anew."""
        self.select(_REWRITTEN, (REWRITTEN,))

    def close(self) -> None:
        """Close the file."""
        self._reading.close()


class FollowingJournal(Recorded):
    """See `base.Journal`; records nothing."""

    def __init__(
        self,
        directory: Path,
        snapshot: Snapshot,
        max_line_bytes: Callable[[str], int],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Know what `snapshot` tells. `catch_up` returns once all has been told here that is recorded now.

        Raises JournalError.
        """
        self._ledger: ReplicaLedger = ReplicaLedger(snapshot, max_line_bytes)
        self._store: FollowingStore = FollowingStore(directory, snapshot.held, self._note_rewritten)
        super().__init__(self._store, self._ledger, Locator(directory), max_line_bytes)
        self._resolver.loaded_head = snapshot.loaded_head
        self._catch_up = catch_up
        self._note_rewritten()
        self.health = Health(is_ready=True, reason=None)

    def _note_rewritten(self) -> None:
        stored = load_lives(self._store)
        self._ledger.note_rewritten(stored, [at for (at,) in self._store.select("SELECT start FROM keyframe")])

    def begin_anew(self, snapshot: Snapshot) -> bool:
        """Follow another teller; False if it does not go on where the former one ended."""
        if not self._ledger.begin_anew(snapshot):
            return False
        self._store.begin_anew(snapshot.held)
        self._resolver.loaded_head = snapshot.loaded_head
        self._note_rewritten()
        return True

    def take(self, change: Delta | Settled) -> None:
        """Follow a change."""
        if isinstance(change, Settled):
            self._store.begin_anew()
            self._ledger.durable_head = change.durable_head
            return
        self._store.held.add(change.held)
        self._ledger.follow(change)
        for life in change.lives:
            if life.gone is not None:
                self._locator.forget(life.generation.key)

    async def resolve(self, position: Position, tells: Callable[[str], bool] | None = None) -> Resolution:
        """The place after `position`, which another process may have given out a moment ago."""
        life = self._ledger.lives.get(position.generation)
        is_told = life is not None and (tells is None or tells(life.generation.source))
        # An id that may not be told of takes as long as one that nobody knows.
        if life is None or not is_told or position.offset > life.committed:
            await self._catch_up()
        while True:
            self._store.look()
            epoch = self._ledger.epoch
            found = await super().resolve(position, tells)
            self._store.look()
            if epoch == self._ledger.epoch:
                return found

    async def reached(self, at: int) -> tuple[Reached, ...]:
        """How far each generation was recorded at the place `at`, for those of which something was."""
        return await self._steadily(lambda: Recorded.reached(self, at))

    async def place_in(self, generation: Generation, offset: int) -> int | None:
        """The place of the byte `offset` of a generation, which was recorded; None if that has been forgotten since."""
        return await self._steadily(lambda: Recorded.place_in(self, generation, offset))

    async def _steadily(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` answers while no rows are written anew."""
        while True:
            self._store.look()
            epoch = self._ledger.epoch
            found = await ask()
            if epoch == self._ledger.epoch:
                return found

    async def commit(self, batch: Batch) -> tuple[Block | Lost, ...]:
        """Raise JournalError: another process records."""
        del batch
        raise JournalError(self._store.path, PermissionError("this process only reads"))

    async def note_ahead(self, ahead_ms: Mapping[str, int]) -> None:
        """Raise JournalError: another process records."""
        del ahead_ms
        raise JournalError(self._store.path, PermissionError("this process only reads"))

    def known(self) -> tuple[Known, ...]:
        """Nothing: no tail runs here."""
        return ()

    def sources_seen(self) -> Mapping[str, float | None]:
        """None: no tail runs here."""
        return {}

    async def note_sources(self, names: frozenset[str], now_seconds: float) -> None:
        """Nothing to do: another process records."""

    async def run(self) -> None:
        """Close files that nobody asks for; until cancelled, in the owner's task."""
        while True:
            await asyncio.sleep(_RELEASE_SECONDS)
            self._locator.release_idle()

    async def aclose(self) -> None:
        """Close all files."""
        self._threads.close()
        self._locator.close()
        self._store.close()
