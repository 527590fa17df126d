"""WebSockets as far as the peers need them, and the client of frontail: socket.io (Engine.IO 3) in a WebSocket.

Owns the handshake, the pings without which frontail hangs up, and reading lines from the frames after the clock has
stopped (RFC 6455, section 5.2; a server does not mask). Nobody asks for compression. The client knows two events of
frontail: `options:no-indent` comes once it takes part, `line` is a line.
"""

from __future__ import annotations

import socket
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import orjson

from bench.client import PATIENCE_SECONDS, Client, read_head

if TYPE_CHECKING:
    from collections.abc import Iterator

_END_OF_EVENT: Final = b'"]'
UPGRADE: Final = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
"""The end of the head of a request for a WebSocket."""
_TEXT: Final = 0x81
_MASKED: Final = 0x80
_SHORT: Final = 126
_LONG: Final = 127
_SHORT_LIMIT: Final = 65_535
_PING: Final = b"2"
# Engine.IO 3 hangs up on who says nothing for 30 s.
_PING_SECONDS: Final = 10.0


def frame(text: bytes) -> bytes:
    """A message as a client sends it; a mask of zeros is a mask."""
    size = len(text)
    if size < _SHORT:
        head = bytes((_TEXT, _MASKED | size))
    elif size <= _SHORT_LIMIT:
        head = bytes((_TEXT, _MASKED | _SHORT)) + size.to_bytes(2, "big")
    else:
        head = bytes((_TEXT, _MASKED | _LONG)) + size.to_bytes(8, "big")
    return head + bytes(4) + text


class SocketIoClient(Client):
    """Bytes from a WebSocket, with a ping now and then."""

    def __init__(self, connection: socket.socket) -> None:
        """Read from `connection`, which stays the caller's."""
        super().__init__(connection.fileno(), _END_OF_EVENT)
        self._connection = connection
        self._pinged = time.monotonic()

    def read(self, seconds: float) -> bytes:
        """As Client.read."""
        if time.monotonic() - self._pinged > _PING_SECONDS:
            self.say(_PING)
        return super().read(min(seconds, _PING_SECONDS))

    def say(self, text: bytes) -> None:
        """Send one message."""
        self._connection.sendall(frame(text))
        self._pinged = time.monotonic()


@contextmanager
def socket_io_client(port: int, namespace: str) -> Iterator[SocketIoClient]:
    """A client that takes part in a namespace of 127.0.0.1. Raises RefusedError."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)) as connection:
        connection.settimeout(None)
        connection.sendall(b"GET /socket.io/?EIO=3&transport=websocket HTTP/1.1\r\nHost: localhost\r\n" + UPGRADE)
        read_head(connection, b"HTTP/1.1 101 ")
        client = SocketIoClient(connection)
        client.say(b"40/" + namespace.encode())
        client.until(b"options:no-indent")
        yield client


def line_texts(raw: bytes) -> list[str]:
    """The lines in a piece that begins and ends where a frame does."""
    texts = []
    for payload in _frames(raw):
        at = payload.find(b"[")
        if payload.startswith(b"42/") and payload.startswith(b'["line",', at):
            texts.append(orjson.loads(payload[at:])[1])
    return texts


def _frames(raw: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(raw):
        size = raw[at + 1]
        at += 2
        wide = {_SHORT: 2, _LONG: 8}.get(size, 0)
        if wide:
            size = int.from_bytes(raw[at : at + wide], "big")
            at += wide
        yield raw[at : at + size]
        at += size
