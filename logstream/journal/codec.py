"""The bytes of a journal row: many extents packed in one blob.

Pure. A blob is a sequence of LEB128 varints that form entries:

* `0, milliseconds`: time went on by so much since the row's time or the last such mark;
* `1, slot, length + 1 or 0, reason`: a hole: bytes known to be lost before anybody read them; with the reason
  `expired`, entries that were forgotten, and how much of the journal's length they took;
* `head >= 2`: an extent. `head - 2` is `zigzag(slot - previous slot) << 1 | fine`. A fine extent goes on with the
  number of lines and each line's length; a coarse one with its length and its number of lines.

A fine extent is what makes a gap's line count exact at every line; it is kept for small reads, where lines trickle. An
entry holds no offset: a generation's extents follow each other without a break, so a vector of offsets (a keyframe, see
`vector`) every thousand entries or more is enough, and a trickled line costs four to five bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.base import TIME_RESOLUTION_MS
from logstream.records import GapReason

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONS = tuple(GapReason)
HOLE_WEIGHT = 1
"""A hole takes this much of the journal's own length, so that a place before and one after it can be told apart."""
_TIME_MARK = 0
_HOLE = 1
_FIRST_HEAD = 2
_CONTINUATION = 0x80
COARSE_MERGE_BYTES = 1 << 20
FINE_MERGE_LINES = 64
"""Neighbours merge up to these sizes, so that one entry never takes long to step into."""


class Entry(NamedTuple):
    """One decoded entry. `at` is its start in the journal's own length; a hole has a reason and its lines are None."""

    at: int
    time_ms: int
    slot: int
    length: int | None
    lines: tuple[int, ...] | int | None
    hole: GapReason | None

    @property
    def weight(self) -> int:
        """How far the journal's own length grows by this entry."""
        if self.hole is None or self.hole is GapReason.EXPIRED:
            return self.length or 0
        return HOLE_WEIGHT

    @property
    def line_count(self) -> int:
        """Number of lines; 0 for a hole, whose lines nobody counted."""
        if self.lines is None:
            return 0
        return self.lines if isinstance(self.lines, int) else len(self.lines)


def put_varint(blob: bytearray, value: int) -> None:
    """Append `value` (>= 0) as LEB128."""
    while value >= _CONTINUATION:
        blob.append(value & 0x7F | _CONTINUATION)
        value >>= 7
    blob.append(value)


