"""Which blocks of a stretch must be looked at line by line, where a sieve has told which lines can be wanted. Pure.

Owns where such blocks begin and end: at lines, and as many of these together as it is worth while, for a block has a
price of its own. Refuses to know what a sieve looks for.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.journal.cutting import BLOCK_BYTES, BLOCK_LINES
from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logstream.journal.base import Run

STRETCH_BYTES: Final = 1 << 20
"""How many bytes are put to a sieve at once; up to twice as many where no more are left of a run."""
LEAST_STRETCH_BYTES: Final = 64 * 1024
"""What is put to a sieve that takes long."""
BEYOND_BYTES: Final = 64
"""What is read behind a stretch, so that a sieve need not copy it."""
NEAR_BYTES: Final = 8 * 1024
"""Lines that can be wanted and lie no further apart are looked at together, with what lies between them."""


class Stretch(NamedTuple):
    """Bytes from the offset `start` of a generation on, of which the first `end` are whole lines; `lead` is before."""

    start: int
    lead: bytes
    content: bytes
    end: int

    def before(self, length: int) -> bytes:
        """The at most 64 bytes before byte `length` of the content."""
        if length >= ANCHOR_BYTES:
            return self.content[length - ANCHOR_BYTES : length]
        return (self.lead + self.content[:length])[-ANCHOR_BYTES:]


class Piece(NamedTuple):
    """A block, by its offsets, and what may be passed over before it; empty where nothing is left but that.

    `before` are the bytes before it, and `first_end` is the offset after the first line that may be passed over.
    """

    start: int
    stop: int
    before: bytes
    first_end: int


class Sifted(NamedTuple):
    """What is known of a generation's bytes before the offset `end`."""

    key: str
    end: int
    pieces: list[Piece] | None
    """The first one last; the last one is empty and ends at `end`. None: a sieve cannot tell."""

    def holds(self, run: Run) -> bool:
        """Whether it tells of the bytes at which `run` begins."""
        return self.key == run.generation.key and run.start < self.end

    def piece_at(self, start: int) -> Piece:
        """The piece that begins at or after the offset `start`, which is before `end`."""
        pieces = self.pieces or [Piece(self.end, self.end, b"", self.end)]
        while pieces[-1].stop <= start:
            pieces.pop()
        return pieces[-1]


def pieces_around(stretch: Stretch, stops: Sequence[int]) -> list[Piece]:
    """The pieces of a stretch, in order."""
    reached = 0
    pieces: list[Piece] = []
    for start, stop in (*_blocks_around(stretch.content, stretch.end, stops), (stretch.end, stretch.end)):
        first_end = stretch.content.find(b"\n", reached, stretch.end) + 1
        base = stretch.start
        pieces.append(Piece(base + start, base + stop, stretch.before(start), base + first_end))
        reached = stop
    return pieces


def _blocks_around(content: bytes, end: int, stops: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The blocks of whole lines in the first `end` bytes, which hold each line that has one of the `stops` in it."""
    reached, first = 0, 0
    while first < len(stops):
        line_start = content.rfind(b"\n", 0, stops[first]) + 1
        start = reached if line_start - reached <= NEAR_BYTES else line_start
        last = first
        last_allowed = min(bisect_left(stops, start + BLOCK_BYTES, first), first + BLOCK_LINES, len(stops)) - 1
        while last < last_allowed and stops[last + 1] - stops[last] <= NEAR_BYTES:
            last += 1
        stop = content.find(b"\n", stops[last], end) + 1 or end
        if stop - start > BLOCK_BYTES:
            stop = content.rfind(b"\n", start, start + BLOCK_BYTES) + 1
        if stop <= line_start:  # the line alone fills a block
            start, stop = line_start, content.find(b"\n", stops[first], end) + 1 or end
        yield start, stop
        reached, first = stop, bisect_left(stops, stop, first)
