"""What the journal holds in memory, and the plan of a commit: pure, no SQL connection, no file.

Owns the lives of generations and the newest row. `plan()` decides everything a batch changes without changing anything;
`install()` takes the plan over once the database has it. A failed commit therefore leaves nothing half done.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.base import Block, Lost
from logstream.journal.codec import Reached, RowWriter, encode_vector
from logstream.journal.cutting import cut_blocks
from logstream.journal.held import INSERT_KEYFRAME, INSERT_ROW, UPDATE_ROW
from logstream.journal.ids import anchor_of
from logstream.records import Gap, GapReason, Generation, Position
from logstream.tail.batch import Batch, Birth, Hole, Known, Moved, Proof, Range, Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logstream.journal.held import Statement

ROW_BYTES = 1024
"""A row is appended to until it holds this much; then a new one begins."""
_INSERT_GENERATION = "INSERT INTO generation VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
KEYFRAME_ENTRIES = 4096
_KEYFRAME_ENTRIES_A_LIFE = 16


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
    encoding: str
    head_length: int
    head_crc: int
    birth_at: int
    committed: int
    lines: int = 0
    proof_offset: int = 0
    proof_crc: int = 0
    sealed_at: int | None = None
    gone: GapReason | None = None
    anchor: int | None = None
    """Anchor at `committed`, when this process has read the bytes before it."""

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
            is_gone=self.gone is not None,
        )


class Stored(NamedTuple):
    """What the store holds, read back: `last_key` is the generation recorded last."""

    lives: Sequence[Life]
    keyframes: Sequence[int]
    row: RowWriter | None
    entries_since_keyframe: int
    last_key: str | None


@dataclass(slots=True)
class Plan:
    """What one batch changes. Lives in `touched` are copies."""

    row: RowWriter
    is_new_row: bool
    entries_since_keyframe: int
    touched: dict[str, Life] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    appended: list[Block | Lost] = field(default_factory=list)
    next_slot: int = 0
    last_key: str | None = None
    keyframe: int | None = None


class Ledger:
    """The lives of all generations, the newest row, and the recorded order's length."""

    def __init__(self, stored: Stored, max_line_bytes: Callable[[str], int]) -> None:
        """Take over what was read from the store; `max_line_bytes` answers the limit of a source's lines."""
        self._max_line_bytes = max_line_bytes
        self.lives = {life.generation.key: life for life in stored.lives}
        self.by_slot = {life.slot: life for life in stored.lives}
        self.keyframes = list(stored.keyframes)
        self.last_key = stored.last_key
        self._row = stored.row or RowWriter.begin(0, 0)
        self.durable_head = self.head
        """The place up to which the database has everything; ids are given out before it only."""
        self._entries_since_keyframe = stored.entries_since_keyframe
        self._next_slot = max(self.by_slot, default=-1) + 1

    @property
    def head(self) -> int:
        """The recorded order's length."""
        return self._row.at

    @property
    def clock_seconds(self) -> float | None:
        """When something was last recorded, in epoch seconds; None for an empty journal."""
        return self._row.clock_ms / 1000 if self._row.blob else None

    def plan(self, batch: Batch) -> Plan:
        """Everything `batch` changes, with the SQL that makes it last."""
        now_ms = int(batch.time * 1000)
        is_new = not self._row.blob or len(self._row.blob) >= ROW_BYTES
        # Rows are searched by their time, so a clock that was set back must not begin one before the last.
        row = RowWriter.begin(self.head, max(now_ms, self._row.clock_ms)) if is_new else copy.copy(self._row)
        plan = Plan(row, is_new, self._entries_since_keyframe, next_slot=self._next_slot, last_key=self.last_key)
        before = row.entries
        for change in batch.changes:
            match change:
                case Birth():
                    self._bear(plan, change)
                case Range():
                    plan.row.mark_time(now_ms)
                    self._extend(plan, change, now_ms)
                case Hole():
                    plan.row.mark_time(now_ms)
                    self._lose(plan, change)
                case Moved():
                    life = self._touch(plan, change.key)
                    life.path = change.path
                    plan.statements.append(
                        ("UPDATE generation SET path = ? WHERE slot = ?", (_path_bytes(life.path), life.slot))
                    )
                case Sealed():
                    self._seal(plan, change)
                case Proof():
                    life = self._touch(plan, change.key)
                    life.proof_offset, life.proof_crc = change.offset, change.crc
                    sql = "UPDATE generation SET proof_offset = ?, proof_crc = ? WHERE slot = ?"
                    plan.statements.append((sql, (change.offset, change.crc, life.slot)))
                case _:
                    pass  # notices are for people who watch now: nobody resumes to them
        plan.entries_since_keyframe += row.entries - before
        if row.blob and row.at > self.head:
            self._write_row(plan)
        return plan

    def install(self, plan: Plan) -> None:
        """Take over `plan`, which the database now holds."""
        for key, life in plan.touched.items():
            self.lives[key] = life
            self.by_slot[life.slot] = life
        if plan.row.at > self.head:
            self._row = plan.row
            self._entries_since_keyframe = plan.entries_since_keyframe
        self._next_slot = plan.next_slot
        self.last_key = plan.last_key
        if plan.keyframe is not None:
            self.keyframes.append(plan.keyframe)

    def _touch(self, plan: Plan, key: str) -> Life:
        life = plan.touched.get(key)
        if life is None:
            life = plan.touched[key] = copy.copy(self.lives[key])
        return life

    def _bear(self, plan: Plan, birth: Birth) -> None:
        life = Life(
            slot=plan.next_slot,
            generation=Generation(birth.key, birth.source, birth.file),
            path=birth.path,
            dev=birth.dev,
            ino=birth.ino,
            igen=birth.igen,
            base=birth.base,
            encoding=birth.encoding,
            head_length=birth.head_length,
            head_crc=birth.head_crc,
            birth_at=plan.row.at,
            committed=birth.base,
        )
        plan.next_slot += 1
        plan.touched[birth.key] = life
        values = (
            life.slot, birth.key, birth.source, birth.file, _path_bytes(birth.path), _signed(birth.dev),
            _signed(birth.ino), birth.igen, birth.base, birth.encoding, birth.head_length, birth.head_crc,
            0, 0, life.birth_at, None, None, None, None,
        )  # fmt: skip
        plan.statements.append((_INSERT_GENERATION, values))

    def _extend(self, plan: Plan, change: Range, now_ms: int) -> None:
        life = self._touch(plan, change.key)
        if change.start != life.committed:
            message = f"{change.key}: range begins at {change.start}, recorded up to {life.committed}"
            raise AssertionError(message)
        limit = self._max_line_bytes(life.generation.source)
        blocks = list(cut_blocks(life.generation, plan.row.at, now_ms, change, limit))
        plan.appended.extend(blocks)
        plan.row.add_extent(life.slot, change.end - change.start, change.lines)
        life.committed = change.end
        life.lines += change.lines if isinstance(change.lines, int) else len(change.lines)
        life.anchor = anchor_of(blocks[-1].before(len(blocks[-1].content)))
        plan.last_key = change.key

    def _lose(self, plan: Plan, hole: Hole) -> None:
        life = self._touch(plan, hole.key)
        at = plan.row.at
        length = None if hole.end is None else hole.end - hole.start
        plan.row.add_hole(life.slot, length, hole.reason)
        gap = Gap(life.generation.source, life.generation.file, hole.start, hole.end, None, hole.reason)
        life.committed = hole.start if hole.end is None else hole.end
        life.anchor = 0
        after = Position(hole.key, life.committed, 0)
        plan.appended.append(Lost(gap, at, plan.row.at, after))
        plan.last_key = hole.key

    def _seal(self, plan: Plan, sealed: Sealed) -> None:
        life = self._touch(plan, sealed.key)
        life.sealed_at, life.gone = plan.row.at, sealed.reason
        sql = "UPDATE generation SET sealed_at = ?, sealed_end = ?, sealed_lines = ?, gone = ? WHERE slot = ?"
        plan.statements.append((sql, (life.sealed_at, life.committed, life.lines, life.gone, life.slot)))

    def _write_row(self, plan: Plan) -> None:
        row = plan.row
        if not plan.is_new_row:
            plan.statements.append((UPDATE_ROW, (row.blob, row.start)))
            return
        plan.statements.append((INSERT_ROW, (row.start, row.time_ms, row.blob)))
        live = [life for life in self.lives.values() if life.sealed_at is None]
        if self._entries_since_keyframe >= max(KEYFRAME_ENTRIES, _KEYFRAME_ENTRIES_A_LIFE * len(live)):
            vector = {life.slot: Reached(life.committed, life.lines) for life in live}
            plan.statements.append((INSERT_KEYFRAME, (row.start, encode_vector(vector))))
            plan.keyframe = row.start
            plan.entries_since_keyframe = row.entries


def _path_bytes(path: str) -> bytes:
    """Paths are stored as the bytes they are: a name that is not UTF-8 must come back the same."""
    return path.encode("utf-8", "surrogateescape")


def _signed(value: int) -> int:
    """SQLite integers are signed 64 bit; device and inode numbers are unsigned."""
    return value - (1 << 64) if value >= 1 << 63 else value


def unsigned(value: int) -> int:
    """The inverse of `_signed`."""
    return value + (1 << 64) if value < 0 else value
