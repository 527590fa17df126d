"""Cutting whole lines into blocks of at most 64 KiB and 192 line ends. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from logstream.journal.base import Block
from logstream.tail.batch import ANCHOR_BYTES, Range
from logstream.tail.framing import WIDE
from logstream.tail.lines import cut
from logstream.tail.wide import UNIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.records import Generation

BLOCK_BYTES = 64 * 1024
"""The most text that one block, and so one batch on the wire, comes from."""
BLOCK_LINES = 192
"""The most line ends in a block: a record takes some 240 bytes beside its text, so this many keep a frame near 64 KiB.
A stuck client holds a frame twice; 64 KiB of empty lines would make one of 15 MB."""
_USUAL_BYTES = 24 * 1024
"""What so many lines usually take, and a few more."""
_LF = 0x0A
LINE_END_BYTES = 2
"""A single line that fills a block may still bring its CR LF along."""


def block_reach(encoding: str, offset: int) -> int:
    """How many bytes decide the length of a block that begins at `offset` of a generation."""
    if encoding not in WIDE:
        return BLOCK_BYTES + LINE_END_BYTES
    return offset % UNIT_BYTES + BLOCK_BYTES + UNIT_BYTES * LINE_END_BYTES


def length_in(encoding: str, content: bytes, start: int, offset: int, max_line_bytes: int) -> int:
    """As `block_length`; `offset` is the generation's at `start`."""
    wide = WIDE.get(encoding)
    if wide is None:
        return block_length(content, start, max_line_bytes)
    odd = offset % UNIT_BYTES
    outline = wide.outline(content[start + odd : start + block_reach(encoding, offset)])
    units = block_length(outline, 0, max_line_bytes // UNIT_BYTES, BLOCK_BYTES // UNIT_BYTES)
    length = odd + UNIT_BYTES * units
    left = len(content) - start
    # Half a unit, the very last byte of a generation, goes with what stands before it.
    return left if units == len(outline) and left - length < UNIT_BYTES else length


def block_length(content: bytes, start: int, max_line_bytes: int, block_bytes: int = BLOCK_BYTES) -> int:
    """How many bytes of `content` from `start`, a record's start, the next block takes: whole records, at least one.

    A line end within reach is always a record's end. Only where a line is longer than a block do the ends of fragments
    matter.
    """
    if (many := _length_of_most_lines(content, start, block_bytes)) is not None:
        return many
    if len(content) - start <= block_bytes:
        return len(content) - start
    newline = content.rfind(b"\n", start, start + block_bytes)
    if newline >= 0:
        return newline + 1 - start
    window = content[start : start + block_bytes + LINE_END_BYTES]
    ends = cut(window, max_line_bytes)
    within = [end for end in ends if end <= block_bytes]
    return (within or ends or [len(window)])[-1]


def _length_of_most_lines(content: bytes, start: int, block_bytes: int) -> int | None:
    """Up to the last line end that a block may have, if more than that are within reach."""
    for reach in (_USUAL_BYTES, block_bytes):
        window = np.frombuffer(content, np.uint8, min(reach, len(content) - start), start)
        line_feeds = np.flatnonzero(window == _LF)
        if len(line_feeds) > BLOCK_LINES:
            return int(line_feeds[BLOCK_LINES - 1]) + 1
        if len(window) < reach:
            break
    return None


def cut_blocks(generation: Generation, at: int, time_ms: int, change: Range, max_line_bytes: int) -> Iterator[Block]:
    """The blocks of a range that begins at the place `at`."""
    content, start = change.content, 0
    while start < len(content):
        length = len(content) - start
        if length > BLOCK_BYTES or content.count(b"\n", start) > BLOCK_LINES:
            length = length_in(generation.encoding, content, start, change.start + start, max_line_bytes)
        lead = content[start - ANCHOR_BYTES : start] if start >= ANCHOR_BYTES else change.lead + content[:start]
        yield Block(
            generation, change.start + start, at + start, time_ms, lead[-ANCHOR_BYTES:], content[start : start + length]
        )
        start += length


def in_blocks(stretch: Block, max_line_bytes: int) -> list[Block]:
    """Whole lines that were read again, however many, as blocks."""
    generation, content = stretch.generation, stretch.content
    change = Range(generation.key, stretch.start, stretch.end, 0, content, stretch.lead)
    return list(cut_blocks(generation, stretch.at, stretch.time_ms, change, max_line_bytes))
