"""Many records written side by side: their parts in turn, in as few pieces as it takes.

Owns that what has the same length in each record becomes one piece with what is the same in all of them: also the end
of a record with the beginning of the next. Refuses to know what is written. Pure.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from logstream.parse import Column

if TYPE_CHECKING:
    from collections.abc import Sequence


Part = bytes | Column
"""What stands at one place of each record: the same in all, a list of what each has, or a table with a row for each.

A row does not end with NUL.
"""
_Fixed = bytes | np.ndarray


def woven(parts: Sequence[Part], counts: Sequence[int]) -> list[list[bytes]]:
    """The first of each part, then the second of each, and so on; to be joined, a list for each of so many records."""
    count = sum(counts)
    runs = _runs(parts)
    first, last = runs[0], runs[-1]
    is_joined = len(runs) > 1 and isinstance(first[0], _Fixed) and isinstance(last[0], _Fixed)
    if is_joined:
        runs = [*runs[1:-1], [*last, *(_moved_up(part) for part in first)]]
    width = len(runs)
    pieces = [b""] * (width * count)
    for number, run in enumerate(runs):
        pieces[number::width] = _column(run, count)
    found = []
    start = 0
    for stop in accumulate(counts):
        stretch = pieces[width * start : width * stop]
        if is_joined and stretch:
            stretch[0] = _row(first, start) + stretch[0]
            stretch[-1] = _row(last, stop - 1)
        found.append(stretch)
        start = stop
    return found


def _runs(parts: Sequence[Part]) -> list[list[Part]]:
    """The parts with neighbours together that have a fixed length."""
    runs: list[list[Part]] = []
    for part in parts:
        if isinstance(part, _Fixed) and runs and isinstance(runs[-1][0], _Fixed):
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _column(run: Sequence[Part], count: int) -> Sequence[bytes]:
    """What a run is in each record."""
    one = run[0]
    if not isinstance(one, _Fixed):
        return one
    template = b"".join(part if isinstance(part, bytes) else bytes(_width(part)) for part in run)
    if all(isinstance(part, bytes) for part in run):
        return [template] * count
    # What is the same in all rows is copied with them; the rest is filled in.
    table = np.frombuffer(bytearray(template * count), np.uint8).reshape(count, len(template))
    at = 0
    for part in run:
        width = _width(part)
        if isinstance(part, np.ndarray):
            table[:, at : at + width] = part
        at += width
    column: list[bytes] = table.view(f"S{len(template)}").ravel().tolist()
    return column


def _width(part: Part) -> int:
    return part.shape[1] if isinstance(part, np.ndarray) else len(part)


def _row(run: Sequence[Part], number: int) -> bytes:
    return b"".join(part if isinstance(part, bytes) else bytes(part[number]) for part in run)


def _moved_up(part: Part) -> Part:
    """A part of which each record has what the next one had."""
    return np.concatenate((part[1:], part[:1])) if isinstance(part, np.ndarray) else part
