"""`serve` and clients that leave: their connections end with them, whatever they had asked."""

from __future__ import annotations

import asyncio

import pytest
from quart import Quart

from tests.live_server import PATIENCE_SECONDS, live


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
