"""Event ids: `1.<generation>.<offset>.<anchor>` (docs/wire.md), the text form of a `Position`.

Owns the encoding and the anchor's checksum. Refuses to know whether a position exists: that is the journal's answer.
Ids are opaque to clients, ASCII, at most 40 bytes, and of fixed width here, so that those of many lines are made as one
table of digits.
"""

from __future__ import annotations

import re
import zlib
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from logstream.records import Position
from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.integer]

VERSION = "1"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_BASE = 36
_TRIPLE = _BASE**3
_TRIPLES = tuple(map("".join, product(_DIGITS, repeat=3)))
_TRIPLE_DIGITS = np.frombuffer("".join(_TRIPLES).encode(), np.uint8).reshape(_TRIPLE, 3)
_OFFSET_DIGITS, _ANCHOR_DIGITS = 9, 7
_CRC_OF_ZEROS = np.uint32(zlib.crc32(bytes(ANCHOR_BYTES)))


def _crc_shares() -> Numbers:
    """What a byte at each of 64 places adds to the checksum of 64 zeros: one row a place, one column a byte."""
    shares = np.empty((ANCHOR_BYTES, 256), np.uint32)
    last = [zlib.crc32(byte.to_bytes(ANCHOR_BYTES)) for byte in range(256)]
    shares[-1] = np.array(last, np.uint32) ^ _CRC_OF_ZEROS
    for place in range(ANCHOR_BYTES - 1, 0, -1):
        # One place further from the end is one zero more behind the byte.
        shares[place - 1] = (shares[place] >> 8) ^ shares[-1][shares[place] & 0xFF]
    return shares.ravel()


_CRC_SHARES = _crc_shares()
"""A checksum of 64 bytes is what each adds to that of 64 zeros, as crc32 is linear: all are looked up at once."""
_SHARE_PLACES = np.arange(ANCHOR_BYTES, dtype=np.intp) * 256
_SHAPE = re.compile(r"1\.([a-z2-7]{8})\.([0-9a-z]{1,13})\.([0-9a-z]{1,7})")
_CRC_LIMIT = 2**32
LONGEST_ID_BYTES = 40


def anchor_of(before: bytes) -> int:
    """The anchor for an offset whose preceding bytes are `before`; only the last 64 count."""
    return zlib.crc32(before[-ANCHOR_BYTES:])


def gap_anchor(generation: str, offset: int) -> int:
    """In place of an anchor: behind bytes that are gone, so that nothing can be compared.

    It follows from the rest of the id: any process knows one again, also after a restart and where the bytes have been
    found since, and one that was made up, such as zeros, is none.
    """
    return zlib.crc32(b"gap %s %d" % (generation.encode(), offset))


def open_gap_anchor(generation: str, offset: int) -> int:
    """The same behind a gap of which nobody knows the end: its offset is that of its beginning, where others may be."""
    return zlib.crc32(b"open gap %s %d" % (generation.encode(), offset))


def anchors_within(content: bytes, ends: Sequence[int]) -> list[int]:
    """The anchors for offsets within `content`, each of which has 64 bytes before it there."""
    crc32 = zlib.crc32
    return [crc32(content[end - ANCHOR_BYTES : end]) for end in ends]


def anchors_of(lead: bytes, content: bytes, ends: Numbers) -> Numbers:
    """The anchors for ascending offsets within `content`, before which stands `lead`."""
    whole = lead.rjust(ANCHOR_BYTES, b"\0") + content
    # Each row begins a byte behind the one above it.
    before = np.ndarray((len(content) + 1, ANCHOR_BYTES), np.uint8, whole, strides=(1, 1))[ends]
    shares = _CRC_SHARES.take(before + _SHARE_PLACES, mode="clip")  # nothing is beyond: that they need not be looked at
    # Two at a time, and in the end these two.
    halves = np.bitwise_xor.reduce(shares.view(np.uint64), axis=1).view(np.uint32)
    anchors: Numbers = halves[::2] ^ halves[1::2] ^ _CRC_OF_ZEROS
    # Near a file's first byte there are fewer before an end, and no zeros.
    for place in range(int(np.searchsorted(ends, ANCHOR_BYTES - len(lead)))):
        anchors[place] = anchor_of(lead + content[: ends[place]])
    return anchors


def encode_tail(offset: int, anchor: int) -> str:
    """The `<offset>.<anchor>` part of an id: nine and seven base36 digits (offsets up to 100 TB)."""
    high, low = divmod(offset, _TRIPLE)
    top, middle = divmod(high, _TRIPLE)
    anchor_high, anchor_low = divmod(anchor, _TRIPLE)
    anchor_top, anchor_middle = divmod(anchor_high, _TRIPLE)
    return (
        f"{_TRIPLES[top]}{_TRIPLES[middle]}{_TRIPLES[low]}"
        f".{_DIGITS[anchor_top]}{_TRIPLES[anchor_middle]}{_TRIPLES[anchor_low]}"
    )


def id_prefix(generation: str) -> str:
    """What stands before `encode_tail` in each id of one generation."""
    return f"{VERSION}.{generation}."


def encode_id(position: Position) -> str:
    """The id of `position`."""
    return id_prefix(position.generation) + encode_tail(position.offset, position.anchor)


def encode_ids(generation: str, offsets: Numbers, anchors: Numbers) -> list[bytes]:
    """The ids of many positions in one generation: what `encode_id` makes of each."""
    ids = id_table(generation, offsets, anchors)
    found: list[bytes] = ids.view(f"S{ids.shape[1]}").ravel().tolist()
    return found


def id_table(generation: str | Sequence[str], offsets: Numbers, anchors: Numbers) -> NDArray[np.uint8]:
    """The same, a row of characters for each; or of positions each in a generation of its own."""
    prefixes = [id_prefix(key) for key in ((generation,) if isinstance(generation, str) else generation)]
    # All are of one length, as all keys are.
    heads = np.frombuffer("".join(prefixes).encode(), np.uint8).reshape(len(prefixes), -1)
    dot = heads.shape[1] + _OFFSET_DIGITS
    ids = np.empty((len(offsets), dot + 1 + _ANCHOR_DIGITS), np.uint8)
    # Digits are written three at a time; an anchor's first two are zeros, and make room for the dot.
    high, low = np.divmod(np.concatenate((offsets, anchors)), _TRIPLE)
    top, middle = np.divmod(high, _TRIPLE)
    triples = np.stack((top, middle, low), axis=1)
    digits = _TRIPLE_DIGITS.take(triples, axis=0).reshape(2, len(offsets), 9)
    ids[:, dot + _ANCHOR_DIGITS - 8 :] = digits[1]
    ids[:, dot - _OFFSET_DIGITS : dot] = digits[0]
    ids[:, dot] = ord(".")
    ids[:, : heads.shape[1]] = heads
    return ids


def decode_id(text: str) -> Position | None:
    """The position that `text` names, or None if no server of this format can have written it."""
    shape = _SHAPE.fullmatch(text) if len(text) <= LONGEST_ID_BYTES else None
    if shape is None:
        return None
    generation, offset, anchor = shape.groups()
    crc = int(anchor, _BASE)
    return Position(generation, int(offset, _BASE), crc) if crc < _CRC_LIMIT else None
