"""A subscriber: a position that pulls.

It takes what others of its view have joined at its place. Else it takes frames: near the head those that its view has
made for all, and when it lags what it reads from the files itself, at its own pace. It owns its place, its position and
a few pending notices, and nothing that grows.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.catch_up import CatchUp
from logstream.hub.chunks import Chunk
from logstream.hub.frames import Frame
from logstream.hub.recovery_filter import RecoveryFilter, rest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.hub.hub import Hub
    from logstream.hub.listener import Announcement
    from logstream.hub.start import Start
    from logstream.hub.view import View
    from logstream.journal.base import Block, BlockReader, Lost, Recovery
    from logstream.records import Gap, Position
    from logstream.tail.batch import Notice

PULL_BYTES = 64 * 1024
"""Frames are joined until they hold this much: one write for many lines."""
PENDING_NOTICES = 64
"""Notices that wait for a subscriber; the oldest leaves, for they are news and not lines."""
_SAME_SECONDS = 0.005
"""Deadlines that lie no further apart are one."""
_SLICE_SECONDS = 0.005
"""A subscriber that finds nothing to send gives way to others after this long."""


class Pulled(NamedTuple):
    """What a pull brought: bytes for the wire, and the sources in which a gap was told."""

    content: bytes
    gap_sources: tuple[str, ...]


class Subscriber:
    """One reader of one view."""

    def __init__(
        self, hub: Hub, view: View, at: int, position: Position | None, recovery: Recovery | None = None
    ) -> None:
        """Stand at the place `at`, whose position is `position` (None: before everything)."""
        self.at = at
        self.position = position
        self._hub = hub
        self._view = view
        self._recovery = None if recovery is None else RecoveryFilter(recovery)
        self._reader: BlockReader | None = None
        """Of the way back after an id whose file alone is known."""
        self._catch_up = CatchUp(hub, view, lambda: self._woken)
        self._notices: list[Notice] = []
        self._waiting: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_seconds = 0.0
        self._woken = False
        self._is_ahead_of_ids = False
        """Whether it was told what the state's disk did not have, so that its position is an earlier one."""
        self._held_back: Frame | None = None
        """The frame at the place, already made but too large for the write before it."""
        self._made_in = view.epoch
        """The view's epoch in which the last frame was made."""
        self._own: Block | Lost | None = None
        """What the frame at the place was made of if that is for this one alone, without what it has had."""

    @property
    def lag_bytes(self) -> int:
        """How many recorded bytes lie between this subscriber and the head."""
        return self._hub.head - self.at

    def notify(self, announcement: Announcement) -> None:
        """Take what is wanted of it along with the next pull."""
        wanted = announcement.wanted_by(self._view.wants)
        if wanted:
            self._notices += wanted[-PENDING_NOTICES:]
            del self._notices[:-PENDING_NOTICES]
            if self._waiting is not None:
                self._hub.waking.one(self._waiting)  # as a thousand others may be told

    def wake(self) -> None:
        """Let a pending `pull` return at once, and each later one too."""
        self._woken = True
        self._stir()

    async def pull(self, timeout_seconds: float, *, until_at: int | None = None) -> Pulled | None:
        """The next bytes for the wire; None if there were none in time, `wake` was called, or `until_at` is reached."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while not self._woken:
            pulled = await self._collect(loop.time() + _SLICE_SECONDS)
            if pulled is not None:
                self._hub.waking.note_taken()
                return pulled
            if self._is_ahead_of_ids and self.at <= self._hub.durable_head:
                self._is_ahead_of_ids = False
                self.position = await self._hub.journal.position_at(self.at, self._view.tells) or self.position
            if loop.time() >= deadline or (until_at is not None and self.at >= until_at):
                return None
            if self.at < self._hub.waking.shown:
                # A long way without a match: others have their turn between, and not all of them in one.
                async with self._hub.long_way:
                    await asyncio.sleep(0)
            else:
                await self._wait(deadline)
        return None

    async def _collect(self, slice_end_seconds: float) -> Pulled | None:
        """Frames from the place on, joined: once for all who are at the same place."""
        if self._held_back is not None and self._made_in != self._view.epoch:
            self._make_anew(self._held_back)  # by former rules, or without ids that there are by now
        is_own = self._held_back is not None and self._own is not None
        if self._notices or self._recovery is not None or is_own:
            notices = [self._hub.encoder.encode_notice(notice) for notice in self._drain_notices()]
            chunk = await self._join(notices, slice_end_seconds)
            return _pulled(chunk)
        began_at, epoch, is_near = self.at, self._view.epoch, self._is_near()
        known = self._view.chunks.find(began_at, self._hub.waking.shown)
        if known is not None:
            return self._take(known)
        chunk = await self._join([], slice_end_seconds, in_step=True)
        # What files did not have for this one they may have for the next.
        is_for_all = not self._is_ahead_of_ids and epoch == self._view.epoch and (is_near or not chunk.gaps)
        if chunk.content and is_for_all:
            self._view.keep_chunk(began_at, chunk)
        return _pulled(chunk)

    async def _join(self, parts: list[bytes], slice_end_seconds: float, *, in_step: bool = False) -> Chunk:
        """`parts` and frames, until there is enough, no more, or the slice is over; `in_step`: or others go on."""
        held, records, position = sum(map(len, parts)), 0, None
        gaps: list[Gap] = []
        clock = asyncio.get_running_loop().time
        while self.at < self._hub.waking.shown and held < PULL_BYTES and not self._woken:
            if in_step and held and self._view.chunks.has_whole(self.at):
                break
            frame, self._held_back = self._held_back, None
            if frame is None:
                self._made_in = self._view.epoch
                frame = await self._next_frame()
            if held and held + len(frame.content) > PULL_BYTES:
                self._held_back = frame
                break
            self._pass(frame)
            position = frame.position or position
            records += frame.records
            if frame.content:
                parts.append(frame.content)
                held += len(frame.content)
            if frame.gap is not None:
                gaps.append(frame.gap)
            if clock() >= slice_end_seconds:
                break
        return Chunk(b"".join(parts), self.at, position, tuple(gaps), records)

    def _make_anew(self, frame: Frame) -> None:
        """Make again what waits: one's own now, for it is not read once more; any other when it is asked for."""
        self._made_in, self._held_back = self._view.epoch, None
        if self._own is not None:
            made = self._view.frame(self._own)
            self._held_back = frame._replace(content=made.content, records=made.records)

    def _pass(self, frame: Frame) -> None:
        """Go to the place after `frame`."""
        self._own = None
        self._hub.traffic.sent(frame)
        self.at = frame.next_at
        self.position = frame.position or self.position
        self._is_ahead_of_ids = frame.next_at > self._hub.durable_head

    def _is_near(self) -> bool:
        """Whether what comes next is in memory."""
        return self._hub.recent_item(self.at) is not None

    def _take(self, chunk: Chunk) -> Pulled | None:
        """What another subscriber has joined."""
        self._leave_history()
        self._held_back = None
        self._hub.traffic.records_out += chunk.records
        self.at = chunk.next_at
        self.position = chunk.position or self.position
        self._is_ahead_of_ids = False
        return _pulled(chunk)

    async def _next_frame(self) -> Frame:
        """The frame at the place: shared if it is near the head, else made from the files."""
        if self._recovery is not None:
            return await self._recover(self._recovery)
        item = self._hub.recent_item(self.at)
        if item is not None:
            self._leave_history()
            if item.at == self.at:
                return self._view.shared_frame(item, partial(self._hub.recent.after, item))
            return self._view.frame(rest_of(item, self.at))
        self._stop_recovering()
        return await self._catch_up.frame(self.at)

    async def _recover(self, recovery: RecoveryFilter) -> Frame:
        """As `_next_frame`, without what the client has had, until nothing of that can come."""
        is_alone = self.at < recovery.until
        until = recovery.until if is_alone else self._hub.head
        if self._reader is None or self._reader.at != self.at:
            self._leave_history()
            only = recovery.only if is_alone else None
            self._reader = self._hub.journal.reader(self.at, self._view.wants, only=only)
        item = await self._reader.read(until)
        next_at = until if item is None else item.next_at
        left = None if item is None else recovery.left_of(item)
        if next_at >= until:
            self._leave_history()  # what comes after it may be of all generations
        if recovery.is_over(next_at):
            self._recovery = None
        if left is None:
            is_sure, tells = recovery.is_sure(next_at), self._view.tells
            return Frame(b"", next_at, await self._hub.journal.position_at(next_at, tells) if is_sure else None)
        self._own, frame = left, self._view.frame(left)
        if is_alone and recovery.is_over(next_at):
            # The way back is over: whoever is cut from here on need not go it again.
            position = await self._hub.journal.position_at(next_at, self._view.tells)
            frame = frame._replace(position=position or frame.position)
        return frame

    def _leave_history(self) -> None:
        self._catch_up.close()
        self._stop_recovering()

    def _stop_recovering(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _drain_notices(self) -> list[Notice]:
        notices, self._notices = self._notices, []
        return notices

    async def _wait(self, deadline_seconds: float) -> None:
        """Until the head moves, a notice comes, `wake` is called, or time is up."""
        if self._woken or self._notices:
            return  # it came while a frame was being made
        # The timer stays for the next wait: most of them are for the same moment, the next heartbeat.
        if self._timer is None or abs(self._timer_seconds - deadline_seconds) > _SAME_SECONDS:
            self._set_timer(deadline_seconds)
        future = self._hub.waking.wait()
        self._waiting = future
        try:
            await future
        finally:
            self._hub.waking.leave(future)
            self._waiting = None

    def _set_timer(self, at_seconds: float) -> None:
        self._stop_timer()
        self._timer_seconds = at_seconds
        self._timer = asyncio.get_running_loop().call_at(at_seconds, self._time_is_up)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_up(self) -> None:
        self._timer = None
        self._stir()

    def _stir(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def __repr__(self) -> str:
        """Where the subscriber is, and how far behind."""
        return f"<Subscriber at={self.at} lag_bytes={self.lag_bytes} view={self._view!r}>"


def _pulled(chunk: Chunk) -> Pulled | None:
    sources = tuple(gap.source for gap in chunk.gaps if gap.source is not None)
    return Pulled(chunk.content, sources) if chunk.content else None


@contextmanager
def subscribing(hub: Hub, view: View, start: Start) -> Iterator[Subscriber]:
    """A subscriber for as long as the context lasts."""
    subscriber = Subscriber(hub, view, start.at, start.position, start.recovery)
    try:
        with hub.listening(subscriber):
            yield subscriber
    finally:
        subscriber._leave_history()  # noqa: SLF001 - its own module
        subscriber._stop_timer()  # noqa: SLF001 - its own module
