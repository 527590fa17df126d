"""The last records of several files, merged by time.

Owns the order: by time, each file's own lines in their own order, and what has the same time as it was recorded. A line
cannot be recorded before it happens, so the walk back through the recorded order ends where everything further back is
older than what was found. A backlog is recorded late, and file by file: there the walk goes on for `MERGE_BYTES`, and
then the ends of all files are looked at, as far as they were recorded before, until `ENDS_BYTES` have been read. So it
is with lines that all tell a time long past, by a clock that is behind or of another zone; where these came one by one,
the walk ends sooner, after `MERGE_BLOCKS`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.dropping import drop_slowly
from logstream.hub.joining import picked_together
from logstream.hub.line_times import LineTimes
from logstream.hub.times import recorded_ms
from logstream.journal.base import Block, Lost, Picked
from logstream.journal.cutting import in_blocks
from logstream.journal.sifting import Stretch, pieces_around
from logstream.tail.framing import framing_of
from logstream.tail.lines import may_be_over_long

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from logstream.hub.frames import EncodedRecord
    from logstream.hub.hub import Hub
    from logstream.hub.judged_block import JudgedBlock
    from logstream.hub.view import View
    from logstream.journal.base import BlockReader, Passed, Sieve
    from logstream.records import Generation

MERGE_BYTES = 8 << 20
"""How far the walk goes on for the sake of the order alone, once there are enough records."""
MERGE_BLOCKS = 2_048
"""The same in blocks, each of which costs as much as a few hundred bytes at least, however small it is."""
_FIRST_WINDOW_BYTES = 256 * 1024
_LARGEST_WINDOW_BYTES = 32 << 20
"""How far the walk looks at once while there are too few records, and fewer than"""
_FEWEST_TELLING = 8
"""so many: these tell how far it is to the last of them, though it is looked no further at once than"""
_LARGEST_TOLD_BYTES = 256 << 20
_END_BYTES = (16 * 1024, 256 * 1024, 1 << 20)
"""How much of a file's end is read: first a little, for most files ended long before."""
ENDS_BYTES = 32 << 20
"""How much of all files' ends together."""
_MANY = 1_000
"""More records are put in order in a thread: some 3 us each, and twice that on a busy machine."""


class _Match(NamedTuple):
    """A record that was looked for, the place before it, and what orders it."""

    place: int
    time_ms: int
    file: tuple[str, str]
    record: EncodedRecord


class _Window(NamedTuple):
    """What lies between two places: the last records of each file, when it begins, how many blocks it has."""

    matches: list[_Match]
    first_ms: int | None
    blocks: int


class _Walked(NamedTuple):
    """A walk back to the place `to`: the time of the oldest record found, and when what lies there was recorded."""

    to: int
    oldest_ms: int
    recorded_ms: int


