"""The end of streams for apps that run under Hypercorn's own `serve` or Quart's `run_task`."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logstream.sse.streams import Streams


async def until_signal(streams: Streams, reason: str = "shutdown") -> None:
    """Waits for SIGINT or SIGTERM, then ends all streams: a `shutdown_trigger`.

    Those servers wait for open responses before they tell the app of their end (three seconds on Python 3.11, for ever
    since 3.12: hypercorn#308), so `after_serving` would come too late. Runs in the main thread only.
    """
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    await streams.close(reason)
