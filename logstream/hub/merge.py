"""The last records of several files, merged by time.

Owns the order: by time, each file's own lines in their own order, and what has the same time as it was recorded. A line
cannot be recorded before it happens, so the walk back through the recorded order ends where everything further back is
older than what was found. A backlog is recorded late: there the walk goes on for at most `MERGE_BYTES`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.times import LineTimes, recorded_ms
from logstream.journal.base import Block

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.hub.frames import EncodedRecord
    from logstream.hub.hub import Hub
    from logstream.hub.view import View

MERGE_BYTES = 8 << 20
"""How far the walk goes on for the sake of the order alone, once there are enough records."""
_FIRST_WINDOW_BYTES = 256 * 1024


class _Match(NamedTuple):
    """A record that was looked for, the place before it, and what orders it."""

    place: int
    time_ms: int
    file: tuple[str, str]
    record: EncodedRecord


async def last_by_time(hub: Hub, view: View, count: int) -> tuple[tuple[EncodedRecord, ...], int | None]:
    """The last `count` records that `view` selects, and the place before the first of them that was recorded."""
    found: list[_Match] = []
    end, window_bytes, over_bytes = hub.head, _FIRST_WINDOW_BYTES, 0
    while end > 0 and over_bytes < MERGE_BYTES:
        begin = await hub.journal.align(max(0, end - min(window_bytes, MERGE_BYTES)))
        oldest_ms = found[0].time_ms if len(found) >= count else None
        matches, first_ms = await _matches(hub, view, begin, end, count)
        if oldest_ms is not None:
            over_bytes += end - begin
        found = merged([*matches, *found])[-count:]
        if len(found) >= count and first_ms is not None and first_ms <= found[0].time_ms:
            break
        end, window_bytes = begin, window_bytes * 2
    return tuple(match.record for match in found), min((match.place for match in found), default=None)


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
    kept: dict[tuple[str, str], list[_Match]] = {}
    first_ms: int | None = None
    times = LineTimes(hub)
    reader = hub.journal.reader(begin, view.wants)
    try:
        while (item := await reader.read(end)) is not None:
            await asyncio.sleep(0)
            if isinstance(item, Block):
                first_ms = recorded_ms(item) if first_ms is None else first_ms
                judged = hub.judge(item)
                selected = view.selected(judged)
                if not selected:
                    continue
                when = times.of(judged)
                file = (item.generation.source, item.generation.file)
                own = kept.setdefault(file, [])
                own.extend(
                    _Match(judged.place_before(index), when[index], file, judged.encoded(index))
                    for index in selected[-most:]
                )
                del own[:-most]
    finally:
        reader.close()
    return [match for own in kept.values() for match in own], first_ms
