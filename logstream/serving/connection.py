"""One HTTP/1.1 connection: Hypercorn's, without its ways into HTTP/2 and WebSocket.

Hypercorn's HTTP/2 buffers without limit for a client that opens no window, and any cleartext port offers it: by the
preface `PRI * HTTP/2.0` and by `Upgrade: h2c`, with no switch to turn either off. So this owns which protocols are
spoken, and the way of a body's chunks to the socket. Refuses to know routes and streams.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final

import h11
from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.asyncio.tcp_server import MAX_RECV, TCPServer
from hypercorn.events import Closed, RawData
from hypercorn.protocol.events import Request, Response
from hypercorn.protocol.h11 import STREAM_ID, H11Protocol
from hypercorn.typing import ConnectionState
from hypercorn.utils import parse_socket_addr

from logstream.serving.exchange import Exchange
from logstream.serving.refusals import CONTENT_TYPE, LOWER_CASE, refusal
from logstream.serving.targets import origin_form, with_host

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Sequence

    from hypercorn.events import Event
    from hypercorn.protocol.events import Event as StreamEvent

    from logstream.serving.chunks import FramedChunks
    from logstream.turns import Turns

    Headers = Sequence[tuple[bytes, bytes]]

# What asyncio may hold of a client's bytes besides the kernel, plus one chunk.
WRITE_BUFFER_BYTES: Final = 32 * 1024
# How much of a refused request is still read so that its sender sees the answer instead of a reset connection.
DISCARD_BYTES: Final = 16 * 1024 * 1024
DISCARD_SECONDS: Final = 1.0
# How long a client that will say no more is waited for while nothing goes out to it: it may have left.
QUIET_SECONDS: Final = 2.0
_FINAL_STATUS = 200
_UPGRADE_HEADERS = frozenset({b"upgrade", b"http2-settings"})


class Http11(H11Protocol):
    """HTTP/1.x only. A server may ignore `Upgrade` (RFC 9110, 7.8), and this one does: `curl --http2` is answered."""

    has_refused = False
    refusal_headers: Headers = ()
    """What a refusal says beside its status: the app, which knows what every answer has, is not asked for it."""
    _is_chunked = True

    def write_to(self, writer: asyncio.StreamWriter, chunks: FramedChunks) -> None:
        """Where chunks of bodies go that the app has handed over."""
        self._writer = writer
        self._chunks = chunks

    async def _check_protocol(self, event: h11.Request) -> None:
        """The base class would switch to HTTP/2 here."""

    async def _create_stream(self, request: h11.Request) -> None:
        if not request.http_version.startswith(b"1."):
            await self._refuse(505, request.method)
        elif request.method != request.method.upper():
            await self._refuse(501, request.method, LOWER_CASE)
        elif (found := origin_form(request.target)) is None:
            await self._refuse(400, request.method)
        else:
            await self._exchange(_without_upgrade(request), *found)

    async def _exchange(self, request: h11.Request, target: bytes, host: bytes | None) -> None:
        """What the base class does where nothing is upgraded, with `Exchange` in the place of its class."""
        self._is_chunked = request.http_version >= b"1.1"
        exchange = self.stream = Exchange(
            self.app,
            self.config,
            self.context,
            self.task_group,
            self.ssl,
            self.client,
            self.server,
            self.stream_send,
            STREAM_ID,
        )
        exchange.offer(self)
        await exchange.handle(
            Request(
                stream_id=STREAM_ID,
                headers=with_host(request.headers, host),
                http_version=request.http_version.decode(),
                method=request.method.decode("ascii"),
                raw_path=target,
                state=self.connection_state,
            )
        )
        self.keep_alive_requests += 1

    def start(self, relaying: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it as a task of the connection, which holds nothing of the request that it goes back to."""
        group = self.task_group._task_group  # type: ignore[attr-defined]  # noqa: SLF001 -- its `spawn` takes no context
        task: asyncio.Task[None] = group.create_task(relaying, name="http body", context=Context())
        return task

    def write_chunk(self, chunk: bytes) -> Awaitable[None] | None:
        """Write past h11, which would copy each chunk for each client; its count of what was sent knows no bytes."""
        if not chunk:
            return None
        if self._writer.is_closing():
            return self.handle(Closed())  # the client has left: uvloop refuses the write with a RuntimeError
        *first, last = self._chunks.framed(chunk) if self._is_chunked else (chunk,)
        if first:
            self._writer.writelines(first)
            if self._writer.is_closing():
                return self.handle(Closed())
        # By itself, as asyncio's own `writelines` holds nobody up who does not read (CPython 3.12 and 3.13).
        self._writer.write(last)
        is_full = self._writer.transport.get_write_buffer_size() > WRITE_BUFFER_BYTES
        return self._drained() if is_full else None

    async def _drained(self) -> None:
        try:
            await self._writer.drain()
        except (ConnectionError, RuntimeError):
            await self.handle(Closed())

    @property
    def owes_an_answer(self) -> bool:
        """Whether an answer is not complete that has an end."""
        return isinstance(self.stream, Exchange) and not self.stream.is_handed_over

    def let_go(self) -> None:
        """Hold nobody who holds this, as the connection is over: else all is there until garbage is looked for."""
        self.send, self.stream = _to_nobody, None

    async def stream_send(self, event: StreamEvent) -> None:
        await super().stream_send(event)
        if isinstance(event, Response) and event.status_code >= _FINAL_STATUS:
            # h11 pauses reading at `Upgrade` until the answer is known, which it is now. Paused further, we would not
            # see this client leave.
            await self.can_read.set()

    async def _send_error_response(self, status_code: int, method: bytes = b"", detail: str | None = None) -> None:
        """In the place of the base class's, which says nothing but the status; with `refusal_headers`."""
        body = refusal(status_code, self.config.h11_max_incomplete_size, detail)
        headers = [
            (b"content-type", CONTENT_TYPE),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            *self.refusal_headers,
            *self.config.response_headers("h11"),
        ]
        await self._send_h11_event(h11.Response(status_code=status_code, headers=headers))
        if method != b"HEAD":
            await self._send_h11_event(h11.Data(data=body))
        await self._send_h11_event(h11.EndOfMessage())
        self.has_refused = True

    async def _refuse(self, status_code: int, method: bytes, detail: str | None = None) -> None:
        await self._send_error_response(status_code, method, detail)
        await self.send(Closed())


