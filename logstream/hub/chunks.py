"""Frames of one view joined to what one write holds, for all subscribers at the same place.

Owns which joined pieces are kept and for how long. Refuses to make any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from logstream.records import Gap, Position

CHUNKS_BYTES = 1 << 20
"""Joined pieces that one view keeps; the oldest leaves first."""
CROWD_CHUNKS_BYTES = 16 << 20
"""What it keeps at most, of many subscribers: the more they are, the further apart they read when all are too slow."""
SUBSCRIBER_CHUNKS_BYTES = 32 * 1024
"""What one more subscriber is worth."""
ALL_CHUNKS_BYTES = 32 << 20
"""Joined pieces that all views keep together."""
WHOLE_BYTES = 32 * 1024
"""A piece that holds so much need not be made again because there is more by now."""


class Chunk(NamedTuple):
    """Bytes ready for the wire, the place and the position after them (None: no position), and the gaps they tell."""

    content: bytes
    next_at: int
    position: Position | None
    gaps: tuple[Gap, ...]
    records: int


def most_chunks_bytes(subscribers: int, views: int) -> int:
    """What one of so many views may keep for its subscribers."""
    wished = max(CHUNKS_BYTES, min(CROWD_CHUNKS_BYTES, subscribers * SUBSCRIBER_CHUNKS_BYTES))
    return min(wished, ALL_CHUNKS_BYTES // max(1, views))


class ChunkCache:
    """Chunks by the places where they begin."""

    def __init__(self) -> None:
        """None is known."""
        self._chunks: dict[int, Chunk] = {}
        self._bytes = 0

    def find(self, at: int, head: int) -> Chunk | None:
        """The chunk from `at` on, unless more should be joined to it, up to `head`: it may end beyond that."""
        chunk = self._chunks.get(at)
        if chunk is None:
            return None
        is_done = chunk.next_at >= head or len(chunk.content) >= WHOLE_BYTES or self.has_whole(chunk.next_at)
        return chunk if is_done else None

    def has_whole(self, at: int) -> bool:
        """Whether those who get to `at` will find a whole chunk: who stops there goes on in step with others."""
        chunk = self._chunks.get(at)
        return chunk is not None and len(chunk.content) >= WHOLE_BYTES

    def keep(self, at: int, chunk: Chunk, most_bytes: int) -> None:
        """Have `chunk` for whoever comes to `at` next."""
        self._drop(at)
        self._chunks[at] = chunk
        self._bytes += len(chunk.content)
        while self._bytes > most_bytes and len(self._chunks) > 1:
            self._drop(next(iter(self._chunks)))

    def clear(self) -> None:
        """Forget all."""
        self._chunks.clear()
        self._bytes = 0

    def _drop(self, at: int) -> None:
        chunk = self._chunks.pop(at, None)
        self._bytes -= 0 if chunk is None else len(chunk.content)
