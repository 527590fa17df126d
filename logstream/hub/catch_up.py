"""What a subscriber that lags reads from the files, and the frames of it.

Owns its place in the recorded order, and the few frames that it has made together with one that was asked for. All
subscribers hold no more of these than there is room for: beyond it they make one frame at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final, TypeGuard

from logstream.hub.frames import Frame
from logstream.hub.joining import MOST_BLOCKS, MOST_LINES, follows, picked_together
from logstream.journal.base import Block, Lost, Passed, Picked
from logstream.journal.cutting import BLOCK_LINES
from logstream.records import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.hub.hub import Hub
    from logstream.hub.view import View
    from logstream.journal.base import BlockReader, Sieve
    from logstream.records import Generation

    Item = Block | Lost | Passed | Picked | None

AHEAD_BYTES: Final = 4 << 20
"""What all subscribers together may hold of frames made ahead."""
_MOST_AHEAD_BYTES: Final = 1 << 20
"""What one makes ahead at most; records take some four times the bytes of their lines."""
MOST_PICKED: Final = 2 * MOST_BLOCKS * BLOCK_LINES
"""How many lines that were picked out are judged at once: what is done once for all costs as much as 150 of them."""
_GATHER_SECONDS: Final = 0.005
"""How long a few lines that were picked out wait for others."""
_PATIENCE_SECONDS: Final = 2.0
"""How long one way waits in all for files that cannot be read: the tail may find them, as where their directory was
renamed. It looks at all about every second."""
_FIRST_LOOK_SECONDS: Final = 10.0
"""The same where the files are still to be looked at for the first time."""
_LOOK_AGAIN_SECONDS: Final = 0.05
"""Then after twice as long each time: to come to the end of what cannot be read may take a while."""


class CatchUp:
    """The way of one subscriber through what is no longer kept in memory."""

    def __init__(self, hub: Hub, view: View, is_over: Callable[[], bool] = lambda: False) -> None:
        """Nothing is read yet; `is_over` tells whether nobody wants to wait any more."""
        self._hub = hub
        self._view = view
        self._is_over = is_over
        self._waited_seconds = 0.0
        """How long it has waited for files that could not be read."""
        self._reader: BlockReader | None = None
        self._items: deque[Block | Lost | Passed | Picked] = deque()
        """What was read and is still to be made a frame of."""
        self._frames: deque[Frame] = deque()
        self._reached: int | None = None
        """The place behind the frame that was given last."""
        self._epoch = 0

    async def frame(self, at: int) -> Frame:
        """The frame at the place `at`, which lies before what is kept in memory."""
        if at != self._reached or (self._frames and self._epoch != self._view.epoch):
            self.close()
        self._reached = None  # nowhere, if what follows is cut off
        frame = self._next_frame() if self._frames else await self._made(at)
        self._reached = frame.next_at
        return frame

    async def _made(self, at: int) -> Frame:
        until = self._hub.recent.start
        if self._reader is None:
            self._reader = self._hub.journal.reader(at, self._view.wants, sieve_of=self._sieve_of)
        reader = self._reader
        item = await self._next_item(reader, until)
        if _is_unreadable(item):
            reader, item = await self._look_again(reader, item, until)
        if item is None:
            # Nothing wanted up to there: the position still moves, so that a resume need not pass over it again.
            return Frame(b"", until, await self._hub.journal.position_at(until, self._view.tells))
        if isinstance(item, Block):
            return await self._frame_of(item, reader, until)
        if isinstance(item, Passed):
            return Frame(b"", item.next_at, item.after)
        if isinstance(item, Picked):
            self._keep(self._view.picked_frames(await self._gathered(item, reader, until)))
            return self._next_frame()
        return self._view.frame(item)

    async def _look_again(self, reader: BlockReader, lost: Lost, until: int) -> tuple[BlockReader, Item]:
        """What is there where files could not be read, once the tail has had time to find them.

        Whoever comes right after a restart, or after a directory was renamed, comes before it has looked.
        """
        item: Item = lost
        while _is_unreadable(item) and await self._waits():
            reader.close()
            reader = self._reader = self._hub.journal.reader(lost.at, self._view.wants, sieve_of=self._sieve_of)
            item = await reader.pick(until)
        return reader, item

    async def _waits(self) -> bool:
        """Wait for a while; False, at once or soon, if there is no more time for it."""
        has_looked, again_seconds = self._hub.has_looked.is_set(), max(_LOOK_AGAIN_SECONDS, self._waited_seconds)
        end_seconds = self._waited_seconds + again_seconds
        if end_seconds > (_PATIENCE_SECONDS if has_looked else _FIRST_LOOK_SECONDS):
            return False
        while self._waited_seconds < end_seconds and self._hub.has_looked.is_set() == has_looked:
            if self._is_over():
                return False
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
            self._waited_seconds += _LOOK_AGAIN_SECONDS
        if not has_looked and self._hub.has_looked.is_set():
            self._waited_seconds = 0.0
        return True

    async def _gathered(self, picked: Picked, reader: BlockReader, until: int) -> Picked:
        """The lines with those of the stretches behind, where they are few and far between."""
        clock = asyncio.get_running_loop().time
        end_seconds = clock() + _GATHER_SECONDS
        while len(picked.ends) < MOST_LINES and clock() < end_seconds:
            await asyncio.sleep(0)  # what comes may have been found already
            item = await self._next_item(reader, until)
            joined = picked_together(picked, item)
            if joined is None:
                if item is not None:
                    self._items.appendleft(item)
                break
            picked = joined
        return picked

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
        self._reached = None
        self._drop_frames()
        self._items.clear()
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _sieve_of(self, generation: Generation) -> Sieve | None:
        return self._view.sieve_of(generation, MOST_PICKED if self._has_room else BLOCK_LINES)

    async def _next_item(self, reader: BlockReader, until: int) -> Item:
        if self._items:
            return self._items.popleft()
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
            other = await self._next_item(reader, until)
            if not isinstance(other, Block) or not follows(found[-1], other, held_bytes):
                if other is not None:
                    self._items.appendleft(other)
                break
            found.append(other)
            held_bytes += len(other.content)
        return found

    def _keep(self, frames: list[Frame]) -> None:
        self._frames.extend(frames)
        self._epoch = self._view.epoch
        self._hub.ahead_bytes += sum(len(frame.content) for frame in frames)

    def _next_frame(self) -> Frame:
        frame = self._frames.popleft()
        self._hub.ahead_bytes -= len(frame.content)
        return frame

    def _drop_frames(self) -> None:
        while self._frames:
            self._next_frame()


def _is_unreadable(item: Item) -> TypeGuard[Lost]:
    """Whether it tells of bytes that may be read later."""
    return isinstance(item, Lost) and item.gap.reason is GapReason.UNREADABLE
