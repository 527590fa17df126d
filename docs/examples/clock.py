"""A clock over Server-Sent Events: `python docs/examples/clock.py`, then `curl -N http://127.0.0.1:8000/events/clock`.

Whoever comes back with the id last seen is told each second in between, up to a minute.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from functools import partial

from quart import Quart

from logstream.sse import Event, Streams, stream_blueprint, until_signal

app = Quart(__name__)
streams = Streams(heartbeat_seconds=15, retry_ms=3000, max_connections=1000, max_connections_per_client=6)
app.register_blueprint(stream_blueprint(streams), url_prefix="/events")


async def clock(last_event_id: str | None) -> AsyncIterator[Event]:
    now = int(time.time())
    seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else now - 1
    second = min(max(seen, now - 60), now) + 1
    while True:
        await asyncio.sleep(second - time.time())
        yield Event("tick", time.strftime("%H:%M:%S", time.gmtime(second)), str(second))
        second += 1


streams.register("clock", clock)

if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8000
    asyncio.run(app.run_task(port=port, shutdown_trigger=partial(until_signal, streams)))
