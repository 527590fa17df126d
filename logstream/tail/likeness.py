"""What the bytes of a generation are recognised by, in whatever file they stand now.

Owns the comparison of bytes with what was recorded of them, and of two files. Refuses to look at names, and into
compressed files.
"""

from __future__ import annotations

import os
import zlib
from typing import Final, NamedTuple, Protocol

from logstream.tail.batch import ANCHOR_BYTES

CHECKED_BYTES: Final = 64 << 20
"""So much of a file is compared at once where it is looked at anyway: some tens of milliseconds."""
_CHUNK_BYTES: Final = 1 << 20
_FILLING_BYTES: Final = 4
"""So few different bytes, line end and all, are no text."""


class _Recorded(Protocol):
    @property
    def committed(self) -> int: ...
    @property
    def head_length(self) -> int: ...
    @property
    def head_crc(self) -> int: ...
    @property
    def proof_offset(self) -> int: ...
    @property
    def proof_crc(self) -> int: ...


class Likeness(NamedTuple):
    """What the bytes of a generation are recognised by: `least_bytes` of them were recorded.

    The crc32 of its first `head_length` bytes, and of the at most 64 before `proof_offset`, are as `tail.batch.Known`
    has them.
    """

    least_bytes: int
    head_length: int
    head_crc: int
    proof_offset: int
    proof_crc: int

    @property
    def is_certain(self) -> bool:
        """Whether it tells this generation from others: a name and the same first lines are common to many.

        Of a file that was empty when it was seen, nothing is known.
        """
        return self.proof_offset > 0 or 0 < self.head_length >= self.least_bytes

    def is_met_by(self, descriptor: int, start: int = 0) -> bool:
        """Whether the file behind `descriptor` begins with this generation, or goes on with it at `start`, for sure."""
        if not self.is_certain or os.fstat(descriptor).st_size < start + self.least_bytes:
            return False
        head = os.pread(descriptor, self.head_length, start)
        return zlib.crc32(head) == self.head_crc and self.is_proven_by(descriptor, start)

    def is_proven_by(self, descriptor: int, start: int = 0) -> bool:
        """Whether the bytes before the last proven offset are what they were."""
        length = min(ANCHOR_BYTES, self.proof_offset)
        found = os.pread(descriptor, length, start + self.proof_offset - length)
        return not self.proof_offset or zlib.crc32(found) == self.proof_crc

    def may_be_in(self, descriptor: int) -> bool:
        """Whether a file still has what was recorded of this generation, as far as that tells."""
        if os.fstat(descriptor).st_size < self.least_bytes:
            return False
        if self.proof_offset:
            return self.is_met_at_its_end(descriptor)
        return zlib.crc32(os.pread(descriptor, self.head_length, 0)) == self.head_crc

    def is_met_at_its_end(self, descriptor: int) -> bool:
        """The same; where these bytes are but a filling, which may end any line, the first ones are compared, too."""
        length = min(ANCHOR_BYTES, self.proof_offset)
        is_filling = len({*os.pread(descriptor, length, self.proof_offset - length)}) <= _FILLING_BYTES < length
        if is_filling and zlib.crc32(os.pread(descriptor, self.head_length, 0)) != self.head_crc:
            return False
        return self.is_proven_by(descriptor)


def likeness_of(life: _Recorded) -> Likeness:
    """What a generation's bytes are recognised by."""
    return Likeness(life.committed, life.head_length, life.head_crc, life.proof_offset, life.proof_crc)


def has_head_of(descriptor: int, life: _Recorded) -> bool:
    """Whether an open file begins with the first bytes of a generation, if any are known; raises OSError."""
    return life.head_length > 0 and zlib.crc32(os.pread(descriptor, life.head_length, 0)) == life.head_crc


def begins_with(original: int, descriptor: int, size: int) -> bool:
    """Whether the file `original` begins with the first `size` bytes of the file `descriptor`.

    Compared up to `CHECKED_BYTES`; of more, so much at the beginning and at the end.
    """
    if os.fstat(original).st_size < size:
        return False
    half = CHECKED_BYTES // 2
    stretches = [(0, size)] if size <= CHECKED_BYTES else [(0, half), (size - half, half)]
    for start, length in stretches:
        for at in range(start, start + length, _CHUNK_BYTES):
            most = min(_CHUNK_BYTES, start + length - at)
            if os.pread(original, most, at) != os.pread(descriptor, most, at):
                return False
    return True


def crc_of(descriptor: int, size: int) -> int:
    """The crc32 of the first `size` bytes of a file."""
    crc = 0
    for at in range(0, size, _CHUNK_BYTES):
        crc = zlib.crc32(os.pread(descriptor, min(_CHUNK_BYTES, size - at), at), crc)
    return crc
