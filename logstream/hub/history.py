"""Reading back what was recorded: records before, after and around a place, and counts over time.

Owns how far one question may go: a budget of bytes, after which the answer says how far it came, so that who asked can
go on from there. Walks all generations that the journal knows, also those whose file has another name by now or is
compressed. Refuses to know ids as texts and how answers look.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.line_times import LineTimes
from logstream.hub.times import Span
from logstream.journal.base import Block, Lost, Passed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from logstream.hub.frames import EncodedRecord
    from logstream.hub.hub import Hub
    from logstream.hub.judged_block import JudgedBlock
    from logstream.hub.view import View
    from logstream.records import Gap, Level, Position

SCAN_BYTES = 32 << 20
"""What one question for records reads at most, and a block."""
PASSED_SHARE = 8
"""Bytes that are passed over without a look at single lines are taken for so many times fewer."""
_COUNT_BYTES = 8 << 20
"""What one question for counts reads at most: there each line is parsed."""
_FIRST_WINDOW_BYTES = 256 * 1024
_ITSELF_BYTES = 1 << 20
"""How far before its end a record is looked for that an id names: lines are cut long before."""
_LARGEST_WINDOW_BYTES = 4 << 20


class Wanted(NamedTuple):
    """What is looked for: records that `view` selects, whose time lies in `span`, at most `limit` of them."""

    view: View
    span: Span
    limit: int


class Found(NamedTuple):
    """A record, the place before it and the place after it."""

    start_at: int
    end_at: int
    record: EncodedRecord


class Page(NamedTuple):
    """Records in recorded order, what is lost between them, and how far was looked.

    `scanned_to` is the position of the last line that was looked at, in the direction of the walk: who goes on from it
    in that direction misses nothing. `more`: something is left that was not looked at.
    """

    records: tuple[EncodedRecord, ...]
    gaps: tuple[Gap, ...]
    scanned_to: Position | None
    more: bool


class _Scan(NamedTuple):
    """What a walk over a stretch brought. `first_end` is the place after the first line that was read."""

    found: list[Found]
    lost: list[Lost]
    reached: int
    read_bytes: int
    first_end: int | None


async def page_before(hub: Hub, wanted: Wanted, end_at: int | None, scan_bytes: int = SCAN_BYTES) -> Page:
    """The last records that end before the place `end_at` (None: the last of all)."""
    below = hub.durable_head + 1 if end_at is None else end_at
    end = min(below, hub.durable_head)
    floor = await _floor(hub, wanted.view, wanted.span)
    found: list[Found] = []
    lost: list[Lost] = []
    left_bytes, window_bytes = scan_bytes, _FIRST_WINDOW_BYTES
    looked_to: int | None = None
    while end > floor and len(found) < wanted.limit and left_bytes > 0:
        begin = await hub.journal.align(max(floor, end - min(window_bytes, left_bytes)))
        scan = await _scan(hub, wanted, begin, end)
        found = [match for match in scan.found if match.end_at < below] + found
        lost = [item for item in scan.lost if item.next_at <= below] + lost
        looked_to = scan.first_end or looked_to
        left_bytes -= scan.read_bytes
        end, window_bytes = begin, min(window_bytes * 2, _LARGEST_WINDOW_BYTES)
        await asyncio.sleep(0)
    more = end > floor
    if len(found) >= wanted.limit and found:
        found = found[-wanted.limit :]
        more, looked_to = found[0].start_at > floor, found[0].end_at
    if more and looked_to is not None:
        # What is lost before that line is told to whoever goes on there.
        lost = [item for item in lost if item.next_at >= looked_to]
    return await _page(hub, wanted.view, found, lost, looked_to, more=more)


async def page_after(hub: Hub, wanted: Wanted, begin_at: int, scan_bytes: int = SCAN_BYTES) -> Page:
    """The first records that begin at or after the place `begin_at`."""
    head = hub.durable_head
    begin = min(max(begin_at, await _floor(hub, wanted.view, wanted.span)), head)
    scan = await _scan(hub, wanted, begin, head, most=wanted.limit, scan_bytes=scan_bytes)
    found, reached = scan.found, scan.reached
    if len(found) >= wanted.limit and found:
        found = found[: wanted.limit]
        reached = found[-1].end_at
    lost = [item for item in scan.lost if item.at < reached]
    return await _page(hub, wanted.view, found, lost, reached or None, more=reached < head)


async def page_around(hub: Hub, wanted: Wanted, at: int) -> tuple[Page, Page]:
    """The records before the one that ends at `at`, and those from it on; together at most `limit`."""
    before = await page_before(hub, wanted._replace(limit=max(1, wanted.limit // 2)), at, SCAN_BYTES // 2)
    # The record itself belongs to neither side: it is what lies between.
    start = max(await hub.journal.align(max(0, at - 1)), at - _ITSELF_BYTES)
    itself = [match for match in (await _scan(hub, wanted, start, at)).found if match.end_at == at]
    left = wanted.limit - len(itself) - (len(before.records) if wanted.limit > 1 else 0)
    if left <= 0:
        after = Page((), (), await hub.journal.position_at(at, wanted.view.tells), at < hub.durable_head)
    else:
        after = await page_after(hub, wanted._replace(limit=left), at, SCAN_BYTES // 2)
    own = tuple(match.record for match in itself)
    if len(own) + len(before.records) > wanted.limit:
        before = before._replace(records=(), more=True, scanned_to=await hub.journal.position_at(at, wanted.view.tells))
    return before, after._replace(records=own + after.records)


async def _page(  # noqa: PLR0913 - what a page tells
    hub: Hub, view: View, found: list[Found], lost: list[Lost], looked_to: int | None, *, more: bool
) -> Page:
    position = None if looked_to is None else await hub.journal.position_at(looked_to, view.tells)
    return Page(tuple(match.record for match in found), tuple(item.gap for item in lost), position, more)


async def _floor(hub: Hub, view: View, span: Span) -> int:
    """The place before which nothing can lie in the span: it was recorded before, and tells no later time."""
    return 0 if span.since_ms is None else await hub.journal.place_of_time(span.since_ms, view.wants)


async def _scan(  # noqa: PLR0913 - the stretch, and what ends the walk early
    hub: Hub, wanted: Wanted, begin: int, end: int, *, most: int | None = None, scan_bytes: int | None = None
) -> _Scan:
    """What is wanted between two places: the last of it, or the first `most` of it until `scan_bytes` are read."""
    found: list[Found] = []
    lost: list[Lost] = []
    times = LineTimes(hub)
    read_bytes, reached = 0, begin
    first_end: int | None = None
    reader = hub.journal.reader(begin, wanted.view.wants, sieve_of=wanted.view.sieve_of)
    try:
        while (item := await reader.sift(end)) is not None:
            reached = item.next_at
            if isinstance(item, Lost):
                lost.append(item)
                continue
            if isinstance(item, Passed):
                first_end = first_end or item.first_end_at
                read_bytes += (item.next_at - item.at) // PASSED_SHARE
            else:
                judged = hub.judge(item)
                if first_end is None:
                    first_end = judged.place_after(0)
                found.extend(await _matches(judged, wanted, times, last=most is None))
                if most is None:
                    del found[: -wanted.limit - 1]  # one more, for the one that the question begins with is left out
                read_bytes += len(item.content)
            if (most is not None and len(found) >= most) or (scan_bytes is not None and read_bytes >= scan_bytes):
                break
            await asyncio.sleep(0)
        else:
            reached = end
    finally:
        reader.close()
    return _Scan(found, lost, reached, read_bytes, first_end)


async def _matches(judged: JudgedBlock, wanted: Wanted, times: LineTimes, *, last: bool) -> list[Found]:
    indexes = wanted.view.selected(judged)
    if not wanted.span.is_everything:
        when = await times.of(judged)
        indexes = [index for index in indexes if wanted.span.holds(when[index])]
    indexes = indexes[-wanted.limit - 1 :] if last else indexes[: wanted.limit]
    records = zip(indexes, judged.encoded_lines(indexes), strict=True)
    return [Found(judged.place_before(index), judged.place_after(index), record) for index, record in records]


class Histogram(NamedTuple):
    """Counts by level for each stretch of time between two of `starts_ms`; the key None is for lines without a level.

    `complete` says that everything was looked at; else who asked goes on after `scanned_to`, and adds.
    """

    starts_ms: tuple[int, ...]
    counts: tuple[dict[Level | None, int], ...]
    scanned_to: Position | None
    complete: bool


async def count_by_time(
    hub: Hub, view: View, starts_ms: tuple[int, ...], until_ms: int, begin_at: int = 0
) -> Histogram:
    """How many records of each level lie in each bucket, from the place `begin_at` on."""
    span = Span(starts_ms[0], until_ms)
    counts: tuple[dict[Level | None, int], ...] = tuple({} for _ in starts_ms)
    head = hub.durable_head
    begin = min(max(begin_at, await _floor(hub, view, span)), head)
    reached = begin
    read_bytes = 0
    times = LineTimes(hub)
    async with aclosing(_blocks(hub, view, begin, head)) as blocks:
        async for judged in blocks:
            when = await times.of(judged)
            for index in view.selected(judged):
                if span.holds(when[index]):
                    bucket = counts[bisect_left(starts_ms, when[index] + 1) - 1]
                    level = judged.level_of(index)
                    bucket[level] = bucket.get(level, 0) + 1
            reached = judged.block.next_at
            read_bytes += len(judged.block.content)
            if read_bytes >= _COUNT_BYTES:
                break
        else:
            reached = head
    position = await hub.journal.position_at(reached, view.tells)
    return Histogram(starts_ms, counts, position, reached >= head)


async def _blocks(hub: Hub, view: View, begin: int, end: int) -> AsyncGenerator[JudgedBlock]:
    reader = hub.journal.reader(begin, view.wants)
    try:
        while (item := await reader.read(end)) is not None:
            if isinstance(item, Block):
                yield hub.judge(item)
            await asyncio.sleep(0)
    finally:
        reader.close()
