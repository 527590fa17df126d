"""Open streams: their limits, heartbeat, fairness, and the end of all of them.

Owns the loop that moves bytes from a feed to a client. Refuses to know what the bytes say; tasks belong to the server
that runs the response.
"""

from __future__ import annotations

import asyncio
import math
import random
from typing import TYPE_CHECKING, Final, NamedTuple

from quart import has_request_context, request

from logstream.sse.encoder import encode_comment, encode_retry
from logstream.sse.errors import ClosingError, TooManyStreamsError
from logstream.sse.feed import EndOfFeed
from logstream.sse.opening import Opening
from logstream.sse.response import StreamBody, stream_response
from logstream.sse.seats import Full, Seats
from logstream.sse.sources import Sources
from logstream.turns import MOST_ENDS, Turns, in_slices

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from quart import Response

    from logstream.sse.feed import Feed, OpenFeed
    from logstream.sse.seats import Seat
    from logstream.sse.sources import Source


_TOLD_WITHIN_SECONDS: Final = 0.5
"""So long it may take until all have been told of their end: what a server leaves for it is short."""
_STILL_HERE: Final = encode_comment("looking for where to begin")
"""What says that a stream is alive before its feed has an event: that may have a first one of its own to send."""


class StreamStats(NamedTuple):
    """Counts since the start, but `open`: streams whose body runs now. `refused` is for limits, not for closing."""

    open: int
    opened: int
    refused: int
    chunks: int
    bytes: int


