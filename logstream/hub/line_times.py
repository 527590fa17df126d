"""The times of the lines of a walk, with what stands in for one that a line does not tell.

Owns that this is the time of the line before it in its file, else when it was recorded; and how it is looked for, block
by block, so that others have their turn. Refuses to select: it answers a time for each line, in the order in which
blocks are read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.times import recorded_ms
from logstream.journal.cutting import LINE_END_BYTES, in_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.hub.hub import Hub
    from logstream.hub.judged_block import JudgedBlock
    from logstream.journal.base import Block

LOOK_BACK_BYTES = 64 * 1024
"""How far before a block the last time that its file told is looked for."""


class _Blank(NamedTuple):
    """Whole lines of a generation, from `start` to `end`, of which none tells a time."""

    start: int
    end: int


class LineTimes:
    """The times of lines, over the blocks of one walk through the recorded order."""

    def __init__(self, hub: Hub) -> None:
        """No block has been seen yet."""
        self._hub = hub
        self._last_ms: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        self._blanks: dict[str, _Blank] = {}
        """Where it is known of each generation that no time is told: nobody looks there again."""

    async def of(self, judged: JudgedBlock) -> list[int]:
        """The time of each line of the block."""
        block = judged.block
        key = block.generation.key
        # Of what goes on with the block before, it is known what that tells, or that it tells nothing.
        goes_on = self._ends.get(key) == block.start
        last_ms = self._last_ms.get(key) if goes_on else None
        found: list[int] = []
        for index in range(len(judged.ends)):
            own_ms = judged.time_ms_of(index)
            if own_ms is None and index == 0 and not goes_on:
                last_ms = await self._told_before(block)
            if own_ms is not None:
                last_ms = own_ms
            found.append(recorded_ms(block) if last_ms is None else last_ms)
        self._ends[key] = block.end
        if last_ms is not None:
            self._last_ms[key] = last_ms
        else:
            self._last_ms.pop(key, None)
            self._note_blank(key, _Blank(block.start, block.end))
        return found

    async def before(self, line: Block) -> int:
        """The time of a line that tells none."""
        told_ms = await self._told_before(line)
        return recorded_ms(line) if told_ms is None else told_ms

    async def _told_before(self, block: Block) -> int | None:
        """The last time that the file tells before the block: the walk began behind the line that told it."""
        key, longest = block.generation.key, self._hub.traits_of(block.generation).max_line_bytes
        start = block.start
        for stretch in self._stretches_before(block):
            for piece in reversed(in_blocks(stretch, longest)):
                judged = self._hub.judge_alone(piece)
                told = (judged.time_ms_of(index) for index in reversed(range(len(judged.ends))))
                told_ms = next((time_ms for time_ms in told if time_ms is not None), None)
                if told_ms is not None:
                    return told_ms
                await asyncio.sleep(0)
            start = stretch.start
        if start < block.start:
            self._note_blank(key, _Blank(start, block.start))
        return None

    def _stretches_before(self, block: Block) -> Iterator[Block]:
        """What is to be looked at of the bytes before the block, the last of it first."""
        first, stop = max(0, block.start - LOOK_BACK_BYTES), block.start
        blank = self._blanks.get(block.generation.key)
        if blank is not None and blank.start <= stop and blank.end >= first:
            if blank.end < stop:
                # With the line end before it: what begins a stretch is taken for the rest of a line.
                yield from self._lines(block, max(0, blank.end - LINE_END_BYTES), stop)
            stop = blank.start
        if first < stop:
            yield from self._lines(block, first, stop)

    def _lines(self, block: Block, first: int, stop: int) -> Iterator[Block]:
        lines = self._hub.lines_before(block._replace(start=stop), stop - first)
        if lines is not None:
            yield lines

    def _note_blank(self, key: str, blank: _Blank) -> None:
        """Remember it, with what is known of its neighbours."""
        known = self._blanks.get(key)
        if known is not None and known.start <= blank.end and blank.start <= known.end:
            blank = _Blank(min(known.start, blank.start), max(known.end, blank.end))
        self._blanks[key] = blank
