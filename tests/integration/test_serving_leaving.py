"""`serve` and clients that leave, or seem to: their connections end with them, whatever they had asked."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from quart import Quart, Response

from logstream.serving import connection
from logstream.serving.connection import Connection, Http11
from logstream.serving.exchange import Exchange
from logstream.sse import Streams
from logstream.turns import MOST_ENDS
from tests.live_server import PATIENCE_SECONDS, Flood, connected, live

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def an_app() -> Quart:
    app = Quart("an_app")

    @app.get("/")
    async def root() -> str:
        return "here"

    return app


@pytest.mark.parametrize(
    "asked", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"], ids=["nothing", "half", "all"]
)
async def test_the_connection_of_a_client_that_says_no_more_is_closed_at_once(asked: bytes) -> None:
    """As checks of a port do each second, which say nothing: each held a descriptor for 75 s."""
    async with live(an_app()) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
        writer.write(asked)
        if asked.endswith(b"\r\n\r\n"):
            assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")
        writer.write_eof()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await reader.read(1024):
                pass
        writer.close()


async def say_the_last(writer: asyncio.StreamWriter, request: bytes) -> None:
    """Ask, and say that this was all; until the server, which has no other client, has heard it."""
    writer.write(request)
    writer.write_eof()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not [one for one in of_connections() if isinstance(one, Connection) and one.reader.at_eof()]:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def test_who_asks_and_then_says_no_more_is_answered() -> None:
    """As `nc -N` does. An answer that comes in parts is whole, and no second request was lost."""
    app, may_answer = an_app(), asyncio.Event()

    @app.get("/parts")
    async def parts() -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield b"one "
            await may_answer.wait()
            yield b"two"

        await may_answer.wait()
        may_answer.clear()
        return Response(body(), headers={"Content-Length": "7"})

    request = b"GET /%b HTTP/1.1\r\nHost: a\r\n\r\n"
    async with live(app) as server, connected(server.address) as client:
        await say_the_last(client.writer, request % b"parts")
        may_answer.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await client.reader.readuntil(b"one ")).startswith(b"HTTP/1.1 200")
            may_answer.set()
            assert await client.reader.read() == b"two"
        async with connected(server.address) as other:
            other.writer.write(request % b"" + request % b"")
            other.writer.write_eof()
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert (await other.reader.read()).count(b"here") == 2


async def test_a_client_that_has_left_is_worked_for_no_longer_than_one_that_says_no_more_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connection, "QUIET_SECONDS", 0.01)
    app, ended = an_app(), asyncio.Event()

    @app.get("/long")
    async def long() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return "never"

    async with live(app) as server, connected(server.address) as client:
        await say_the_last(client.writer, b"GET /long HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ended.wait()
        assert await client.is_closed_by_server()


async def test_an_answer_that_a_client_resets_after_its_last_word_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "QUIET_SECONDS", 3600)
    app, ended = an_app(), asyncio.Event()

    @app.get("/endless")
    async def endless() -> Response:
        async def body() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield b"x" * 65_536
                    await asyncio.sleep(0)
            finally:
                ended.set()

        return Response(body())

    async with live(app) as server, connected(server.address) as client:
        await say_the_last(client.writer, b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        client.reset()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await ended.wait()


def of_connections() -> list[object]:
    """What is there of connections, whether anybody still holds it or not."""
    return [one for one in gc.get_objects() if isinstance(one, (Connection, Http11, Exchange))]


class Silence(Flood):
    """A feed that has nothing."""

    async def next(self, timeout_seconds: float) -> bytes | None:
        await asyncio.sleep(timeout_seconds)
        return None


@pytest.mark.parametrize("feed", [Silence(b""), Flood(b"data: x\n\n")], ids=["waiting", "being written to"])
async def test_nothing_is_left_of_a_stream_whose_client_has_gone_also_if_nobody_looks_for_garbage(feed: Flood) -> None:
    """A task that was cancelled, and an error of the socket, hold where they came from."""
    app = Quart("an_app")
    limits = {"max_connections": 10, "max_connections_per_client": 10}
    streams = Streams(heartbeat_seconds=15, retry_ms=1000, **limits)

    @app.get("/")
    async def root() -> Response:
        return await streams.respond(feed.open, client="one")

    gc.collect()
    gc.disable()
    try:
        async with live(app) as server:
            async with connected(server.address) as client:
                assert (await client.answer("GET /")).status == 200
                await client.chunk()
                assert of_connections()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while of_connections():  # noqa: ASYNC110 - nobody tells when an object has been freed
                    await asyncio.sleep(0.01)
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "asked", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"], ids=["nothing", "half", "all"]
)
async def test_nothing_is_left_of_a_connection_that_is_over_also_if_nobody_looks_for_garbage(asked: bytes) -> None:
    """Else each that comes and goes leaves some, and with that, now and then, a look at all that there is."""
    gc.collect()
    gc.disable()
    try:
        async with live(an_app()) as server:
            reader, writer = await asyncio.open_connection("127.0.0.1", server.address.port)
            for _ in range(3 if asked.endswith(b"\r\n\r\n") else 1):
                writer.write(asked)
                if asked.endswith(b"\r\n\r\n"):
                    assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")
            assert len([one for one in of_connections() if isinstance(one, Exchange)]) <= 1
            writer.write_eof()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await reader.read(1024):
                    pass
                writer.close()
                while of_connections():  # noqa: ASYNC110 - nobody tells when an object has been freed
                    await asyncio.sleep(0.01)
    finally:
        gc.enable()


async def test_of_many_clients_that_leave_together_a_few_connections_end_in_each_turn_of_the_loop() -> None:
    """As those of a proxy that is started anew do: each connection ends in some steps, and others wait meanwhile."""
    async with live(an_app()) as server, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(server.address)) for _ in range(6 * MOST_ENDS)]
        for client in clients:
            answer = await client.answer("GET /")
            assert await client.body(answer) == b"here"
        counts = [open_connections()]
        assert counts == [len(clients)]
        for client in clients:
            client.writer.close()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while counts[-1]:
                await asyncio.sleep(0)
                counts.append(open_connections())

    assert max(earlier - later for earlier, later in pairwise(counts)) <= MOST_ENDS


def open_connections() -> int:
    return sum(task.get_name() == "http connection" for task in asyncio.all_tasks())
