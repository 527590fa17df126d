"""Sets of a block's lines as the bits of one number: bit 0 is the first line.

What is in both, in either or in one alone of two sets costs the same for one line and for a thousand. Owns how they are
made and read. Refuses to know what a set is of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

Lines = int
"""The lines whose bits are set."""

_FEW: Final = 12
"""So many are looked at one by one in less time than it takes to make an array."""


def all_lines(count: int) -> Lines:
    """The first `count` lines."""
    return (1 << count) - 1


def bitmap(indexes: Iterable[int]) -> Lines:
    """The lines at `indexes`; `bitmap_of_places` is quicker for many that are no range."""
    if isinstance(indexes, range) and indexes.step == 1:
        return all_lines(indexes.stop) & ~all_lines(indexes.start)
    lines = 0
    for index in indexes:
        lines |= 1 << index
    return lines


def bitmap_of_mask(mask: NDArray[np.bool_]) -> Lines:
    """The lines at whose places `mask` is true."""
    return int.from_bytes(np.packbits(mask, bitorder="little").tobytes(), "little")


def bitmap_of_places(places: Sequence[int] | NDArray[np.integer], count: int) -> Lines:
    """The lines at `places`, of `count`; a place may come more than once."""
    if isinstance(places, range):
        return bitmap(places)
    if len(places) <= _FEW:
        return bitmap(map(int, places))
    mask = np.zeros(count, np.bool_)
    mask[places] = True
    return bitmap_of_mask(mask)


def mask_of(lines: Lines, count: int) -> NDArray[np.bool_]:
    """Whether each of the first `count` lines is among `lines`."""
    packed = np.frombuffer(lines.to_bytes((count + 7) // 8, "little"), np.uint8)
    return np.unpackbits(packed, count=count, bitorder="little").view(np.bool_)


def indexes_of(lines: Lines) -> Sequence[int]:
    """The indexes of `lines`, ascending; a range where they are the first of all."""
    count = lines.bit_length()
    if lines.bit_count() == count:
        return range(count)
    if lines.bit_count() > _FEW:
        found: list[int] = np.flatnonzero(mask_of(lines, count)).tolist()
        return found
    few = []
    while lines:
        lowest = lines & -lines
        few.append(lowest.bit_length() - 1)
        lines ^= lowest
    return few