async def last_by_time(hub: Hub, view: View, count: int) -> tuple[tuple[EncodedRecord, ...], int | None]:
    """The last `count` records that `view` selects, and the place before the first of them that was recorded."""
    found: list[_Match] = []
    is_settled, oldest_recorded_ms = False, 0
    head = end = hub.head
    window_bytes, over_bytes, over_blocks = _FIRST_WINDOW_BYTES, 0, 0
    while end > 0 and over_bytes < MERGE_BYTES and over_blocks < MERGE_BLOCKS:
        has_enough = len(found) >= count
        begin = await hub.journal.align(max(0, end - window_bytes))
        matches, first_ms, blocks = await _matches(hub, view, begin, end, count)
        if has_enough:
            over_bytes += end - begin
            over_blocks += blocks
        found = await _last_merged([*matches, *found], count)
        window_bytes = _next_window(window_bytes, head - begin, len(found), count)
        if len(found) >= count:
            # Of as many blocks as may still be looked at, if those before are as these.
            window_bytes = max(1, min(window_bytes, (MERGE_BLOCKS - over_blocks) * (end - begin) // max(blocks, 1)))
        end = begin
        oldest_recorded_ms = first_ms or oldest_recorded_ms
        if len(found) >= count and first_ms is not None and first_ms <= found[0].time_ms:
            is_settled = True
            break
    if end > 0 and not is_settled:
        ends = await _ends_of_files(hub, view, _Walked(end, found[0].time_ms, oldest_recorded_ms), count)
        found = await _last_merged([*ends, *found], count)
    return tuple(match.record for match in found), min((match.place for match in found), default=None)


def _next_window(last_bytes: int, walked_bytes: int, found: int, count: int) -> int:
    """How far to look after a window, where so many of `count` records have been found by now."""
    if found >= count:
        return min(last_bytes * 2, MERGE_BYTES)
    if found < _FEWEST_TELLING:
        return min(last_bytes * (2 if found else 4), _LARGEST_WINDOW_BYTES)
    # As if they went on as they are, and a little more: most often that is enough.
    told_bytes = walked_bytes * (count - found) * 9 // (found * 8)
    return max(_FIRST_WINDOW_BYTES, min(told_bytes, _LARGEST_TOLD_BYTES))


async def _ends_of_files(hub: Hub, view: View, walked: _Walked, most: int) -> list[_Match]:
    """Of what each file had before the walk's end: its last `most` records, as far as they can be newer than those."""
    matches: list[_Match] = []
    left_bytes = ENDS_BYTES
    for generation, base, offset in await hub.journal.reached(walked.to):
        if not view.wants(generation.source):
            continue
        below = Block(generation, offset, walked.to, walked.recorded_ms, b"", b"")
        own: list[_Match] = []
        for length in _END_BYTES:
            own, first_ms = await _end_of_file(hub, view, below, min(length, offset - base), most)
            left_bytes -= min(length, offset - base)
            is_enough = len(own) >= most or first_ms is None or first_ms <= walked.oldest_ms
            if is_enough or length >= offset - base or left_bytes <= 0:
                break
        matches += own
        if left_bytes <= 0:
            break
        await asyncio.sleep(0)
    return matches


async def _end_of_file(hub: Hub, view: View, below: Block, length: int, most: int) -> tuple[list[_Match], int | None]:
    """The last records of a file in the `length` bytes before `below`, and the time of the first line there."""
    stretch = hub.lines_before(below, length)
    at = None if stretch is None else await hub.journal.place_in(below.generation, stretch.start)
    if stretch is None or at is None:
        return [], None
    # Bytes of other files may lie between in the recorded order: so places are told too early, never too late.
    stretch = stretch._replace(at=at)
    matches: list[_Match] = []
    times = LineTimes(hub)
    longest = hub.traits_of(below.generation).max_line_bytes
    for block in reversed(_blocks_of(stretch, view.sieve_of(below.generation), longest)):
        judged = hub.judge_apart(block)
        selected = view.selected(judged)[len(matches) - most :]
        matches[:0] = _chosen(judged, selected, await times.of(judged)) if selected else []
        if len(matches) >= most:
            return matches, None
        await asyncio.sleep(0)
    first_end = framing_of(below.generation.encoding).first_end(stretch.content, stretch.start) or None
    first = hub.judge_apart(stretch._replace(content=stretch.content[:first_end]))
    return matches, (await times.of(first))[0]


def _blocks_of(stretch: Block, sieve: Sieve | None, max_line_bytes: int) -> list[Block]:
    """The stretch in blocks, without what the sieve holds back: nobody else has a turn while one is judged."""
    content, lead = stretch.content, stretch.lead
    is_plain = content.endswith(b"\n") and not may_be_over_long(content, len(content), max_line_bytes)
    stops = sieve.stops(content, len(content)) if sieve is not None and is_plain else None
    if stops is None:
        return in_blocks(stretch, max_line_bytes)
    pieces = pieces_around(Stretch(stretch.start, lead, content, len(content)), stops)
    return [
        stretch._replace(
            start=piece.start,
            at=stretch.at + piece.start - stretch.start,
            lead=piece.before,
            content=content[piece.start - stretch.start : piece.stop - stretch.start],
        )
        for piece in pieces
        if piece.start < piece.stop
    ]


def _chosen(judged: JudgedBlock, selected: list[int], when: Sequence[int] | Mapping[int, int]) -> list[_Match]:
    file = (judged.block.generation.source, judged.block.generation.file)
    records = zip(selected, judged.encoded_lines(selected), strict=True)
    return [_Match(judged.place_before(index), when[index], file, record) for index, record in records]


async def _last_merged(matches: list[_Match], count: int) -> list[_Match]:
    """The last of them by time. Of thousands of files each may have as many."""
    if len(matches) > _MANY:
        ordered = await asyncio.to_thread(merged, matches)
        drop_slowly(ordered)
        return ordered[-count:]
    return merged(matches)[-count:]


def merged(matches: Iterable[_Match]) -> list[_Match]:
    """By time. A line never comes before one that stands above it in its file, whatever time it tells."""
    latest_ms: dict[tuple[str, str], int] = {}
    keyed = []
    for match in sorted(matches, key=lambda match: match.place):
        latest_ms[match.file] = max(match.time_ms, latest_ms.get(match.file, match.time_ms))
        keyed.append((latest_ms[match.file], match))
    keyed.sort(key=lambda pair: pair[0])
    return [match for _, match in keyed]


async def _matches(hub: Hub, view: View, begin: int, end: int, most: int) -> _Window:
    """What lies between two places, with the last `most` records of each file."""
    kept: dict[Generation, list[_Match]] = {}
    first_ms: int | None = None
    blocks = 0
    times = LineTimes(hub)
    reader = hub.journal.reader(begin, view.wants, sieve_of=view.sieve_of)
    try:
        async for item in _gathered(reader, end):
            await asyncio.sleep(0)
            blocks += 1
            if not isinstance(item, Lost):
                first_ms = recorded_ms(item) if first_ms is None else first_ms
            if isinstance(item, Block | Picked):
                own = kept.setdefault(item.generation, [])
                own += await _selected(hub, view, item, times, most)
                del own[:-most]
    finally:
        reader.close()
    await asyncio.sleep(0)
    drop_slowly(kept.values())  # of thousands of files one each
    return _Window([match for own in kept.values() for match in own], first_ms, blocks)


async def _gathered(reader: BlockReader, end: int) -> AsyncIterator[Block | Lost | Passed | Picked]:
    """What is read up to the place `end`, with few lines that were picked out joined to those behind them."""
    held: Picked | None = None
    while (item := await reader.pick(end)) is not None:
        joined = None if held is None else picked_together(held, item)
        if held is not None and joined is None:
            yield held
        held = joined
        if joined is None:
            if isinstance(item, Picked):
                held = item
            else:
                yield item
        await asyncio.sleep(0)
    if held is not None:
        yield held


async def _selected(hub: Hub, view: View, item: Block | Picked, times: LineTimes, most: int) -> list[_Match]:
    """The last `most` records of what was read."""
    if isinstance(item, Block):
        judged = hub.judge(item)
        selected = view.selected(judged)[-most:]
        return _chosen(judged, selected, await times.of(judged)) if selected else []
    picked, selected = view.selected_of(item)
    selected = selected[-most:]
    when: dict[int, int] = {}
    for index in selected:
        told_ms = picked.time_ms_of(index)
        if told_ms is None:
            told_ms = await times.before(picked.line_block(index))
            await asyncio.sleep(0)
        when[index] = told_ms
    return _chosen(picked, selected, when)
