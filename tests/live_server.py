"""An app served by `logstream.serving` inside the test, and a client that speaks HTTP/1.1 on a plain socket.

The client sends bytes as they are and cuts where the test wants; it knows chunks and events, and nothing of our code.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from logstream.serving import serve
from logstream.sse import encode_event
from tests.event_stream import EventStreamParser, Parsed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from hypercorn.typing import ASGIFramework

    from logstream.serving import Address
    from logstream.serving.connection import Headers

PATIENCE_SECONDS = 20.0


async def nothing() -> None:
    """Nothing is to be done before the stop."""


class Live(NamedTuple):
    """A running server; `stop` ends it, `serving` is its task."""

    address: Address
    stop: asyncio.Event
    serving: asyncio.Task[None]

    async def ended(self) -> None:
        """Stops the server and waits for its end."""
        self.stop.set()
        await self.serving


@asynccontextmanager
async def live(
    app: ASGIFramework,
    before_stop: Callable[[], Awaitable[None]] = nothing,
    *,
    deadline_seconds: float = 2.0,
    refusal_headers: Headers = (),
) -> AsyncIterator[Live]:
    """`app` on a free port of 127.0.0.1 until the block ends."""
    stop = asyncio.Event()
    listening: asyncio.Future[tuple[Address, ...]] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(
            app,
            host="127.0.0.1",
            refusal_headers=refusal_headers,
            stop=stop,
            before_stop=before_stop,
            on_listening=listening.set_result,
            deadline_seconds=deadline_seconds,
        ),
        name="serving",
    )
    either: set[asyncio.Future[Any]] = {serving, listening}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
    (address,) = await listening
    server = Live(address, stop, serving)
    try:
        yield server
    finally:
        await server.ended()


class Answer(NamedTuple):
    """The head of a response; names of headers are in lower case."""

    status: int
    headers: dict[str, str]


class Client:
    """One connection. Every wait for bytes ends after `PATIENCE_SECONDS` at most."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.parser = EventStreamParser()
        self._events: list[Parsed] = []

    async def answer(self, request: str | bytes) -> Answer:
        """The head of the answer to `request`: raw bytes, or "GET /path" with further header lines."""
        if isinstance(request, str):
            first, *headers = request.split("\n")
            lines = [f"{first} HTTP/1.1", "Host: localhost", *headers, "", ""]
            request = "\r\n".join(lines).encode("latin-1")
        self.writer.write(request)
        await self.writer.drain()
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers_read = (line.partition(": ") for line in head[1:] if line)
        return Answer(int(head[0].split(" ")[1]), {name.lower(): value for name, _, value in headers_read})

    async def body(self, answer: Answer) -> bytes:
        """The whole body of a response that has an end."""
        if "content-length" in answer.headers:
            return await self.reader.readexactly(int(answer.headers["content-length"]))
        body = b""
        while chunk := await self.chunk():
            body += chunk
        return body

    async def chunk(self) -> bytes:
        """The next chunk of a body, empty at its proper end; `asyncio.IncompleteReadError` where it is cut."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            size = int((await self.reader.readuntil(b"\r\n")).strip(), 16)
            chunk = await self.reader.readexactly(size + 2)
        return chunk[:-2]

    async def event(self) -> Parsed | None:
        """The next event of a stream, None at its proper end."""
        while not self._events:
            chunk = await self.chunk()
            if not chunk:
                return None
            self._events += self.parser.feed(chunk)
        return self._events.pop(0)

    async def events(self, count: int) -> list[Parsed]:
        """The next `count` events."""
        return [event for _ in range(count) if (event := await self.event()) is not None]

    async def is_closed_by_server(self) -> bool:
        """Whether the connection ends here, with nothing more said."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read(1) == b""

    def reset(self) -> None:
        """Cuts the connection as a crash would."""
        self.writer.transport.abort()


@asynccontextmanager
async def connected(address: Address, *, receive_bytes: int = 0) -> AsyncIterator[Client]:
    """A connection to `address`; `receive_bytes` makes its kernel buffer that small."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    target: tuple[str, int] | str = (address.host, address.port)
    if address.path is not None:
        family, target = socket.AF_UNIX, str(address.path)
    sock = socket.socket(family)
    sock.settimeout(0)
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    try:
        await asyncio.get_running_loop().sock_connect(sock, target)
    except OSError:
        sock.close()
        raise
    limit = receive_bytes or 1 << 20
    reader, writer = await asyncio.open_connection(sock=sock, limit=limit)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


class Flood:
    """A feed that always has more, as fast as its client takes it."""

    def __init__(self, chunk: bytes) -> None:
        self._chunk = chunk

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Flood]:
        yield self

    async def next(self, timeout_seconds: float) -> bytes | None:
        del timeout_seconds
        return self._chunk

    def heartbeat(self) -> bytes:
        return b": still here\n\n"

    def farewell(self, reason: str, retry_ms: int) -> bytes:
        return encode_event("bye", f"{reason} {retry_ms}")

    def wake(self) -> None:
        """Never waits."""
