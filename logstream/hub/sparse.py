"""A block of which only some lines can be wanted, judged as if it had no others.

Owns when that is the same: no line of them goes on with another, and they are few. Refuses to find out which lines can
be wanted. What is made of such a block knows its lines' ids, and nothing of their places.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Final

from logstream.hub.ids import LineIds
from logstream.hub.judged import Judged
from logstream.parse import may_continue, suspects
from logstream.tail.lines import strip_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.hub.frames import FrameEncoder
    from logstream.hub.judged import SourceTraits
    from logstream.journal.base import Block
    from logstream.parse import Folding
    from logstream.rules import RuleSet

_LEAST_SHARE: Final = 3
"""Lines that are more than one part in so many of a block are looked at with all others: somebody else may ask."""
_LF: Final = b"\n"


class _Some(Judged):
    """Lines cut out of a block."""

    def __init__(self, some: Block, traits: SourceTraits, rules: RuleSet, encoder: FrameEncoder, ids: LineIds) -> None:
        """Judge `some`, whose lines have the ids `ids`."""
        super().__init__(some, traits, rules, encoder)
        self._ids = ids


def judge_some(
    block: Block, stops: Sequence[int], traits: SourceTraits, rules: RuleSet, encoder: FrameEncoder
) -> Judged | None:
    """The lines of `block` that have one of the ascending `stops` in them or at their end; None if all must be seen.

    `block` holds whole lines of UTF-8, each closed by LF, none of them over-long.
    """
    if not block.start or block.lead[-1:] != _LF:
        return None  # what begins a file has a mark before it, and what begins within a line goes on with it
    content = block.content
    pieces: list[bytes] = []
    ends: list[int] = []
    reached = held = 0
    for stop in stops:
        if stop < reached:
            continue
        start, reached = content.rfind(_LF, 0, stop) + 1, content.find(_LF, stop) + 1
        pieces.append(content[start:reached])
        ends.append(reached)
        held += reached - start
    if held * _LEAST_SHARE > len(content):
        return None
    if traits.folding is not None and _may_go_on(pieces, traits.folding):
        return None
    some = block._replace(content=b"".join(pieces))
    return _Some(some, traits, rules, encoder, LineIds(block, ends))


def _may_go_on(lines: Sequence[bytes], folding: Folding) -> bool:
    """Whether one of the lines could be a continuation, whatever stands before it."""
    text = b"".join(lines)[: -len(_LF)]
    text_ends = [end - len(_LF) for end in accumulate(map(len, lines))]
    return any(may_continue(strip_end(lines[index]).decode(), folding) for index in suspects(text, text_ends, folding))
