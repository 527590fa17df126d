"""The stream as a browser reads it, with the read from the connection in which each event came.

Owns the reading of one response, and how long one waits for the next byte. Refuses to judge.
"""

from __future__ import annotations

import http.client
import json
import time
import zlib
from typing import TYPE_CHECKING, Final

from logstream.doctor.asking import connection_to, names_of
from logstream.doctor.seen import CUT, FIRST_EVENT_SECONDS, SILENT, Address, Answer, Event, Streamed

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

_STREAM: Final = "/api/v1/stream?from=now"
_HEARTBEATS: Final = 1.6


def follow(address: Address, headers: Mapping[str, str], idle_seconds: float, *, pings: int) -> Streamed:
    """A stream until `pings` have come that are not the first one, and for `idle_seconds` at least."""
    connection = connection_to(address)
    try:
        connection.request("GET", address.path + _STREAM, headers={"Accept-Encoding": "gzip", **headers})
        began = time.monotonic()
        connection.sock.settimeout(FIRST_EVENT_SECONDS)
        try:
            response = connection.getresponse()
        except TimeoutError:
            return Streamed(Answer(), ended=SILENT, seconds=FIRST_EVENT_SECONDS)
        answer = Answer(response.status, names_of(response))
        if answer.status != http.HTTPStatus.OK:
            return Streamed(answer)
        return _read(connection.sock, response, answer, (began, idle_seconds, pings))
    except (OSError, http.client.HTTPException) as error:
        return Streamed(Answer(failure=str(error) or type(error).__name__))
    finally:
        connection.close()


def _read(
    sock: socket.socket, response: http.client.HTTPResponse, answer: Answer, wanted: tuple[float, float, int]
) -> Streamed:
    began, idle_seconds, pings = wanted
    compression = answer.headers.get("content-encoding", "")
    unpack = zlib.decompressobj(31) if compression == "gzip" else None
    events: list[Event] = []
    text, read, ended = b"", 0, ""
    while not ended and not _is_enough(events, pings, time.monotonic() - began, idle_seconds):
        sock.settimeout(_patience(events))
        try:
            chunk = response.read1(65_536)
        except TimeoutError:
            ended = SILENT
            break
        except (OSError, http.client.HTTPException):
            chunk = b""
        ended = "" if chunk else CUT
        read += 1
        text += unpack.decompress(chunk) if unpack else chunk
        *blocks, text = text.replace(b"\r\n", b"\n").split(b"\n\n")
        at = time.monotonic() - began
        events += [event for block in blocks if (event := _event(block, at, read)) is not None]
    return Streamed(answer, tuple(events), compression, ended, time.monotonic() - began)


def _is_enough(events: list[Event], pings: int, seconds: float, idle_seconds: float) -> bool:
    """Whether the stream has shown what it can: with `pings`, news that were written apart, else the first event."""
    if not events:
        return False
    return sum(event.type == "ping" for event in events) >= pings and seconds >= idle_seconds


def _patience(events: list[Event]) -> float:
    """How long the next bytes may take: until the next heartbeat, once it is known how often that comes."""
    hello = next((event for event in events if event.type == "hello"), None)
    if hello is None:
        return FIRST_EVENT_SECONDS
    return float(json.loads(hello.text)["heartbeat_seconds"]) * _HEARTBEATS + 1.0


def _event(block: bytes, at_seconds: float, read: int) -> Event | None:
    fields = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
    if b"data" not in fields:
        return None
    kind = fields.get(b"event", b"message").decode("utf-8", "replace")
    place = fields.get(b"id", b"").decode("utf-8", "replace")
    return Event(kind, fields[b"data"].decode("utf-8", "replace"), at_seconds, read, place)
