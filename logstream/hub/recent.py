"""The newest stretch of the recorded order, kept in memory so that those near the head need not read files.

Bounded by bytes and count; the oldest leaves first. Whoever needs what has left reads it from the files.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from logstream.journal.base import Block, Lost

if TYPE_CHECKING:
    from collections.abc import Iterator

RECENT_BYTES = 8 << 20
RECENT_ITEMS = 16_384
_SWEEP_ITEMS = 1024
_ITEM_BYTES = 400
"""What an item costs beside its bytes: itself, the bytes before it, its place in lists."""


class Recent:
    """Blocks and losses from `start` to `end`, without a hole."""

    def __init__(self, start: int) -> None:
        """An empty stretch at the place `start`."""
        self.start = start
        self.end = start
        self._items: list[Block | Lost | None] = []
        self._places: list[int] = []
        self._dropped = 0
        """How many items at the lists' beginning have left: their places are swept out in bulk, their bytes at once."""
        self._bytes = 0

    def append(self, item: Block | Lost) -> None:
        """Add what was recorded at `end`; the oldest leaves if the stretch is full."""
        self._items.append(item)
        self._places.append(item.at)
        self._bytes += _weight(item)
        self.end = item.next_at
        while self._bytes > RECENT_BYTES or len(self._items) - self._dropped > RECENT_ITEMS:
            self._drop_oldest()
        if self._dropped >= _SWEEP_ITEMS:
            del self._items[: self._dropped]
            del self._places[: self._dropped]
            self._dropped = 0

    def _drop_oldest(self) -> None:
        oldest = self._items[self._dropped]
        if oldest is not None:
            self._bytes -= _weight(oldest)
            self.start = oldest.next_at
        self._items[self._dropped] = None
        self._dropped += 1

    def note_durable(self, durable_head: int) -> None:
        """Blocks that end at `durable_head` or before have ids from now on."""
        for index, item in enumerate(self._items):
            if isinstance(item, Block) and not item.is_durable and item.next_at <= durable_head:
                self._items[index] = item._replace(is_durable=True)

    def after(self, item: Block | Lost) -> Iterator[Block | Lost]:
        """The items behind one that is kept, in order."""
        for index in range(bisect_right(self._places, item.at), len(self._items)):
            found = self._items[index]
            if found is not None:
                yield found

    def find(self, at: int) -> Block | Lost | None:
        """The item that holds the place `at`; None if it has left or is still to come."""
        if not self.start <= at < self.end:
            return None
        return self._items[bisect_right(self._places, at) - 1]


def _weight(item: Block | Lost) -> int:
    return _ITEM_BYTES + (len(item.content) if isinstance(item, Block) else 0)
