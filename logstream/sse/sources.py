"""Sources that an app registers and removes while it runs, and the feed that pulls from one.

A source is the simple way in: an async generator of events. Whoever shares work between clients writes a `Feed`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from logstream.sse.encoder import Event, encode_event
from logstream.sse.errors import SourceTakenError, UnknownSourceError
from logstream.sse.feed import EndOfFeed

if TYPE_CHECKING:
    from logstream.sse.feed import Feed

# Called once for each stream with the last id that this client saw (None: it saw none), which is where to go on after.
Source = Callable[[str | None], AsyncIterator[Event]]


class Sources:
    """The registered sources by name."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of registration."""
        return tuple(self._entries)

    def register(self, name: str, source: Source) -> None:
        """Adds `source`; raises `SourceTakenError` if the name is in use."""
        if name in self._entries:
            raise SourceTakenError(name)
        self._entries[name] = _Entry(source)

    def unregister(self, name: str, reason: str) -> None:
        """Removes a source and ends its streams; raises `UnknownSourceError`."""
        entry = self._entry(name)
        del self._entries[name]
        entry.end(reason)

    def opener(self, name: str, last_event_id: str | None) -> Callable[[], AbstractAsyncContextManager[Feed]]:
        """What opens a feed on the source that is `name` now; raises `UnknownSourceError`."""
        return partial(self._entry(name).open, last_event_id)

    def _entry(self, name: str) -> _Entry:
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownSourceError(name, self.names) from None


class _Entry:
    """One registered source and its open feeds."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._feeds: set[SourceFeed] = set()
        self._ended_for: str | None = None

    def end(self, reason: str) -> None:
        self._ended_for = reason
        for feed in self._feeds:
            feed.end(reason)

    @asynccontextmanager
    async def open(self, last_event_id: str | None) -> AsyncIterator[SourceFeed]:
        feed = SourceFeed(self._source(last_event_id))
        self._feeds.add(feed)
        try:
            # The source may have been removed between the promise of this stream and its beginning.
            if self._ended_for is not None:
                feed.end(self._ended_for)
            yield feed
        finally:
            self._feeds.discard(feed)
            await feed.aclose()


class SourceFeed:
    """A `Feed` on one async iterator of events. Owns one task: the iterator's step that is under way.

    The step is a task because a deadline must not cancel it: a cancelled generator is finished for good.
    """

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self._events = events
        self._step: asyncio.Task[Event | None] | None = None
        self._woken: asyncio.Future[None] | None = None
        self._ended_for: str | None = None

    async def next(self, timeout_seconds: float) -> bytes | None:
        """See `Feed.next`: one event at a time."""
        if self._ended_for is not None:
            raise EndOfFeed(self._ended_for)
        if self._step is None:
            self._step = asyncio.create_task(self._next_event(), name="sse source step")
        self._woken = asyncio.get_running_loop().create_future()
        either: set[asyncio.Future[Any]] = {self._step, self._woken}
        await asyncio.wait(either, timeout=timeout_seconds, return_when=asyncio.FIRST_COMPLETED)
        if not self._step.done():
            return None
        event = self._step.result()
        self._step = None
        if event is None:
            self._ended_for = "end of source"
            return None
        return event.encode()

    def heartbeat(self) -> bytes:
        """A `ping`, with data: an event without data never fires, and scripts do not see comments."""
        return encode_event("ping", "{}")

    def farewell(self, reason: str, retry_ms: int) -> bytes:
        """A `bye` that says why, and when to come back."""
        return encode_event("bye", json.dumps({"reason": reason, "retry_ms": retry_ms}))

    def wake(self) -> None:
        """See `Feed.wake`."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    def end(self, reason: str) -> None:
        """The stream ends with its next turn."""
        self._ended_for = reason
        self.wake()

    async def aclose(self) -> None:
        """Stops the step under way and closes the iterator."""
        if self._step is not None:
            self._step.cancel()
            await asyncio.wait({self._step})
            if not self._step.cancelled():
                self._step.exception()  # looked at: nobody waits for this event any more
        if hasattr(self._events, "aclose"):
            await self._events.aclose()

    async def _next_event(self) -> Event | None:
        return await anext(self._events, None)
