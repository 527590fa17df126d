"""Small blocks of several files that stand side by side in the recorded order, judged as one block.

Where many files trickle, each look at them brings a line or a few of each: what it costs to judge a block is paid once
for all. Owns which blocks these are (whole plain lines each, of one source, that go on with nothing) and which line is
of which file. Refuses to know who asks.
"""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, chain, islice
from typing import TYPE_CHECKING, Final

import numpy as np

from logstream.hub.continuations import Above
from logstream.hub.ids import LineIds
from logstream.hub.judged_block import LoneLines
from logstream.hub.judged_line import are_plain, plain_text
from logstream.journal.base import Block
from logstream.journal.ids import anchor_of, anchors_of, encode_id, id_table
from logstream.records import Position
from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logstream.hub.frames import FrameEncoder
    from logstream.hub.judged_block import SourceTraits
    from logstream.journal.base import Lost
    from logstream.parse import Column
    from logstream.records import Record
    from logstream.rules import RuleSet

FEWEST_BLOCKS: Final = 8
"""Fewer are not worth while."""
MOST_BLOCKS: Final = 128
MOST_LINES: Final = 192
_MOST_BYTES: Final = 2048
"""What is larger is worth while to be judged by itself."""
_MOST_BYTES_TOGETHER: Final = 64 * 1024
_FEWEST_IDS: Final = 8
"""For fewer lines it is not worth while to make their ids in one table."""
_LF: Final = b"\n"
_MARK: Final = b"\xef\xbb\xbf"


class JudgedGroup(LoneLines):
    """Several blocks of a few lines each."""

    def __init__(self, blocks: Sequence[Block], traits: SourceTraits, rules: RuleSet, encoder: FrameEncoder) -> None:
        """Judge `blocks`, which `groupable_blocks` gave."""
        contents = [block.content for block in blocks]
        content = b"".join(contents)
        super().__init__(blocks[0]._replace(content=content, lead=_LF), traits, rules, encoder)
        self.blocks = blocks
        self._block_of: Sequence[int] = range(len(blocks))
        self._last_lines: Sequence[int] = range(len(blocks))
        ends = list(map(len, contents))
        """Where each line ends in its block."""
        if len(self._line_ends) > len(blocks):
            counts = [content.count(_LF) for content in contents]
            begins = [end - length for end, length in zip(accumulate(ends), ends, strict=True)]
            self._block_of = [number for number, count in enumerate(counts) for _ in range(count)]
            self._last_lines = [lines - 1 for lines in accumulate(counts)]
            ends = [end - begins[number] for end, number in zip(self._line_ends, self._block_of, strict=True)]
        self._ids = _Ids([blocks[number] for number in self._block_of], ends, content, self._line_ends)

    def record(self, index: int) -> Record:
        """Line `index` as a record."""
        return super().record(index)._replace(file=self.blocks[self._block_of[index]].generation.file)

    def files(self, indexes: Sequence[int]) -> Sequence[str] | None:
        """The file of each line."""
        return [self.blocks[self._block_of[index]].generation.file for index in indexes]

    def counts_by_block(self, indexes: Sequence[int]) -> list[int]:
        """How many of the lines (ascending indexes) each block has, for those that have any."""
        return list(Counter([self._block_of[index] for index in indexes]).values())

    def below_block(self, number: int) -> Above:
        """What the next block of the generation of that one has above it."""
        block, last = self.blocks[number], self._last_lines[number]
        length = self._line_ends[last] - self._start_of(last)
        return Above(self._head(last)._replace(start=block.end - length), self._texts[last])


class _Ids(LineIds):
    """As `LineIds`, of lines in several blocks. All of them are durable."""

    def __init__(self, blocks: Sequence[Block], ends: Sequence[int], content: bytes, line_ends: Sequence[int]) -> None:
        """Of each line its block, and where it ends in that; and where in `content`, which is that of all blocks."""
        super().__init__(blocks[0], line_ends)
        self._blocks = blocks
        self._ends = ends
        self._content = content

    def of(self, indexes: Sequence[int]) -> Sequence[bytes]:
        """The ids of lines."""
        return [self._made[index] or self._make(index) for index in indexes]

    def table(self, indexes: Sequence[int]) -> Column:
        """The same, a row for each where that is quicker."""
        blocks, ends, line_ends = self._blocks, self._ends, self._line_ends
        if len(indexes) < len(blocks):
            blocks, ends = [blocks[index] for index in indexes], [ends[index] for index in indexes]
            line_ends = [line_ends[index] for index in indexes]
        # Nearer to its block's first byte, an anchor is made of what stands before the block in its own file, too.
        if len(blocks) < _FEWEST_IDS or min(ends) < ANCHOR_BYTES:
            return self.of(indexes)
        offsets = np.array([block.start for block in blocks]) + np.array(ends)
        anchors = anchors_of(_LF, self._content, np.array(line_ends))
        return id_table([block.generation.key for block in blocks], offsets, anchors)

    def one(self, index: int) -> str:
        """The id of one line."""
        return str(self._made[index] or self._make(index), "ascii")

    def _make(self, index: int) -> bytes:
        block, end = self._blocks[index], self._ends[index]
        position = Position(block.generation.key, block.start + end, anchor_of(block.before(end)))
        made: bytes = encode_id(position).encode()
        self._made[index] = made
        return made


def groupable_blocks(first: Block, following: Iterable[Block | Lost], traits: SourceTraits) -> list[Block]:
    """`first` and the blocks behind it that can be judged with it, each of another file; none if they are too few."""
    following = iter(following)
    # Mostly nothing follows: that is seen before any line is looked at.
    next_ones = list(islice(following, FEWEST_BLOCKS - 1))
    if len(next_ones) < FEWEST_BLOCKS - 1:
        return []
    found: dict[str, Block] = {}
    lines, held_bytes = 0, 0
    for item in islice(chain((first,), next_ones, following), MOST_BLOCKS):
        if not isinstance(item, Block) or item.generation.key in found or not _is_alike(item, first):
            break
        count = item.content.count(_LF)
        lines += count
        held_bytes += len(item.content)
        if lines > MOST_LINES or held_bytes > _MOST_BYTES_TOGETHER or not _is_plain(item, count, traits):
            break
        found[item.generation.key] = item
    return list(found.values()) if len(found) >= FEWEST_BLOCKS else []


def _is_plain(block: Block, count: int, traits: SourceTraits) -> bool:
    """Whether it is so many whole lines that can be shown as they stand; what begins a file goes on with nothing."""
    if not block.start:
        if block.content.startswith(_MARK):
            return False
        block = block._replace(lead=_LF)
    return plain_text(block, traits) is not None if count == 1 else are_plain(block, traits)


def _is_alike(block: Block, first: Block) -> bool:
    return (
        len(block.content) <= _MOST_BYTES
        and block.is_durable
        and block.generation.source == first.generation.source
        and block.time_ms == first.time_ms
    )
