"""Why the server cannot listen: each case with what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.errors import LogstreamError

if TYPE_CHECKING:
    from pathlib import Path


class ListenError(LogstreamError):
    """The server cannot listen where it was told to. Root of the cases below."""


class PortTakenError(ListenError):
    """Another program listens on `host` and `port` already."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self.host = host
        self.port = port

    def __str__(self) -> str:
        return (
            f"port {self.port} on {self.host} is taken by another program: stop that one "
            f"(`ss -ltnp 'sport = :{self.port}'` names it) or choose another port"
        )


class AddressUnusableError(ListenError):
    """`host` and `port` cannot be listened on, for the system's `reason`."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(host, port, reason)
        self.host = host
        self.port = port
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"cannot listen on {self.host} port {self.port}: {self.reason}; the host must be an address of this "
            "machine (127.0.0.1 for this machine only, 0.0.0.0 for all), and ports below 1024 need privileges"
        )


class SocketPathError(ListenError):
    """The unix socket `path` cannot be made, for `reason`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"cannot make the unix socket {self.path}: {self.reason}; name another path, in a directory that is there "
            "and in which this user may write"
        )


class InheritedSocketError(ListenError):
    """The file descriptor `fd` is not a stream socket to listen on."""

    def __init__(self, fd: int, reason: str) -> None:
        super().__init__(fd, reason)
        self.fd = fd
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"file descriptor {self.fd} is no socket to listen on: {self.reason}; the supervisor must hand over "
            "listening stream sockets (LISTEN_FDS), or none"
        )
