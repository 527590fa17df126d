"""Reading the recorded order back as blocks of bytes, or as losses where bytes are gone."""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING, Final

from logstream.journal.base import Block, Lost, Passed, Picked, Run
from logstream.journal.cutting import block_reach, length_in
from logstream.journal.ids import anchor_of, gap_anchor, open_gap_anchor
from logstream.journal.sifting import (
    BEYOND_BYTES,
    LEAST_STRETCH_BYTES,
    STRETCH_BYTES,
    Lines,
    Piece,
    Seen,
    Sifted,
    Stretch,
    lines_at,
    pieces_around,
)
from logstream.records import Gap, GapReason, Position
from logstream.tail.batch import ANCHOR_BYTES
from logstream.tail.lines import may_be_over_long

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.base import Sieve
    from logstream.journal.life import Life
    from logstream.journal.upcoming import Reading, Upcoming
    from logstream.records import Generation


_LONG_SECONDS: Final = 0.003
"""A sieve that takes so long for a stretch is given shorter ones: nobody else has a turn meanwhile."""
_USUAL_SHARE: Final = 7 / 8
"""How many lines a stretch should give, of those that may be picked out at most."""
_LEAST_SHARE: Final = 3
"""Lines that are more than one part in so many of a stretch are looked at with all others."""
_MOST_UNSIFTED_BYTES: Final = 8 << 20
"""How much is read without a sieve where it holds back too little; less at first."""


