"""Reading the journal's SQLite file: rows, keyframes, sizes, and what is held over it in memory.

Owns how committed rows are asked for. Refuses to write, and to open or close anything: that is for those who do.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

from logstream.journal.errors import JournalError
from logstream.journal.held import Held, Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ROWS_A_PAGE = 4
"""Some 200 entries each, at 4 us, also where only the first is wanted: nobody else has a turn until all are decoded. To
ask the database is a hundredth of that."""
_BUSY_SECONDS = 5.0


class StoreReading:
    """What can be read of the state; who opens it sets the connection."""

    _reading: sqlite3.Connection

    def __init__(self, path: Path) -> None:
        """Read the journal file at `path`; nothing is held."""
        self.path = path
        self.held = Held()

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
        held = self.held  # before the question: what leaves it meanwhile is on the disk by then
        sql = "SELECT start, time_ms, entries FROM row WHERE start >= ? ORDER BY start LIMIT ?"
        rows = [Row(*row) for row in self.select(sql, (start, _ROWS_A_PAGE))]
        return held.rows_over(rows, start, _ROWS_A_PAGE) if held else rows

    def row_before(self, time_ms: int) -> int:
        """The start of the last row that is older than `time_ms`; 0 if there is none."""
        found = self.held.start_before(time_ms)
        if found is not None:
            return found
        return self.select("SELECT max(start) FROM row WHERE time_ms < ?", (time_ms,))[0][0] or 0

    def keyframe(self, start: int) -> bytes | None:
        """The vector of the keyframe `start`, if there is one."""
        held = self.held.keyframe(start)
        if held is not None:
            return held
        found = self.select("SELECT vector FROM keyframe WHERE start = ?", (start,))
        return found[0][0] if found else None

    def wal_bytes(self) -> int:
        """Size of the write-ahead log on disk."""
        return _size_bytes(self.path.with_name("journal.db-wal"))

    def size_bytes(self) -> int:
        """Size of the store on disk, with its write-ahead log."""
        return _size_bytes(self.path) + self.wal_bytes()


def connect(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    """A connection in autocommit mode that waits a while for others."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS, uri=uri)


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
