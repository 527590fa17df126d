"""What the journal knows of one generation, in memory and as a row of its table.

Owns the columns' meaning. Refuses to know how bytes are found, and when anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING

from logstream.tail.batch import Known

if TYPE_CHECKING:
    from logstream.journal.held import Statement
    from logstream.records import GapReason, Generation

_INSERT_GENERATION = "INSERT INTO generation VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"


@dataclass(slots=True)
class Life:
    """All that is known of one generation. `base` is where streaming began, `committed` how far it is recorded."""

    slot: int
    generation: Generation
    path: str
    dev: int
    ino: int
    igen: int | None
    base: int
    head_length: int
    head_crc: int
    birth_at: int
    committed: int
    lines: int = 0
    proof_offset: int = 0
    proof_crc: int = 0
    sealed_at: int | None = None
    gone: GapReason | None = None
    written_ns: int | None = None
    kept_end: int | None = None
    """How far its bytes are still what they were, where they were cut off behind that."""
    ahead_ms: int = 0
    """By how much its lines tell later times than those of their recording, at most; 0: not more than usual."""
    anchor: int | None = None
    """Anchor at `committed`, when this process has read the bytes before it, or knows that they are gone."""

    def copy(self) -> Life:
        """Another one with the same values; several times as fast as what `copy` makes of any object."""
        return Life(*_values_of(self))

    def has_kept(self, offset: int) -> bool:
        """Whether nobody has cut off the bytes before `offset`."""
        return self.kept_end is None or offset <= self.kept_end

    def known(self, seen_time: float | None) -> Known:
        """What the tail needs to recognise this generation's file, last seen at `seen_time` (epoch seconds)."""
        return Known(
            key=self.generation.key,
            source=self.generation.source,
            file=self.generation.file,
            path=self.path,
            dev=self.dev,
            ino=self.ino,
            igen=self.igen,
            base=self.base,
            committed=self.committed,
            proof_offset=self.proof_offset,
            proof_crc=self.proof_crc,
            head_length=self.head_length,
            head_crc=self.head_crc,
            sealed=self.sealed_at is not None,
            seen_time=seen_time,
            written_ns=self.written_ns,
            is_gone=self.gone is not None,
            encoding=self.generation.encoding,
        )


_values_of = attrgetter(*(field.name for field in fields(Life)))


def insertion(life: Life) -> Statement:
    """What records `life` as it is."""
    gone = None if life.gone is None else life.gone.value
    sealed_end, sealed_lines = (None, None) if life.sealed_at is None else (life.committed, life.lines)
    values = (
        life.slot, *life.generation[:3], path_bytes(life.path), _signed(life.dev), _signed(life.ino), life.igen,
        life.base, life.generation.encoding, life.head_length, life.head_crc, life.proof_offset, life.proof_crc,
        life.birth_at, life.sealed_at, sealed_end, sealed_lines, gone, life.written_ns,
        life.kept_end, life.ahead_ms,
    )  # fmt: skip
    return _INSERT_GENERATION, values


def relocation(life: Life) -> Statement:
    """What records where the bytes of `life` are now."""
    sql = "UPDATE generation SET path = ?, dev = ?, ino = ?, igen = ? WHERE slot = ?"
    return sql, (path_bytes(life.path), _signed(life.dev), _signed(life.ino), life.igen, life.slot)


def path_bytes(path: str) -> bytes:
    """Paths are stored as the bytes they are: a name that is not UTF-8 must come back the same."""
    return path.encode("utf-8", "surrogateescape")


def _signed(value: int) -> int:
    """SQLite integers are signed 64 bit; device and inode numbers are unsigned."""
    return value - (1 << 64) if value >= 1 << 63 else value


def unsigned(value: int) -> int:
    """The inverse of what is stored."""
    return value + (1 << 64) if value < 0 else value
