from __future__ import annotations

import asyncio
import gc
import json
from collections import deque
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from quart import Quart

from logstream.sse import (
    ClosingError,
    EndOfFeed,
    Streams,
    StreamStats,
    TooManyStreamsError,
    encode_event,
)
from tests import virtual_time
from tests.event_stream import EventStreamParser, Parsed, parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from quart import Response

HEARTBEAT_SECONDS = 15.0
RETRY_MS = 2000
SLACK_SECONDS = 1e-6


class ScriptedFeed:
    """A feed that gives what a test puts in; `is_open` tells whether the stream holds it."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = deque(chunks)
        self.ends_for: str | None = None
        self.is_open = False
        self.is_full_of: bytes | None = None
        self._waiter: asyncio.Future[None] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ScriptedFeed]:
        self.is_open = True
        try:
            yield self
        finally:
            self.is_open = False

    def put(self, chunk: bytes) -> None:
        self.chunks.append(chunk)
        self.wake()

    async def next(self, timeout_seconds: float) -> bytes | None:
        if self.is_full_of is not None:
            return self.is_full_of
        if not self.chunks and self.ends_for is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._waiter}, timeout=timeout_seconds)
        if self.chunks:
            return self.chunks.popleft()
        if self.ends_for is not None:
            raise EndOfFeed(self.ends_for)
        return None

    def heartbeat(self) -> bytes:
        return encode_event("ping", str(asyncio.get_running_loop().time()))

    def farewell(self, reason: str, retry_ms: int) -> bytes:
        return encode_event("bye", json.dumps([reason, retry_ms]))

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def some_streams(max_connections: int = 10, max_connections_per_client: int = 10) -> Streams:
    return Streams(
        heartbeat_seconds=HEARTBEAT_SECONDS,
        retry_ms=RETRY_MS,
        max_connections=max_connections,
        max_connections_per_client=max_connections_per_client,
    )


async def read(response: Response, into: list[Parsed] | None = None) -> list[Parsed]:
    """All events of the stream until its end; `into` sees them as they come."""
    events = [] if into is None else into
    parser = EventStreamParser()
    async with response.response as chunks:
        async for chunk in chunks:
            events += parser.feed(chunk)
    return events


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_each_client_hears_a_heartbeat_in_time_whether_events_flow_or_not() -> None:
    async def story(seconds_between_events: float) -> list[float]:
        streams, feed = some_streams(), ScriptedFeed()
        events: list[Parsed] = []
        reading = asyncio.create_task(read(await streams.respond(feed.open, client="a"), events))
        for number in range(int(600 / seconds_between_events)):
            await asyncio.sleep(seconds_between_events)
            feed.put(encode_event("line", str(number)))
        await streams.close("done")
        await reading
        assert sum(event.type == "line" for event in events) == int(600 / seconds_between_events)
        return [float(event.data) for event in events if event.type == "ping"]

    for seconds_between_events in (0.3, 1.0, 100.0):
        beats = virtual_time.run(story(seconds_between_events))
        assert HEARTBEAT_SECONDS / 2 <= beats[0] <= HEARTBEAT_SECONDS
        pauses = [later - earlier for earlier, later in pairwise(beats)]
        assert min(pauses) >= HEARTBEAT_SECONDS - SLACK_SECONDS
        assert max(pauses) <= HEARTBEAT_SECONDS + SLACK_SECONDS


class SlowFeed(ScriptedFeed):
    """A feed that takes its time to open."""

    def __init__(self, seconds: float) -> None:
        super().__init__(encode_event("hello", "at last"))
        self._seconds = seconds
        self.is_being_opened = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[ScriptedFeed]:
        self.is_being_opened = True
        try:
            await asyncio.sleep(self._seconds)
            async with super().open():
                yield self
        finally:
            self.is_being_opened = False


def test_a_client_whose_feed_takes_long_to_open_hears_meanwhile_that_the_stream_is_alive() -> None:
    async def story() -> None:
        streams, feed = some_streams(), SlowFeed(100.0)
        response = await streams.respond(feed.open, client="a")
        heard, came = b"", []
        async with response.response as chunks:
            async for chunk in chunks:
                came.append(asyncio.get_running_loop().time())
                heard += chunk
                if b"at last" in chunk:
                    break
        assert max(later - earlier for earlier, later in pairwise(came)) <= HEARTBEAT_SECONDS + SLACK_SECONDS
        assert came[-1] == 100.0
        assert heard.count(b"\n: ") == 6
        assert [event.type for event in parse(heard)] == ["hello"]
        assert (feed.is_open, streams.stats.open) == (False, 0)

    virtual_time.run(story())


def test_a_client_that_leaves_before_its_feed_is_open_leaves_nothing_behind() -> None:
    async def story() -> None:
        streams, feed = some_streams(), SlowFeed(100.0)
        reading = asyncio.create_task(read(await streams.respond(feed.open, client="a")))
        await asyncio.sleep(40.0)
        assert feed.is_being_opened
        reading.cancel()
        await asyncio.wait({reading})
        assert (feed.is_being_opened, feed.is_open, streams.stats.open) == (False, False, 0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    virtual_time.run(story())


def test_a_close_ends_a_stream_at_once_whose_feed_is_not_open_yet() -> None:
    async def story() -> None:
        streams, feed = some_streams(), SlowFeed(100.0)
        reading = asyncio.create_task(read(await streams.respond(feed.open, client="a")))
        await asyncio.sleep(40.0)
        await streams.close("shutdown")
        assert (feed.is_being_opened, streams.stats.open, await reading) == (False, 0, [])
        assert asyncio.get_running_loop().time() == 40.0

    virtual_time.run(story())


def test_a_feed_that_cannot_be_opened_breaks_its_stream_and_leaves_nothing_behind() -> None:
    class Broken(AbstractAsyncContextManager[ScriptedFeed]):
        async def __aenter__(self) -> ScriptedFeed:
            await asyncio.sleep(20.0)
            message = "no feed"
            raise OSError(message)

        async def __aexit__(self, *_: object) -> None:
            """Nothing is held."""

    async def story() -> None:
        streams = some_streams()
        with pytest.raises(OSError, match="no feed"):
            await read(await streams.respond(Broken, client="a"))
        assert streams.stats.open == 0

    virtual_time.run(story())


def test_clients_that_came_together_neither_ping_nor_come_back_together() -> None:
    async def story() -> None:
        streams = some_streams(max_connections=50, max_connections_per_client=50)
        responses = [await streams.respond(ScriptedFeed().open, client="a") for _ in range(50)]
        parsers = [EventStreamParser() for _ in responses]
        beats = []
        for response, parser in zip(responses, parsers, strict=True):
            async with response.response as chunks:
                start = asyncio.get_running_loop().time()
                while not parser.feed(await anext(chunks.__aiter__())):
                    pass
                beats.append(asyncio.get_running_loop().time() - start)
        retries = [parser.retry_ms or 0 for parser in parsers]
        assert min(retries) >= RETRY_MS / 2
        assert max(retries) <= RETRY_MS * 1.5
        assert max(retries) - min(retries) > RETRY_MS / 2
        assert max(beats) - min(beats) > HEARTBEAT_SECONDS / 4

    virtual_time.run(story())


def test_a_feed_that_never_waits_leaves_each_turn_to_the_others() -> None:
    async def story() -> None:
        streams, feed = some_streams(), ScriptedFeed()
        feed.is_full_of = encode_event("line", "x")
        response = await streams.respond(feed.open, client="a")

        async def others() -> None:
            await turns(200)
            await streams.close("enough", linger_seconds=60)

        other = asyncio.create_task(others())
        assert len(await read(response)) <= 201
        await other

    virtual_time.run(story())


def test_a_reader_that_is_cancelled_stops_at_once_though_its_feed_never_waits() -> None:
    async def story() -> None:
        streams, feed = some_streams(), ScriptedFeed()
        feed.is_full_of = encode_event("line", "x")
        events: list[Parsed] = []
        reading = asyncio.create_task(read(await streams.respond(feed.open, client="a"), events))
        await turns(10)
        reading.cancel()
        await asyncio.wait({reading})
        assert reading.cancelled()
        assert 0 < len(events) < 10
        assert not feed.is_open
        assert streams.stats.open == 0

    virtual_time.run(story())


def test_a_burst_cannot_pass_the_limit_before_any_body_begins() -> None:
    async def story() -> None:
        streams = some_streams(max_connections=3)
        promised = [await streams.respond(ScriptedFeed().open, client=str(number)) for number in range(3)]
        with pytest.raises(TooManyStreamsError) as caught:
            await streams.respond(ScriptedFeed().open, client="late")
        assert (caught.value.limit, caught.value.scope) == (3, "server")
        assert 1 <= caught.value.retry_after_seconds <= 3
        assert str(caught.value).startswith("all 3 streams that this server serves are open; try again in ")
        assert streams.stats.open == 0
        assert streams.stats.refused == 1
        del promised

    virtual_time.run(story())


def test_one_client_cannot_take_the_streams_of_others() -> None:
    async def story() -> None:
        streams = some_streams(max_connections_per_client=1)
        held = await streams.respond(ScriptedFeed().open, client="a")
        with pytest.raises(TooManyStreamsError, match="all 1 streams that one client may hold") as caught:
            await streams.respond(ScriptedFeed().open, client="a")
        assert (caught.value.limit, caught.value.scope) == (1, "client")
        await streams.respond(ScriptedFeed().open, client="b")
        del held

    virtual_time.run(story())


def test_a_response_that_nobody_sends_gives_its_seat_back() -> None:
    async def story() -> None:
        streams, feed = some_streams(max_connections=1), ScriptedFeed()
        response = await streams.respond(feed.open, client="a")
        del response
        gc.collect()
        await streams.respond(feed.open, client="a")

    virtual_time.run(story())


def test_a_client_that_leaves_before_the_body_gives_its_seat_back_without_the_garbage_collector() -> None:
    async def story() -> None:
        streams, feed = some_streams(max_connections=1), ScriptedFeed()
        held: list[Response] = []

        async def handle_request() -> None:
            held.append(await streams.respond(feed.open, client="a"))
            await asyncio.sleep(60)  # the headers are being sent

        handling = asyncio.create_task(handle_request())
        await turns(3)
        handling.cancel()
        await asyncio.wait({handling})
        held.append(await streams.respond(feed.open, client="a"))
        assert not feed.is_open

    virtual_time.run(story())


def test_a_body_that_was_entered_but_never_read_gives_its_seat_back() -> None:
    async def story() -> None:
        streams, feed = some_streams(max_connections=1), ScriptedFeed()
        response = await streams.respond(feed.open, client="a")
        async with response.response:
            pass
        again = await streams.respond(feed.open, client="a")
        assert (streams.stats.open, feed.is_open) == (0, False)
        del again

    virtual_time.run(story())


def test_a_body_that_another_task_sends_is_counted_while_it_runs() -> None:
    async def story() -> None:
        streams, feed = some_streams(max_connections=1), ScriptedFeed()
        response = await asyncio.create_task(streams.respond(feed.open, client="a"))
        reading = asyncio.create_task(read(response))
        await turns(5)
        with pytest.raises(TooManyStreamsError):
            await streams.respond(feed.open, client="b")
        await streams.close("done")
        await reading
        assert streams.stats.open == 0

    virtual_time.run(story())


@pytest.mark.parametrize("turns_before", range(12))
def test_a_close_at_any_moment_ends_the_stream_at_once_with_a_farewell_as_its_last_event(turns_before: int) -> None:
    async def story() -> None:
        streams, feed = some_streams(), ScriptedFeed(encode_event("line", "1"), encode_event("line", "2"))
        reading = asyncio.create_task(read(await streams.respond(feed.open, client="a")))
        await turns(turns_before)
        await streams.close("shutdown")
        events = await reading
        assert asyncio.get_running_loop().time() == 0
        assert not feed.is_open
        if events:  # else closed before the feed was opened: there is nobody to say farewell
            reason, retry_ms = json.loads(events[-1].data)
            assert (events[-1].type, reason) == ("bye", "shutdown")
            assert RETRY_MS / 2 <= retry_ms <= RETRY_MS * 1.5
        assert events or turns_before < 3

    virtual_time.run(story())


def test_close_waits_for_all_but_not_longer_than_its_linger_for_one_that_does_not_read() -> None:
    async def story() -> None:
        streams, feed, stuck = some_streams(), ScriptedFeed(), ScriptedFeed()
        reading = asyncio.create_task(read(await streams.respond(feed.open, client="a")))
        stuck_response = await streams.respond(stuck.open, client="b")
        async with stuck_response.response as chunks:
            await anext(chunks.__aiter__())
            await turns(5)
            await streams.close("shutdown", linger_seconds=0.5)
            assert asyncio.get_running_loop().time() == pytest.approx(0.5)
            assert reading.done()
            assert streams.stats.open == 1
        assert streams.stats.open == 0

    virtual_time.run(story())


def test_after_close_no_stream_is_promised_and_a_promised_one_ends_without_opening_its_feed() -> None:
    async def story() -> None:
        streams, feed = some_streams(), ScriptedFeed()
        promised = await streams.respond(feed.open, client="a")
        await streams.close("shutdown")
        with pytest.raises(ClosingError, match="the server is going down; try again in") as caught:
            await streams.respond(feed.open, client="a")
        assert 1 <= caught.value.retry_after_seconds <= 3
        assert await read(promised) == []
        assert not feed.is_open
        assert streams.is_closing

    virtual_time.run(story())


def test_a_feed_that_ends_says_farewell_for_its_own_reason() -> None:
    async def story() -> None:
        streams, feed = some_streams(), ScriptedFeed(encode_event("line", "1"))
        feed.ends_for = "rotated away"
        events = await read(await streams.respond(feed.open, client="a"))
        assert [event.type for event in events] == ["line", "bye"]
        assert json.loads(events[-1].data)[0] == "rotated away"

    virtual_time.run(story())


def test_a_feed_that_fails_breaks_its_stream_and_leaves_nothing_behind() -> None:
    class FailingFeed(ScriptedFeed):
        async def next(self, timeout_seconds: float) -> bytes | None:
            raise OSError(timeout_seconds)

    async def story() -> None:
        streams, feed = some_streams(), FailingFeed()
        with pytest.raises(OSError):  # noqa: PT011 -- the feed's own error, passed on as it is
            await read(await streams.respond(feed.open, client="a"))
        assert (feed.is_open, streams.stats.open) == (False, 0)

    virtual_time.run(story())


def test_stats_count_streams_chunks_and_bytes() -> None:
    async def story() -> None:
        streams = some_streams(max_connections=1)
        line = encode_event("line", "1")
        feed = ScriptedFeed(line)
        response = await streams.respond(feed.open, client="a")
        with pytest.raises(TooManyStreamsError):
            await streams.respond(feed.open, client="a")
        async with response.response as body:
            chunks = body.__aiter__()
            first = await anext(chunks)
            assert await anext(chunks) == line
            assert streams.stats == StreamStats(1, 1, 1, 2, len(first) + len(line))
            assert repr(streams) == "<Streams open=1 seats=1 closing=False>"
        assert streams.stats.open == 0

    virtual_time.run(story())


async def test_head_gets_the_headers_of_the_stream_and_no_seat() -> None:
    app, streams, feed = Quart(__name__), some_streams(max_connections=1), ScriptedFeed()

    @app.get("/stream")
    async def stream() -> Response:
        return await streams.respond(feed.open, client="a")

    for _ in range(3):
        response = await app.test_client().head("/stream")
        assert response.status_code == 200
        assert response.content_type == "text/event-stream; charset=utf-8"
    assert streams.stats.opened == 0


def test_a_stream_begins_with_a_line_end_of_its_own_and_is_never_cut_by_the_framework() -> None:
    async def story() -> None:
        response = await some_streams().respond(ScriptedFeed().open, client="a")
        assert response.timeout is None
        async with response.response as chunks:
            first = await anext(chunks.__aiter__())
        assert first.startswith(b"\nretry: ")
        assert parse(b"data: half an eve" + first) == [Parsed("message", "half an eve", "")]

    virtual_time.run(story())