class Connection(TCPServer):
    """Serves one accepted connection to its end; made and run by `serve`."""

    _has_sent: asyncio.Event | None = None
    """That something went out, once the client has said its last."""

    def __init__(self, *parts: Any, chunks: FramedChunks, leaving: Turns, refusal_headers: Headers) -> None:  # noqa: ANN401 -- the base class knows its own
        """As the base class; `chunks` are those of the server, `refusal_headers` those of what is no request.

        In turns of `leaving` connections end whose clients have left, as a thousand may at once.
        """
        super().__init__(*parts)
        self._leaving = leaving
        self._chunks = chunks
        self._refusal_headers = refusal_headers

    async def run(self) -> None:
        """As the base class, with `Http11` as the only protocol."""
        sock = self.writer.get_extra_info("socket")
        self.writer.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        try:
            client = parse_socket_addr(sock.family, sock.getpeername())
            server = parse_socket_addr(sock.family, sock.getsockname())
            async with TaskGroup(self.loop) as task_group:
                self._task_group = task_group
                # In the place of the wrapper whose only work is to change to HTTP/2.
                self.protocol = self._http11 = Http11(  # type: ignore[assignment]  # same `initiate` and `handle`
                    self.app,
                    self.config,
                    self.context,
                    task_group,
                    ConnectionState(self.state),
                    ssl=False,
                    client=client,
                    server=server,
                    send=self.protocol_send,
                )
                self._http11.refusal_headers = self._refusal_headers
                self._http11.write_to(self.writer, self._chunks)
                await self.idle_task.restart(task_group, self._idle_timeout)
                await self._read_all()
                # The group waits for all its tasks: a client that has left would be held until this one's time is over.
                await self.idle_task.stop()
        except OSError:
            pass
        finally:
            await self._close()
            self._let_go()

    def _let_go(self) -> None:
        """Leave nothing that holds itself, as it is over."""
        if hasattr(self, "_http11"):
            self._http11.let_go()
        failure = self.reader.exception()
        if failure is not None:
            failure.__traceback__ = None  # through it the reader holds whoever has met with that, and is held by them

    async def _read_all(self) -> None:
        """In the place of the base class's `_read_data`, for which a client that says no more has left."""
        with suppress(OSError):
            block = None
            while block != b"":  # nothing is told, too: a body may be only half there
                block = await self.reader.read(MAX_RECV)
                await self._http11.handle(RawData(block))
            await self._answer_out()
        await self._leaving.next()
        await self._http11.handle(Closed())

    async def _answer_out(self) -> None:
        """Let the answer that is owed go out, raises TimeoutError; one who has left resets what is written to it."""
        self._has_sent = asyncio.Event()
        while self._http11.owes_an_answer and not self.writer.is_closing():
            self._has_sent.clear()
            async with asyncio.timeout(QUIET_SECONDS):
                await self._has_sent.wait()

    async def protocol_send(self, event: Event) -> None:
        """As the base class; a refused client may finish its request first, or it would see a reset, not the answer."""
        if isinstance(event, Closed) and self._http11.has_refused:
            self._http11.has_refused = False
            await self._discard_input()
        await super().protocol_send(event)
        if self._has_sent is not None:
            self._has_sent.set()

    async def _idle_timeout(self) -> None:
        """As the base class, whose `wait_for` takes a task more for each connection that is idle (CPython 3.11)."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.keep_alive_timeout):
                await self.context.terminated.wait()
        await asyncio.shield(self._initiate_server_close())

    async def _discard_input(self) -> None:
        # Refusals are sent by the task that reads, so nobody else reads here.
        with suppress(OSError, RuntimeError, TimeoutError):
            self.writer.write_eof()
            async with asyncio.timeout(DISCARD_SECONDS):
                discarded = 0
                while discarded < DISCARD_BYTES and (block := await self.reader.read(MAX_RECV)):
                    discarded += len(block)


async def _to_nobody(_event: Event) -> None:
    """Where a connection that is over sends."""


def _without_upgrade(request: h11.Request) -> h11.Request:
    if not any(name in _UPGRADE_HEADERS for name, _ in request.headers):
        return request
    return h11.Request(
        method=request.method,
        headers=[(name, value) for name, value in request.headers if name not in _UPGRADE_HEADERS],
        target=request.target,
        http_version=request.http_version,
    )
