"""What the disk would not take: statements in their order, kept in memory until it takes them.

Owns their number and what they say of rows and keyframes, so that history can be read from what is not on disk yet.
Pure: does no I/O and does not decide when to try again. Bounded: `HELD_BYTES`; beyond that nothing more is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Statement = tuple[str, "Sequence[Any]"]
HELD_BYTES = 64 << 20
"""What is held at most: at five bytes a line that is some ten million lines. Then reading waits, and loses nothing."""
INSERT_ROW = "INSERT INTO row VALUES (?, ?, ?)"
UPDATE_ROW = "UPDATE row SET entries = ? WHERE start = ?"
INSERT_KEYFRAME = "INSERT INTO keyframe VALUES (?, ?)"
_STATEMENT_BYTES = 300
"""What a statement is taken to cost beside its texts and blobs."""


class Row(NamedTuple):
    """One packed row of the recorded order."""

    start: int
    time_ms: int
    entries: bytes


class Held:
    """Statements that wait. A later one that says the same of the same row takes the place of the earlier one."""

    def __init__(self) -> None:
        """Nothing waits."""
        self._statements: dict[tuple[object, ...], Statement] = {}
        self._rows: dict[int, Row] = {}
        self._entries: dict[int, bytes] = {}
        self._keyframes: dict[int, bytes] = {}
        self.size_bytes = 0

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._statements)

    @property
    def is_full(self) -> bool:
        """Whether no more is taken."""
        return self.size_bytes >= HELD_BYTES

    def add(self, statements: Iterable[Statement]) -> None:
        """Hold `statements`."""
        for sql, values in statements:
            key = (sql, values[-1]) if sql.startswith("UPDATE") else (sql, *values)
            before = self._statements.get(key)
            self._statements[key] = (sql, values)
            self.size_bytes += _cost(values) - (0 if before is None else _cost(before[1]))
            if sql == INSERT_ROW:
                self._rows[values[0]] = Row(*values)
            elif sql == UPDATE_ROW:
                self._entries[values[1]] = values[0]
            elif sql == INSERT_KEYFRAME:
                self._keyframes[values[0]] = values[1]

    def statements(self) -> list[Statement]:
        """All of them, in an order in which they can be run."""
        return list(self._statements.values())

    def rows_over(self, rows: Sequence[Row], start: int, limit: int) -> list[Row]:
        """The next `limit` rows at or after `start`: `rows` as they are on the disk, and what is held over them.

        Held rows are the newest ones: they come behind all that are on the disk.
        """
        # What is being written just now is still held, and on the disk already.
        behind = rows[-1].start + 1 if rows else start
        more = [self._rows[at] for at in self._rows if at >= behind][: limit - len(rows)]
        return [row._replace(entries=self._entries.get(row.start, row.entries)) for row in (*rows, *more)]

    def start_before(self, time_ms: int) -> int | None:
        """The start of the last held row that is older than `time_ms`."""
        return max((row.start for row in self._rows.values() if row.time_ms < time_ms), default=None)

    def keyframe(self, start: int) -> bytes | None:
        """The vector of a held keyframe."""
        return self._keyframes.get(start)


def _cost(values: Sequence[Any]) -> int:
    return _STATEMENT_BYTES + sum(len(value) for value in values if isinstance(value, bytes | str))
