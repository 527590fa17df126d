"""Serves an ASGI app over HTTP/1.1 in the running event loop, and stops in a bounded time.

Owns listeners, connections and their tasks from the first to the last. Refuses to own signals, the event loop and the
process. Hypercorn's own `serve` waits for open streams when it stops: for three seconds on Python 3.11, for ever since
3.12 (hypercorn#308), and on any version for a client that does not read.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from hypercorn.asyncio.lifespan import Lifespan
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.utils import wrap_app

from logstream.serving.acceptor import Acceptor
from logstream.serving.chunks import FramedChunks
from logstream.serving.connection import Connection
from logstream.serving.ending import Ending
from logstream.serving.listeners import BACKLOG, Address, Listener, bind_tcp, bind_unix, inherit
from logstream.turns import MOST_ENDS, Turns, in_slices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
    from pathlib import Path

    from hypercorn.typing import AppWrapper, ASGIFramework, LifespanState

    from logstream.serving.connection import Headers
    from logstream.serving.spread import Share

_log: Final = logging.getLogger(__name__)

# Longer than nginx keeps its upstream connections (60 s), or nginx uses one that is just being closed.
KEEP_ALIVE_SECONDS: Final = 75.0
# Request line and headers together.
MAX_HEAD_BYTES: Final = 32 * 1024


async def serve(  # noqa: PLR0913 -- all by keyword: three places to listen, three hooks of the caller
    app: ASGIFramework,
    *,
    host: str | None = None,
    port: int = 0,
    unix_socket: Path | None = None,
    fds: Sequence[int] = (),
    listeners: Iterable[Listener] = (),
    share: Share | None = None,
    root_path: str = "",
    refusal_headers: Headers = (),
    stop: asyncio.Event,
    before_stop: Callable[[], Awaitable[None]],
    on_listening: Callable[[tuple[Address, ...]], None],
    deadline_seconds: float = 2.0,
) -> None:
    """Serves `app` until `stop` is set; returns at most `deadline_seconds` later, whatever clients do.

    Listens on each that is given: `host` with `port` (0: one that is free), `unix_socket`, `fds`, sockets that a
    supervisor bound, and `listeners`, which are closed at the end. With `share` other processes accept from the same
    sockets, and each takes its part. Sockets listen before the app starts, so a taken port starts nothing; clients wait
    until the app is ready, when `on_listening` is told where it is. What is no request the app never sees: it is
    refused here, with `refusal_headers`.

    At the stop `before_stop` comes first: it ends the streams, while new requests are still answered. Then listeners
    close, other connections finish, and those that cannot (a client that does not read) are cut.

    Raises:
        ListenError: one of its cases, before anything was started.
    """
    listeners = [*listeners, *bind(host, port, unix_socket, fds)]
    server = _Server(wrap_app(app, 0, "asgi"), _config(root_path), share, refusal_headers)
    try:
        async with server.lifespan(deadline_seconds / 4):
            try:
                await server.listen(listeners)
                on_listening(tuple(listener.address for listener in listeners))
                await stop.wait()
                await _within(deadline_seconds / 2, before_stop(), "before_stop")
            finally:
                await server.drain(deadline_seconds / 4)
    finally:
        for listener in listeners:
            listener.close()


class _Server:
    """The connections of one `serve`."""

    def __init__(self, app: AppWrapper, config: Config, share: Share | None, refusal_headers: Headers) -> None:
        self._app = app
        self._config = config
        self._share = share
        self._refusal_headers = refusal_headers
        self._context = WorkerContext(max_requests=None)
        self._context.terminated = Ending()
        self._leaving = Turns(MOST_ENDS)
        self._state: LifespanState = {}
        self._chunks = FramedChunks()
        self._servers: list[asyncio.Server | Acceptor] = []
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @asynccontextmanager
    async def lifespan(self, shutdown_seconds: float) -> AsyncIterator[None]:
        """The app between its startup and its shutdown."""
        lifespan = Lifespan(self._app, self._config, asyncio.get_running_loop(), self._state)
        task = asyncio.create_task(lifespan.handle_lifespan(), name="app lifespan")
        try:
            await lifespan.wait_for_startup()
            if task.done():
                task.result()  # raises what the app failed with
            try:
                yield
            finally:
                await _within(shutdown_seconds, lifespan.wait_for_shutdown(), "the app's shutdown")
        finally:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled() and (failure := task.exception()) is not None:
                _log.error("the app: %s", failure)

    async def listen(self, listeners: Iterable[Listener]) -> None:
        """Begins to accept connections."""
        self._note()
        for listener in listeners:
            if self._share is not None:
                self._servers.append(Acceptor(listener.socket, self._accept, self._share))
                continue
            started = await asyncio.start_server(self._accept, sock=listener.socket, backlog=BACKLOG)
            self._servers.append(started)

    async def drain(self, seconds: float) -> None:
        """Accepts no more, lets answers finish for `seconds`, then cuts what is left; takes little longer than that."""
        if self._share is not None:
            self._share.leave()
            self._share = None
        for server in self._servers:
            server.close()  # never wait_closed(): since Python 3.12 it waits for every connection
        over = asyncio.get_running_loop().time() + seconds
        await self._context.terminated.set()  # idle connections close themselves, busy ones after their answer
        await self._wait_for_connections(over)
        await in_slices(self._connections.values(), _cut, seconds / 4)
        await self._wait_for_connections(over + seconds / 2)
        for task in self._connections:
            task.cancel()
        await self._wait_for_connections(over + seconds)
        if self._connections:
            _log.error("%d connections did not end, their requests ignore cancellation", len(self._connections))

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # No coroutine: asyncio would make the task its own, and print a traceback when it is cancelled (3.11).
        loop = asyncio.get_running_loop()
        parts = self._app, loop, self._config, self._context, self._state, reader, writer
        connection = Connection(
            *parts, chunks=self._chunks, leaving=self._leaving, refusal_headers=self._refusal_headers
        )
        task = loop.create_task(connection.run(), name="http connection")
        self._connections[task] = writer
        self._note()
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._connections[task]
        self._note()
        if not task.cancelled() and (failure := task.exception()) is not None:
            _log.error("a connection failed", exc_info=failure)

    def _note(self) -> None:
        if self._share is not None:
            self._share.note(len(self._connections))

    async def _wait_for_connections(self, until_seconds: float) -> None:
        if self._connections:
            left_seconds = max(0.0, until_seconds - asyncio.get_running_loop().time())
            await asyncio.wait(tuple(self._connections), timeout=left_seconds)


def _cut(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()  # unsent bytes are dropped: close() would wait until the client reads them


async def _within(seconds: float, awaitable: Awaitable[Any], name: str) -> None:
    try:
        async with asyncio.timeout(seconds):
            await awaitable
    except TimeoutError:
        _log.warning("%s took longer than %.1f s and was left behind", name, seconds)


def bind(
    host: str | None = None, port: int = 0, unix_socket: Path | None = None, fds: Sequence[int] = ()
) -> list[Listener]:
    """What listens on each that is given, all or none; raises ListenError."""
    listeners = bind_tcp(host, port) if host is not None else []
    try:
        if unix_socket is not None:
            listeners.append(bind_unix(unix_socket))
        listeners.extend(map(inherit, fds))
    except BaseException:
        for listener in listeners:
            listener.close()
        raise
    return listeners


def _config(root_path: str) -> Config:
    config = Config()
    config.errorlog = logging.getLogger("hypercorn.error")  # the service's own logging decides where it goes
    config.accesslog = None  # a line would copy all headers and the whole environment
    config.include_server_header = False
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.read_timeout = None  # would cut every stream: its client says nothing
    config.h11_max_incomplete_size = MAX_HEAD_BYTES
    config.root_path = root_path
    return config
