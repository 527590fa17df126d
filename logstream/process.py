"""What each process that serves is made with, whether it is the only one or one of several workers.

Owns what must be the same in all of them: the event loop, the streams and the gate, how long a stop may take, and the
words in which it is told. Starts nothing: that is `server`'s, and `workers`'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logstream.api.gate import Gate
from logstream.parts import policy_of
from logstream.sse import Streams

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from logstream.config import Settings

STOP_DEADLINE_SECONDS: Final = 2.0
BYE: Final = "the server is going down"


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop; None: asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - not to be had on every system; plain asyncio works as well
    except ImportError:
        return None
    return uvloop.new_event_loop


def streams_of(settings: Settings) -> Streams:
    """The streams of one process, none open yet."""
    stream = settings.stream
    return Streams(
        heartbeat_seconds=stream.heartbeat_seconds,
        retry_ms=stream.retry_ms,
        max_connections=stream.max_connections,
        max_connections_per_client=stream.max_connections_per_client,
    )


def gate_of(settings: Settings) -> Gate:
    """Who is let in to one process."""
    return Gate(policy_of(settings), settings.state.dir, cookie_path=settings.server.root_path)
