"""What a subscriber that lags reads from the files, and the frames of it.

Owns its place in the recorded order, and the few frames that it has made together with one that was asked for. All
subscribers hold no more of these than there is room for: beyond it they make one frame at a time.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from logstream.hub.frames import Frame
from logstream.hub.joining import MOST_BLOCKS, follows
from logstream.journal.base import Block, Passed, Picked
from logstream.journal.cutting import BLOCK_LINES

if TYPE_CHECKING:
    from logstream.hub.hub import Hub
    from logstream.hub.view import View
    from logstream.journal.base import BlockReader, Lost, Sieve
    from logstream.records import Generation

AHEAD_BYTES: Final = 4 << 20
"""What all subscribers together may hold of frames made ahead."""
_MOST_AHEAD_BYTES: Final = 1 << 20
"""What one makes ahead at most; records take some four times the bytes of their lines."""
MOST_PICKED: Final = 2 * MOST_BLOCKS * BLOCK_LINES
"""How many lines that were picked out are judged at once: what is done once for all costs as much as 150 of them."""


class CatchUp:
    """The way of one subscriber through what is no longer kept in memory."""

    def __init__(self, hub: Hub, view: View) -> None:
        """Nothing is read yet."""
        self._hub = hub
        self._view = view
        self._reader: BlockReader | None = None
        self._items: deque[Block | Lost | Passed | Picked] = deque()
        """What was read and is still to be made a frame of."""
        self._frames: deque[Frame] = deque()
        self._frames_at = 0
        self._epoch = 0

    async def frame(self, at: int) -> Frame:
        """The frame at the place `at`, which lies before what is kept in memory."""
        if self._frames and self._frames_at == at and self._epoch == self._view.epoch:
            return self._next_frame()
        self._drop_frames()
        until = self._hub.recent.start
        reader = self._reader_at(at)
        item = self._items.popleft() if self._items else await self._read(reader, until)
        if item is None:
            # Nothing wanted up to there: the position still moves, so that a resume need not pass over it again.
            return Frame(b"", until, await self._hub.journal.position_at(until, self._view.tells))
        if isinstance(item, Block):
            return await self._frame_of(item, reader, until)
        if isinstance(item, Passed):
            return Frame(b"", item.next_at, item.after)
        if isinstance(item, Picked):
            self._keep(self._view.picked_frames(item))
            return self._next_frame()
        return self._view.frame(item)

    async def _frame_of(self, block: Block, reader: BlockReader, until: int) -> Frame:
        """The frame of a block, made together with those of its neighbours where that is worth while."""
        if self._has_room and self._view.joins(block):
            blocks = await self._neighbours(block, reader, until)
            frames = self._view.frames(blocks) if len(blocks) > 1 else None
            if frames is not None:
                self._keep(frames)
                return self._next_frame()
            self._items.extendleft(reversed(blocks[1:]))
        return self._view.sifted_frame(block)

    def close(self) -> None:
        """Give back what is held."""
        self._drop_frames()
        self._items.clear()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _reader_at(self, at: int) -> BlockReader:
        if self._reader is not None and at == (self._items[0].at if self._items else self._reader.at):
            return self._reader
        self.close()
        self._reader = self._hub.journal.reader(at, self._view.wants, sieve_of=self._sieve_of)
        return self._reader

    def _sieve_of(self, generation: Generation) -> Sieve | None:
        return self._view.sieve_of(generation, MOST_PICKED if self._has_room else BLOCK_LINES)

    async def _read(self, reader: BlockReader, until: int) -> Block | Lost | Passed | Picked | None:
        item = await reader.pick(until)
        if item is not None:
            self._hub.traffic.replayed(item)
        return item

    @property
    def _has_room(self) -> bool:
        """Whether frames may be made ahead."""
        return self._hub.ahead_bytes + _MOST_AHEAD_BYTES <= AHEAD_BYTES

    async def _neighbours(self, block: Block, reader: BlockReader, until: int) -> list[Block]:
        """The block and those behind it that may be joined to it."""
        found = [block]
        held_bytes = len(block.content)
        while len(found) < MOST_BLOCKS:
            if not self._items:
                item = await self._read(reader, until)
                if item is None:
                    break
                self._items.append(item)
            other = self._items[0]
            if not isinstance(other, Block) or not follows(found[-1], other, held_bytes):
                break
            found.append(other)
            held_bytes += len(other.content)
            self._items.popleft()
        return found

    def _keep(self, frames: list[Frame]) -> None:
        self._frames.extend(frames)
        self._epoch = self._view.epoch
        self._hub.ahead_bytes += sum(len(frame.content) for frame in frames)

    def _next_frame(self) -> Frame:
        frame = self._frames.popleft()
        self._frames_at = frame.next_at
        self._hub.ahead_bytes -= len(frame.content)
        return frame

    def _drop_frames(self) -> None:
        while self._frames:
            self._next_frame()
