"""What the journal holds in memory, and the plan of a commit: pure, no SQL connection, no file.

Owns the lives of generations and the newest row. `plan()` decides everything a batch changes without changing anything;
`install()` takes the plan over once the database has it. A failed commit therefore leaves nothing half done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.base import Block, Lost
from logstream.journal.codec import RowWriter
from logstream.journal.cutting import cut_blocks
from logstream.journal.held import INSERT_KEYFRAME, INSERT_ROW, UPDATE_ROW
from logstream.journal.ids import anchor_of, gap_anchor, open_gap_anchor
from logstream.journal.life import Life, insertion, relocation
from logstream.journal.marks import Marks
from logstream.journal.vector import Vector, encode_vector
from logstream.records import Gap, GapReason, Generation, Position
from logstream.tail.batch import Batch, Birth, Cut, Hole, Moved, Proof, Range, Sealed, new_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from logstream.journal.held import Statement

_UPDATE_PROOF = """
UPDATE generation SET proof_offset = ?, proof_crc = ?, head_length = ?, head_crc = ?, written_ns = ? WHERE slot = ?
"""
_CUT = """
UPDATE generation SET proof_offset = ?, proof_crc = ?, head_length = ?, head_crc = ?, kept_end = ? WHERE slot = ?
"""
ROW_BYTES = 976
"""A row is appended to until it holds this much; then a new one begins. Four that are hardly longer fill a page."""
KEYFRAME_ENTRIES = 1024
_KEYFRAME_ENTRIES_A_LIFE = 16


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
        self.epoch = 0
        """Grows when rows that were recorded are written anew: who walks over them begins again where it stands."""
        self.marks = Marks()
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
        row = RowWriter.begin(self.head, max(now_ms, self._row.clock_ms)) if is_new else self._row.copy()
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
                    life.dev, life.ino, life.igen = change.inode or (life.dev, life.ino, life.igen)
                    plan.statements.append(relocation(life))
                case Cut():
                    life = self._touch(plan, change.key)
                    life.kept_end = life.proof_offset = change.offset
                    life.proof_crc, life.head_length, life.head_crc = change[2:]
                    plan.statements.append((_CUT, (*change[1:], life.kept_end, life.slot)))
                case Sealed():
                    self._seal(plan, change)
                case Proof():
                    life = self._touch(plan, change.key)
                    life.proof_offset, life.proof_crc, life.head_length, life.head_crc, life.written_ns = change[1:]
                    plan.statements.append((_UPDATE_PROOF, (*change[1:], life.slot)))
                case _:
                    pass  # notices are for people who watch now: nobody resumes to them
        plan.entries_since_keyframe += row.entries - before
        if row.blob and row.at > self.head:
            self._write_row(plan)
        return plan

    def plan_ahead(self, ahead_ms: Mapping[str, int]) -> Plan:
        """What changes once it is known by how much generations are ahead; of each the most that was seen counts."""
        row, entries = self._row, self._entries_since_keyframe
        plan = Plan(row, is_new_row=False, entries_since_keyframe=entries, next_slot=self._next_slot)
        plan.last_key = self.last_key
        for key, ahead in ahead_ms.items():
            if key in self.lives and ahead > self.lives[key].ahead_ms:
                life = self._touch(plan, key)
                life.ahead_ms = ahead
                plan.statements.append(("UPDATE generation SET ahead_ms = ? WHERE slot = ?", (ahead, life.slot)))
        return plan

    @property
    def newest_row(self) -> int:
        """The place at which the row begins that is still appended to."""
        return self._row.start

    def forget(self, lives: Iterable[Life], keyframes: Iterable[int] = ()) -> None:
        """Drop generations and keyframes of which no row speaks any more, or will in a moment."""
        for life in lives:
            self.lives.pop(life.generation.key, None)
            self.by_slot.pop(life.slot, None)
        left_out = frozenset(keyframes)
        self.keyframes = [start for start in self.keyframes if start not in left_out]

    def tombstone(self, source: str) -> tuple[Life, list[Statement]]:
        """The generation that stands for the forgotten ones of a source, and what records it if it is new."""
        for life in self.lives.values():
            if life.gone is GapReason.EXPIRED and life.generation.source == source:
                return life, []
        generation = Generation(new_key(), source, "")
        life = Life(
            slot=self._next_slot, generation=generation, path="", dev=0, ino=0, igen=None, base=0,
            head_length=0, head_crc=0, birth_at=0, committed=0, sealed_at=0, gone=GapReason.EXPIRED,
        )  # fmt: skip
        return life, [insertion(life)]

    def install_tombstone(self, life: Life) -> None:
        """Take over what `tombstone` gave, which the database now holds."""
        self.lives[life.generation.key] = self.by_slot[life.slot] = life
        self._next_slot = max(self._next_slot, life.slot + 1)

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
            life = plan.touched[key] = self.lives[key].copy()
        return life

    def _bear(self, plan: Plan, birth: Birth) -> None:
        life = Life(
            slot=plan.next_slot,
            generation=Generation(birth.key, birth.source, birth.file, birth.encoding),
            path=birth.path,
            dev=birth.dev,
            ino=birth.ino,
            igen=birth.igen,
            base=birth.base,
            head_length=birth.head_length,
            head_crc=birth.head_crc,
            birth_at=plan.row.at,
            committed=birth.base,
            written_ns=birth.written_ns,
        )
        plan.next_slot += 1
        plan.touched[birth.key] = life
        plan.statements.append(insertion(life))

    def _extend(self, plan: Plan, change: Range, now_ms: int) -> None:
        life = self._touch(plan, change.key)
        if change.start != life.committed:
            message = f"{change.key}: range begins at {change.start}, recorded up to {life.committed}"
            raise AssertionError(message)
        if change.encoding != life.generation.encoding:
            self._reencode(plan, life, change)
        limit = self._max_line_bytes(life.generation.source)
        blocks = list(cut_blocks(life.generation, plan.row.at, now_ms, change, limit))
        plan.appended.extend(blocks)
        plan.row.add_extent(life.slot, change.end - change.start, change.lines)
        life.committed = change.end
        life.lines += change.lines if isinstance(change.lines, int) else len(change.lines)
        life.anchor = anchor_of(blocks[-1].before(len(blocks[-1].content)))
        plan.last_key = change.key

    @staticmethod
    def _reencode(plan: Plan, life: Life, change: Range) -> None:
        """What was found empty shows its encoding with its first bytes, and keeps it."""
        if life.committed > life.base:
            message = (
                f"{change.key}: cut as {life.generation.encoding} so far, as {change.encoding} from {change.start}"
            )
            raise AssertionError(message)
        life.generation = life.generation._replace(encoding=change.encoding)
        plan.statements.append(("UPDATE generation SET encoding = ? WHERE slot = ?", (change.encoding, life.slot)))

    def _lose(self, plan: Plan, hole: Hole) -> None:
        life = self._touch(plan, hole.key)
        at = plan.row.at
        length = None if hole.end is None else hole.end - hole.start
        plan.row.add_hole(life.slot, length, hole.reason)
        gap = Gap(life.generation.source, life.generation.file, hole.start, hole.end, None, hole.reason)
        life.committed = hole.start if hole.end is None else hole.end
        life.anchor = (open_gap_anchor if hole.end is None else gap_anchor)(hole.key, life.committed)
        after = Position(hole.key, life.committed, life.anchor)
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
            vector = Vector({life.slot: life.committed for life in live}, {life.slot: life.lines for life in live})
            plan.statements.append((INSERT_KEYFRAME, (row.start, encode_vector(vector))))
            plan.keyframe = row.start
            plan.entries_since_keyframe = row.entries
