"""Server-Sent Events for any Quart app: encoder, resumable streams, heartbeat, limits, a clean end.

Knows nothing of logs. `docs/sse.md` is its manual.
"""

from logstream.sse.encoder import Event, check_type, encode_comment, encode_event, encode_retry
from logstream.sse.errors import (
    ClosingError,
    RefusedError,
    SourceTakenError,
    TooManyStreamsError,
    UnknownSourceError,
    UnsafeFieldError,
)
from logstream.sse.feed import EndOfFeed, Feed, OpenFeed
from logstream.sse.routes import refusal_response, requested_last_event_id, stream_blueprint
from logstream.sse.shutdown import until_signal
from logstream.sse.sources import Source
from logstream.sse.streams import Streams, StreamStats

__all__ = [
    "ClosingError",
    "EndOfFeed",
    "Event",
    "Feed",
    "OpenFeed",
    "RefusedError",
    "Source",
    "SourceTakenError",
    "StreamStats",
    "Streams",
    "TooManyStreamsError",
    "UnknownSourceError",
    "UnsafeFieldError",
    "check_type",
    "encode_comment",
    "encode_event",
    "encode_retry",
    "refusal_response",
    "requested_last_event_id",
    "stream_blueprint",
    "until_signal",
]
