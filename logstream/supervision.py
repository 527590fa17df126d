"""What is agreed with a supervisor such as systemd: sockets that it bound for us, and word of how we are.

Owns the protocols of sd_listen_fds(3) and sd_notify(3): environment variables, and datagrams to one socket. Refuses to
decide when the service is ready. Without a supervisor everything here does nothing.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from logstream.errors import LogstreamError

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

FIRST_FD: Final = 3
"""The first descriptor handed over (SD_LISTEN_FDS_START)."""
_FEEDINGS: Final = 3
"""So many signs of life within the time after which we count as dead: one may be late."""
_US: Final = 1_000_000


class NotifySocketError(LogstreamError):
    """The supervisor waits for word on a socket that cannot be used; `reason` says why."""

    def __init__(self, address: str, reason: str) -> None:
        """Remember the socket's address, and the reason."""
        super().__init__(address, reason)
        self.address = address
        self.reason = reason

    def __str__(self) -> str:
        """One line for people."""
        return f"NOTIFY_SOCKET={self.address!r} cannot be used: {self.reason}; unset it to start without a supervisor"


def take_sockets(environ: MutableMapping[str, str]) -> tuple[int, ...]:
    """The descriptors of the sockets that were bound for this process; none if they were meant for another.

    The variables are removed, and the descriptors are closed in programs that we start: neither is meant for those.
    """
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()) or not count.isdecimal():
        return ()
    descriptors = tuple(range(FIRST_FD, FIRST_FD + int(count)))
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - the name says it
    return descriptors


def hosts_of(descriptors: Iterable[int]) -> list[str]:
    """The addresses at which sockets were bound; paths are left out."""
    found = []
    for descriptor in descriptors:
        with socket.socket(fileno=os.dup(descriptor)) as bound:
            name = bound.getsockname()
        if isinstance(name, tuple):
            found.append(str(name[0]))
    return found


class Overseer:
    """Who started us and wants to know how we are, such as systemd; perhaps nobody."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        """Take what `environ` says, and remove it: programs that we start have nothing to say.

        Raises:
            NotifySocketError: there is a socket, but nothing can be sent to it.
        """
        address = environ.pop("NOTIFY_SOCKET", "")
        self.period_seconds = _watchdog_period(environ)
        """How often to show life; None if nobody wants that."""
        self._is_ready = self._is_reloading = False
        self._socket: socket.socket | None = None
        if address:
            self._socket = _connected(address)

    def ready(self, status: str) -> None:
        """The service does its work."""
        self._is_ready = True
        self._tell(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """The configuration is being read anew; `reloaded` says that this is over. Not told before `ready`."""
        if self._is_ready:
            self._is_reloading = True
            self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def reloaded(self, status: str) -> None:
        """The service does its work, as before or as it was told to; not told where its reload was not."""
        if self._is_reloading:
            self._is_reloading = False
            self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The service has begun to stop."""
        self._tell("STOPPING=1\nSTATUS=ending the streams")

    async def run(self) -> None:
        """Give signs of life, as long as the event loop turns, until cancelled; ends at once if nobody wants any."""
        while self.period_seconds is not None:
            self.show_life()
            await asyncio.sleep(self.period_seconds)

    def show_life(self) -> None:
        """Give one sign of life, if any is wanted."""
        if self.period_seconds is not None:
            self._tell("WATCHDOG=1")

    def close(self) -> None:
        """Say nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _tell(self, message: str) -> None:
        if self._socket is not None:
            # A supervisor that does not read must not hold us: it misses this message and gets the next.
            with suppress(OSError):
                self._socket.send(message.encode())


def _watchdog_period(environ: MutableMapping[str, str]) -> float | None:
    """Seconds between signs of life; None if they are not wanted, or not of us."""
    limit, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
    if not limit.isdecimal() or not int(limit) or pid not in {"", str(os.getpid())}:
        return None
    return int(limit) / _US / _FEEDINGS


def _connected(address: str) -> socket.socket:
    if address[0] not in "/@":
        raise NotifySocketError(address, "neither a path nor an abstract address")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    try:
        sock.settimeout(0)
        sock.connect(f"\0{address[1:]}" if address[0] == "@" else address)
    except OSError as error:
        sock.close()
        raise NotifySocketError(address, error.strerror or str(error)) from error
    return sock
