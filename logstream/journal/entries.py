"""Walking the recorded order from any place: rows in, runs out.

Owns the arithmetic from packed entries to offsets: a keyframe gives where each generation was, the entries after it are
added up. Reads the store's rows in pages and never holds a statement open. Bytes of log files are not its business.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from typing import TYPE_CHECKING

from logstream.journal.base import Run
from logstream.journal.codec import Entry, decode_row
from logstream.journal.vector import Reached, Vector, decode_vector

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.held import Row
    from logstream.journal.ledger import Ledger
    from logstream.journal.reading import StoreReading
    from logstream.records import Generation

RUN_BYTES = 1 << 20
"""Neighbouring entries of one generation are joined to runs of about this size."""


def vector_at(store: StoreReading, start: int) -> Vector:
    """Where each generation was at the keyframe `start`; empty for 0, the beginning of all."""
    vector = store.keyframe(start)
    return Vector() if vector is None else decode_vector(vector)


def keyframe_before(ledger: Ledger, at: int) -> int:
    """The last keyframe at or before the place `at`, or 0."""
    index = bisect_right(ledger.keyframes, at)
    return ledger.keyframes[index - 1] if index else 0


class EntryCursor:
    """A place in the recorded order that moves onward. Sees what is appended after it was made."""

    def __init__(self, store: StoreReading, ledger: Ledger, at: int) -> None:
        """Stand at the place `at` (0 <= at <= head)."""
        self.at = at
        self._store = store
        self._ledger = ledger
        self._begin()

    def _begin(self) -> None:
        """Go back to the keyframe before the place, or to the mark before it, which may be nearer."""
        while True:
            self._epoch = self._ledger.epoch
            start = keyframe_before(self._ledger, self.at)
            mark = self._ledger.marks.before(self.at, self._epoch)
            if mark is not None and mark[0] > start:
                start, self._reached = mark
            else:
                self._reached = vector_at(self._store, start)
            if self._epoch == self._ledger.epoch:  # else another process has written rows anew meanwhile
                break
        self._next_row = start
        self._rows: deque[Row] = deque()
        """What was read and is still to be decoded."""
        self._last_row: Row | None = None
        self._since_mark = 0
        """How many entries were decoded since a mark was noted, or told where all are."""
        self._undo: dict[int, Reached] = {}
        """Where the generations of the last decoded row were before it: the newest row grows and is decoded again."""
        self._ahead: deque[tuple[Entry, Reached]] = deque()

    def beginning_at(self, at: int) -> EntryCursor:
        """Another cursor over the same order, at the place `at`."""
        return EntryCursor(self._store, self._ledger, at)

    @property
    def _is_spent(self) -> bool:
        """Whether rows must be decoded before it is known what the place holds."""
        last = self._ahead[-1][0] if self._ahead else None
        return self.at < self._ledger.head and (last is None or last.at + last.weight <= self.at)

    async def arrive(self, until: int, wants: Callable[[Generation], bool] | None = None) -> None:
        """Pass what is before the place `until` and of generations that `wants` refuses, and decode what comes then.

        A row at a time: the place may lie far behind the keyframe, and what is wanted far behind the place.
        """
        self._pass(until, wants)
        while self.at < until and self._is_spent and self._load():
            self._pass(until, wants)
            if self.at < until and self._is_spent:
                await asyncio.sleep(0)

    def move_behind(self, entry: Entry) -> bool:
        """Leave the entry that holds the place; whether others should have their turn before the next is looked at."""
        self.at = entry.at + entry.weight
        return self._is_spent

    def _pass(self, until: int, wants: Callable[[Generation], bool] | None) -> None:
        """Move behind what is decoded and not wanted, up to the place `until`."""
        if self._epoch != self._ledger.epoch:
            self._begin()  # rows have been written anew
        while wants is not None and self._ahead and self.at < until:
            entry, _ = self._ahead[0]
            end = entry.at + entry.weight
            if end > self.at:
                if wants(self._ledger.by_slot[entry.slot].generation):
                    return
                self.at = min(until, end)
            if end <= self.at:
                self._ahead.popleft()

    def peek(self) -> tuple[Entry, Reached] | None:
        """The entry that holds the place, with its generation's state before that entry; None at the head."""
        if self._epoch != self._ledger.epoch:
            self._begin()  # rows have been written anew
        while True:
            while self._ahead:
                entry, before = self._ahead[0]
                if entry.at + entry.weight > self.at:
                    return entry, before
                self._ahead.popleft()
            if self.at >= self._ledger.head or not self._load():
                return None

    def next_run(
        self, until: int, wants: Callable[[Generation], bool] | None = None, most_bytes: int = 0
    ) -> Run | None:
        """The next run before the place `until`, of a generation that `wants` accepts; the place moves behind it.

        It may be of some `most_bytes`, if these are more, where all of it was recorded at the same time.
        """
        run: Run | None = None
        while self.at < until and (found := self.peek()) is not None:
            entry, before = found
            life = self._ledger.by_slot[entry.slot]
            if wants is not None and not wants(life.generation):
                if run is not None:
                    break
                self.at = min(until, entry.at + entry.weight)
                continue
            piece = self._piece(entry, before, until)
            if run is None:
                run = piece
            elif not _goes_on(run, piece):
                break
            else:
                lines = None if run.lines is None or piece.lines is None else run.lines + piece.lines
                run = run._replace(end=piece.end, lines=lines)
            self.at = piece.next_at
            if run.hole is not None or (run.end or 0) - run.start >= max(RUN_BYTES, most_bytes):
                break
        return run

    def _piece(self, entry: Entry, before: Reached, until: int) -> Run:
        """What lies between the place and `until` in one entry."""
        generation = self._ledger.by_slot[entry.slot].generation
        if entry.hole is not None:
            end = None if entry.length is None else before.offset + entry.length
            return Run(generation, before.offset, end, entry.at, None, entry.time_ms, entry.hole)
        skip = self.at - entry.at
        stop = min(until - entry.at, entry.weight)
        lines = entry.line_count if skip == 0 and stop == entry.weight else count_lines(entry.lines, skip, stop)
        return Run(generation, before.offset + skip, before.offset + stop, self.at, lines, entry.time_ms)

    def _load(self) -> bool:
        """Decode the next row; False if there is none."""
        if self._epoch != self._ledger.epoch:
            self._begin()  # rows that were read before are of generations that may be forgotten
            return True
        if not self._rows and not self._read_page():
            return False
        if self._rows:
            self._decode(self._rows.popleft())
        return True

    def _read_page(self) -> bool:
        """Read the next page of rows; False if there is none."""
        rows = self._store.rows_from(self._next_row)
        if self._epoch != self._ledger.epoch:
            self._begin()  # another process has written rows anew meanwhile
            return True
        if rows and self._last_row is not None and rows[0].start == self._last_row.start:
            if rows[0].entries == self._last_row.entries:
                rows = rows[1:]
            else:
                # The row has grown since it was decoded: go back to before it, and decode it anew.
                for slot, before in self._undo.items():
                    self._reached.put(slot, before)
        self._rows.extend(rows)
        return bool(rows)

    def _note_mark(self, row: Row) -> None:
        """Remember where all are at a row, if as many entries were decoded since: to note it takes no longer then."""
        if self._since_mark >= len(self._reached.offsets):
            self._ledger.marks.note(row.start, self._reached, self._epoch)
            self._since_mark = 0

    def _decode(self, row: Row) -> None:
        self._undo = {}
        self._last_row, self._next_row = row, row.start
        self._note_mark(row)
        offsets, lines = self._reached.offsets, self._reached.lines
        for entry in decode_row(row.start, row.time_ms, row.entries):
            if entry.at >= self._ledger.head:
                # Committed by a thread, not yet taken over by the ledger: the row counts as grown when it is.
                self._last_row = row._replace(entries=b"")
                self._rows.clear()
                break
            offset = offsets.get(entry.slot)
            if offset is None:
                before = Reached(self._ledger.by_slot[entry.slot].base, 0)
            else:
                before = Reached(offset, lines[entry.slot])
            self._undo.setdefault(entry.slot, before)
            self._since_mark += 1
            if entry.at + entry.weight > self.at:
                self._ahead.append((entry, before))
            offsets[entry.slot] = before.offset + (entry.length or 0)
            lines[entry.slot] = before.lines + entry.line_count


def _goes_on(run: Run, piece: Run) -> bool:
    """Whether `piece`, which follows `run` in the recorded order, may be joined to it."""
    if run.generation is not piece.generation or run.hole is not None or piece.hole is not None:
        return False
    return (run.end or 0) - run.start < RUN_BYTES or run.time_ms == piece.time_ms


def count_lines(lines: tuple[int, ...] | int | None, skip: int, stop: int) -> int | None:
    """How many lines lie in bytes `[skip, stop)` of an extent, if its line lengths are recorded."""
    if not isinstance(lines, tuple):
        return None
    offset = count = 0
    for length in lines:
        if skip <= offset and offset + length <= stop:
            count += 1
        offset += length
    return count
