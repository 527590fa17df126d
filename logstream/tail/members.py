"""An archive that gets a member with each rotation of its log: where members begin, and how much of it is told already.

Owns what is compared. Refuses to unpack it into a file, and to decide what becomes of whose life stands in it.
"""

from __future__ import annotations

import os
import zlib
from bisect import bisect_left
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Final

from logstream.tail.rotation import base_names, is_compressed_name, without_compression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from logstream.tail.likeness import Likeness

_GZIP: Final = 16 + zlib.MAX_WBITS
_STEP_BYTES: Final = 16 * 1024
"""So little unpacks to 16 MiB at most."""


def may_grow(path: str) -> bool:
    """Whether the name is that of the one archive of a log: rotated files have a count or a date."""
    name = os.path.basename(path)  # noqa: PTH119 - a name alone
    return is_compressed_name(name) and next(base_names(without_compression(name)), None) is None


def starts_of_members(file: IO[bytes], size: int, is_cancelled: Callable[[], bool] = lambda: False) -> tuple[int, ...]:
    """Where the members of a gzip file begin in the first `size` bytes that it unpacks to; at 0 only, if it is none.

    Blocking: callers use a thread. If it is cancelled the last ones are missing.
    """
    starts, at, member = [0], 0, zlib.decompressobj(_GZIP)
    try:
        file.seek(0)
        while at < size and not is_cancelled() and (packed := file.read(_STEP_BYTES)):
            while packed:
                if member.eof:
                    packed = packed.lstrip(b"\0")  # they may be padded, as gzip itself reads them
                    if not packed:
                        break
                    member = zlib.decompressobj(_GZIP)
                    starts.append(at)
                at += len(member.decompress(packed))
                packed = member.unused_data
    except (OSError, zlib.error):
        pass  # what is damaged is known up to there
    return tuple(start for number, start in enumerate(starts) if start < size or not number)


def told_until(descriptor: int, starts: Sequence[int], before: Iterable[Likeness], lives: Iterable[Likeness]) -> int:
    """How much of an unpacked archive, whose members begin at `starts`, was told: up to the end of a member, or 0.

    It was read as it was `before`, from its start to the end of a member; and each of the `lives`, in their order, is
    looked for as all of one member, behind that of the life before. Where members are alike the first counts: what
    comes twice is better than what never comes. Raises OSError.
    """
    bounds = (*starts, os.fstat(descriptor).st_size)
    ends = bounds[1:]
    told = max((one.least_bytes for one in before if one.least_bytes in ends and one.is_met_by(descriptor)), default=0)
    for life in lives:
        for start, end in pairwise(bounds[bisect_left(bounds, told) :]):
            if end - start == life.least_bytes and life.is_met_by(descriptor, start):
                told = end
                break
    return told


def read_until(descriptor: int, starts: Sequence[int], told: int, life: Likeness) -> int | None:
    """Where what is read next begins if a life, of which something may be left, stands in a member behind `told`.

    None if it does not. Raises OSError.
    """
    bounds = (*starts, os.fstat(descriptor).st_size)
    for start, end in pairwise(bounds[bisect_left(bounds, told) :]):
        if end - start >= life.least_bytes and life.is_met_by(descriptor, start):
            return start + life.least_bytes
    return None
