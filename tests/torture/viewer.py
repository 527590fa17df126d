"""A client of the real service that can be cut after any byte, and that goes on with its last id.

Owns its connection; what it receives goes to its account.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.running import OWN_EVENTS, PATIENCE_SECONDS, Event, Stream, StreamEndedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.running import Service
    from tests.torture.account import Account

QUIET_SECONDS = 2 * PATIENCE_SECONDS
"""How long a client waits for what it is owed after it got something: what found no room is tried again after 30 s."""


class CutStream(Stream):
    """A stream that ends after `left_bytes` more bytes, if that is not None."""

    left_bytes: int | None = None

    def _receive(self) -> None:
        if self.left_bytes is None:
            super()._receive()
            return
        if self.left_bytes <= 0:
            raise StreamEndedError
        received = self._socket.recv(min(self.left_bytes, 262_144))
        if not received:
            raise StreamEndedError
        self.left_bytes -= len(received)
        self._raw += received


class Viewer:
    """One client, over all its connections."""

    def __init__(
        self, service: Service, account: Account, parameters: Mapping[str, str], receive_bytes: int = 0
    ) -> None:
        """A client that asks for `parameters` when it has no id yet."""
        self.account = account
        self.reconnects = 0
        self._service = service
        self._parameters = parameters
        self._receive_bytes = receive_bytes
        self._stream: CutStream | None = None
        self._last_id: str | None = None

    def connect(self) -> None:
        """Open a stream where the last one ended, unless one is open."""
        if self._stream is not None:
            return
        target = f"/api/v1/stream?{urlencode(self._parameters)}"
        stream = CutStream(self._service.port, target, self._last_id, receive_bytes=self._receive_bytes)
        assert stream.status == 200, stream.body()
        self._stream = stream
        self.reconnects += 1
        hello = stream.event()
        assert hello.type == "hello", hello
        assert hello.json["resume"]["exact"], f"{self.account.name}: {self._last_id} was not found: {hello.json}"
        self._last_id = self._last_id or hello.json["resume"]["from"]

    def catch_up(self) -> None:
        """Read until nothing is owed any more."""
        deadline = time.monotonic() + QUIET_SECONDS
        while missing := self.account.missing():
            before = self.account.progress
            self._read_some(len(missing))
            now = time.monotonic()
            if self.account.progress > before:
                deadline = now + QUIET_SECONDS
            assert now < deadline, f"{self.account.name} waits in vain for {len(missing)} lines: {missing[:5]}"

    def look(self, pings: int = 2) -> None:
        """Read on for as long as it takes to see so many pings: what comes twice comes soon."""
        self.connect()
        while pings:
            event = self._next()
            if event is None:
                return
            pings -= event.type == "ping"

    def cut_after(self, most_bytes: int) -> None:
        """Read so many bytes, or until all is read, and reset the connection in the middle of whatever comes then."""
        self.connect()
        assert self._stream is not None
        self._stream.left_bytes = most_bytes
        while (event := self._next()) is not None:
            if event.type == "ping" and not self.account.missing():
                self.drop()

    def drain(self) -> None:
        """Read what an ended connection still holds."""
        while self._next() is not None:
            pass

    def drop(self) -> None:
        """Reset the connection."""
        if self._stream is not None:
            self._stream.cut()
            self._stream = None

    def _read_some(self, count: int) -> None:
        """Take events until `count` records have come, or there is a pause."""
        self.connect()
        wanted = self.account.progress + count
        while self.account.progress < wanted:
            event = self._next()
            if event is None or event.type in {"ping", "gap"}:
                return

    def _next(self) -> Event | None:
        """The next event; None when the connection has ended."""
        if self._stream is None:
            return None
        try:
            event = self._stream.event()
        except (StreamEndedError, ConnectionError):
            self._stream.cut()
            self._stream = None
            return None
        if event.type == "gap":
            self.account.take_gap(event.json, event.id)
        elif event.type == "batch":
            assert event.json[-1]["id"] == event.id, event.id
            self.account.take(event.json)
        elif event.type not in OWN_EVENTS:
            assert event.json["id"] == event.id, event
            self.account.take([event.json])
        self._last_id = event.id or self._last_id
        return event