class Replay:
    """One subscriber's way through the recorded order. See `BlockReader`."""

    def __init__(
        self,
        upcoming: Upcoming,
        reading: Reading,
        sieve_of: Callable[[Generation], Sieve | None] | None = None,
    ) -> None:
        """Read the runs that are `upcoming`."""
        self._upcoming = upcoming
        self._ledger, self._locator, self._max_line_bytes, _ = reading
        self._run: Run | None = None
        """What is left of a run that did not fit one block."""
        self._last: tuple[Generation, int, bytes] | None = None
        """Where what was read last ends, and the bytes before: what the next block there must begin with is known."""
        self._sieve_of = sieve_of
        self._sifted: Sifted | None = None
        self._stretch_bytes = STRETCH_BYTES
        self._unsifted_bytes = 0

    @property
    def at(self) -> int:
        """The place that is read next."""
        return self._upcoming.at if self._run is None else self._run.at

    async def read(self, until: int) -> Block | Lost | None:
        """The next block before the place `until`, or what was lost there; None once `until` is reached."""
        run = self._run or await self._upcoming.next_run(until)
        return None if run is None else await self._read(run, until)

    async def sift(self, until: int) -> Block | Lost | Passed | None:
        """As `read`, but what the sieve holds back is passed over."""
        run = self._run or await self._upcoming.next_run(until)
        if run is None:
            return None
        sieve, life = self._sieve(run), self._ledger.lives.get(run.generation.key)
        if sieve is None or life is None:
            return await self._read(run, until)
        if self._sifted is None or not self._sifted.holds(run):
            self._run = run  # for as long as others have their turn
            seen = await self._look_ahead(run, life, sieve)
            self._sifted = _in_pieces(run, seen) if isinstance(seen, Seen) else seen
        return await self._next_piece(run, life, until)

    async def pick(self, until: int) -> Block | Lost | Passed | Picked | None:
        """As `sift`, but lines that can be told of by themselves come without what lies between them."""
        run = self._run or await self._upcoming.next_run(until)
        if run is None:
            return None
        sieve, life = self._sieve(run), self._ledger.lives.get(run.generation.key)
        if sieve is None or life is None:
            return await self._read(run, until)
        if self._sifted is None or not self._sifted.holds(run):
            self._run = run
            ahead = await self._found_ahead(run, life, sieve, until)
            if ahead is not None:
                return ahead
            seen = await self._look_ahead(run, life, sieve)
            if isinstance(seen, Seen) and seen.stops:
                found = self._picked(run, life, seen, sieve)
                if isinstance(found, Picked):
                    return found
                self._sifted = found
            else:
                self._sifted = _in_pieces(run, seen) if isinstance(seen, Seen) else seen
        return await self._next_piece(run, life, until)

    def _sieve(self, run: Run) -> Sieve | None:
        return None if self._sieve_of is None or run.hole is not None else self._sieve_of(run.generation)

    async def _next_piece(self, run: Run, life: Life, until: int) -> Block | Lost | Passed:
        """What is known of the bytes at which `run` begins: a block of them, or how many may be passed over."""
        if self._sifted is None or self._sifted.pieces is None:
            return await self._read(run, until)
        piece = self._sifted.piece_at(run.start)
        if piece.start == run.start:
            return await self._read(run, until, piece.stop - piece.start)
        return self._pass(run, life, piece)

    async def _read(self, run: Run, until: int, length: int | None = None) -> Block | Lost:
        """The block at the beginning of the run, of `length` bytes if that is known, or what was lost there."""
        self._run = None
        life = self._ledger.lives.get(run.generation.key)
        if run.hole is not None or run.end is None or life is None:
            # A generation may have been forgotten since this reader came upon it.
            return self._told(_lost(run, run.hole or (GapReason.EXPIRED if life is None else GapReason.DELETED)))
        found = await self._bytes_of(run, life, length or block_reach(run.generation.encoding, run.start))
        if isinstance(found, GapReason):
            return await self._lose(run, found, until)
        lead, content = found
        if length is None:
            limit = self._max_line_bytes(run.generation.source)
            content = content[: length_in(run.generation.encoding, content, 0, run.start, limit)]
        is_durable = run.at + len(content) <= self._ledger.durable_head
        block = Block(run.generation, run.start, run.at, run.time_ms, lead, content, is_durable)
        self._go_on(run, life, block.end, block.before(len(content)))
        return block

    def _go_on(self, run: Run, life: Life, end: int, before: bytes) -> None:
        """Move to the offset `end` of the run's generation, before which those bytes stand."""
        self._run = None
        next_at = run.at + end - run.start
        if end == life.kept_end:
            self._upcoming.begin_at(next_at)  # it counts the lines of what is lost
        elif end < (run.end or 0):
            self._run = run._replace(start=end, at=next_at, lines=None)
        self._last = run.generation, end, before

    def _picked(self, run: Run, life: Life, seen: Seen, sieve: Sieve) -> Picked | Sifted:
        """The lines that can be wanted, or what else is to be done where they cannot be told of by themselves."""
        stretch, lines = seen.stretch, lines_at(seen, sieve.most_picked)
        end = lines.ends[-1] if len(lines.ends) == sieve.most_picked else stretch.end
        usual_bytes = int(end * sieve.most_picked * _USUAL_SHARE) // len(lines.ends)
        self._stretch_bytes = max(LEAST_STRETCH_BYTES, min(STRETCH_BYTES, usual_bytes))
        if len(lines.joined) * _LEAST_SHARE > end:
            self._unsifted_bytes = min(_MOST_UNSIFTED_BYTES, self._unsifted_bytes * 2 or STRETCH_BYTES)
            return Sifted(run.generation.key, run.start + self._unsifted_bytes, None)
        self._unsifted_bytes = 0
        # What begins a file has a mark before it, and what begins within a line goes on with it.
        begins_line = run.start > 0 and stretch.lead.endswith(b"\n")
        if not begins_line or run.at + end > self._ledger.durable_head or not sieve.are_alone(lines.joined):
            return _in_pieces(run, seen)
        before = stretch.before(end)
        self._go_on(run, life, run.start + end, before)
        return _picked_of(run, lines, end, before)

    async def _look_ahead(self, run: Run, life: Life, sieve: Sieve) -> Seen | Sifted | None:
        """Put the next stretch of the run to the sieve; None if there is none to be had, or it has no line end."""
        left = (run.end or 0) - run.start
        # Nothing is picked out of what begins a file: it is short.
        wanted = self._stretch_bytes if run.start else min(self._stretch_bytes, LEAST_STRETCH_BYTES)
        length = left if left <= wanted * 5 // 4 else wanted
        found = await self._bytes_of(run, life, length, beyond=BEYOND_BYTES)
        if isinstance(found, GapReason):
            return None
        lead, content = found
        end = content.rfind(b"\n", 0, length) + 1
        if not end:
            return None
        key = run.generation.key
        if may_be_over_long(content, end, self._max_line_bytes(run.generation.source)):
            return Sifted(key, run.start + end, None)
        began = perf_counter()
        stops = sieve.stops(content, end)
        if perf_counter() - began > _LONG_SECONDS:
            self._stretch_bytes = max(LEAST_STRETCH_BYTES, self._stretch_bytes // 2)
        else:
            self._stretch_bytes = min(STRETCH_BYTES, self._stretch_bytes * 2)
        if stops is None:
            return Sifted(key, run.start + end, None)
        return Seen(Stretch(run.start, lead, content, end), stops, sieve.tells_ends)

    async def _found_ahead(self, run: Run, life: Life, sieve: Sieve, until: int) -> Picked | Passed | None:
        """What a thread has found in the whole run; None where that is for this reader to do."""
        found = await self._upcoming.searched(run, until, self._sieve)
        if found is None or run.end is None or not life.has_kept(run.end) or not self._goes_on(run, found.lead):
            return None
        lines, length = found.lines, run.end - run.start
        if not lines.ends:
            self._go_on(run, life, run.end, found.before)
            after = Position(run.generation.key, run.end, anchor_of(found.before))
            return Passed(run.generation, run.at, run.next_at, run.time_ms, after, run.at + found.first_end)
        begins_line = found.lead.endswith(b"\n") and len(lines.ends) <= sieve.most_picked
        if not begins_line or not sieve.are_alone(lines.joined):
            return None
        self._go_on(run, life, run.end, found.before)
        return _picked_of(run, lines, length, found.before)

    def _pass(self, run: Run, life: Life, piece: Piece) -> Passed:
        """Move to where a piece begins."""
        next_at, first_end_at = (run.at + offset - run.start for offset in (piece.start, piece.first_end))
        after = None
        if next_at <= self._ledger.durable_head:
            after = Position(run.generation.key, piece.start, anchor_of(piece.before))
        self._go_on(run, life, piece.start, piece.before)
        return Passed(run.generation, run.at, next_at, run.time_ms, after, first_end_at)

    async def _bytes_of(self, run: Run, life: Life, length: int, *, beyond: int = 0) -> tuple[bytes, bytes] | GapReason:
        """What stands before the run, and the first `length` bytes of it, or why these are not to be had.

        And up to `beyond` bytes of what follows, whatever that is.
        """
        descriptor = await self._locator.find(life) if life.has_kept(run.start + 1) else GapReason.TRUNCATED
        if isinstance(descriptor, GapReason):
            return descriptor
        # Asked for once it was looked for: all that is left may be a copy which was made before the end was read.
        end = run.end if run.end is None or life.kept_end is None else min(run.end, life.kept_end)
        if end is None or end <= run.start:
            return GapReason.TRUNCATED
        lead_bytes = min(ANCHOR_BYTES, run.start)
        wanted = min(end - run.start, length)
        try:
            content = os.pread(descriptor, wanted + beyond, run.start)
            # Read last: if it still stands there, so did what is behind it.
            lead = os.pread(descriptor, lead_bytes, run.start - lead_bytes) if lead_bytes else b""
        except OSError:
            return GapReason.UNREADABLE
        if len(content) < wanted or len(lead) < lead_bytes or not self._goes_on(run, lead):
            # Shorter than recorded, or other bytes, and not yet sealed: somebody cut the file under our feet.
            return GapReason.TRUNCATED
        return lead, content

    def close(self) -> None:
        """Wait for nothing that threads were to look at; descriptors belong to the locator."""
        self._upcoming.close()

    def _goes_on(self, run: Run, lead: bytes) -> bool:
        """Whether `lead` is what stood before the run when this reader was there, if it was."""
        if self._last is None or self._last[:2] != (run.generation, run.start):
            return True
        return self._last[2].endswith(lead)

    async def _lose(self, run: Run, reason: GapReason, until: int) -> Lost:
        """The run, and what follows it in the same generation, as one loss: what is gone here is gone there."""
        self._locator.forget(run.generation.key)
        while (following := await self._upcoming.following(run, until)) is not None:
            if following.generation != run.generation or following.hole is not None:
                self._run = following
                break
            lines = None if run.lines is None or following.lines is None else run.lines + following.lines
            run = run._replace(end=following.end, lines=lines)
        # Runs that nobody wants may lie between: the loss ends where this reader stands now.
        return self._told(_lost(run, reason)._replace(next_at=self.at))

    def _told(self, lost: Lost) -> Lost:
        return lost if lost.next_at <= self._ledger.durable_head else lost._replace(after=None)


def _picked_of(run: Run, lines: Lines, length: int, before: bytes) -> Picked:
    """The lines that were picked out of the first `length` bytes of the run, of which `before` are the last."""
    after = Position(run.generation.key, run.start + length, anchor_of(before))
    starts, ends, joined, anchors = lines
    return Picked(run.generation, run.start, run.at, run.time_ms, starts, ends, joined, anchors, run.at + length, after)


def _in_pieces(run: Run, seen: Seen) -> Sifted:
    return Sifted(run.generation.key, run.start + seen.stretch.end, pieces_around(seen.stretch, seen.stops)[::-1])


def _lost(run: Run, reason: GapReason) -> Lost:
    if reason is GapReason.EXPIRED:
        return Lost(Gap(run.generation.source, None, None, None, None, reason), run.at, run.next_at, None)
    gap = Gap(run.generation.source, run.generation.file, run.start, run.end, run.lines, reason)
    end = run.start if run.end is None else run.end
    key = run.generation.key
    anchor = open_gap_anchor(key, end) if run.end is None else gap_anchor(key, end)
    after = None if reason is GapReason.UNREADABLE else Position(key, end, anchor)
    return Lost(gap, run.at, run.next_at, after)
