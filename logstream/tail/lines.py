"""The one rule where a byte stream is cut into lines and fragments. Pure.

A cut depends only on the bytes from the fragment's own start on, so reading live and replaying from a file cut alike.
Decoding and parsing are not its business: an offset always counts raw bytes.
"""

from __future__ import annotations

import codecs
from itertools import accumulate
from typing import NamedTuple

import numpy as np

LINE_END_BYTES = 2
"""The longest line end, CR LF. One lone CR never ends a line."""
_LF = 0x0A
_SHORT_BYTES = 2048
"""Less is cut sooner by what needs no array."""
_SEQUENCE_BYTES = 4
_CONTINUATION = range(0x80, 0xC0)
_TWO_BYTES, _THREE_BYTES, _FOUR_BYTES = 0xC0, 0xE0, 0xF0


class Extent(NamedTuple):
    """How far `content` can be cut: `end` of its last complete record, and how many records that is."""

    end: int
    lines: int


def cut(content: bytes, max_line_bytes: int) -> list[int]:
    """The ends of the complete records in `content`, which starts where a record starts.

    A line of at most `max_line_bytes` without its line end is one record. A longer one is cut into fragments at the
    last UTF-8 boundary within the limit. What follows the last end is incomplete: it has no line end yet and less than
    `max_line_bytes` + 2 bytes.
    """
    settled = _settled_length(content, max_line_bytes)
    if settled is not None:
        return line_ends(content[:settled])
    ends: list[int] = []
    start = 0
    while (end := _record_end(content, start, max_line_bytes)) is not None:
        ends.append(end)
        start = end
    return ends


def line_ends(content: bytes) -> list[int]:
    """The offset behind each LF in `content`."""
    if len(content) < _SHORT_BYTES:
        pieces = content.split(b"\n")
        return list(accumulate(len(piece) + 1 for piece in pieces[:-1]))
    found: list[int] = (np.flatnonzero(np.frombuffer(content, np.uint8) == _LF) + 1).tolist()
    return found


def cut_whole(content: bytes, max_line_bytes: int) -> list[int]:
    """The same for `content` that is known to end where a record ends, as a range does: what is left over is one."""
    return with_rest(cut(content, max_line_bytes), len(content))


def with_rest(ends: list[int], size: int) -> list[int]:
    """`ends`, and the end of what is left over behind them of `size` bytes."""
    if size and (not ends or ends[-1] < size):
        ends.append(size)
    return ends


def measure(content: bytes, max_line_bytes: int) -> Extent:
    """The last of the ends that `cut` finds, and their number, at the price of two passes at memory speed."""
    settled = _settled_length(content, max_line_bytes)
    if settled is not None:
        return Extent(settled, content.count(b"\n"))
    ends = cut(content, max_line_bytes)
    return Extent(ends[-1] if ends else 0, len(ends))


def strip_end(raw: bytes) -> bytes:
    r"""`raw` without its line end, `\n` or `\r\n`, if it has one."""
    if raw.endswith(b"\r\n"):
        return raw[:-2]
    return raw.removesuffix(b"\n")


def _settled_length(content: bytes, max_line_bytes: int) -> int | None:
    """Where the last line of `content` ends, if no line in it can be over-long; None if one may be."""
    end = content.rfind(b"\n") + 1
    if len(content) - end >= max_line_bytes + LINE_END_BYTES or may_be_over_long(content, end, max_line_bytes):
        return None
    return end


def may_be_over_long(content: bytes, end: int, max_line_bytes: int) -> bool:
    """Whether one of the lines in the first `end` bytes of `content`, the last of which is LF, may be over-long.

    Hops from one line end to the last one within reach: all lines between the two are short enough.
    """
    start = 0
    while end - start > max_line_bytes:
        hop = content.rfind(b"\n", start, start + max_line_bytes + 1)
        if hop < 0:
            return True
        start = hop + 1
    return False


def _record_end(content: bytes, start: int, max_line_bytes: int) -> int | None:
    window_end = start + max_line_bytes + LINE_END_BYTES
    newline = content.find(b"\n", start, window_end)
    if newline < 0:
        return _fragment_end(content, start, max_line_bytes) if len(content) >= window_end else None
    length = newline - start
    if length > max_line_bytes and content[newline - 1 : newline] == b"\r":
        length -= 1
    return newline + 1 if length <= max_line_bytes else _fragment_end(content, start, max_line_bytes)


def _fragment_end(content: bytes, start: int, max_line_bytes: int) -> int:
    """The last UTF-8 boundary within the limit; the limit itself where the bytes are not UTF-8.

    Looks at no byte beyond those that every caller has (the limit and two more), however many there are: a cut that
    depended on how much had arrived would differ between live and replay.
    """
    limit = start + max_line_bytes
    for lead in range(limit - 1, max(start, limit - _SEQUENCE_BYTES), -1):
        if content[lead] in _CONTINUATION:
            continue
        whole = lead + _sequence_length(content[lead])
        return (
            lead if whole > limit and _begins_character(content[lead : min(whole, limit + LINE_END_BYTES)]) else limit
        )
    return limit


def _sequence_length(lead: int) -> int:
    """How many bytes a UTF-8 character with this first byte has (RFC 3629, section 3)."""
    if lead < _TWO_BYTES:
        return 1
    if lead < _THREE_BYTES:
        return 2
    return 3 if lead < _FOUR_BYTES else 4


def _begins_character(piece: bytes) -> bool:
    """Whether `piece` is a valid UTF-8 character or a valid beginning of one."""
    try:
        codecs.utf_8_decode(piece, "strict", False)  # noqa: FBT003 - the C function takes no keywords
    except UnicodeDecodeError:
        return False
    return True
