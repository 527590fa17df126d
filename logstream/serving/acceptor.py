"""Accepts connections from a socket that several processes listen on, one a turn of the loop.

Owns when this process accepts. asyncio's own servers take all that waits at once, so that after a reconnect storm one
process would have most of the clients. The socket is one for all (not one each with SO_REUSEPORT): what waits in its
queue is nobody's yet, so a process that dies takes no waiting client with it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from logstream.serving.spread import Share

_log: Final = logging.getLogger(__name__)
_OTHERS_FIRST_SECONDS: Final = 0.01
_TAKEN_ANYWAY: Final = 16
"""What others have left waiting for so long is taken, so many at a time: they may stand still."""
_NO_FILES_SECONDS: Final = 1.0


class Acceptor:
    """Hands accepted connections to `accepted`, until closed; the socket is not closed with it."""

    def __init__(
        self,
        listener: socket.socket,
        accepted: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None],
        share: Share,
    ) -> None:
        """Begin to accept, in the running loop."""
        self._listener = listener
        self._accepted = accepted
        self._share = share
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._listen()

    def _listen(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener.fileno(), self._on_waiting)

    def _on_waiting(self) -> None:
        if self._share.is_ahead:
            self._pause(_OTHERS_FIRST_SECONDS, self._take_anyway)
        else:
            self._take(1)

    def _take_anyway(self) -> None:
        self._listen()
        self._take(_TAKEN_ANYWAY)

    def _pause(self, seconds: float, go_on: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._timer = self._loop.call_later(seconds, go_on)

    def _take(self, most: int) -> None:
        for _ in range(most):
            try:
                sock, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:  # no descriptor is free: asking again at once would turn the loop for nothing
                _log.error("no connection can be accepted: %s", error)
                self._pause(_NO_FILES_SECONDS, self._listen)
                return
            task = self._loop.create_task(self._open(sock), name="accept")
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self, sock: socket.socket) -> None:
        sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader, self._accepted)
        try:
            await self._loop.connect_accepted_socket(lambda: protocol, sock)
        except OSError:
            sock.close()  # it has gone again

    def close(self) -> None:
        """Accept no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._listener.fileno())
