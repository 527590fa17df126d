"""Small blocks of several files that stand side by side in the recorded order, judged as one block.

Where many files trickle, each look at them brings a line of each: what it costs to judge a block is paid once for all.
Owns which blocks these are (one whole plain line each, of one source, that goes on with nothing) and which line is of
which file. Refuses to know who asks.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from logstream.hub.ids import LineIds
from logstream.hub.judged import Judged
from logstream.hub.single import plain_text
from logstream.hub.traces import Above
from logstream.journal.base import Block
from logstream.journal.ids import anchor_of, encode_id
from logstream.records import Position

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logstream.hub.frames import FrameEncoder
    from logstream.hub.judged import SourceTraits
    from logstream.journal.base import Lost
    from logstream.parse import Folding
    from logstream.records import Record
    from logstream.rules import RuleSet

FEWEST_BLOCKS: Final = 8
"""Fewer are not worth while."""
MOST_BLOCKS: Final = 128
_MOST_BYTES: Final = 512
"""What is larger is judged by itself: a frame of all should hold some 64 KiB."""
_LF: Final = b"\n"
_MARK: Final = b"\xef\xbb\xbf"


class Together(Judged):
    """Several blocks of one line each."""

    def __init__(self, blocks: Sequence[Block], traits: SourceTraits, rules: RuleSet, encoder: FrameEncoder) -> None:
        """Judge `blocks`, which `blocks_together` gave."""
        content = b"".join([block.content for block in blocks])
        super().__init__(blocks[0]._replace(content=content, lead=_LF), traits, rules, encoder)
        self._ids = _Ids(blocks)
        self.blocks = blocks

    def record(self, index: int) -> Record:
        """Line `index` as a record."""
        return super().record(index)._replace(file=self.blocks[index].generation.file)

    def files(self, indexes: Sequence[int]) -> Sequence[str] | None:
        """The file of each line."""
        return [self.blocks[index].generation.file for index in indexes]

    def below_line(self, index: int) -> Above:
        """What the next block of that line's generation has above it."""
        return Above(self._head(index)._replace(start=self.blocks[index].start), self._texts[index])

    def _may_go_on(self, _folding: Folding | None) -> bool:
        return False

    def _continuations(self, _folding: Folding | None) -> list[int]:
        return []


class _Ids(LineIds):
    """As `LineIds`, of lines that are a block each. All of them are durable."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        super().__init__(blocks[0], range(len(blocks)))
        self._blocks = blocks

    def of(self, indexes: Sequence[int]) -> Sequence[bytes]:
        """The ids of lines."""
        return [self._made[index] or self._make(index) for index in indexes]

    def table(self, indexes: Sequence[int]) -> Sequence[bytes]:
        """The same: there is no prefix that all of them have."""
        return self.of(indexes)

    def one(self, index: int) -> str:
        """The id of one line."""
        return str(self._made[index] or self._make(index), "ascii")

    def _make(self, index: int) -> bytes:
        block = self._blocks[index]
        anchor = anchor_of(block.before(len(block.content)))
        made: bytes = encode_id(Position(block.generation.key, block.end, anchor)).encode()
        self._made[index] = made
        return made


def blocks_together(first: Block, following: Iterable[Block | Lost], traits: SourceTraits) -> list[Block]:
    """`first` and the blocks behind it that can be judged with it, each of another file; none if they are too few."""
    following = iter(following)
    # Mostly nothing follows: that is seen before any line is looked at.
    next_ones = list(islice(following, FEWEST_BLOCKS - 1))
    if len(next_ones) < FEWEST_BLOCKS - 1:
        return []
    found: dict[str, Block] = {}
    for item in islice(chain((first,), next_ones, following), MOST_BLOCKS):
        if not isinstance(item, Block) or item.generation.key in found or not _is_alike(item, first):
            break
        if not _is_plain(item, traits):
            break
        found[item.generation.key] = item
    return list(found.values()) if len(found) >= FEWEST_BLOCKS else []


def _is_plain(block: Block, traits: SourceTraits) -> bool:
    """Whether it is one whole line that can be shown as it stands; what begins a file goes on with nothing."""
    if not block.start:
        block = block._replace(lead=_LF)
    return plain_text(block, traits) is not None and (block.start > 0 or not block.content.startswith(_MARK))


def _is_alike(block: Block, first: Block) -> bool:
    return (
        len(block.content) <= _MOST_BYTES
        and block.is_durable
        and block.generation.source == first.generation.source
        and block.time_ms == first.time_ms
    )