class Streams:
    """The streams of one server process.

    `heartbeat_seconds`: each client gets a heartbeat at least that often, whatever else flows: its silence means a dead
    connection, and what it tells (a clock, a lag) is never older. `retry_ms`: how long clients wait before they come
    back, on average; each is told its own time, from half to one and a half of it, or all would come back at once.
    """

    def __init__(
        self, *, heartbeat_seconds: float, retry_ms: int, max_connections: int, max_connections_per_client: int
    ) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._retry_ms = retry_ms
        self._seats = Seats(max_connections, max_connections_per_client)
        self._sources = Sources()
        self._turns = Turns()
        self._ends = Turns(MOST_ENDS)
        # Streams whose body has begun, by seat, and what ends their wait: None before their feed is asked for.
        self._open: dict[Seat, Feed | Opening | None] = {}
        self._all_ended = asyncio.Event()
        self._all_ended.set()
        self.is_closing = False
        self._close_reason = ""
        self._opened = self._refused = self._chunks = self._bytes = 0

    def __repr__(self) -> str:
        return f"<Streams open={len(self._open)} seats={self._seats.taken} closing={self.is_closing}>"

    @property
    def stats(self) -> StreamStats:
        """The counts of this moment."""
        return StreamStats(len(self._open), self._opened, self._refused, self._chunks, self._bytes)

    async def respond(self, open_feed: OpenFeed, *, client: str, retry_ms: int | None = None) -> Response:
        """A response that streams what `open_feed` gives. HEAD gets its headers only, and opens no feed.

        `client` names who asks (an address, a user): the limit per client counts by it. `retry_ms` is what the stream
        tells first, for a feed that tells it, too; without it one is drawn.

        Raises:
            TooManyStreamsError: a limit is met.
            ClosingError: `close` was called.
        """
        seat = self._take_seat(client)
        if has_request_context() and request.method == "HEAD":
            seat.release()
            return stream_response(None)
        # The task that asks is, in Quart, the one that sends the body. When it has ended and no body began, none will:
        # the client left in between, and with it nobody would give the seat back before the garbage collector.
        task = asyncio.current_task()
        if task is not None:
            task.add_done_callback(lambda _: seat.lapse())
        extensions = request.scope["extensions"] if has_request_context() else {}
        chunks = self._stream(open_feed, seat, retry_ms or self.draw_retry_ms())
        return stream_response(StreamBody(chunks, seat, extensions))

    async def respond_from(self, name: str, *, last_event_id: str | None, client: str) -> Response:
        """A response that streams the source registered as `name`, from after `last_event_id`.

        Raises:
            UnknownSourceError: there is no such source.
            TooManyStreamsError, ClosingError: as `respond`.
        """
        return await self.respond(self._sources.opener(name, last_event_id), client=client)

    def register(self, name: str, source: Source) -> None:
        """Makes `source` known as `name`, at any time; raises `SourceTakenError` if the name is in use."""
        self._sources.register(name, source)

    def unregister(self, name: str, reason: str = "unregistered") -> None:
        """Ends the streams of the source `name` and forgets it; raises `UnknownSourceError`."""
        self._sources.unregister(name, reason)

    @property
    def source_names(self) -> tuple[str, ...]:
        """The registered sources."""
        return self._sources.names

    def draw_retry_ms(self) -> int:
        """How long one client waits before it comes back."""
        return round(self._retry_ms * _between(0.5, 1.5))

    async def close(self, reason: str, *, linger_seconds: float = 0.5) -> None:
        """Ends all streams with their farewell and opens no more; may be called again.

        A few are told in each turn of the event loop, and more of them where that would take too long. Returns when the
        last one has ended, or `linger_seconds` after all were told: a client that does not read cannot be.
        """
        self.is_closing = True
        self._close_reason = reason
        # Whose feed is not asked for yet looks by itself whether it is to be, as each does before it waits again.
        waiting = [feed for feed in self._open.values() if feed is not None]
        await in_slices(waiting, _wake, _TOLD_WITHIN_SECONDS)
        try:
            async with asyncio.timeout(linger_seconds):
                await self._all_ended.wait()
        except TimeoutError:
            return

    def _take_seat(self, client: str) -> Seat:
        retry_after_seconds = max(1, math.ceil(self.draw_retry_ms() / 1000))
        if self.is_closing:
            raise ClosingError(retry_after_seconds)
        seat = self._seats.take(client)
        if isinstance(seat, Full):
            self._refused += 1
            raise TooManyStreamsError(seat.limit, retry_after_seconds, seat.scope)
        return seat

    async def _stream(self, open_feed: OpenFeed, seat: Seat, retry_ms: int) -> AsyncGenerator[bytes]:
        try:
            self._begin(seat)
            # The empty line parts this stream from the half line of a broken one, which WebKit keeps.
            yield self._counted(b"\n" + encode_retry(retry_ms))
            if self.is_closing:
                return
            async with Opening(open_feed) as opening:
                self._open[seat] = opening
                while (feed := await opening.within(self._heartbeat_seconds)) is None:
                    if not await self._goes_on():
                        return  # nobody knows yet how to say farewell
                    yield self._counted(_STILL_HERE)
                self._open[seat] = feed
                beat_at = _now() + self._heartbeat_seconds * _between(0.5, 1.0)  # or all ping in step after a restart
                while await self._goes_on():
                    wait_seconds = beat_at - _now()
                    if wait_seconds <= 0:
                        beat_at = self._next_beat_seconds(beat_at)
                        yield self._counted(feed.heartbeat())
                        continue
                    try:
                        chunk = await feed.next(wait_seconds)
                    except EndOfFeed as end:
                        await self._ends.next()  # a thousand may end together
                        yield self._counted(feed.farewell(end.reason, self.draw_retry_ms()))
                        return
                    if chunk:
                        yield self._counted(chunk)
                yield self._counted(feed.farewell(self._close_reason, self.draw_retry_ms()))
        finally:
            self._end(seat)

    def _next_beat_seconds(self, due_seconds: float) -> float:
        """When to beat next, after a beat that was due then: late ones do not fall in step with others that were."""
        late_seconds = _now() - due_seconds
        return due_seconds + self._heartbeat_seconds * (1 + late_seconds // self._heartbeat_seconds)

    async def _goes_on(self) -> bool:
        # Neither a feed with a backlog nor a transport with room (or without a peer) ever suspends: without this turn
        # for the others, one client would hold the event loop, and its own cancellation. Looked at after the turn:
        # `close` wakes only the feeds that wait.
        if self.is_closing:
            return False  # its farewell has little time, and waits for nobody
        await self._turns.next()
        return not self.is_closing

    def _begin(self, seat: Seat) -> None:
        seat.begin()
        self._open[seat] = None
        self._all_ended.clear()
        self._opened += 1

    def _end(self, seat: Seat) -> None:
        seat.release()
        self._open.pop(seat, None)
        if not self._open:
            self._all_ended.set()

    def _counted(self, chunk: bytes) -> bytes:
        self._chunks += 1
        self._bytes += len(chunk)
        return chunk


def _wake(feed: Feed | Opening) -> None:
    feed.wake()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _between(low: float, high: float) -> float:
    return random.uniform(low, high)  # noqa: S311 -- spreads load, guards nothing
