"""What stands before a block in its file: known from the block before it, else read again.

Owns for how many blocks it is remembered what a line that goes on with them has from them, and how far is looked back
for it otherwise.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from logstream.hub.continuations import LOOK_BACK_BYTES, NOTHING_ABOVE, Above
from logstream.tail.batch import ANCHOR_BYTES
from logstream.tail.framing import framing_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.hub.judged_block import JudgedBlock
    from logstream.journal.base import Block, Journal

REMEMBERED_ENDS = 256
"""Blocks of which is known what a line that goes on with them has from them; for others the file is read again."""
SMALL_BYTES = 1024
"""A block that is no larger may be held for it."""
_FIRST_LOOK_BYTES = 16 * 1024


class LinesAbove:
    """What stands before the blocks of one journal."""

    def __init__(self, journal: Journal, judge_alone: Callable[[Block], JudgedBlock]) -> None:
        """Nothing is known; `judge_alone` judges lines as if nothing stood before them."""
        self._journal = journal
        self._judge_alone = judge_alone
        self._known: OrderedDict[tuple[str, int], Callable[[], Above]] = OrderedDict()

    def remember(self, block: Block, below: Callable[[], Above]) -> None:
        """Have what the next block of the generation has above it, asked for when somebody needs it: few do."""
        self._known[block.generation.key, block.end] = below
        while len(self._known) > REMEMBERED_ENDS:
            self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget all: the rules have changed."""
        self._known.clear()

    def above(self, block: Block) -> Above:
        """What stands before the block, as far as its first line may need it."""
        known = self._known.get((block.generation.key, block.start))
        if known is not None:
            return known()
        found = NOTHING_ABOVE
        for length in (_FIRST_LOOK_BYTES, LOOK_BACK_BYTES):
            lines = self.lines(block, length)
            if lines is None:
                break
            found = self._judge_alone(lines).below()
            if found.head is not None and found.head.start > lines.start:
                break
        return found

    def lines(self, block: Block, length_bytes: int) -> Block | None:
        """The whole lines in the `length_bytes` before the block, read again; None if there are none to be had.

        The place of what they are told in is wrong, and it may be a long one.
        """
        content = self._journal.bytes_before(block.generation, block.start, length_bytes) or b""
        start = block.start - len(content)
        # What was read may begin within a line.
        skip = framing_of(block.generation.encoding).first_end(content, start) if start else 0
        if not content[skip:]:
            return None
        return block._replace(start=start + skip, content=content[skip:], lead=content[:skip][-ANCHOR_BYTES:])
