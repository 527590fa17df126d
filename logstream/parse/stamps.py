"""The times of many lines that begin with one each, as RFC 3339.

Owns what is done for all of them at once where they are written alike, as they are in most logs. Refuses to find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from logstream.parse.times import offset_of

if TYPE_CHECKING:
    from logstream.parse.times import Clock

Table = NDArray[np.uint8]
"""Texts of the same length, a row of bytes for each."""
Column = Sequence[bytes] | Table
_SEPARATOR, _MINUTE, _TEN_SECONDS, _SECOND = 10, 16, 17, 19
"""Where in a stamp the day, the minute, the first digit of the second and the second end."""
_DIGIT: Final = ord("0")
_ANY_DIGIT: Final = bytes.maketrans(b"123456789", bytes((_DIGIT,)) * 9)


class UniformTimes(NamedTuple):
    """The times of lines that begin with one each, all written alike: as RFC 3339, and as they stand there."""

    times: Table
    stamps: Table


def uniform_times(
    text: bytes, ends: NDArray[np.integer], stamp: bytes, offset: bytes, clock: Clock
) -> UniformTimes | None:
    """The times of all lines of `text`, which end at `ends`, if each begins with a time written like this one.

    `stamp` is a day, a time of day and perhaps a fraction; `offset` is what follows it. None also if there is no such
    time, or if not all have the same offset.
    """
    width = len(stamp) + len(offset)
    starts = np.concatenate(([0], ends[:-1] + 1))
    if int((ends - starts).min()) < width:
        return None
    # A row begins at each byte; taken are those where lines begin.
    times: Table = np.ndarray((len(text) - width + 1, width), np.uint8, text, strides=(1, 1))[starts]
    least, spans = _model(stamp.translate(_ANY_DIGIT), offset)
    if not (times - least <= spans).all():
        return None
    stamps = times
    if stamp[_SEPARATOR] != ord("T") or (len(stamp) > _SECOND and stamp[_SECOND] != ord(".")):
        stamps = times.copy()
        times[:, _SEPARATOR] = ord("T")
        if len(stamp) > _SECOND:
            times[:, _SECOND] = ord(".")
    minutes = np.ascontiguousarray(times[:, :_MINUTE]).view(np.uint64)
    begins_minute = np.flatnonzero((minutes[1:] != minutes[:-1]).any(axis=1)) + 1
    known = {times[row, :_MINUTE].tobytes() for row in (0, *begins_minute.tolist())}
    one, *others = {_offset(minute, offset or None, clock) for minute in known}
    if one is None or others:
        return None
    if one == offset:
        return UniformTimes(times, stamps)
    offsets = np.broadcast_to(np.frombuffer(one, np.uint8), (len(times), len(one)))
    return UniformTimes(np.concatenate((times[:, : len(stamp)], offsets), axis=1), stamps)


@lru_cache(maxsize=64)
def _model(stamp: bytes, offset: bytes) -> tuple[Table, Table]:
    """The least byte at each place of a time that is written alike, and how much greater it may be.

    Each digit of `stamp` is 0.
    """
    spans = [9 if byte == _DIGIT else 0 for byte in stamp] + [0] * len(offset)
    spans[_TEN_SECONDS] = 5
    return np.frombuffer(stamp + offset, np.uint8), np.array(spans, np.uint8)


def times_of(stamps: Sequence[bytes], offsets: Sequence[bytes | None], clock: Clock) -> list[bytes] | None:
    """Stamps with what follows each as RFC 3339; None if there is one among them that does not exist."""
    # All at once: a stamp has at most one blank and one comma, each in its place.
    written = b"\n".join(stamps).replace(b" ", b"T").replace(b",", b".")
    minutes = [stamp[:_MINUTE] for stamp in stamps]
    written_offsets = set(offsets)
    known = {(minute, offset): _offset(minute, offset, clock) for minute in set(minutes) for offset in written_offsets}
    if None in known.values():
        return None
    one, *others = set(known.values())
    if one is not None and not others:
        return (written.replace(b"\n", one + b"\n") + one).split(b"\n")
    found: list[Any] = list(map(known.__getitem__, zip(minutes, offsets, strict=True)))
    return [stamp + offset for stamp, offset in zip(written.split(b"\n"), found, strict=True)]


def _offset(minute: bytes, offset: bytes | None, clock: Clock) -> bytes | None:
    written = None if offset is None else offset.decode()
    found = offset_of(minute[:_SEPARATOR].decode(), minute[_SEPARATOR + 1 :].decode(), written, clock)
    return None if found is None else found.encode()
