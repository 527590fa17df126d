"""A child's connection to its parent: what it is told, the sockets it is handed, and the parent's end.

Owns the reading of one socket. When that ends the parent is dead, and nobody would end this process or replace another.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Final

from logstream.workers.messages import Fresh, LookAgain, Peer, Unpacker, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.config import Settings

_RECEIVED_BYTES: Final = 65_536
_DESCRIPTORS: Final = 64


class Link:
    """The child's end."""

    def __init__(self, sock: socket.socket) -> None:
        """Nothing is read before `listen`."""
        self._sock = sock
        self._unpacker = Unpacker()
        self._descriptors: deque[int] = deque()
        self.peers: asyncio.Queue[tuple[str, socket.socket]] = asyncio.Queue()
        """Connections to other processes of the service, with their names, as they are handed over."""
        self.taken = 0
        """How many that were."""

    def listen(self, on_fresh: Callable[[Settings], None], on_look_again: Callable[[], None]) -> None:
        """Take what comes, in the running loop: each new configuration, and that sessions have ended elsewhere."""
        self._sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        self._on_fresh = on_fresh
        self._on_look_again = on_look_again
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self._receive)

    def tell(self, value: object) -> None:
        """Say something short to the parent, at once."""
        self._sock.setblocking(True)  # noqa: FBT003 - as above
        self._sock.sendall(pack(value))
        self._sock.setblocking(False)  # noqa: FBT003 - as above

    def _receive(self) -> None:
        try:
            received, descriptors, _, _ = socket.recv_fds(self._sock, _RECEIVED_BYTES, _DESCRIPTORS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            received, descriptors = b"", []
        if not received:
            # As a `kill -9` of a service in one process: clients go on elsewhere or later, exactly. To end in order
            # would keep the port from the service that is started in its place.
            os._exit(1)
        self._descriptors.extend(descriptors)
        for message in self._unpacker.feed(received):
            match message:
                case Peer(name):
                    self.taken += 1
                    self.peers.put_nowait((name, socket.socket(fileno=self._descriptors.popleft())))
                case Fresh(settings):
                    self._on_fresh(settings)
                case LookAgain():
                    self._on_look_again()
