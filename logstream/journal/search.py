"""Looking things up in the recorded order: the ledger at start, an id's place, what stands before a place."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from logstream.journal import base
from logstream.journal.codec import RowWriter, decode_row
from logstream.journal.entries import EntryCursor, keyframe_before, vector_at
from logstream.journal.ledger import Ledger, Stored
from logstream.journal.life import Life, unsigned
from logstream.records import GapReason, Generation

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.reading import StoreReading

_LIVES_A_SLICE = 2_000
"""Others have their turn after so many."""


def load_ledger(store: StoreReading, max_line_bytes: Callable[[str], int]) -> Ledger:
    """The ledger as the last committed transaction left it."""
    lives = {life.slot: life for life in load_lives(store)}
    keyframes: list[int] = [start for (start,) in store.select("SELECT start FROM keyframe ORDER BY start")]
    start = keyframes[-1] if keyframes else 0
    for slot, reached in vector_at(store, start).items():
        if slot in lives and lives[slot].sealed_at is None:
            lives[slot].committed, lives[slot].lines = reached
    writer: RowWriter | None = None
    entries = 0
    last_key: str | None = None
    while rows := store.rows_from(start):
        for row in rows:
            for entry in decode_row(row.start, row.time_ms, row.entries):
                life = lives[entry.slot]
                if life.sealed_at is None:
                    life.committed += entry.length or 0
                    life.lines += entry.line_count
                entries += 1
                last_key = life.generation.key
            writer = RowWriter.reopen(row.start, row.time_ms, row.entries)
        start = rows[-1].start + 1
    return Ledger(Stored(tuple(lives.values()), keyframes, writer, entries, last_key), max_line_bytes)


def load_lives(store: StoreReading) -> list[Life]:
    """Every generation as the store has it; of those that are still read it does not know how far."""
    lives = []
    for row in store.select("SELECT * FROM generation"):
        slot, key, source, file, path, dev, ino, igen, base, encoding, head_length, head_crc, *rest = row
        proof_offset, proof_crc, birth_at, sealed_at, sealed_end, sealed_lines, gone, written_ns, *rest = rest
        kept_end, ahead_ms = rest
        life = Life(
            slot=slot,
            generation=Generation(key, source, file, encoding),
            path=path.decode("utf-8", "surrogateescape"),
            dev=unsigned(dev),
            ino=unsigned(ino),
            igen=igen,
            base=base,
            head_length=head_length,
            head_crc=head_crc,
            birth_at=birth_at,
            committed=base if sealed_end is None else sealed_end,
            lines=sealed_lines or 0,
            proof_offset=proof_offset,
            proof_crc=proof_crc,
            sealed_at=sealed_at,
            gone=None if gone is None else GapReason(gone),
            written_ns=written_ns,
            kept_end=kept_end,
            ahead_ms=ahead_ms,
        )
        lives.append(life)
    return lives


async def reached_at(store: StoreReading, ledger: Ledger, at: int) -> tuple[base.Reached, ...]:
    """How far each generation was recorded at the place `at`, for those of which something was and may still be had."""
    keyframe = keyframe_before(ledger, at)
    offsets = vector_at(store, keyframe).offsets
    cursor = EntryCursor(store, ledger, keyframe)
    while cursor.at < at and (found := cursor.peek()) is not None:
        entry, before = found
        recorded = min(at - entry.at, entry.weight) if entry.hole is None else (entry.length or 0)
        offsets[entry.slot] = before.offset + recorded
        if cursor.move_behind(entry):
            await asyncio.sleep(0)
    reached = []
    for number, life in enumerate(tuple(ledger.lives.values()), 1):
        if number % _LIVES_A_SLICE == 0:
            await asyncio.sleep(0)
        # Keyframes leave out those that had ended by then.
        has_ended = life.sealed_at is not None and life.sealed_at <= at
        offset = offsets.get(life.slot, life.committed if has_ended else life.base)
        if life.gone is None and offset > life.base:
            reached.append(base.Reached(life.generation, life.base, offset))
    return tuple(reached)


async def search_place(store: StoreReading, ledger: Ledger, life: Life, offset: int) -> int | None:
    """The place just after byte `offset` of a generation, `base <= offset <= committed`.

    None if the generation is just being forgotten, and no row speaks of that byte any more. Others have their turn
    meanwhile: with many files the place may lie far behind a keyframe.
    """
    if offset == life.base:
        return life.birth_at
    cursor = EntryCursor(store, ledger, await _keyframe_of(store, ledger, life, offset))
    while (found := cursor.peek()) is not None:
        entry, before = found
        if entry.slot == life.slot:
            end = before.offset + (entry.length or 0)
            if end >= offset:
                return entry.at + (entry.weight if entry.hole is not None else offset - before.offset)
        if cursor.move_behind(entry):
            await asyncio.sleep(0)
    return None


async def _keyframe_of(store: StoreReading, ledger: Ledger, life: Life, offset: int) -> int:
    """The last keyframe at which the generation was not yet at `offset`; by bisection, as offsets only grow."""
    keyframes = ledger.keyframes

    def is_before(index: int) -> bool:
        start = keyframes[index]
        if start <= life.birth_at:
            return True
        return vector_at(store, start).offsets.get(life.slot, life.committed) < offset

    low, high = 0, len(keyframes)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if is_before(middle) else (low, middle)
        await asyncio.sleep(0)
    return keyframes[low - 1] if low else 0


async def read_before(store: StoreReading, ledger: Ledger, at: int) -> tuple[Life, int, bool] | None:
    """The generation and offset of the last byte recorded before the place `at` (0 < at <= head); None if forgotten.

    And whether that is a hole of which nobody knows the end.
    """
    cursor = EntryCursor(store, ledger, at - 1)
    await cursor.arrive(at)
    found = cursor.peek()
    if found is None:
        message = f"nothing is recorded before place {at}"
        raise IndexError(message)
    entry, before = found
    if entry.hole is GapReason.EXPIRED:
        return None
    end = before.offset + (entry.length or 0)
    life = ledger.by_slot[entry.slot]
    if entry.hole is not None:
        return life, end, entry.length is None
    return life, before.offset + at - entry.at, False
