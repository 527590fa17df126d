"""Where a stream begins: now, the start, the last N matches, an id or a time; and what to say of an unknown id.

Owns the search; what the client asked for arrives already parsed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.merge import last_by_time
from logstream.hub.times import epoch_ms, recorded_ms
from logstream.journal.base import Lost
from logstream.journal.ids import decode_id
from logstream.records import Gap, GapReason, Position

if TYPE_CHECKING:
    from logstream.hub.frames import EncodedRecord
    from logstream.hub.hub import Hub
    from logstream.hub.view import View
    from logstream.journal.base import Recovery

FIRST_LOOK_SECONDS = 10.0
"""How long an id that is not known waits until all files have been looked at once."""
MOST_BACKFILL = 10_000
"""The largest N of `from=-N`: all of them are in memory at once."""
_FILES_A_SLICE = 2_000
"""Others have their turn after so many."""


@dataclass(frozen=True, slots=True)
class FromNow:
    """Begin with what comes next."""


@dataclass(frozen=True, slots=True)
class FromStart:
    """Begin with the first thing ever recorded."""


@dataclass(frozen=True, slots=True)
class FromLast:
    """Begin with the last `count` matching records."""

    count: int


@dataclass(frozen=True, slots=True)
class FromId:
    """Begin after the line that the id `text` names."""

    text: str


@dataclass(frozen=True, slots=True)
class FromTime:
    """Begin with the first record that is not older than `time_ms` (epoch milliseconds)."""

    time_ms: int


From = FromNow | FromStart | FromLast | FromId | FromTime


class Start(NamedTuple):
    """Where a stream begins. `backfill` records come first; `gaps` tell of an id that did not lead there alone.

    `before` is the position before the first record: a client that is cut in the backfill and comes back with it misses
    nothing. Without a backfill it is `position`, where live goes on.
    """

    at: int
    position: Position | None
    before: Position | None
    is_exact: bool = True
    """Whether the id asked for, if any, was found, and nothing that follows it was told before it."""
    reason: str | None = None
    gaps: tuple[Gap, ...] = ()
    backfill: tuple[EncodedRecord, ...] = ()
    recovery: Recovery | None = None


async def find_start(hub: Hub, view: View, last_event_id: str | None, asked: From | None) -> Start:
    """Where to begin; `last_event_id` wins over `asked`, which without it is `now`."""
    wanted = FromId(last_event_id) if last_event_id else asked
    if isinstance(wanted, FromId):
        found = await _resolve(hub, view, wanted.text)
        if not isinstance(found, str):
            return found
        if isinstance(asked, FromId):
            second = await _resolve(hub, view, asked.text)
            start = await _begin(hub, view, FromNow()) if isinstance(second, str) else second
        else:
            start = await _begin(hub, view, asked or FromNow())
        unknown = Gap(None, None, None, None, None, GapReason.UNKNOWN_ID)
        return start._replace(is_exact=False, reason=found, gaps=(unknown,))
    return await _begin(hub, view, wanted or FromNow())


async def _resolve(hub: Hub, view: View, text: str) -> Start | str:
    position = decode_id(text)
    if position is None:
        return "this is not an id of this service"
    resolution = await hub.journal.resolve(position, view.tells)
    if (resolution.at is None or resolution.recovery is not None) and not hub.has_looked.is_set():
        # The files that this id may be of are not all known yet.
        with suppress(TimeoutError):
            await asyncio.wait_for(hub.has_looked.wait(), FIRST_LOOK_SECONDS)
        resolution = await hub.journal.resolve(position, view.tells)
    at, reason, recovery = resolution
    if at is None:
        return reason or "this id is not known"
    # The journal may have recorded more than the hub has let out; those bytes are not anybody's past yet.
    start = Start(min(at, hub.head), position, position, reason=reason, recovery=recovery)
    if recovery is None:
        return start
    is_exact = recovery.until is not None and hub.has_looked.is_set()
    start = start._replace(is_exact=is_exact, gaps=await _gaps_of(hub, view, recovery))
    if recovery.is_behind and recovery.until is not None and start.at >= recovery.until:
        # Nothing is left to be told of the way back: who is cut after the gaps need not go it again.
        behind = await hub.journal.position_at(start.at, view.tells)
        return start._replace(position=behind or position, recovery=None)
    return start


async def _gaps_of(hub: Hub, view: View, recovery: Recovery) -> tuple[Gap, ...]:
    """What is not told up to `until`, because nobody knows whether the client had it."""
    if recovery.until is None:
        return ()
    gaps = []
    for number, (generation, base, offset) in enumerate(await hub.journal.reached(recovery.until), 1):
        if number % _FILES_A_SLICE == 0:
            await asyncio.sleep(0)
        if not view.wants(generation.source):
            continue
        if generation.key != recovery.key:
            gaps.append(Gap(generation.source, generation.file, None, offset, None, GapReason.INDEX_LOST))
        elif recovery.offset < base:
            gap = Gap(generation.source, generation.file, recovery.offset, base, None, GapReason.INDEX_LOST)
            gaps.append(gap)
    return tuple(gaps)


async def _begin(hub: Hub, view: View, asked: FromNow | FromStart | FromLast | FromTime) -> Start:
    match asked:
        case FromNow():
            return await _begin_at(hub, view, hub.head)
        case FromStart():
            return Start(0, None, None)
        case FromLast(count):
            return await _begin_with_last(hub, view, count)
        case FromTime(time_ms):
            return await _begin_at(hub, view, await _place_of_time(hub, view, time_ms))


async def _begin_at(hub: Hub, view: View, at: int) -> Start:
    position = await hub.journal.position_at(at, view.tells)
    return Start(at, position, position)


async def _begin_with_last(hub: Hub, view: View, count: int) -> Start:
    """The last records by time over all files, then live."""
    head = hub.head
    records, first_at = await last_by_time(hub, view, count)
    position = await hub.journal.position_at(head, view.tells)
    before = position if first_at is None else await hub.journal.position_at(first_at, view.tells)
    return Start(head, position, before, backfill=records)


async def _place_of_time(hub: Hub, view: View, time_ms: int) -> int:
    """The place before the first record that is not older: by its own time, else by when it was recorded.

    Nothing recorded before that moment can be asked for, but of files whose clock is ahead. What was recorded after it
    may tell older times (a backlog), so lines are looked at until one is not older; a line without a time has that of
    the line before it in its file.
    """
    reader = hub.journal.reader(await hub.journal.place_of_time(time_ms, view.wants), view.wants)
    last_ms: dict[str, int] = {}
    head = hub.head
    try:
        while (item := await reader.read(head)) is not None:
            if isinstance(item, Lost):
                continue
            judged = hub.judge(item)
            # Of the moments at which it may have been recorded the latest: in doubt a line is told.
            key, latest_ms = item.generation.key, recorded_ms(item)
            for index, text in enumerate(judged.times()):
                own_ms = last_ms.get(key, latest_ms) if text is None else epoch_ms(text)
                last_ms[key] = own_ms
                if own_ms >= time_ms:
                    return judged.place_before(index)
            await asyncio.sleep(0)
    finally:
        reader.close()
    return head
