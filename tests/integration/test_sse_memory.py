"""What a client that does not read costs the server: what asyncio holds of it, and the kernel on our side.

The client's own buffers are another machine's in real life; its receive buffer is made small so that nothing hides
there. Python's objects of a stream, about 30 KiB, come on top and are the same for every client.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import os
import socket
import struct
import sys
import termios
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import uvloop
from quart import Quart

from logstream.sse import Streams, encode_event
from tests.live_server import Flood, connected, live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from quart import Response

ALLOWED_BYTES = 300_000
CHUNK = encode_event("batch", b"x" * 65_500)  # the largest frames that the log service makes
PYTHON_BYTES = 60_000  # of one stream's tasks and objects, twice what was measured
SO_MEMINFO = 55  # linux/include/uapi/asm-generic/socket.h: nine counters of the socket's memory
WMEM_QUEUED, FWD_ALLOC = 5, 4  # linux/include/uapi/linux/sock_diag.h


def peer_of(client: socket.socket) -> socket.socket:
    """The server's end of a connection within this process."""
    for entry in list(Path("/proc/self/fd").iterdir()):
        try:
            descriptor = os.dup(int(entry.name))
        except OSError:  # the listing's own, closed by now
            continue
        try:
            candidate = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            continue
        with suppress(OSError):
            if candidate.getpeername() == client.getsockname():
                return candidate
        candidate.close()
    raise LookupError(client)


def queued_bytes(sock: socket.socket, request: int) -> int:
    answer = array.array("i", [0])
    fcntl.ioctl(sock, request, answer)
    return answer[0]


async def settled(count: Callable[[], int]) -> int:
    """The value that stays the same for half a second."""
    value, same = count(), 0
    while same < 10:
        await asyncio.sleep(0.05)
        same = same + 1 if count() == value else 0
        value = count()
    return value


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux' own counters of socket memory")
def test_a_client_that_reads_nothing_costs_less_than_300_kb_with_the_kernels_buffers(runner: asyncio.Runner) -> None:
    async def story() -> None:
        app = Quart("an_app")
        streams = Streams(heartbeat_seconds=15, retry_ms=1000, max_connections=9, max_connections_per_client=9)

        @app.get("/")
        async def flood() -> Response:
            return await streams.respond(Flood(CHUNK).open, client="a")

        async with (
            live(app, lambda: streams.close("done")) as server,
            connected(server.address, receive_bytes=4096) as client,
        ):
            client.writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a write-only type in typeshed
            taken = await settled(lambda: streams.stats.bytes)
            ours = client.writer.get_extra_info("socket")
            with peer_of(ours) as theirs:
                memory = struct.unpack("9I", theirs.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))
                unsent = queued_bytes(theirs, termios.TIOCOUTQ)
            in_kernel = memory[WMEM_QUEUED] + memory[FWD_ALLOC]
            in_asyncio = taken - unsent - queued_bytes(ours, termios.FIONREAD)
            assert taken >= len(CHUNK)
            assert in_kernel + in_asyncio + PYTHON_BYTES < ALLOWED_BYTES

    runner.run(story())
