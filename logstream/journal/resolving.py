"""What an id leads to: a place in the recorded order, checked against the bytes of the file itself.

Owns the answers for ids that the record does not know: given out before its end was lost, or all of it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from logstream.journal.base import Recovery, Resolution
from logstream.journal.boundaries import ends_record
from logstream.journal.ids import anchor_of, gap_anchor, open_gap_anchor
from logstream.journal.power import former_life, place_of_loss
from logstream.journal.search import search_place
from logstream.records import GapReason
from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.ledger import Ledger
    from logstream.journal.life import Life
    from logstream.journal.locate import Locator
    from logstream.journal.reading import StoreReading
    from logstream.records import Position

_LIVES_A_SLICE = 50
"""So many files are looked at before others have their turn."""
_END_LOST = "the record has lost its end (a power loss, or an older state put back): some lines may come twice"
_INDEX_LOST = "the record of what was sent is lost: of this id's file all goes on exactly, of the others there are gaps"
_UNKNOWN = "this id was not given out by this server, or its state was lost"
_WITHIN = "this id is of a place within a line"
_AHEAD = "this id lies ahead of everything read from its file"


class Resolver:
    """Answers for the positions of one journal."""

    def __init__(
        self, store: StoreReading, ledger: Ledger, locator: Locator, max_line_bytes: Callable[[str], int]
    ) -> None:
        """Begin with the ledger as it was loaded: what was recorded by then is what has lasted."""
        self._store = store
        self._ledger = ledger
        self._locator = locator
        self._max_line_bytes = max_line_bytes
        self.loaded_head = ledger.head
        """The place up to which the record had lasted when it was loaded: behind it, ids may be of another order."""
        self._searching = asyncio.Lock()

    async def resolve(self, position: Position, tells: Callable[[str], bool] | None = None) -> Resolution:
        """The place after `position`; with `tells`, an id of a source that it refuses goes the way of unknown ones."""
        life = self._ledger.lives.get(position.generation)
        if life is not None and _is_told(life, tells):
            return await self._checked(life, position)
        former = former_life(self._store, self._ledger, position.generation) if life is None else None
        if former is None or not _is_told(former[0], tells):
            return await self._search(position, tells)
        life, end, at = former
        if position.offset <= end:
            return await self._checked(life, position)
        return await self._after_loss(life, position, end, at)

    async def _after_loss(self, life: Life, position: Position, end: int, at: int) -> Resolution:
        """Of an id of the lost end: what it names may have been recorded anew, in another order.

        Only what lay before the place `at`, and before the offset `end` of its file, is sure.
        """
        found = await self._locator.find_kept(life, position.offset)
        had = position.offset
        if not isinstance(found, GapReason):
            before = self._locator.read_before(found, position.offset, ANCHOR_BYTES)
            if before is None or anchor_of(before) != position.anchor:
                had = end  # these are other bytes: nobody has had them
            elif not self._is_end(life, found, position.offset):
                return Resolution(None, _WITHIN)
        return Resolution(at, _END_LOST, Recovery(life.generation.key, had))

    async def _checked(self, life: Life, position: Position) -> Resolution:
        found = await self._in_life(life, position)
        if found.at is None or await self._ends_record(life, position.offset):
            return found
        return Resolution(None, _WITHIN)

    async def _in_life(self, life: Life, position: Position) -> Resolution:
        if position.offset < life.base:
            return Resolution(None, "this id lies before the place where reading of its file began")
        before = await self._before(life, position.offset)
        if position.offset > life.committed:
            if life.sealed_at is not None or before is None or anchor_of(before) != position.anchor:
                return Resolution(None, _AHEAD)
            return Resolution(self.loaded_head, _END_LOST, Recovery(life.generation.key, position.offset))
        is_at_end = life.sealed_at is not None and position.offset == life.committed
        if is_at_end and position.anchor == open_gap_anchor(*position[:2]):
            return Resolution(life.sealed_at, None)
        # Behind a gap an id was made without the bytes before it. They may have been found again since: moved back,
        # unpacked, or still open in the process that is asked now.
        is_behind_gap = position.anchor == gap_anchor(*position[:2])
        if before is not None and not is_behind_gap and anchor_of(before) != position.anchor:
            return Resolution(None, "the bytes before this id are not the ones that it was made from")
        at = await search_place(self._store, self._ledger, life, position.offset)
        return Resolution(at, _UNKNOWN if at is None else None)

    async def _before(self, life: Life, offset: int) -> bytes | None:
        found = await self._locator.find_kept(life, offset)
        return None if isinstance(found, GapReason) else self._locator.read_before(found, offset, ANCHOR_BYTES)

    async def _ends_record(self, life: Life, offset: int) -> bool:
        found = await self._locator.find_kept(life, offset)
        return isinstance(found, GapReason) or self._is_end(life, found, offset)

    def _is_end(self, life: Life, descriptor: int, offset: int) -> bool:
        if offset in {life.base, life.committed}:
            return True  # the last line of a file that is gone or rotated may have no line end
        generation = life.generation
        limit = self._max_line_bytes(generation.source)
        base = life.base if offset > life.base else 0
        try:
            return ends_record(descriptor, generation.encoding, offset, base, limit)
        except OSError:
            return False

    async def _search(self, position: Position, tells: Callable[[str], bool] | None) -> Resolution:
        """By the bytes before it an id can be found in its file, also where nothing is known of it."""
        if not position.offset or position.anchor == gap_anchor(*position[:2]):
            return Resolution(None, _UNKNOWN)
        async with self._searching:  # each search opens all files: one after the other is enough
            lives = await self._lives_with(position, tells)
        if len(lives) != 1:
            return Resolution(None, _UNKNOWN)
        (life,) = lives
        key, offset = life.generation.key, position.offset
        lost_at = place_of_loss(self._store, life)
        if lost_at is not None:
            return Resolution(lost_at, _END_LOST, Recovery(key, offset))
        recovery = Recovery(key, offset, until=self._ledger.head, told_as=position.generation)
        if offset > life.committed:
            return Resolution(self._ledger.head, _INDEX_LOST, recovery)
        at = await search_place(self._store, self._ledger, life, max(offset, life.base))
        if at is None:
            return Resolution(None, _UNKNOWN)
        return Resolution(at, _INDEX_LOST, recovery._replace(is_behind=True))

    async def _lives_with(self, position: Position, tells: Callable[[str], bool] | None) -> list[Life]:
        found = []
        lives = [life for life in self._ledger.lives.values() if life.gone is None and _is_told(life, tells)]
        for index, life in enumerate(lives, 1):
            descriptor = self._locator.locate(life)
            if not isinstance(descriptor, GapReason):
                before = self._locator.read_before(descriptor, position.offset, ANCHOR_BYTES)
                is_there = before is not None and anchor_of(before) == position.anchor
                if is_there and self._is_end(life, descriptor, position.offset):
                    found.append(life)
            if index % _LIVES_A_SLICE == 0:
                await asyncio.sleep(0)
        return found


def _is_told(life: Life, tells: Callable[[str], bool] | None) -> bool:
    return tells is None or tells(life.generation.source)
