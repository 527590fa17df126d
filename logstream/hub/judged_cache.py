"""Judged blocks, kept for the next view that asks.

Owns how many are kept. Refuses to know what they were judged by: who knows says when that has changed.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from logstream.hub.dropping import drop_slowly

if TYPE_CHECKING:
    from logstream.hub.judged_block import JudgedBlock

JUDGED_BYTES: Final = 2 << 20
JUDGED_BLOCKS: Final = 1024
"""So many are kept; the oldest leaves. Encoded, one takes some eight times its cost."""

Key = tuple[str, int, int]


class JudgedCache:
    """The newest judged blocks, by what they are of."""

    def __init__(self, most_bytes: int = JUDGED_BYTES, most_blocks: int = JUDGED_BLOCKS) -> None:
        """Nothing is kept yet."""
        self._most_bytes = most_bytes
        self._most_blocks = most_blocks
        self._kept: OrderedDict[Key, JudgedBlock] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key) -> JudgedBlock | None:
        """What is kept under `key`."""
        return self._kept.get(key)

    def keep(self, key: Key, judged: JudgedBlock) -> None:
        """Keep a block that was not kept yet."""
        self._kept[key] = judged
        self._bytes += judged.cost_bytes
        while len(self._kept) > self._most_blocks or (self._bytes > self._most_bytes and len(self._kept) > 1):
            self._bytes -= self._kept.popitem(last=False)[1].cost_bytes

    def forget(self) -> None:
        """Keep none of them any more: what they were judged by has changed."""
        drop_slowly(self._kept.values())
        self._kept.clear()
        self._bytes = 0

    @property
    def blocks(self) -> tuple[JudgedBlock, ...]:
        """Those that are kept, oldest first."""
        return tuple(self._kept.values())

    def __repr__(self) -> str:
        """How much is kept."""
        return f"<JudgedCache blocks={len(self._kept)} bytes={self._bytes}>"
