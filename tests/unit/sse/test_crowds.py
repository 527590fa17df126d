"""What many streams do in one turn of the event loop."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from logstream.sse import EndOfFeed, Streams
from logstream.turns import MOST, MOST_ENDS
from tests import virtual_time

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEARTBEAT_SECONDS = 15.0
CROWD = 5 * MOST


class FullFeed:
    """A feed that always has something, or beats alone, and counts what it was asked for."""

    def __init__(self, *, is_full: bool = True) -> None:
        self.asked = 0
        self.beats: list[float] = []
        self._is_full = is_full

    @asynccontextmanager
    async def open(self) -> AsyncIterator[FullFeed]:
        yield self

    async def next(self, timeout_seconds: float) -> bytes | None:
        self.asked += 1
        if self._is_full:
            return b"data: x\n\n"
        await asyncio.sleep(timeout_seconds)
        return None

    def heartbeat(self) -> bytes:
        self.beats.append(asyncio.get_running_loop().time())
        return b"event: ping\n\n"

    def farewell(self, reason: str, retry_ms: int) -> bytes:
        return f"event: bye\ndata: {reason} {retry_ms}\n\n".encode()

    def wake(self) -> None:
        """Nobody waits."""


def some_streams() -> Streams:
    return Streams(
        heartbeat_seconds=HEARTBEAT_SECONDS, retry_ms=2_000, max_connections=CROWD, max_connections_per_client=CROWD
    )


async def test_streams_that_always_have_something_to_send_go_on_a_few_in_each_turn_of_the_loop() -> None:
    streams, feeds = some_streams(), [FullFeed() for _ in range(CROWD)]

    async def read(feed: FullFeed) -> None:
        response = await streams.respond(feed.open, client="a")
        async with response.response as chunks:
            async for _ in chunks:
                pass

    async with asyncio.TaskGroup() as group:
        for feed in feeds:
            group.create_task(read(feed))
        while min(feed.asked for feed in feeds) < 1:  # noqa: ASYNC110 - nobody tells that all have begun
            await asyncio.sleep(0)
        counts = []
        for _ in range(4 * CROWD // MOST):
            counts.append(sum(feed.asked for feed in feeds))
            await asyncio.sleep(0)
        asked = [feed.asked for feed in feeds]
        await streams.close("done")

    assert all(later - earlier <= MOST for earlier, later in pairwise(counts))
    assert max(asked) - min(asked) <= 1, "each has its turn"


def test_beats_that_were_held_up_together_do_not_come_together_from_then_on() -> None:
    async def story() -> list[list[float]]:
        streams, feeds = some_streams(), [FullFeed(is_full=False) for _ in range(3)]
        goes_on = asyncio.Event()

        async def read(feed: FullFeed) -> None:
            response = await streams.respond(feed.open, client="a")
            async with response.response as chunks:
                async for chunk in chunks:
                    if b"ping" in chunk:
                        await goes_on.wait()

        async with asyncio.TaskGroup() as group:
            for feed in feeds:
                group.create_task(read(feed))
            await asyncio.sleep(3 * HEARTBEAT_SECONDS)
            goes_on.set()
            await asyncio.sleep(3 * HEARTBEAT_SECONDS)
            await streams.close("done")
        return [feed.beats for feed in feeds]

    for first, held_up, *others in virtual_time.run(story()):
        assert held_up == 3 * HEARTBEAT_SECONDS
        for number, beat in enumerate(others):
            assert beat == pytest.approx(first + (3 + number) * HEARTBEAT_SECONDS)


class WaitingFeed:
    """A feed that has nothing until it is woken, and ends then if it is `over`."""

    def __init__(self) -> None:
        self.is_over = False
        self._woken: asyncio.Future[None] | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[WaitingFeed]:
        yield self

    async def next(self, timeout_seconds: float) -> bytes | None:
        async with asyncio.timeout(timeout_seconds):
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        if self.is_over:
            reason = "over"
            raise EndOfFeed(reason)
        return None

    def heartbeat(self) -> bytes:
        return b"event: ping\n\n"

    def farewell(self, reason: str, retry_ms: int) -> bytes:
        return f"event: bye\ndata: {reason} {retry_ms}\n\n".encode()

    def wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    @property
    def is_waiting(self) -> bool:
        return self._woken is not None and not self._woken.done()


@pytest.mark.parametrize("is_over", [False, True], ids=["the server ends", "what they asked for is over"])
async def test_of_many_streams_that_end_together_a_few_say_farewell_in_each_turn_of_the_loop(
    is_over: bool,  # noqa: FBT001 - a table of facts
) -> None:
    streams, feeds, farewells = some_streams(), [WaitingFeed() for _ in range(CROWD)], list[bytes]()

    async def read(feed: WaitingFeed) -> None:
        response = await streams.respond(feed.open, client="a")
        async with response.response as chunks:
            async for chunk in chunks:
                if b"bye" in chunk:
                    farewells.append(chunk)

    async with asyncio.TaskGroup() as group:
        for feed in feeds:
            group.create_task(read(feed))
        while not all(feed.is_waiting for feed in feeds):  # noqa: ASYNC110 - nobody tells that all wait
            await asyncio.sleep(0)
        if is_over:
            for feed in feeds:
                feed.is_over = True
                feed.wake()
        else:
            group.create_task(streams.close("the end", linger_seconds=60))
        counts = [0]
        while streams.stats.open:
            await asyncio.sleep(0)
            counts.append(len(farewells))

    assert len(farewells) == CROWD
    assert max(later - earlier for earlier, later in pairwise(counts)) <= MOST_ENDS
