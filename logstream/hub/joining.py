"""Neighbouring blocks that are read and written together: what a block costs beside its lines is paid once for some.

Owns which blocks are neighbours, how many are joined, and when to try this and other things that are not always worth
while. Each has a frame of its own all the same. And the same for a few lines that were picked out here and there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logstream.journal.base import Block, Passed, Picked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_BLOCKS: Final = 4
MOST_BYTES: Final = 128 * 1024
"""So much is read and written in a millisecond or two, which nobody else has meanwhile."""
FEWEST_BYTES: Final = 8 * 1024
"""Smaller blocks come one by one: there are no neighbours yet, or what follows is of another file."""
MOST_LINES: Final = 192
"""So many lines that were picked out cost hardly less each with others."""
_PAUSE_BLOCKS: Final = 64
_MOST_IN_VAIN: Final = 4


class Joining:
    """When one view should try: not for a while after it was in vain."""

    def __init__(self) -> None:
        """Nothing was in vain yet."""
        self._pause = 0

    def is_due(self, block: Block) -> bool:
        """Whether to try from `block` on."""
        if self._pause:
            self._pause -= 1
            return False
        return len(block.content) >= FEWEST_BYTES and block.is_durable

    def was_in_vain(self) -> None:
        """The lines had to be looked at one by one: those that follow will have to, too."""
        self._pause = _PAUSE_BLOCKS


class Sifting:
    """When one view should ask first whether a block has anything for it: not where nearly each block has."""

    def __init__(self) -> None:
        """Nothing was in vain yet."""
        self._pause = 0
        self._in_vain = 0

    def is_due(self) -> bool:
        """Whether to ask of the next block."""
        if self._pause:
            self._pause -= 1
            return False
        return True

    def was_worth_while(self) -> None:
        """A block had nothing."""
        self._in_vain = 0

    def was_in_vain(self) -> None:
        """A block had something, and is looked at as if nobody had asked."""
        self._in_vain += 1
        if self._in_vain >= _MOST_IN_VAIN:
            self._pause = _PAUSE_BLOCKS


def follows(block: Block, other: object, held_bytes: int) -> bool:
    """Whether `other` is the block behind `block` and may be joined to so many bytes."""
    return (
        isinstance(other, Block)
        and (other.generation, other.start, other.at) == (block.generation, block.end, block.next_at)
        and (other.is_durable, other.time_ms) == (block.is_durable, block.time_ms)
        and held_bytes + len(other.content) <= MOST_BYTES
    )


def neighbours(block: Block, following: Iterable[object]) -> list[Block]:
    """`block` and those that follow it, as many as may be joined."""
    found = [block]
    held_bytes = len(block.content)
    for other in following:
        if len(found) == MOST_BLOCKS or not isinstance(other, Block) or not follows(found[-1], other, held_bytes):
            break
        found.append(other)
        held_bytes += len(other.content)
    return found


def joined(blocks: Sequence[Block]) -> Block:
    """Neighbours as one block."""
    return blocks[0]._replace(content=b"".join([block.content for block in blocks]))


def picked_together(picked: Picked, other: object) -> Picked | None:
    """Few lines that were picked out, and those of the stretch behind, if it has any; None if these are not joined."""
    if not isinstance(other, Picked | Passed) or other.after is None:
        return None
    if (other.generation, other.at, other.time_ms) != (picked.generation, picked.next_at, picked.time_ms):
        return None
    behind = picked._replace(next_at=other.next_at, after=other.after)
    if isinstance(other, Passed):
        return behind
    offset = other.start - picked.start
    is_more = len(picked.ends) + len(other.ends) > MOST_LINES or len(picked.joined) + len(other.joined) > MOST_BYTES
    if is_more or offset != other.at - picked.at:
        return None
    return behind._replace(
        starts=[*picked.starts, *(offset + start for start in other.starts)],
        ends=[*picked.ends, *(offset + end for end in other.ends)],
        joined=picked.joined + other.joined,
        anchors=[*picked.anchors, *other.anchors],
    )
