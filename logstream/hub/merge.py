"""The last records of several files, merged by time.

Owns the order: by time, each file's own lines in their own order, and what has the same time as it was recorded. A line
cannot be recorded before it happens, so the walk back through the recorded order ends where everything further back is
older than what was found. A backlog is recorded late, and file by file: there the walk goes on for `MERGE_BYTES`, and
then the ends of all files are looked at, as far as they were recorded before, until `ENDS_BYTES` have been read.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.times import LineTimes, recorded_ms
from logstream.journal.base import Block, Lost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.hub.frames import EncodedRecord
    from logstream.hub.hub import Hub
    from logstream.hub.judged import Judged
    from logstream.hub.view import View
    from logstream.records import Generation

MERGE_BYTES = 8 << 20
"""How far the walk goes on for the sake of the order alone, once there are enough records."""
_FIRST_WINDOW_BYTES = 256 * 1024
_END_BYTES = (16 * 1024, 256 * 1024, 1 << 20)
"""How much of a file's end is read: first a little, for most files ended long before."""
ENDS_BYTES = 32 << 20
"""How much of all files' ends together."""


class _Match(NamedTuple):
    """A record that was looked for, the place before it, and what orders it."""

    place: int
    time_ms: int
    file: tuple[str, str]
    record: EncodedRecord


class _Walked(NamedTuple):
    """A walk back to the place `to`: the time of the oldest record found, and when what lies there was recorded."""

    to: int
    oldest_ms: int
    recorded_ms: int


async def last_by_time(hub: Hub, view: View, count: int) -> tuple[tuple[EncodedRecord, ...], int | None]:
    """The last `count` records that `view` selects, and the place before the first of them that was recorded."""
    found: list[_Match] = []
    is_settled, oldest_recorded_ms = False, 0
    end, window_bytes, over_bytes = hub.head, _FIRST_WINDOW_BYTES, 0
    while end > 0 and over_bytes < MERGE_BYTES:
        begin = await hub.journal.align(max(0, end - min(window_bytes, MERGE_BYTES)))
        oldest_ms = found[0].time_ms if len(found) >= count else None
        matches, first_ms = await _matches(hub, view, begin, end, count)
        if oldest_ms is not None:
            over_bytes += end - begin
        found = merged([*matches, *found])[-count:]
        end, window_bytes = begin, window_bytes * 2
        oldest_recorded_ms = first_ms or oldest_recorded_ms
        if len(found) >= count and first_ms is not None and first_ms <= found[0].time_ms:
            is_settled = True
            break
    if end > 0 and not is_settled:
        ends = await _ends_of_files(hub, view, _Walked(end, found[0].time_ms, oldest_recorded_ms), count)
        found = merged([*ends, *found])[-count:]
    return tuple(match.record for match in found), min((match.place for match in found), default=None)


async def _ends_of_files(hub: Hub, view: View, walked: _Walked, most: int) -> list[_Match]:
    """Of what each file had before the walk's end: its last `most` records, as far as they can be newer than those."""
    matches: list[_Match] = []
    left_bytes = ENDS_BYTES
    for generation, base, offset in hub.journal.reached(walked.to):
        if not view.wants(generation.source):
            continue
        below = Block(generation, offset, walked.to, walked.recorded_ms, b"", b"")
        own: list[_Match] = []
        for length in _END_BYTES:
            own, first_ms = _end_of_file(hub, view, below, min(length, offset - base), most)
            left_bytes -= min(length, offset - base)
            is_enough = len(own) >= most or first_ms is None or first_ms <= walked.oldest_ms
            if is_enough or length >= offset - base or left_bytes <= 0:
                break
        matches += own
        if left_bytes <= 0:
            break
        await asyncio.sleep(0)
    return matches


def _end_of_file(hub: Hub, view: View, below: Block, length: int, most: int) -> tuple[list[_Match], int | None]:
    """The last records of a file in the `length` bytes before `below`, and the time of the first line there."""
    judged = hub.judge_before(below, length)
    if judged is None:
        return [], None
    # Bytes of other files may lie between in the recorded order: so places are told too early, never too late.
    first = hub.journal.place_in(below.generation, judged.block.start)
    judged.block = judged.block._replace(at=first)
    when = LineTimes(hub).of(judged)
    return _chosen(judged, view.selected(judged)[-most:], when), when[0]


def _chosen(judged: Judged, selected: list[int], when: list[int]) -> list[_Match]:
    file = (judged.block.generation.source, judged.block.generation.file)
    records = zip(selected, judged.encoded_lines(selected), strict=True)
    return [_Match(judged.place_before(index), when[index], file, record) for index, record in records]


def merged(matches: Iterable[_Match]) -> list[_Match]:
    """By time. A line never comes before one that stands above it in its file, whatever time it tells."""
    latest_ms: dict[tuple[str, str], int] = {}
    keyed = []
    for match in sorted(matches, key=lambda match: match.place):
        latest_ms[match.file] = max(match.time_ms, latest_ms.get(match.file, match.time_ms))
        keyed.append((latest_ms[match.file], match))
    keyed.sort(key=lambda pair: pair[0])
    return [match for _, match in keyed]


async def _matches(hub: Hub, view: View, begin: int, end: int, most: int) -> tuple[list[_Match], int | None]:
    """The last `most` records of each file between two places, and when the first block there was recorded at last."""
    kept: dict[Generation, list[_Match]] = {}
    first_ms: int | None = None
    times = LineTimes(hub)
    reader = hub.journal.reader(begin, view.wants, sieve_of=view.sieve_of)
    try:
        while (item := await reader.sift(end)) is not None:
            await asyncio.sleep(0)
            if not isinstance(item, Lost):
                first_ms = recorded_ms(item) if first_ms is None else first_ms
            if isinstance(item, Block):
                judged = hub.judge(item)
                own = kept.setdefault(item.generation, [])
                selected = view.selected(judged)[-most:]
                own += _chosen(judged, selected, times.of(judged)) if selected else []
                del own[:-most]
    finally:
        reader.close()
    return [match for own in kept.values() for match in own], first_ms
