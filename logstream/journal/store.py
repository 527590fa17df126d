"""The journal's SQLite file: schema, lock, transactions, checkpoints. The only module that speaks SQL to it.

Owns the state directory. Refuses to know what rows mean: `codec` and `ledger` do. WAL with `synchronous=NORMAL` keeps
every committed transaction through `kill -9`; `FULL` keeps it through a power loss too.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from logstream.errors import LogstreamError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

Durability = Literal["process", "full"]
Statement = tuple[str, Sequence[Any]]
_FORMAT = 1
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
_ROWS_A_PAGE = 32
_BUSY_SECONDS = 5.0


class JournalError(LogstreamError):
    """The journal could not be written or read; `cause` says why."""

    def __init__(self, path: Path, cause: Exception) -> None:
        """Remember the file and what SQLite or the system said."""
        super().__init__(path, cause)
        self.path = path
        self.cause = cause

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.path}: {self.cause}"


class StateUnusableError(UsageError):
    """The state directory cannot be used as it is."""

    def __init__(self, directory: Path, reason: str, remedy: str) -> None:
        """Remember the directory, what is wrong with it, and what to do."""
        super().__init__(directory, reason, remedy)
        self.directory = directory
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        """One line for people."""
        return f"state directory {self.directory}: {self.reason}; {self.remedy}"


class Row(NamedTuple):
    """One packed row of the recorded order."""

    start: int
    time_ms: int
    entries: bytes


class Store:
    """The open journal file. One process at a time holds it."""

    def __init__(self, directory: Path, durability: Durability) -> None:
        """Open or create the state; raises StateUnusableError."""
        self.path = directory / "journal.db"
        with ExitStack() as undo:
            self._lock_fd = _lock(directory)
            undo.callback(os.close, self._lock_fd)
            try:
                # Transactions run in the loop's thread or in the journal's one worker thread, never in both at a time.
                self._connection = undo.enter_context(closing(_connect(self.path, check_same_thread=False)))
                _configure(self._connection, durability)
                self._prepare(directory)
                self._reading = _connect(self.path, check_same_thread=True)
            except sqlite3.Error as cause:
                remedy = "move the file away to begin anew (ids given out so far are lost with it)"
                raise StateUnusableError(directory, f"{self.path.name} cannot be opened: {cause}", remedy) from cause
            undo.pop_all()

    def _prepare(self, directory: Path) -> None:
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            self._connection.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {_FORMAT};COMMIT;")
        elif found != _FORMAT:
            reason = f"{self.path.name} has format {found}, this version reads {_FORMAT}"
            raise StateUnusableError(directory, reason, "use the version that wrote it, or another directory")

    def transact(self, statements: Iterable[Statement]) -> None:
        """Run all `statements` or none; raises JournalError."""
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for sql, values in statements:
                connection.execute(sql, values)
            connection.execute("COMMIT")
        except sqlite3.Error as cause:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise JournalError(self.path, cause) from cause

    def select(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """All committed rows that `sql` answers; raises JournalError.

        Reads through a connection of its own: on the writing one it would wait for the disk with a commit that runs in
        a thread, and see half of it.
        """
        try:
            return self._reading.execute(sql, values).fetchall()
        except sqlite3.Error as cause:
            raise JournalError(self.path, cause) from cause

    def rows_from(self, start: int) -> list[Row]:
        """The next rows at or after `start`, a page of them: no statement stays open, so no checkpoint is held up."""
        sql = "SELECT start, time_ms, entries FROM row WHERE start >= ? ORDER BY start LIMIT ?"
        return [Row(*row) for row in self.select(sql, (start, _ROWS_A_PAGE))]

    def wal_bytes(self) -> int:
        """Size of the write-ahead log on disk."""
        return _size_bytes(self.path.with_name("journal.db-wal"))

    def size_bytes(self) -> int:
        """Size of the store on disk, with its write-ahead log."""
        return _size_bytes(self.path) + self.wal_bytes()

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
        self._reading.close()
        self._connection.close()
        os.close(self._lock_fd)


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _connect(path: Path, *, check_same_thread: bool) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=check_same_thread, timeout=_BUSY_SECONDS)


def _configure(connection: sqlite3.Connection, durability: Durability) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
    # Checkpoints sync the disk: they belong to a thread, never to whichever commit happens to be the thousandth.
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    # A restarted log would keep its size, and whoever looks at that would copy it back again every time.
    connection.execute("PRAGMA journal_size_limit = 0")


def _lock(directory: Path) -> int:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        probe = directory / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as cause:
        remedy = "make it writable for this user, or set state.dir to another directory"
        raise StateUnusableError(directory, f"not writable ({cause.strerror})", remedy) from cause
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        reason = f"another logstream (process {holder}) is using it"
        raise StateUnusableError(directory, reason, "stop that one, or set state.dir to another directory") from cause
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
