"""A server in a process of its own: `python -m tests.serving_process asyncio|uvloop`, stopped by SIGTERM.

Prints its port, and at the end how long the stop took, in seconds. `/quiet` streams nothing, `/flood` without end,
`/hang` never answers, `/stats` tells what was sent.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from quart import Quart

from logstream.serving import Address, serve
from logstream.sse import Streams, encode_event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from quart import Response

DEADLINE_SECONDS = 2.0


class OneFeed:
    """Nothing or endlessly the same, as its chunk is None or not."""

    def __init__(self, chunk: bytes | None) -> None:
        self._chunk = chunk
        self._woken = asyncio.Event()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[OneFeed]:
        yield self

    async def next(self, timeout_seconds: float) -> bytes | None:
        if self._chunk is None:
            try:
                async with asyncio.timeout(timeout_seconds):
                    await self._woken.wait()
            except TimeoutError:
                pass
        return self._chunk

    def heartbeat(self) -> bytes:
        return encode_event("ping", "{}")

    def farewell(self, reason: str, retry_ms: int) -> bytes:
        return encode_event("bye", f"{reason} {retry_ms}")

    def wake(self) -> None:
        self._woken.set()


async def main() -> None:
    """Serves until SIGTERM."""
    app = Quart("serving_process")
    streams = Streams(heartbeat_seconds=15, retry_ms=2000, max_connections=500, max_connections_per_client=500)
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    stopped_at = 0.0

    @app.get("/quiet")
    async def quiet() -> Response:
        return await streams.respond(OneFeed(None).open, client="quiet")

    @app.get("/flood")
    async def flood() -> Response:
        return await streams.respond(OneFeed(encode_event("flood", b"x" * 60_000)).open, client="flood")

    @app.get("/hang")
    async def hang() -> str:
        await asyncio.sleep(3600)
        return ""

    @app.get("/stats")
    async def stats() -> dict[str, int]:
        return streams.stats._asdict()

    def on_listening(addresses: tuple[Address, ...]) -> None:
        print(addresses[0].port, flush=True)  # noqa: T201 -- its parent reads it

    def on_signal() -> None:
        nonlocal stopped_at
        stopped_at = loop.time()
        stop.set()

    loop.add_signal_handler(signal.SIGTERM, on_signal)
    await serve(
        app,
        host="127.0.0.1",
        stop=stop,
        before_stop=lambda: streams.close("shutdown"),
        on_listening=on_listening,
        deadline_seconds=DEADLINE_SECONDS,
    )
    print(loop.time() - stopped_at, flush=True)  # noqa: T201 -- its parent reads it


if __name__ == "__main__":
    if sys.argv[1] == "uvloop":
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
