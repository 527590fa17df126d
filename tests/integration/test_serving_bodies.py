"""Bodies that an app hands over to the server: framed, ended, cut and freed as if the app had sent them itself."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from quart import Quart, Response, request
from quart.wrappers.response import ResponseBody

from logstream.serving.chunks import FramedChunks
from logstream.serving.connection import Http11
from logstream.serving.exchange import BODY_EXTENSION
from logstream.sse import Streams, response
from tests.live_server import Flood, connected, live

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable


async def comes_true(condition: Callable[[], bool]) -> bool:
    for _ in range(2000):
        if condition():
            return True
        await asyncio.sleep(0.01)
    return False


class HandedOver(ResponseBody):
    """A body of which Quart sees nothing."""

    def __init__(self, chunks: AsyncGenerator[bytes], ended: Callable[[], None]) -> None:
        self._take = request.scope["extensions"][BODY_EXTENSION]["take"]
        self._chunks, self._ended = chunks, ended

    async def __aenter__(self) -> AsyncIterator[bytes]:
        async def nothing() -> AsyncIterator[bytes]:
            for chunk in list[bytes]():
                yield chunk

        self._take(self._chunks, self._ended)
        return nothing()

    async def __aexit__(self, *_: object) -> None:
        """Ended by the server."""


class Story:
    """An app with one body, and what happened to it."""

    def __init__(self, *chunks: bytes | Exception | None) -> None:
        """None in the place of a chunk: nothing more comes."""
        self.app = Quart("a_story")
        self.told: list[str] = []
        self.requests: list[weakref.ref[Any]] = []
        self._chunks = chunks
        self.app.get("/")(self._answer)

    async def _answer(self) -> Response:
        self.requests.append(weakref.ref(request._get_current_object()))  # type: ignore[attr-defined]
        found = Response(HandedOver(self._body(), lambda: self.told.append("ended")))
        found.timeout = None
        return found

    async def _body(self) -> AsyncGenerator[bytes]:
        try:
            for chunk in self._chunks:
                if isinstance(chunk, Exception):
                    raise chunk
                if chunk is None:
                    await asyncio.sleep(3600)
                else:
                    yield chunk
        finally:
            self.told.append("closed")

    async def has_ended(self) -> bool:
        return await comes_true(lambda: self.told == ["closed", "ended"])


async def test_chunks_are_framed_and_the_connection_is_used_again() -> None:
    story = Story(b"one", b"", b"x" * 100_000)
    async with live(story.app) as server, connected(server.address) as client:
        for _ in range(3):
            answer = await client.answer("GET /")
            assert answer.headers["transfer-encoding"] == "chunked"
            assert [await client.chunk() for _ in range(3)] == [b"one", b"x" * 100_000, b""]
            assert await story.has_ended()
            story.told.clear()


async def test_a_client_of_http_1_0_gets_the_bytes_alone_until_the_connection_closes() -> None:
    story = Story(b"one", b"two")
    async with live(story.app) as server, connected(server.address) as client:
        answer = await client.answer(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        assert "transfer-encoding" not in answer.headers
        assert await client.reader.read() == b"onetwo"
    assert await story.has_ended()


async def test_a_body_that_fails_is_cut_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    story = Story(b"one", LookupError("no such thing"))
    async with live(story.app) as server, connected(server.address) as client:
        await client.answer("GET /")
        assert await client.chunk() == b"one"
        with pytest.raises(asyncio.IncompleteReadError):
            await client.chunk()
        assert await story.has_ended()
    assert [record.name for record in caplog.records] == ["hypercorn.error"]
    assert "no such thing" in caplog.text


async def test_a_client_that_leaves_ends_the_body() -> None:
    story = Story(b"one", None)
    async with live(story.app) as server, connected(server.address) as client:
        await client.answer("GET /")
        await client.chunk()
        client.reset()
        assert await story.has_ended()


async def test_nothing_is_written_to_a_connection_that_has_just_been_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """uvloop refuses that with a RuntimeError, before anybody has been told that the client left."""
    write_chunk = Http11.write_chunk
    written: list[bytes] = []

    def leaving(self: Http11, chunk: bytes) -> Awaitable[None] | None:
        self._writer.transport.abort()
        monkeypatch.setattr(self._writer, "write", written.append)
        return write_chunk(self, chunk)

    monkeypatch.setattr(Http11, "write_chunk", leaving)
    story = Story(b"one", None)
    async with live(story.app) as server, connected(server.address) as client:
        with suppress(ConnectionError, EOFError):
            await client.answer("GET /")
        assert await story.has_ended()
    assert not written


async def test_while_a_body_goes_on_nothing_is_kept_of_its_request() -> None:
    story = Story(b"one", None)
    async with live(story.app) as server, connected(server.address) as client:
        await client.answer("GET /\nX-Long: " + "x" * 10_000)
        await client.chunk()
        assert await comes_true(lambda: gc.collect() >= 0 and story.requests[0]() is None)
        assert not any(isinstance(one, dict) and one.get("raw_path") == b"/" for one in gc.get_objects())
        client.reset()


async def test_head_is_offered_nothing() -> None:
    app = Quart("an_app")

    @app.route("/", methods=["HEAD"])
    async def root() -> str:
        return str(BODY_EXTENSION in request.scope["extensions"])

    async with live(app) as server, connected(server.address) as client:
        answer = await client.answer("HEAD /")
        assert answer.headers["content-length"] == str(len("False"))


def test_what_many_are_sent_is_framed_once() -> None:
    chunks = FramedChunks()
    shared = b"x" * 5000
    assert chunks.framed(shared) == (b"1388\r\n", shared, b"\r\n")
    assert chunks.framed(shared) == (b"1388\r\n" + shared + b"\r\n",)
    assert chunks.framed(shared)[0] is chunks.framed(shared)[0]
    assert chunks.framed(b"short") == (b"5\r\nshort\r\n",)
    for number in range(1000):
        assert b"".join(chunks.framed(b"%05d" % number * 1000)) == b"1388\r\n" + b"%05d" % number * 1000 + b"\r\n"
    assert len(chunks._known) <= 32


def test_clients_that_lag_hold_the_same_chunks_and_no_copies_of_them() -> None:
    framing = FramedChunks()
    chunks = [b"%05d" % number * 1000 for number in range(100)]
    for _ in range(10):
        for chunk in chunks:  # each client is elsewhere: what is sent again is always long forgotten
            assert framing.framed(chunk)[1] is chunk


async def test_streams_are_handed_over_by_the_name_that_the_server_offers() -> None:
    assert response.BODY_EXTENSION == BODY_EXTENSION
    app = Quart("an_app")
    taken: list[AsyncGenerator[bytes]] = []
    streams = Streams(heartbeat_seconds=15, retry_ms=1000, max_connections=9, max_connections_per_client=9)

    @app.get("/")
    async def stream() -> Response:
        offered: dict[str, Any] = request.scope["extensions"][BODY_EXTENSION]
        take = offered["take"]

        def taking(chunks: AsyncGenerator[bytes], ended: Callable[[], None]) -> None:
            taken.append(chunks)
            take(chunks, ended)

        offered["take"] = taking
        return await streams.respond(Flood(b"data: x\n\n").open, client="a")

    async with live(app, lambda: streams.close("done")) as server, connected(server.address) as client:
        await client.answer("GET /")
        await client.events(3)
        assert len(taken) == 1
        assert streams.stats.open == 1
        client.reset()
        assert await comes_true(lambda: not streams.stats.open)
    assert streams._seats.taken == 0