@dataclass(slots=True)
class RowWriter:
    """Builds the newest row; `copy()` it, try, and keep the copy only once the database has it."""

    start: int
    """The journal's length before this row: the row's key."""
    time_ms: int
    blob: bytes = b""
    at: int = 0
    entries: int = 0
    clock_ms: int = 0
    """The latest time told in this row."""
    _slot: int = 0
    _last_place: int = -1
    _last_slot: int = 0
    _last: tuple[int, ...] | tuple[int, int] | None = None
    _last_fine: bool = False
    _before_last_slot: int = 0

    @classmethod
    def begin(cls, start: int, time_ms: int) -> RowWriter:
        """An empty row at the journal's end."""
        return cls(start=start, time_ms=time_ms, at=start, clock_ms=time_ms)

    @classmethod
    def reopen(cls, start: int, time_ms: int, blob: bytes) -> RowWriter:
        """A row read back from the database, ready to be appended to (never merged into)."""
        entries = list(decode_row(start, time_ms, blob))
        if not entries:
            return cls.begin(start, time_ms)
        last = entries[-1]
        at = last.at + last.weight
        return cls(start, time_ms, blob, at, len(entries), _slot=last.slot, clock_ms=last.time_ms)

    def copy(self) -> RowWriter:
        """The same row once more."""
        return RowWriter(
            self.start,
            self.time_ms,
            self.blob,
            self.at,
            self.entries,
            self.clock_ms,
            self._slot,
            self._last_place,
            self._last_slot,
            self._last,
            self._last_fine,
            self._before_last_slot,
        )

    def mark_time(self, now_ms: int) -> None:
        """Note that time went on, if it did by at least `TIME_RESOLUTION_MS`; a clock that goes back is not noted."""
        delta = now_ms - self.clock_ms
        if delta < TIME_RESOLUTION_MS:
            return
        blob = bytearray(self.blob)
        put_varint(blob, _TIME_MARK)
        put_varint(blob, delta)
        self.blob = bytes(blob)
        self.clock_ms = now_ms
        self._last = None

    def add_hole(self, slot: int, length: int | None, reason: GapReason) -> None:
        """Append a hole of `length` bytes (None: unknown)."""
        blob = bytearray(self.blob)
        for value in (_HOLE, slot, 0 if length is None else length + 1, _REASONS.index(reason)):
            put_varint(blob, value)
        self.blob = bytes(blob)
        self._slot = slot
        self.at += (length or 0) if reason is GapReason.EXPIRED else HOLE_WEIGHT
        self.entries += 1
        self._last = None

    def add_extent(self, slot: int, length: int, lines: tuple[int, ...] | int) -> None:
        """Append an extent, merged with the entry before it where both are of one generation and one kind."""
        fine = isinstance(lines, tuple)
        facts = lines if isinstance(lines, tuple) else (length, lines)
        place, before = len(self.blob), self._slot
        if self._last is not None and self._last_slot == slot and self._last_fine == fine:
            merged = self._last + facts if fine else (self._last[0] + facts[0], self._last[1] + facts[1])
            if fine and len(merged) <= FINE_MERGE_LINES:
                self._add_lines(merged, facts)
                self.at += length
                return
            if not fine and merged[0] <= COARSE_MERGE_BYTES:
                facts, place, before = merged, self._last_place, self._before_last_slot
                self.entries -= 1
        blob = bytearray(self.blob[:place])
        delta = slot - before
        put_varint(blob, _FIRST_HEAD + ((delta << 1 if delta >= 0 else (-delta << 1) - 1) << 1 | fine))
        for value in (len(facts), *facts) if fine else facts:
            put_varint(blob, value)
        self.blob = bytes(blob)
        self._last, self._last_fine, self._last_slot = facts, fine, slot
        self._last_place, self._before_last_slot, self._slot = place, before, slot
        self.at += length
        self.entries += 1

    def _add_lines(self, merged: tuple[int, ...], lines: tuple[int, ...]) -> None:
        """Append to the last entry, which ends the row: what is there of it stays, but for the number of its lines."""
        blob = bytearray(self.blob)
        number = self._last_place
        while blob[number] & _CONTINUATION:
            number += 1
        blob[number + 1] = len(merged)  # behind the head; so few that it is one byte
        for value in lines:
            put_varint(blob, value)
        self.blob, self._last = bytes(blob), merged


def decode_row(start: int, time_ms: int, blob: bytes) -> Iterator[Entry]:
    """The entries of a row in recorded order; raises IndexError or ValueError if the blob is torn."""
    numbers = _numbers_in(blob)
    place, slot, at, end = 0, 0, start, len(numbers)
    while place < end:
        head = numbers[place]
        place += 1
        if head == _TIME_MARK:
            time_ms += numbers[place]
            place += 1
        elif head == _HOLE:
            slot, length, reason = numbers[place : place + 3]
            place += 3
            entry = Entry(at, time_ms, slot, length - 1 if length else None, None, _REASONS[reason])
            yield entry
            at += entry.weight
        else:
            zigzag = (head - _FIRST_HEAD) >> 1
            slot += zigzag >> 1 if not zigzag & 1 else -((zigzag + 1) >> 1)
            first = numbers[place]
            place += 1
            if (head - _FIRST_HEAD) & 1:
                lines = tuple(numbers[place : place + first])
                place += first
                if place > end:
                    message = "the row ends within an entry"
                    raise IndexError(message)
                length = sum(lines)
                yield Entry(at, time_ms, slot, length, lines, None)
            else:
                length = first
                yield Entry(at, time_ms, slot, length, numbers[place], None)
                place += 1
            at += length


def _numbers_in(blob: bytes) -> list[int]:
    """All varints of a row; raises IndexError if it ends inside one."""
    numbers: list[int] = []
    append = numbers.append
    value = shift = 0
    for byte in blob:
        if byte >= _CONTINUATION:
            value |= (byte & 0x7F) << shift
            shift += 7
        elif shift:
            append(value | byte << shift)
            value = shift = 0
        else:
            append(byte)
    if shift:
        message = "it ends within a number"
        raise IndexError(message)
    return numbers
