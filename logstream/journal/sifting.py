"""What of a stretch must be looked at line by line, where a sieve has told which lines can be wanted. Pure.

Owns where blocks of such lines begin and end: at lines, and as many of these together as it is worth while, for a block
has a price of its own; and cutting the lines out where nothing between them is needed. Refuses to know what a sieve
looks for.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from logstream.journal.cutting import BLOCK_BYTES, BLOCK_LINES
from logstream.journal.ids import anchor_of, anchors_within
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

_FAR_BYTES: Final = 4 * 1024
"""Lines that lie further apart, on average, are cut out one by one."""
_LF: Final = 0x0A


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


class Seen(NamedTuple):
    """A stretch, and where the sieve stopped in it; `are_ends`: each is the line feed of a line of its own."""

    stretch: Stretch
    stops: Sequence[int]
    are_ends: bool = False


class Lines(NamedTuple):
    """Lines cut out of a stretch: where each lies in its content, all of them joined, and the anchor behind each."""

    starts: list[int]
    ends: list[int]
    joined: bytes
    anchors: list[int]


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


def lines_at(seen: Seen, most: int) -> Lines:
    """The first lines of a stretch that have a stop in them or at their end, at most `most` of them."""
    content = seen.stretch.content
    if seen.are_ends:
        line_feeds, rfind = seen.stops[:most], content.rfind
        starts, ends = [rfind(b"\n", 0, at) + 1 for at in line_feeds], [at + 1 for at in line_feeds]
    else:
        is_dense = len(seen.stops) * _FAR_BYTES > seen.stretch.end
        starts, ends = _dense_lines(seen, most) if is_dense else _sparse_lines(seen, most)
    joined = b"".join([content[start:end] for start, end in zip(starts, ends, strict=True)])
    near = bisect_left(ends, ANCHOR_BYTES)
    anchors = [anchor_of(seen.stretch.before(end)) for end in ends[:near]] + anchors_within(content, ends[near:])
    return Lines(starts, ends, joined, anchors)


def _sparse_lines(seen: Seen, most: int) -> tuple[list[int], list[int]]:
    content = seen.stretch.content
    starts: list[int] = []
    ends: list[int] = []
    reached = 0
    for stop in seen.stops:
        if stop < reached:
            continue
        starts.append(content.rfind(b"\n", 0, stop) + 1)
        reached = content.find(b"\n", stop) + 1
        ends.append(reached)
        if len(ends) == most:
            break
    return starts, ends


def _dense_lines(seen: Seen, most: int) -> tuple[list[int], list[int]]:
    line_feeds = (np.frombuffer(seen.stretch.content, np.uint8, seen.stretch.end) == _LF).nonzero()[0]
    lines = line_feeds.searchsorted(np.array(seen.stops))
    is_another = np.ones(len(lines), np.bool_)
    np.not_equal(lines[1:], lines[:-1], out=is_another[1:])
    lines = lines[is_another][:most]
    ends = np.append(line_feeds, -1) + 1  # what is before the first line is found behind the last
    return ends[lines - 1].tolist(), ends[lines].tolist()


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
