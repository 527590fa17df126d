"""One request and its answer, as Hypercorn has it, with a shorter way to the socket for a body that has no end.

Owns an offer to the app, in the scope's extensions under `logstream.body`: `take(chunks, ended)` lets the server pull
the chunks itself. The app's own call may end then, and with it all that it holds for a request; what is left of a
stream is one task, and each chunk goes to the socket without a message, an event and a copy for each layer between.
Refuses to know what is in the chunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from hypercorn.protocol.events import EndBody, StreamClosed
from hypercorn.protocol.http_stream import ASGIHTTPState, HTTPStream

from logstream.errors import LogstreamError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

    from hypercorn.protocol.events import Event
    from hypercorn.typing import ASGISendEvent, Scope

BODY_EXTENSION: Final = "logstream.body"


class Outlet(Protocol):
    """Where the chunks of a body go."""

    def start(self, relaying: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run it as a task of the connection."""

    def write_chunk(self, chunk: bytes) -> Awaitable[None] | None:
        """Send a chunk; what to wait for if the client has more to take than it may."""


class Exchange(HTTPStream):
    """One request and its answer."""

    is_handed_over = False
    """Whether the app has handed its body over."""
    _relaying: asyncio.Task[None] | None = None
    """What sends it, until it has ended: a task that was cancelled holds where it was, and with it this exchange."""

    def offer(self, outlet: Outlet) -> None:
        """Let the app hand its body over to `outlet`. Before the request is handled."""
        self._outlet = outlet
        app = self.app

        async def offered(scope: Scope, receive: Any, send: Any, sync_spawn: Any, call_soon: Any) -> None:  # noqa: ANN401 - as the base class hands them on
            if scope["type"] == "http" and scope["method"] != "HEAD":
                scope["extensions"][BODY_EXTENSION] = {"take": self.take}
            try:
                await app(scope, receive, send, sync_spawn, call_soon)
            except LogstreamError as error:
                # A body that is cut on purpose, as at a shutdown: without its end the client sees that it is not whole.
                await self.config.log.warning("%s", error)

        self.app = offered

    def take(self, chunks: AsyncGenerator[bytes], ended: Callable[[], None]) -> None:
        """Send `chunks` from now on, then end the response; whatever the app says further counts no more.

        The response has begun and has no `Content-Length`. `ended` is called in any case, also if nothing was sent.
        """
        self.is_handed_over = True
        task = self._relaying = self._outlet.start(self._relay(chunks))

        def over(_: asyncio.Task[None]) -> None:
            self._relaying = None
            ended()

        task.add_done_callback(over)
        if self.closed:
            task.cancel()  # the client left between its request and the answer
        # Of the request nothing is needed any more, and it is most of what a client that waits would cost.
        self._let_go()

    def _let_go(self) -> None:
        """Hold nothing that holds this exchange: else it would be there until all garbage is looked for."""
        for name in ("scope", "app_put", "app", "response"):
            vars(self).pop(name, None)

    async def handle(self, event: Event) -> None:
        """As the base class; a client that leaves ends what it is sent."""
        if not self.is_handed_over:
            await super().handle(event)
        elif isinstance(event, StreamClosed) and not self.closed:
            self.closed = True
            if self._relaying is not None:
                self._relaying.cancel()

    async def app_send(self, message: ASGISendEvent | None) -> None:
        """As the base class, until the body was handed over."""
        if not self.is_handed_over:
            await super().app_send(message)
            if message is None:  # the app has ended, and so has the answer
                self._let_go()

    async def _relay(self, chunks: AsyncGenerator[bytes]) -> None:
        write = self._outlet.write_chunk
        try:
            async for chunk in chunks:
                pressure = write(chunk)
                if pressure is not None:
                    await pressure
        except Exception:  # noqa: BLE001 -- as an app's own call: logged, and the end of this response alone
            await self.config.log.exception("a body failed")
        else:
            await self.send(EndBody(stream_id=self.stream_id))
        finally:
            await chunks.aclose()
        # Without the end of its body the connection is closed: the client sees that something is missing.
        self.closed, self.state = True, ASGIHTTPState.CLOSED
        await self.send(StreamClosed(stream_id=self.stream_id))
