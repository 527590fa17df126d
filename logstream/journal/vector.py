"""Where each generation is at some place of the journal, in memory and as the bytes of a keyframe. Pure.

Owns that of ten thousand generations this is a few objects: who looks back makes many of these tables, and the
collector of garbage looks at each object that can hold others. A keyframe is LEB128 varints, three for each generation
in the order of slots: how far its slot is from the one before, its offset, its lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_VALUES: Final = 3
"""What is told of a generation."""
_BITS: Final = 7
"""So many of a number are in each of its bytes; the eighth says that there are more."""
_LOW: Final = 0x7F
_MOST_BYTES: Final = 9
"""No number is longer: an offset is less than 1 << 63."""


class Reached(NamedTuple):
    """How far a generation is at some place of the journal: its offset in bytes and its lines so far."""

    offset: int
    lines: int


@dataclass(slots=True)
class Vector:
    """How far generations are, by slot: tables of plain numbers, at which no collection of garbage looks."""

    offsets: dict[int, int] = field(default_factory=dict)
    lines: dict[int, int] = field(default_factory=dict)

    def put(self, slot: int, reached: Reached) -> None:
        """Note where a generation is."""
        self.offsets[slot], self.lines[slot] = reached

    def items(self) -> Iterator[tuple[int, Reached]]:
        """All of them."""
        return ((slot, Reached(offset, self.lines[slot])) for slot, offset in self.offsets.items())

    def copy(self) -> Vector:
        """The same once more."""
        return Vector(self.offsets.copy(), self.lines.copy())


def encode_vector(vector: Vector) -> bytes:
    """A keyframe."""
    count = len(vector.offsets)
    slots = np.fromiter(vector.offsets, np.uint64, count)
    order = np.argsort(slots)
    numbers = np.empty(_VALUES * count, np.uint64)
    numbers[0::_VALUES] = np.diff(slots[order], prepend=np.uint64(0))
    numbers[1::_VALUES] = np.fromiter(vector.offsets.values(), np.uint64, count)[order]
    numbers[2::_VALUES] = np.fromiter(map(vector.lines.__getitem__, vector.offsets), np.uint64, count)[order]
    return _varints(numbers)


def decode_vector(blob: bytes) -> Vector:
    """The inverse of `encode_vector`; raises IndexError or ValueError if the bytes are torn."""
    numbers = _numbers(blob)
    if len(numbers) % _VALUES:
        message = "it ends within a generation"
        raise ValueError(message)
    slots = np.cumsum(numbers[0::_VALUES]).tolist()
    offsets, lines = numbers[1::_VALUES].tolist(), numbers[2::_VALUES].tolist()
    return Vector(dict(zip(slots, offsets, strict=True)), dict(zip(slots, lines, strict=True)))


def _varints(numbers: NDArray[np.uint64]) -> bytes:
    sizes = np.ones(len(numbers), np.int64)
    for size in range(1, _MOST_BYTES):
        sizes += numbers >= np.uint64(1 << _BITS * size)
    starts = np.cumsum(sizes) - sizes
    content = np.empty(int(sizes.sum()), np.uint8)
    for place in range(_MOST_BYTES):
        has = sizes > place
        value = numbers[has] >> np.uint64(_BITS * place) & np.uint64(_LOW)
        content[starts[has] + place] = value + np.uint64(_LOW + 1) * (sizes[has] > place + 1)
    return content.tobytes()


def _numbers(blob: bytes) -> NDArray[np.uint64]:
    content = np.frombuffer(blob, np.uint8)
    ends = np.flatnonzero(content <= _LOW) + 1
    if len(content) and not (len(ends) and ends[-1] == len(content)):
        message = "it ends within a number"
        raise IndexError(message)
    sizes = np.diff(ends, prepend=0)
    if len(sizes) and sizes.max() > _MOST_BYTES:
        message = "a number is too long"
        raise ValueError(message)
    starts = ends - sizes
    numbers = np.zeros(len(ends), np.uint64)
    for place in range(int(sizes.max(initial=0))):
        has = sizes > place
        value = content[starts[has] + place].astype(np.uint64) & np.uint64(_LOW)
        numbers[has] |= value << np.uint64(_BITS * place)
    return numbers
