"""Reading the recorded order back as blocks of bytes, or as losses where bytes are gone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.journal.base import Block, Lost, Run
from logstream.journal.cutting import block_reach, length_in
from logstream.journal.ids import AFTER_GAP, AFTER_OPEN_GAP
from logstream.records import Gap, GapReason, Position
from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.entries import EntryCursor
    from logstream.journal.ledger import Ledger
    from logstream.journal.life import Life
    from logstream.journal.locate import Locator
    from logstream.records import Generation


class Replay:
    """One subscriber's way through the recorded order. See `BlockReader`."""

    def __init__(
        self,
        cursor: EntryCursor,
        ledger: Ledger,
        locator: Locator,
        max_line_bytes: Callable[[str], int],
        wants: Callable[[Generation], bool] | None,
    ) -> None:
        """Read from where `cursor` stands, only generations that `wants` accepts."""
        self._cursor = cursor
        self._ledger = ledger
        self._locator = locator
        self._max_line_bytes = max_line_bytes
        self._wants = wants
        self._run: Run | None = None
        """What is left of a run that did not fit one block."""
        self._last: Block | None = None
        """The block before: what the next one of its generation must begin with is known."""

    @property
    def at(self) -> int:
        """The place that is read next."""
        return self._cursor.at if self._run is None else self._run.at

    async def read(self, until: int) -> Block | Lost | None:
        """The next block before the place `until`, or what was lost there; None once `until` is reached."""
        run = self._run or self._cursor.next_run(until, self._wants)
        self._run = None
        if run is None:
            return None
        life = self._ledger.lives.get(run.generation.key)
        if run.hole is not None or run.end is None or life is None:
            # A generation may have been forgotten since this reader came upon it.
            return self._told(_lost(run, run.hole or (GapReason.EXPIRED if life is None else GapReason.DELETED)))
        found = await self._bytes_of(run, life)
        if isinstance(found, GapReason):
            return self._lose(run, found, until)
        lead_bytes = min(ANCHOR_BYTES, run.start)
        content = found[lead_bytes:]
        limit = self._max_line_bytes(run.generation.source)
        content = content[: length_in(run.generation.encoding, content, 0, run.start, limit)]
        is_durable = run.at + len(content) <= self._ledger.durable_head
        block = Block(run.generation, run.start, run.at, run.time_ms, found[:lead_bytes], content, is_durable)
        if block.end == life.kept_end:
            self._cursor = self._cursor.beginning_at(block.next_at)  # it counts the lines of what is lost
        elif block.end < run.end:
            self._run = run._replace(start=block.end, at=block.next_at, lines=None)
        self._last = block
        return block

    async def _bytes_of(self, run: Run, life: Life) -> bytes | GapReason:
        """What stands before the run, and the first bytes of it, or why these are not to be had."""
        end = run.end if run.end is None or life.kept_end is None else min(run.end, life.kept_end)
        if end is None or end <= run.start:
            return GapReason.TRUNCATED
        descriptor = await self._locator.find(life)
        if isinstance(descriptor, GapReason):
            return descriptor
        lead_bytes = min(ANCHOR_BYTES, run.start)
        wanted = lead_bytes + min(end - run.start, block_reach(run.generation.encoding, run.start))
        try:
            found = os.pread(descriptor, wanted, run.start - lead_bytes)
        except OSError:
            return GapReason.UNREADABLE
        if len(found) < wanted or not self._goes_on(run, found[:lead_bytes]):
            # Shorter than recorded, or other bytes, and not yet sealed: somebody cut the file under our feet.
            return GapReason.TRUNCATED
        return found

    def close(self) -> None:
        """Nothing is held: descriptors belong to the locator."""

    def _goes_on(self, run: Run, lead: bytes) -> bool:
        """Whether `lead` is what stood before the run when this reader was there, if it was."""
        last = self._last
        if last is None or last.generation != run.generation or last.end != run.start:
            return True
        return (last.lead + last.content[-ANCHOR_BYTES:]).endswith(lead)

    def _lose(self, run: Run, reason: GapReason, until: int) -> Lost:
        """The run, and what follows it in the same generation, as one loss: what is gone here is gone there."""
        self._locator.forget(run.generation.key)
        while (following := self._cursor.next_run(until, self._wants)) is not None:
            if following.generation != run.generation or following.hole is not None:
                self._run = following
                break
            lines = None if run.lines is None or following.lines is None else run.lines + following.lines
            run = run._replace(end=following.end, lines=lines)
        # Runs that nobody wants may lie between: the loss ends where this reader stands now.
        return self._told(_lost(run, reason)._replace(next_at=self.at))

    def _told(self, lost: Lost) -> Lost:
        return lost if lost.next_at <= self._ledger.durable_head else lost._replace(after=None)


def _lost(run: Run, reason: GapReason) -> Lost:
    if reason is GapReason.EXPIRED:
        return Lost(Gap(run.generation.source, None, None, None, None, reason), run.at, run.next_at, None)
    gap = Gap(run.generation.source, run.generation.file, run.start, run.end, run.lines, reason)
    end = run.start if run.end is None else run.end
    anchor = AFTER_OPEN_GAP if run.end is None else AFTER_GAP
    after = None if reason is GapReason.UNREADABLE else Position(run.generation.key, end, anchor)
    return Lost(gap, run.at, run.next_at, after)
