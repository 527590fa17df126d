"""Sockets for the server to accept from, with the options that every accepted connection inherits.

Owns binding, the life of a unix socket's file, and the words for what goes wrong. Refuses to accept connections: they
wait in the kernel until the app is ready.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final, NamedTuple

from logstream.serving.errors import AddressUnusableError, InheritedSocketError, PortTakenError, SocketPathError

# How much the kernel takes from us that a client has not yet been sent. Without it a client that reads nothing is given
# 4 MB (tcp_wmem) before we notice; less than 64 KiB would throttle those who do read.
NOTSENT_LOWAT_BYTES: Final = 64 * 1024
# After this long without a sign of the other side, or with a client that takes nothing, the connection is cut: a laptop
# asleep would else count for 15 minutes. A client that stands still for a minute (a stopped tab, a debugger) is kept:
# it costs about 110 KB until then, and goes on where it was.
USER_TIMEOUT_MS: Final = 120_000
SOCKET_MODE: Final = 0o660
# How many clients may wait to be accepted. In a reconnect storm those beyond it are slow (TCP) or refused (unix).
BACKLOG: Final = 2048


class Address(NamedTuple):
    """Where the server listens: `host` and `port`, or the `path` of a unix socket."""

    host: str
    port: int
    path: Path | None = None

    def __str__(self) -> str:
        if self.path is not None:
            return f"unix:{self.path}"
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"


class Listener:
    """One socket that listens. Closing it removes the socket file that it made."""

    def __init__(self, sock: socket.socket, made_file: Path | None = None) -> None:
        sock.settimeout(0)
        self.socket = sock
        self._made_file = made_file
        self._made_inode = made_file.lstat().st_ino if made_file is not None else None

    @property
    def address(self) -> Address:
        """Where this is; with port 0 asked for, the port that the system gave."""
        name = self.socket.getsockname()
        return Address("", 0, Path(os.fsdecode(name))) if isinstance(name, str | bytes) else Address(name[0], name[1])

    def close(self) -> None:
        """Closes the socket, and removes its file unless another server has put its own there."""
        self.socket.close()
        if self._made_file is not None:
            with suppress(OSError):
                if self._made_file.lstat().st_ino == self._made_inode:
                    self._made_file.unlink()


def bind_tcp(host: str, port: int) -> list[Listener]:
    """A listener for each address of `host`: "localhost" may have two, "" means all of this machine.

    Raises:
        PortTakenError, AddressUnusableError: nothing stays bound.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise AddressUnusableError(host, port, str(error)) from error
    listeners: list[Listener] = []
    with ExitStack() as undo:
        failure: OSError | None = None
        for family, _, _, _, address in dict.fromkeys(found):
            # All addresses of one host share the port that the first one was given.
            same_port = listeners[0].address.port if listeners else port
            try:
                listener = Listener(_listening(family, (address[0], same_port, *address[2:])))
            except OSError as error:
                if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                    raise _tcp_error(host, same_port, error) from error
                failure = error  # such as ::1 of "localhost" where IPv6 is switched off: the other address will do
                continue
            undo.callback(listener.close)
            listeners.append(listener)
        if failure is not None and not listeners:
            raise _tcp_error(host, port, failure) from failure
        undo.pop_all()
    return listeners


def bind_unix(path: Path) -> Listener:
    """A listener on a new unix socket that its owner and group may use; a socket file left by a dead server goes.

    Raises:
        SocketPathError: something else is there, another server listens on it, or the directory does not allow it.
    """
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(os.fspath(path))
        path.chmod(SOCKET_MODE)  # before anybody can connect: nobody listens yet
        sock.listen(BACKLOG)
        return Listener(sock, made_file=path)
    except OSError as error:
        sock.close()
        # a path over 107 bytes has no strerror, only words
        raise SocketPathError(path, error.strerror or str(error)) from error


def inherit(fd: int) -> Listener:
    """The socket that a supervisor (systemd) bound for us; raises `InheritedSocketError`."""
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        raise InheritedSocketError(fd, error.strerror or str(error)) from error
    if sock.type != socket.SOCK_STREAM:
        sock.detach()
        raise InheritedSocketError(fd, "not a stream socket")
    if sock.family != socket.AF_UNIX:
        _set_tcp_options(sock)
    return Listener(sock)


def _listening(family: int, address: tuple[str | int, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has its own socket
        _set_tcp_options(sock)
        sock.bind(address)
        # Here and not when the app is ready: two servers may both bind one port, and only the second `listen` fails.
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _set_tcp_options(sock: socket.socket) -> None:
    """On a listener these are inherited by each accepted connection (Linux, macOS); not every system has each."""
    options = {"TCP_NODELAY": 1, "TCP_NOTSENT_LOWAT": NOTSENT_LOWAT_BYTES, "TCP_USER_TIMEOUT": USER_TIMEOUT_MS}
    for name, value in options.items():
        if (option := getattr(socket, name, None)) is not None:
            with suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _tcp_error(host: str, port: int, error: OSError) -> PortTakenError | AddressUnusableError:
    if error.errno == errno.EADDRINUSE:
        return PortTakenError(host, port)
    return AddressUnusableError(host, port, error.strerror or str(error))


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
        if not stat.S_ISSOCK(mode):
            raise SocketPathError(path, "something that is not a socket has this name")
        if _is_served(path):
            raise SocketPathError(path, "another server listens on it")
        path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise SocketPathError(path, error.strerror or str(error)) from error


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(0)  # a full backlog answers EAGAIN: somebody listens
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            return False
        except BlockingIOError:
            return True
        return True
