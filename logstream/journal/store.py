"""The journal's SQLite file: its schema, the connection that writes it, transactions, checkpoints.

Owns every transaction: others say in SQL what is written and asked for. Refuses to know what rows mean: `codec` and
`ledger` do. WAL with `synchronous=NORMAL` keeps every committed transaction through `kill -9`; `FULL` keeps it through
a power loss too. What a disk that is full or read-only does not take is held in memory, and written when the disk takes
it again.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Literal

from logstream.journal.errors import JournalError, StateUnusableError
from logstream.journal.held import Held, Statement
from logstream.journal.lock import lock
from logstream.journal.reading import StoreReading, connect
from logstream.journal.salvage import copy_into, inode_of, put_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

Durability = Literal["process", "full"]
_FORMAT = 6
_SCHEMA = """
CREATE TABLE generation (
  slot INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, source TEXT NOT NULL, file TEXT NOT NULL, path BLOB NOT NULL,
  dev INTEGER NOT NULL, ino INTEGER NOT NULL, igen INTEGER, base INTEGER NOT NULL, encoding TEXT NOT NULL,
  head_length INTEGER NOT NULL, head_crc INTEGER NOT NULL, proof_offset INTEGER NOT NULL, proof_crc INTEGER NOT NULL,
  birth_at INTEGER NOT NULL, sealed_at INTEGER, sealed_end INTEGER, sealed_lines INTEGER, gone TEXT);
