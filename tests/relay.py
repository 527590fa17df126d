"""A TCP relay between a client and the service: the network, with a switch."""

from __future__ import annotations

import selectors
import socket
import threading
from typing import Self


class Relay:
    """Passes bytes on to a port of this machine until it is told to cut or to swallow them."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._orders: list[str] = []
        self._wake_reader, self._wake_writer = socket.socketpair()
        self.passed_bytes = 0
        self._cut_at: int | None = None
        self.is_cut = False
        self._swallows = False
        self._thread = threading.Thread(target=self._run, name="relay")

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Close all connections, and each new one at once."""
        self._order("cut")

    def cut_after(self, count: int) -> None:
        """The same once so many more bytes have passed."""
        self._cut_at = self.passed_bytes + count

    def swallow(self) -> None:
        """Leave all connections open and pass nothing on: a cable that was pulled."""
        self._order("swallow")

    def restore(self) -> None:
        """Pass on again what comes from now on; connections that lost bytes are closed."""
        self._order("restore")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._order("end")
        self._thread.join()
        for one in (*self._pairs, self._listener, self._wake_reader, self._wake_writer):
            one.close()

    def _order(self, order: str) -> None:
        self._orders.append(order)
        self._wake_writer.send(b"!")

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._wake_reader, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._wake_reader:
                        self._wake_reader.recv(1)
                        if not self._obey(self._orders.pop(0), selector):
                            return
                    elif key.fileobj is self._listener:
                        self._accept(selector)
                    elif key.fileobj in self._pairs:
                        self._pass_on(key.fileobj, selector)

    def _obey(self, order: str, selector: selectors.BaseSelector) -> bool:
        self.is_cut = order == "cut"
        was_swallowing, self._swallows = self._swallows, order == "swallow"
        if self.is_cut or was_swallowing:
            self._drop_all(selector)
        return order != "end"

    def _accept(self, selector: selectors.BaseSelector) -> None:
        client, _ = self._listener.accept()
        try:
            if self.is_cut:
                raise ConnectionRefusedError
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        self._pairs |= {client: server, server: client}
        selector.register(client, selectors.EVENT_READ)
        selector.register(server, selectors.EVENT_READ)

    def _pass_on(self, one: socket.socket, selector: selectors.BaseSelector) -> None:
        try:
            received = one.recv(65_536)
            if received and not self._swallows:
                self._pairs[one].sendall(received)
                self.passed_bytes += len(received)
        except OSError:
            received = b""
        if not received:
            self._drop(one, selector)
        if self._cut_at is not None and self.passed_bytes >= self._cut_at:
            self._cut_at, self.is_cut = None, True
            self._drop_all(selector)

    def _drop_all(self, selector: selectors.BaseSelector) -> None:
        for one in list(self._pairs):
            self._drop(one, selector)

    def _drop(self, one: socket.socket, selector: selectors.BaseSelector) -> None:
        other = self._pairs.pop(one, None)
        if other is None:
            return
        del self._pairs[other]
        for end in (one, other):
            selector.unregister(end)
            end.close()
