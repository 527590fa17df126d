"""Forgetting generations whose bytes are gone everywhere, so that the state stays small when files come and go.

Owns the choice of what may be forgotten, and rows written anew without it: what lay there is one `expired` hole for
each source and stretch, as long as it was, so that no place after it moves. Pure but for `gone_everywhere`.
"""

from __future__ import annotations

import copy
import os
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.beside import places_of_copies
from logstream.journal.codec import RowWriter, decode_row
from logstream.journal.held import INSERT_ROW
from logstream.journal.ledger import KEYFRAME_ENTRIES, ROW_BYTES
from logstream.journal.locate import is_life_at
from logstream.records import GapReason
from logstream.tail.packed import copies_beside

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence
    from pathlib import Path

    from logstream.journal.codec import Entry
    from logstream.journal.held import Row, Statement
    from logstream.journal.life import Life

KEPT_GENERATIONS = 1_000
"""Of each source so many finished generations are kept in any case: until then a gap tells exact ranges and lines."""
PRUNED_AT_ONCE = 256
"""Nothing is done for fewer: rows are written anew once for all of them."""
_DELETE_ROW = "DELETE FROM row WHERE start = ?"
_DELETE_KEYFRAME = "DELETE FROM keyframe WHERE start = ?"


def candidates(lives: Iterable[Life]) -> list[Life]:
    """Finished generations beyond the newest of each source, oldest first."""
    finished: defaultdict[str, list[Life]] = defaultdict(list)
    for life in lives:
        if life.sealed_at is not None and life.gone is not GapReason.EXPIRED:
            finished[life.generation.source].append(life)
    found = [life for some in finished.values() for life in sorted(some, key=_when_sealed)[:-KEPT_GENERATIONS]]
    return sorted(found, key=_when_sealed)


def gone_everywhere(lives: Sequence[Life], all_lives: Sequence[Life]) -> list[Life]:
    """Those of `lives` of which neither the file is left nor a copy that could be theirs. For a thread: asks the disk.

    Rotation gives up the oldest first: with three copies of a log left, these are of its last three generations.
    """
    after: dict[str, int] = {}
    seen: defaultdict[str, int] = defaultdict(int)
    finished = [life for life in all_lives if life.sealed_at is not None]
    for life in sorted(finished, key=_when_sealed, reverse=True):
        after[life.generation.key] = seen[life.generation.file]
        seen[life.generation.file] += 1
    copies: dict[tuple[str, str], int | None] = {}
    inodes: dict[Path, dict[int, str] | None] = {}
    gone = []
    for life in lives:
        places = _places_of(life)
        inodes |= {place: _inodes_in(place) for place in places if place not in inodes}
        here = [inodes[place] for place in places]
        log = os.path.dirname(life.path), life.generation.file  # noqa: PTH120
        if log not in copies:
            copies[log] = _count_copies(places)
        there = copies[log]
        if not places or None in here or there is None or after[life.generation.key] < there:
            continue
        paths = (found.get(life.ino) for found in here if found is not None)
        if not any(path is not None and is_life_at(path, life) for path in paths):
            gone.append(life)
    return gone


def _places_of(life: Life) -> dict[Path, frozenset[str]]:
    """Where its file or copies of it may stand; nowhere if nobody can tell."""
    try:
        return places_of_copies(life.path, life.generation.file)
    except OSError:
        return {}


def _count_copies(places: Mapping[Path, frozenset[str]]) -> int | None:
    """How many may be copies of a log; None if nobody can tell."""
    try:
        return sum(len(copies_beside(place, names)) for place, names in places.items())
    except OSError:
        return None


def _inodes_in(directory: Path) -> dict[int, str] | None:
    """Paths by inode; None if nobody can tell what is there."""
    try:
        with os.scandir(directory) as entries:
            return {entry.inode(): entry.path for entry in entries}
    except FileNotFoundError:
        return {}
    except OSError:
        return None


