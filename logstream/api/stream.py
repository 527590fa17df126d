"""`GET /api/v1/stream`: one client's feed, from what was asked to the last event."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from quart import Blueprint, Response, current_app, request

from logstream import __version__
from logstream.api.admission import scope_now, viewer_now
from logstream.api.asked import Asked, read_asked
from logstream.api.context import APP_KEY, ApiContext
from logstream.api.frames import WireEncoder, encode_bye, encode_hello, encode_ping, id_of, utc_now
from logstream.hub.start import Start, find_start
from logstream.hub.subscriber import Subscriber, subscribing
from logstream.sse import EndOfFeed, encode_comment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from logstream.api.gate import Watch
    from logstream.hub.view import View

_MOST_BACKFILL_A_WRITE = 200
_NOTHING_MORE = encode_comment("this stream is about to end")

stream = Blueprint("stream", __name__)


@stream.route("/api/v1/stream", methods=["GET"])
async def get_stream() -> Response:
    """Lines as server-sent events."""
    context: ApiContext = current_app.extensions[APP_KEY]
    arguments, header = request.args.to_dict(flat=False), request.headers.get("Last-Event-ID")
    viewer, scope = viewer_now(), scope_now(context)
    reading = partial(read_asked, arguments, header, scope)
    # An expression may compile for a second: that must not be the time of all who watch.
    asked = await context.aside.run(reading) if arguments.get("q") else reading()
    retry_ms = context.streams.draw_retry_ms()

    @asynccontextmanager
    async def open_feed() -> AsyncIterator[LogFeed]:
        with context.hub.view(asked.key, asked.query) as view:
            start = await find_start(context.hub, view, asked.last_event_id, asked.begin)
            context.hub.traffic.records_out += len(start.backfill)
            globs = asked.key.sources
            with (
                subscribing(context.hub, view, start) as subscriber,
                context.gate.watching(viewer, scope, context.source_names, subscriber.wake, globs) as watch,
            ):
                yield LogFeed(context, asked, view, start, subscriber, watch, retry_ms)

    return await context.streams.respond(open_feed, client=context.gate.client_of(request), retry_ms=retry_ms)


class LogFeed:
    """The events of one client; see `sse.Feed`."""

    def __init__(  # noqa: PLR0913, PLR0917 - what one client's events are made of
        self,
        context: ApiContext,
        asked: Asked,
        view: View,
        start: Start,
        subscriber: Subscriber,
        watch: Watch,
        retry_ms: int,
    ) -> None:
        """Nothing is sent yet."""
        self._context = context
        self._view = view
        self._watch = watch
        self._subscriber = subscriber
        self._names: list[str] = []
        self._completeness: dict[str, dict[str, object]] = {}
        self._note_sources()
        self._resume = {"from": id_of(start.before), "exact": start.is_exact, "reason": start.reason}
        self._retry_ms = retry_ms
        self._has_said_hello = False
        self._opening = self._open(asked, start)
        self._past_until: int | None = context.hub.head
        """What lies before this place was there before the client came: once behind it, the client has caught up."""

    def _hello(self, names: list[str]) -> bytes:
        return encode_hello(
            version=__version__,
            heartbeat_seconds=self._context.heartbeat_seconds,
            retry_ms=self._retry_ms,
            sources=names,
            resume=self._resume,
        )

    def _open(self, asked: Asked, start: Start) -> list[bytes]:
        """The events before the first pull, last one first."""
        encoder = WireEncoder()
        hello = self._hello(self._names)
        for gap in start.gaps:
            hello += encoder.encode_gap(gap, start.before)
        pieces = [hello]
        records = start.backfill
        split = max(0, len(records) - _MOST_BACKFILL_A_WRITE)
        # Everything but the last stretch goes out without an id: a client cut in the middle asks for all of it again.
        for begin in range(0, split, _MOST_BACKFILL_A_WRITE):
            part = records[begin : min(split, begin + _MOST_BACKFILL_A_WRITE)]
            pieces.append(encoder.encode_backfill(part, asked.key.shape, None))
        pieces.append(encoder.encode_backfill(records[split:], asked.key.shape, start.position))
        return [piece for piece in reversed(pieces) if piece]

    async def next(self, timeout_seconds: float) -> bytes | None:
        """The opening, then lines as they come; a ping at the moment when the client has caught up.

        Raises EndOfFeed once the client may not have them any more, or a source that it asked for is not there.
        """
        if reason := self._watch.why_over():
            raise EndOfFeed(reason)
        if self._opening:
            return self._next_of_opening()
        if self._past_until is not None and self._subscriber.at >= self._past_until:
            self._past_until = None
            return self.heartbeat()
        pulled = await self._subscriber.pull(timeout_seconds, until_at=self._past_until)
        if pulled is None and self._past_until is not None and self._subscriber.at >= self._past_until:
            return await self.next(timeout_seconds)
        if pulled is None:
            return None
        if reason := self._watch.why_over():  # it may have come while there was nothing, and lines woke this one first
            raise EndOfFeed(reason)
        for source in pulled.gap_sources:
            self._note_gap(source)
        return pulled.content

    def heartbeat(self) -> bytes:
        """A ping with the position reached; as long as the opening is not told, the next of that, which comes first.

        No event for whoever may not have what was asked for any more, and has not been woken yet to be told that.
        """
        if self._watch.is_over():
            return _NOTHING_MORE
        if self._opening:
            return self._next_of_opening()
        self._note_sources()
        lag_bytes = self._subscriber.lag_bytes
        if self._view.tells is not None:
            lag_bytes = min(lag_bytes, 1)  # how much else is written is nothing that this client may know
        return encode_ping(lag_bytes, self._completeness, self._subscriber.position)

    def farewell(self, reason: str, retry_ms: int) -> bytes:
        """The last event, behind a `hello` if none was sent: that is the first one of every stream.

        It comes without the gaps that were to follow it, which have an id: who comes back is told them then. Who may
        not have what was asked for any more is told of no source.
        """
        hello = b"" if self._has_said_hello else self._hello([] if self._watch.is_over() else self._names)
        return hello + encode_bye(reason, retry_ms)

    def wake(self) -> None:
        """Let a pending `next` return."""
        self._subscriber.wake()

    def _next_of_opening(self) -> bytes:
        self._has_said_hello = True
        return self._opening.pop()

    def _note_sources(self) -> None:
        """A reload brings sources and takes others away: pings tell of those that there are."""
        names = [name for name in self._context.source_names() if self._view.wants(name)]
        for name in set(self._names).difference(names):
            self._completeness.pop(name, None)
        for name in names:
            if name not in self._completeness:
                self._completeness[name] = {"complete_since": utc_now(), "gaps": 0}
        self._names = names

    def _note_gap(self, source: str) -> None:
        before = self._completeness.get(source, {"gaps": 0})
        self._completeness[source] = {"complete_since": utc_now(), "gaps": int(str(before["gaps"])) + 1}
