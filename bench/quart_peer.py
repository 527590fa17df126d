"""The peer "plain Quart": an endpoint of server-sent events with a queue per client, fed by `tail -F`.

The obvious way to write this: one `data:` a line, no ids, no JSON, no times or levels, no history.
It does less for a line than logstream does. It runs on the same server (Hypercorn) and event loop (uvloop), with queues
without a limit, because a limit would lose lines. `python -m bench.quart_peer FD FILE` serves on a listening socket.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import uvloop
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CONNECTED = b": connected\n\n"

app = Quart(__name__)
queues: set[asyncio.Queue[bytes]] = set()


@app.get("/events")
async def events() -> Response:
    """All lines from now on."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    async def send() -> AsyncIterator[bytes]:
        queues.add(queue)
        try:
            yield CONNECTED
            while True:
                yield b"data: %b\n\n" % await queue.get()
        finally:
            queues.discard(queue)

    response = Response(send(), mimetype="text/event-stream")
    response.timeout = None
    return response


async def follow(path: str) -> None:
    """Put each line of `tail -F` into the queue of each client."""
    # From the first line on: what is written before tail has opened the file is not missed.
    tail = await asyncio.create_subprocess_exec("tail", "-n", "+1", "-F", path, stdout=asyncio.subprocess.PIPE)
    if tail.stdout is None:
        return
    async for line in tail.stdout:
        for queue in queues:
            queue.put_nowait(line.removesuffix(b"\n"))


async def main(fd: str, path: str) -> None:
    """Serve until the process is ended."""
    config = Config()
    config.bind = [f"fd://{fd}"]
    async with asyncio.TaskGroup() as group:
        group.create_task(follow(path), name="follow")
        group.create_task(serve(app, config), name="serve")


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
