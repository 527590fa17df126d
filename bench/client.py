"""The one client of all benchmarks: takes bytes from a socket or a pipe, and reads them only after the clock stopped.

A client that decoded each event would measure itself. This one looks for a mark in what it gets and keeps the rest for
the check. All pipelines write whole events, so a mark is never cut by a chunk's edge; were it, the wait would end in
an error and never in a wrong figure.
"""

from __future__ import annotations

import os
import select
import socket
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import orjson

from bench.errors import BenchError, EndedError, RefusedError, SilenceError

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_SECONDS: Final = 120.0
_READ_BYTES: Final = 262_144
_END_OF_HEAD: Final = b"\r\n\r\n"
_END_OF_EVENT_CHUNK: Final = b"\n\n\r\n"
# All others are lines, under the type that a rule gave them.
_OWN_EVENTS: Final = frozenset((b"hello", b"ping", b"rotated", b"source", b"bye"))


class Client:
    """Bytes from one file descriptor. `end` is what each whole event, or line, ends with on this transport."""

    def __init__(self, fd: int, end: bytes) -> None:
        """Read from `fd`, which stays the caller's."""
        self._fd = fd
        self._end = end
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    def read(self, seconds: float) -> bytes:
        """What has come, waiting at most so long for it: empty if nothing did. Raises EndedError."""
        if not self._poll.poll(max(0.0, seconds) * 1000):
            return b""
        content = os.read(self._fd, _READ_BYTES)
        if not content:
            raise EndedError
        return content

    def until(self, mark: bytes) -> bytes:
        """All bytes up to the end of the event that holds `mark`. Raises SilenceError and EndedError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        pieces: list[bytes] = []
        edge = b""
        kept_bytes = max(len(mark), len(self._end))
        is_found = False
        while not (is_found and edge.endswith(self._end)):
            piece = self.read(deadline - time.monotonic())
            if not piece:
                if time.monotonic() < deadline:
                    continue
                raise SilenceError(mark, PATIENCE_SECONDS, sum(map(len, pieces)))
            pieces.append(piece)
            is_found = is_found or mark in piece or mark in edge + piece[: len(mark)]
            edge = (edge + piece[-kept_bytes:])[-kept_bytes:]
        return b"".join(pieces)

    def until_count(self, mark: bytes, count: int) -> None:
        """Pass over all up to the read that brings the last of `count` marks. Raises SilenceError and EndedError."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        found, passed_bytes, edge = 0, 0, b""
        while found < count:
            piece = edge + self.read(deadline - time.monotonic())
            if time.monotonic() > deadline:
                raise SilenceError(mark, PATIENCE_SECONDS, passed_bytes)
            found += piece.count(mark)
            passed_bytes += len(piece)
            # One byte less than a mark: a whole one is never counted twice.
            edge = piece[1 - len(mark) :]


@contextmanager
def http_client(port: int, target: str, *, last_event_id: str | None = None) -> Iterator[Client]:
    """A client of one response from 127.0.0.1, past its head. Raises RefusedError."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)) as connection:
        connection.settimeout(None)
        header = "" if last_event_id is None else f"Last-Event-ID: {last_event_id}\r\n"
        connection.sendall(
            f"GET {target} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n{header}\r\n".encode("latin-1")
        )
        read_head(connection, b"HTTP/1.1 200 ")
        yield Client(connection.fileno(), _END_OF_EVENT_CHUNK)


def read_head(connection: socket.socket, expected: bytes) -> None:
    """Read the head of a response, which has to begin as expected, and nothing behind it. Raises RefusedError."""
    head = bytearray()
    while not head.endswith(_END_OF_HEAD):
        # Byte by byte: what follows the head belongs to the first event.
        piece = connection.recv(1)
        if not piece:
            raise EndedError
        head += piece
    if not head.startswith(expected):
        raise RefusedError(bytes(head))


class Event:
    """One server-sent event: `type`, `data` and `id` as they stood on the wire."""

    __slots__ = ("data", "id", "type")

    def __init__(self, block: bytes) -> None:
        """Parse one event, without the blank line at its end."""
        self.type, self.id, self.data = b"message", b"", b""
        for field in block.split(b"\n"):
            name, _, value = field.partition(b": ")
            if name == b"data":
                self.data = value
            elif name == b"event":
                self.type = value
            elif name == b"id":
                self.id = value


def events_in(raw: bytes) -> Iterator[Event]:
    """The events of a piece of a chunked response, which begins and ends where an event does."""
    for block in _dechunk(raw).split(b"\n\n"):
        if block and not block.startswith(b":"):
            yield Event(block)


def records_in(raw: bytes) -> list[dict[str, Any]]:
    """The records of a piece of a logstream response, of either shape. Raises BenchError for a gap."""
    records: list[dict[str, Any]] = []
    for event in events_in(raw):
        if event.type == b"gap":
            message = f"logstream told of a gap: {event.data.decode()}"
            raise BenchError(message)
        if event.type == b"batch":
            records += orjson.loads(event.data)
        elif event.data and event.type not in _OWN_EVENTS:
            records.append(orjson.loads(event.data))
    return records


def _dechunk(raw: bytes) -> bytes:
    """The body in a piece of a response in HTTP/1.1 chunks (RFC 9112, section 7.1)."""
    pieces = []
    at = 0
    while at < len(raw):
        line_end = raw.index(b"\r\n", at)
        start = line_end + 2
        size = int(raw[at:line_end], 16)
        pieces.append(raw[start : start + size])
        at = start + size + 2
    return b"".join(pieces)
