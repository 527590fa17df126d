"""The HTTP face of a stream: its headers, and a body that gives its seat back however the request ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from quart import Response
from quart.wrappers.response import ResponseBody

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping
    from types import TracebackType

    from logstream.sse.seats import Seat

HEADERS: Final = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # no-transform: a proxy that compresses would hold events back; some honour nothing else.
    "Cache-Control": "no-store, no-transform",
    # nginx, also one that nobody configured for this, passes each event on at once.
    "X-Accel-Buffering": "no",
}


# A server that pulls chunks itself offers this in the scope's extensions: `take(chunks, ended)`. It closes the chunks
# and calls `ended`, whatever happens. Then a stream keeps nothing of its request, and no layer stands between it and
# its client. Other servers are given the chunks by Quart.
BODY_EXTENSION: Final = "logstream.body"
_Take = Callable[["AsyncGenerator[bytes]", "Callable[[], None]"], None]


class StreamBody(ResponseBody):
    """A body made by an async generator, whose seat is given back also when the generator never ran."""

    def __init__(self, chunks: AsyncGenerator[bytes], seat: Seat, extensions: Mapping[str, Any]) -> None:
        self._chunks = chunks
        self._seat = seat
        self._take: _Take | None = extensions.get(BODY_EXTENSION, {}).get("take")

    async def __aenter__(self) -> AsyncIterator[bytes]:
        if self._take is None:
            return self._chunks
        self._seat.begin()
        self._take(self._chunks, self._seat.release)
        return _nothing()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._take is None:
            await self._chunks.aclose()
            self._seat.release()

    def __del__(self) -> None:
        # A view may drop the response that it asked for, or a client leave before the body begins: then no other code
        # of this class ever runs.
        self._seat.lapse()


async def _nothing() -> AsyncIterator[bytes]:
    for chunk in list[bytes]():
        yield chunk


def stream_response(body: ResponseBody | None) -> Response:
    """The 200 of a stream. Without a body it answers HEAD: same headers, and no generator left running."""
    response = Response(body, headers=HEADERS)
    # Quart cuts every response after RESPONSE_TIMEOUT (60 s), in silence, unless it is told that there is none.
    response.timeout = None
    return response
