from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from logstream.sse import Event, SourceTakenError, Streams, UnknownSourceError
from tests import virtual_time
from tests.event_stream import EventStreamParser, Parsed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from quart import Response


def some_streams() -> Streams:
    return Streams(heartbeat_seconds=15, retry_ms=2000, max_connections=10, max_connections_per_client=10)


class Counting:
    """A source that counts a second each, after the id it is given; `open_count` tells how many of it run."""

    def __init__(self, last: int = 10**9) -> None:
        self.last = last
        self.open_count = 0

    async def __call__(self, last_event_id: str | None) -> AsyncIterator[Event]:
        self.open_count += 1
        try:
            for number in range(int(last_event_id or 0) + 1, self.last + 1):
                await asyncio.sleep(1)
                yield Event("count", str(number), str(number))
        finally:
            self.open_count -= 1


async def read(response: Response, at_most: int = 10**9) -> list[Parsed]:
    events: list[Parsed] = []
    parser = EventStreamParser()
    async with response.response as chunks:
        async for chunk in chunks:
            events += parser.feed(chunk)
            if len(events) >= at_most:
                break
    return events


def test_a_client_goes_on_after_the_id_it_saw_last() -> None:
    async def story() -> None:
        streams, counting = some_streams(), Counting()
        streams.register("count", counting)
        first = await read(await streams.respond_from("count", last_event_id=None, client="a"), 3)
        again = await read(await streams.respond_from("count", last_event_id=first[-1].last_event_id, client="a"), 2)
        assert [event.data for event in first + again] == ["1", "2", "3", "4", "5"]
        assert counting.open_count == 0

    virtual_time.run(story())


def test_a_heartbeat_neither_loses_nor_delays_an_event_that_takes_longer() -> None:
    async def slow(_last_event_id: str | None) -> AsyncIterator[Event]:
        for number in range(2):
            await asyncio.sleep(100)
            yield Event("slow", str(number))

    async def story() -> None:
        streams = some_streams()
        streams.register("slow", slow)
        events = await read(await streams.respond_from("slow", last_event_id=None, client="a"))
        assert asyncio.get_running_loop().time() == pytest.approx(200)
        assert [event.data for event in events if event.type == "slow"] == ["0", "1"]
        assert {event.data for event in events if event.type == "ping"} == {"{}"}
        assert 2 * 6 <= sum(event.type == "ping" for event in events) <= 2 * 7

    virtual_time.run(story())


def test_removing_a_source_ends_its_streams_and_no_others() -> None:
    async def story() -> None:
        streams, going, staying = some_streams(), Counting(), Counting()
        streams.register("going", going)
        streams.register("staying", staying)
        ends = asyncio.create_task(read(await streams.respond_from("going", last_event_id=None, client="a")))
        stays = asyncio.create_task(read(await streams.respond_from("staying", last_event_id=None, client="a"), 5))
        late = await streams.respond_from("going", last_event_id=None, client="a")
        await asyncio.sleep(2.5)
        streams.unregister("going", "no longer here")
        events = await ends
        assert asyncio.get_running_loop().time() == pytest.approx(2.5)
        assert [event.type for event in events] == ["count", "count", "bye"]
        assert json.loads(events[-1].data)["reason"] == "no longer here"
        assert [event.type for event in await read(late)] == ["bye"]
        assert streams.source_names == ("staying",)
        assert len(await stays) == 5
        assert (going.open_count, staying.open_count) == (0, 0)

    virtual_time.run(story())


def test_a_source_that_ends_says_so() -> None:
    async def story() -> None:
        streams = some_streams()
        streams.register("count", Counting(last=2))
        events = await read(await streams.respond_from("count", last_event_id="1", client="a"))
        assert [(event.type, event.last_event_id) for event in events] == [("count", "2"), ("bye", "2")]
        assert json.loads(events[-1].data)["reason"] == "end of source"

    virtual_time.run(story())


def test_a_source_that_fails_breaks_its_stream_with_its_own_error() -> None:
    async def failing(_last_event_id: str | None) -> AsyncIterator[Event]:
        yield Event("a", "1")
        raise LookupError

    async def story() -> None:
        streams = some_streams()
        streams.register("failing", failing)
        with pytest.raises(LookupError):
            await read(await streams.respond_from("failing", last_event_id=None, client="a"))
        assert streams.stats.open == 0

    virtual_time.run(story())


def test_close_does_not_wait_for_the_next_event_of_a_source() -> None:
    async def story() -> None:
        streams, counting = some_streams(), Counting()
        streams.register("count", counting)
        reading = asyncio.create_task(read(await streams.respond_from("count", last_event_id=None, client="a")))
        await asyncio.sleep(1.5)
        await streams.close("shutdown")
        assert [event.type for event in await reading] == ["count", "bye"]
        assert asyncio.get_running_loop().time() == pytest.approx(1.5)
        assert counting.open_count == 0

    virtual_time.run(story())


async def test_a_name_belongs_to_one_source_and_an_unknown_one_is_answered_with_those_there_are() -> None:
    streams = some_streams()
    streams.register("a", Counting())
    with pytest.raises(SourceTakenError, match="source 'a' is already registered"):
        streams.register("a", Counting())
    with pytest.raises(UnknownSourceError, match="no source 'b'; known: a"):
        await streams.respond_from("b", last_event_id=None, client="x")
    with pytest.raises(UnknownSourceError):
        streams.unregister("b")
    streams.unregister("a")
    streams.register("a", Counting())
