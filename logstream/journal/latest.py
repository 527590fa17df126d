"""The last byte of some sources before a place, however much of others was recorded since.

Owns the search: between two keyframes entries are walked, and among the keyframes it is bisected, as offsets only grow.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.entries import EntryCursor, keyframe_before, vector_at
from logstream.records import GapReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.ledger import Ledger
    from logstream.journal.life import Life
    from logstream.journal.reading import StoreReading


class _Last(NamedTuple):
    """The last entry of what is wanted: how far it goes, and whether it is a hole of which nobody knows the end."""

    life: Life
    offset: int
    is_open_gap: bool
    is_forgotten: bool


async def read_before_of(
    store: StoreReading, ledger: Ledger, at: int, tells: Callable[[str], bool]
) -> tuple[Life, int, bool] | None:
    """As `search.read_before`, of the sources that `tells` accepts; None also if nothing of them was recorded."""
    while True:
        epoch = ledger.epoch
        last = await _search(store, ledger, at, tells)
        if epoch == ledger.epoch:  # else another process has written rows anew meanwhile
            break
    return None if last is None or last.is_forgotten else (last.life, last.offset, last.is_open_gap)


async def _search(store: StoreReading, ledger: Ledger, at: int, tells: Callable[[str], bool]) -> _Last | None:
    keyframe = keyframe_before(ledger, at)
    last = await _last_between(store, ledger, keyframe, at, tells)
    if last is not None or not keyframe:
        return last
    keyframes = [0, *(start for start in ledger.keyframes if 0 < start <= keyframe)]
    lives = [life for life in ledger.lives.values() if life.birth_at < keyframe and tells(life.generation.source)]
    final = _reached(store, lives, keyframe)
    # The first keyframe at which all of them were where they are now.
    low, high = 0, len(keyframes) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _reached(store, lives, keyframes[middle]) == final else (middle + 1, high)
        await asyncio.sleep(0)
    return None if not low else await _last_between(store, ledger, keyframes[low - 1], keyframes[low], tells)


def _reached(store: StoreReading, lives: list[Life], start: int) -> list[int]:
    """How far each was at the keyframe `start`."""
    offsets = vector_at(store, start).offsets
    found = []
    for life in lives:
        if life.birth_at >= start:
            found.append(life.base)
        else:
            # Keyframes leave out those that had ended by then.
            found.append(offsets.get(life.slot, life.committed))
    return found


async def _last_between(
    store: StoreReading, ledger: Ledger, begin: int, end: int, tells: Callable[[str], bool]
) -> _Last | None:
    cursor = EntryCursor(store, ledger, begin)
    last: _Last | None = None
    while cursor.at < end and (found := cursor.peek()) is not None:
        entry, before = found
        life = ledger.by_slot[entry.slot]
        if tells(life.generation.source):
            is_hole = entry.hole is not None
            length = (entry.length or 0) if is_hole else min(end - entry.at, entry.weight)
            is_forgotten = entry.hole is GapReason.EXPIRED
            last = _Last(life, before.offset + length, is_hole and entry.length is None, is_forgotten)
        if cursor.move_behind(entry):
            await asyncio.sleep(0)
    return last