def _when_sealed(life: Life) -> tuple[int, int]:
    return life.sealed_at or 0, life.slot


class Piece(NamedTuple):
    """What writing some rows anew comes to: statements, and the keyframes that are left out."""

    statements: list[Statement]
    keyframes: list[int]


class Rewriting:
    """Goes over rows in their order, and writes them anew without the slots in `expired`."""

    def __init__(self, expired: Container[int], source_of: Callable[[int], str], tombs: Mapping[str, int]) -> None:
        """`expired` has the slots to leave out; `tombs` the slot that stands for what is left out of a source."""
        self._expired = expired
        self._source_of = source_of
        self._tombs = tombs
        self._writer: RowWriter | None = None
        self._pending: defaultdict[int, int] = defaultdict(int)
        self._entries_since_keyframe = KEYFRAME_ENTRIES
        self.at = 0
        """The place up to which rows have been taken: the next one that is not written yet begins there."""

    def take(self, rows: Sequence[Row], keyframes: frozenset[int]) -> Piece:
        """Write `rows` anew, joined with what came before them; `keyframes` begin at some of them."""
        decoded = [(row, tuple(decode_row(*row))) for row in rows]
        last = decoded[-1][1][-1]
        self.at = last.at + last.weight
        if not self._pending and not any(self._is_expired(entry) for _, entries in decoded for entry in entries):
            self._writer = None
            return Piece([], [])
        statements: list[Statement] = [(_DELETE_ROW, (row.start,)) for row in rows]
        left_out = []
        for row, entries in decoded:
            if row.start in keyframes:
                if self._entries_since_keyframe >= KEYFRAME_ENTRIES // 2:
                    statements += self._end_row()
                    self._entries_since_keyframe = 0
                else:
                    left_out.append(row.start)
            for entry in entries:
                statements += self._take(entry)
        # So far as it goes: the next piece writes this row again, and goes on with it.
        statements += self._as_it_is()
        statements += [(_DELETE_KEYFRAME, (start,)) for start in left_out]
        return Piece(statements, left_out)

    def _is_expired(self, entry: Entry) -> bool:
        return entry.slot in self._expired or entry.hole is GapReason.EXPIRED

    def _take(self, entry: Entry) -> list[Statement]:
        statements: list[Statement] = []
        if self._writer is None:
            self._writer = RowWriter.begin(entry.at, entry.time_ms)
        if self._is_expired(entry):
            self._pending[self._tombs[self._source_of(entry.slot)]] += entry.weight
            return statements
        self._flush(self._writer, self._pending)
        self._pending.clear()
        if self._writer.at != entry.at:
            message = f"written anew up to {self._writer.at}, the next entry is at {entry.at}"
            raise AssertionError(message)
        if len(self._writer.blob) >= ROW_BYTES:
            statements = self._end_row()
            self._writer = RowWriter.begin(entry.at, entry.time_ms)
        self._entries_since_keyframe += 1
        self._writer.mark_time(entry.time_ms)
        if entry.hole is not None:
            self._writer.add_hole(entry.slot, entry.length, entry.hole)
        else:
            lines = entry.line_count if not isinstance(entry.lines, tuple) else entry.lines
            self._writer.add_extent(entry.slot, entry.length or 0, lines)
        return statements

    def _end_row(self) -> list[Statement]:
        statements = self._as_it_is()
        self._writer = None
        self._pending.clear()
        return statements

    def _as_it_is(self) -> list[Statement]:
        if self._writer is None:
            return []
        row = copy.copy(self._writer)
        self._flush(row, self._pending)
        if not row.blob:
            return []
        return [(_DELETE_ROW, (row.start,)), (INSERT_ROW, (row.start, row.time_ms, row.blob))]

    @staticmethod
    def _flush(row: RowWriter, pending: Mapping[int, int]) -> None:
        for slot in sorted(pending):
            row.add_hole(slot, pending[slot], GapReason.EXPIRED)