CREATE TABLE row (start INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, entries BLOB NOT NULL);
CREATE TABLE keyframe (start INTEGER PRIMARY KEY, vector BLOB NOT NULL);
CREATE TABLE source (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE checkpoint (id INTEGER PRIMARY KEY, count INTEGER NOT NULL);
"""
_SINCE_FORMAT_2 = """
ALTER TABLE generation ADD COLUMN written_ns INTEGER;
CREATE TABLE usage (id INTEGER PRIMARY KEY, boot TEXT NOT NULL, is_clean INTEGER NOT NULL, lost_at INTEGER);
CREATE TABLE former (key TEXT PRIMARY KEY, slot INTEGER NOT NULL, lasted INTEGER NOT NULL, at INTEGER NOT NULL)
  WITHOUT ROWID;
"""
_SINCE_FORMAT_3 = "ALTER TABLE generation ADD COLUMN kept_end INTEGER;"
_SINCE_FORMAT_4 = "ALTER TABLE usage ADD COLUMN witness TEXT;"
_SINCE_FORMAT_5 = "ALTER TABLE generation ADD COLUMN ahead_ms INTEGER NOT NULL DEFAULT 0;"
_SINCE_FORMAT_6 = "ALTER TABLE source ADD COLUMN noted_ms INTEGER;"
_MIGRATIONS = (_SCHEMA, _SINCE_FORMAT_2, _SINCE_FORMAT_3, _SINCE_FORMAT_4, _SINCE_FORMAT_5, _SINCE_FORMAT_6)
_DISK_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR})
"""What SQLite says when its disk does not take what is written; the upper bits of a code are its details."""
_HELD_CODES = _DISK_CODES | {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN}
"""Why a transaction is held instead; anything else is a mistake of ours."""
_ROOM = "let its disk take something again, and lines have ids again by themselves"
_ANEW = "move the file away to begin anew (ids given out so far are lost with it)"
_NEWEST_ROW = "SELECT start, entries FROM row ORDER BY start DESC LIMIT 1"


class Store(StoreReading):
    """The open journal file. One process at a time holds it."""

    def __init__(self, directory: Path, durability: Durability, take_lock: Callable[[Path], int] = lock) -> None:
        """Open or create the state; raises StateUnusableError.

        While the disk is full or read-only, the state is read as it is, and what is written is held.
        """
        super().__init__(directory / "journal.db")
        self._durability: Durability = durability
        self._take_lock = take_lock
        self._lock_fd = -1
        self._connection: sqlite3.Connection | None = None
        self._inode: int | None = None
        self._former: list[sqlite3.Connection] = []
        self.failure: str | None = None
        """Why the disk does not have everything; None if it does."""
        try:
            self._reading = self._open()
        except StateUnusableError as error:
            if not error.is_passing:
                raise
            self._reading = self._copy_in_memory(error)
            self.failure = error.reason

    def _open(self) -> sqlite3.Connection:
        """Open the state for writing; the connection to read it with."""
        directory = self.path.parent
        with ExitStack() as undo:
            lock_fd = self._take_lock(directory)
            undo.callback(os.close, lock_fd)
            try:
                # Transactions run in the loop's thread or in the journal's one worker thread, never in both at a time.
                connection = undo.enter_context(closing(connect(self.path)))
                _configure(connection, self._durability)
                prepare(connection, directory)
                reading = connect(self.path)
            except sqlite3.Error as cause:
                is_passing = _code(cause) in _DISK_CODES
                reason, remedy = f"{self.path.name} cannot be opened: {cause}", _ROOM if is_passing else _ANEW
                raise StateUnusableError(directory, reason, remedy, is_passing=is_passing) from cause
            undo.pop_all()
        self._lock_fd, self._connection, self._inode = lock_fd, connection, inode_of(self.path)
        return reading

    def _reopen(self) -> None:
        """Go over from the copy in memory, or from a file that was deleted, to the state itself."""
        if self._inode is not None:
            put_back(self._reading, self.path)
        reading = self._open()
        # Where no lock could be taken, none has kept others out.
        if reading.execute(_NEWEST_ROW).fetchall() != self._reading.execute(_NEWEST_ROW).fetchall():
            reading.close()
            self._give_up()
            raise JournalError(self.path, OSError("another process has written it meanwhile"))
        # Somebody may be asking the old one just now, in another thread: it is closed with the rest.
        self._former.append(self._reading)
        self._reading = reading

    def _copy_in_memory(self, why: StateUnusableError) -> sqlite3.Connection:
        """The state as it is on a disk that takes nothing, to be read; raises `why` if it cannot be copied."""
        memory = connect(":memory:")
        try:
            copy_into(memory, self.path)
            prepare(memory, self.path.parent)
        except (OSError, sqlite3.Error):
            memory.close()
            raise why from None
        return memory

    @property
    def is_deleted(self) -> bool:
        """Whether what is open is not what has the state's name any more."""
        return self._connection is not None and inode_of(self.path) != self._inode

    def leave(self) -> None:
        """Write nothing more to a file that was deleted: what comes is held until it has been put back."""
        self._give_up()
        self.failure = f"{self.path.name} was deleted, or replaced by another file"

    @property
    def is_behind(self) -> bool:
        """Whether the disk does not have everything."""
        return self._connection is None or bool(self.held)

    def write(self, statements: Sequence[Statement]) -> bool:
        """Write `statements`, all or none; False if they are held instead, because the disk did not take them.

        Raises JournalError if no more can be held.
        """
        if not self.is_behind:
            try:
                self.transact(statements)
            except JournalError as error:
                self.failure = str(error.cause)
                if _code(error.cause) not in _HELD_CODES:
                    raise
            else:
                self.failure = None
                return True
        if self.held.is_full:
            full = f"{self.failure}, and no more than {self.held.size_bytes >> 20} MiB is held in memory"
            raise JournalError(self.path, OSError(errno.ENOSPC, full))
        self.held.add(statements)
        return False

    def write_through(self, statements: Sequence[Statement]) -> None:
        """Write `statements` so that they and all before them outlive a power loss; where that fails they are held."""
        connection = self._connection
        if connection is not None:
            connection.execute("PRAGMA synchronous = FULL")
        self.write(statements)
        if connection is not None:
            _configure(connection, self._durability)

    def settle(self) -> None:
        """Write what is held; raises JournalError, or StateUnusableError, while the disk does not take it."""
        if self._connection is None:
            self._reopen()
        self.transact(self.held.statements())
        self.held = Held()
        self.failure = None

    def transact(self, statements: Iterable[Statement]) -> None:
        """Run all `statements` or none; raises JournalError."""
        connection = self._connection
        if connection is None:
            raise JournalError(self.path, OSError(self.failure))
        try:
            if isinstance(statements, Sequence) and len(statements) == 1:
                connection.execute(*statements[0])  # a transaction by itself
                return
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in statements:
                connection.execute(sql, values)
            connection.execute("COMMIT")
        except sqlite3.Error as cause:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise JournalError(self.path, cause) from cause

    def copy_back(self) -> None:
        """Copy the log's pages into the database file through a connection of its own: for a thread, beside writers.

        Raises JournalError.
        """
        try:
            with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        except sqlite3.Error as cause:
            raise JournalError(self.path, cause) from cause

    def restart_wal(self) -> None:
        """Copy back what is left and write once, so that the log's restart, which syncs, happens here, in a thread.

        Raises JournalError.
        """
        self.copy_back()
        self.transact([("INSERT INTO checkpoint VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET count = count + 1", ())])

    def close(self) -> None:
        """Close the file and give up the lock."""
        for reading in (self._reading, *self._former):
            reading.close()
        self._give_up()

    def _give_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            os.close(self._lock_fd)


def _code(cause: Exception) -> int:
    """SQLite's primary result code, sqlite.org/rescode.html; 0 where it said none."""
    return int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF


def prepare(connection: sqlite3.Connection, directory: Path) -> None:
    """Bring a state to this version's format; raises StateUnusableError if a later one wrote it."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found < _FORMAT:
        missing = "".join(_MIGRATIONS[found:])
        connection.executescript(f"BEGIN;{missing}PRAGMA user_version = {_FORMAT};COMMIT;")
    elif found > _FORMAT:
        reason = f"journal.db has format {found}, this version reads {_FORMAT}"
        raise StateUnusableError(directory, reason, "use the version that wrote it, or another directory")


def _configure(connection: sqlite3.Connection, durability: Durability) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    # Checkpoints sync the disk: they belong to a thread, never to whichever commit happens to be the thousandth.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    # A restarted log would keep its size, and whoever looks at that would copy it back again every time.
    connection.execute("PRAGMA journal_size_limit = 0")
