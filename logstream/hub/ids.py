"""The ids of one block's lines, each made at most once, and as many at a time as are asked for.

Owns when there are none: while the disk does not have the block. Refuses to know how an id is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from logstream.journal.ids import anchor_of, anchors_of, encode_id, encode_ids, id_table
from logstream.records import Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from logstream.journal.base import Block
    from logstream.parse import Column

_FEWEST_LINES = 8
"""For fewer lines it is not worth while to make their ids in one table."""


class LineIds:
    """Ids by the lines' indexes."""

    def __init__(
        self,
        block: Block,
        line_ends: Sequence[int],
        line_feeds: NDArray[np.integer] | None = None,
        anchors: Sequence[int] | None = None,
    ) -> None:
        """None is made yet; the lines of `block` end at `line_ends`, and each with one of `line_feeds` if given.

        With `anchors`, one for each line, the block's own bytes are not asked: they may be others.
        """
        self._block = block
        self._line_ends = line_ends
        self._line_feeds = line_feeds
        self._anchors = anchors
        self._made: list[Any] = [None] * len(line_ends)

    def of(self, indexes: Sequence[int]) -> Sequence[bytes] | None:
        """The ids of lines (ascending indexes); None while there are none."""
        if not self._block.is_durable:
            return None
        if len(indexes) == len(self._made):
            if None in self._made:
                self._made = self._after(range(len(self._made)))
            return self._made
        missing = [index for index in indexes if self._made[index] is None]
        made = self._after(missing) if missing else ()
        for index, made_id in zip(missing, made, strict=True):
            self._made[index] = made_id
        return [self._made[index] for index in indexes]

    def table(self, indexes: Sequence[int]) -> Column | None:
        """The same, a row of characters for each of the lines."""
        if not self._block.is_durable:
            return None
        ends = np.array(self._line_ends) if self._line_feeds is None else self._line_feeds + 1
        if len(indexes) < len(ends):
            ends = ends[list(indexes)]
        block = self._block
        return id_table(block.generation.key, block.start + ends, self._anchors_at(ends, indexes))

    def one(self, index: int) -> str | None:
        """The id of one line."""
        made = self._made[index]
        if made is not None:
            return str(made, "ascii")
        if not self._block.is_durable:
            return None
        found = self._encoded(self._line_ends[index], index)
        self._made[index] = found.encode()
        return found

    def _after(self, indexes: Sequence[int]) -> list[bytes]:
        block = self._block
        key = block.generation.key
        is_all = len(indexes) == len(self._line_ends)
        ends = self._line_ends if is_all else [self._line_ends[index] for index in indexes]
        if len(ends) < _FEWEST_LINES:
            return [self._encoded(end, index).encode() for end, index in zip(ends, indexes, strict=True)]
        offsets = np.array(ends)
        return encode_ids(key, block.start + offsets, self._anchors_at(offsets, indexes))

    def _encoded(self, end: int, index: int) -> str:
        block = self._block
        return encode_id(Position(block.generation.key, block.start + end, self._anchor_at(end, index)))

    def _anchor_at(self, end: int, index: int) -> int:
        return anchor_of(self._block.before(end)) if self._anchors is None else self._anchors[index]

    def _anchors_at(self, ends: NDArray[np.integer], indexes: Sequence[int]) -> NDArray[np.integer]:
        if self._anchors is None:
            return anchors_of(self._block.lead, self._block.content, ends)
        anchors = np.array(self._anchors)
        return anchors if len(indexes) == len(anchors) else anchors[list(indexes)]
