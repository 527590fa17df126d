"""Lines picked out of a stretch, judged as if it had no others.

Owns when that is the same: no line of them goes on with another. Refuses to find out which lines can be wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from logstream.hub.frames import Shape
from logstream.hub.ids import LineIds
from logstream.hub.judged_block import LoneLines
from logstream.journal.base import Block
from logstream.journal.cutting import BLOCK_BYTES, BLOCK_LINES
from logstream.parse import may_continue, suspects
from logstream.records import Position
from logstream.rules import concerns
from logstream.tail.framing import spoken_encoding
from logstream.tail.lines import line_ends, strip_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from logstream.hub.frames import FrameEncoder
    from logstream.hub.judged_block import SourceTraits
    from logstream.journal.base import Picked
    from logstream.parse import Folding
    from logstream.records import Generation
    from logstream.rules import RuleSet

_LF: Final = b"\n"
_FEW_BYTES: Final = 2048
"""What an array would be made of only by letting go of the interpreter, which threads that search wait for."""


class PickedLines(LoneLines):
    """Lines picked out of a stretch. Knows their ids and places, and nothing of what lies between them."""

    def __init__(self, picked: Picked, traits: SourceTraits, rules: RuleSet, encoder: FrameEncoder) -> None:
        """Judge the lines, of which none goes on with another."""
        block = Block(picked.generation, picked.start, picked.at, picked.time_ms, _LF, picked.joined)
        super().__init__(block, traits, rules, encoder)
        self._ids = LineIds(block, picked.ends, anchors=picked.anchors)
        self._picked = picked
        self.has_returns = b"\r" in self.block.content

    def counts(self, indexes: Sequence[int], shape: Shape) -> list[int]:
        """Of ascending indexes, how many each time are told of in one frame.

        A `batch` tells of lines that one block can hold.
        """
        if shape is Shape.LINE:
            return [min(BLOCK_LINES, len(indexes) - begin) for begin in range(0, len(indexes), BLOCK_LINES)]
        starts, ends = self._picked.starts, self._picked.ends
        counts: list[int] = []
        first = 0
        for place, index in enumerate(indexes):
            is_over = ends[index] - starts[indexes[first]] > BLOCK_BYTES or place - first == BLOCK_LINES
            if is_over and place > first:
                counts.append(place - first)
                first = place
        return [*counts, len(indexes) - first]

    def reached(self, index: int) -> tuple[int, Position]:
        """The place after line `index`, and the position there."""
        picked, end = self._picked, self._picked.ends[index]
        return picked.at + end, Position(picked.generation.key, picked.start + end, picked.anchors[index])

    def line_block(self, index: int) -> Block:
        """A line by itself, at its place; what stands before it is not known."""
        return self.block._replace(
            start=self._picked.start + self._picked.starts[index],
            at=self.place_before(index),
            content=self.block.content[self._start_of(index) : self._line_ends[index]],
        )

    def place_before(self, index: int) -> int:
        """The place before line `index` in the recorded order."""
        return self._picked.at + self._picked.starts[index]

    def place_after(self, index: int) -> int:
        """The place after line `index` in the recorded order."""
        return self._picked.at + self._picked.ends[index]


def plain_bytes(generation: Generation, traits: SourceTraits, rules: RuleSet) -> int | None:
    """Where lines are shown as they stand in the file, and are UTF-8: how long one can be; else None."""
    is_masked = any(rule.redact and concerns(rule, generation.source) for rule in rules.rules)
    if is_masked or spoken_encoding(generation.encoding, traits.encoding) != "utf-8":
        return None
    return traits.max_line_bytes


def are_alone(lines: bytes, folding: Folding | None) -> bool:
    """Whether none of the lines could be a continuation, whatever stands before it. They are closed by LF each.

    A line that ends one that is over-long is not asked about.
    """
    if folding is None:
        return True
    text, text_ends = lines[: -len(_LF)], _text_ends(lines)
    for index in suspects(text, text_ends, folding):
        start = text_ends[index - 1] + len(_LF) if index else 0
        if may_continue(strip_end(lines[start : text_ends[index] + len(_LF)]).decode(errors="replace"), folding):
            return False
    return True


def _text_ends(lines: bytes) -> Sequence[int] | NDArray[np.integer]:
    """Where the text of each line ends."""
    if len(lines) >= _FEW_BYTES:
        return np.flatnonzero(np.frombuffer(lines, np.uint8) == _LF[0])
    return [end - len(_LF) for end in line_ends(lines)]
