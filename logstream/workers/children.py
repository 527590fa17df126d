"""The parent's side of one child: forking it, what it says, and how it ended.

Owns a process number and a socket. When a child is started and ended is for `parent`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from logstream.errors import LogstreamError, UsageError
from logstream.process import loop_factory
from logstream.workers.link import Link
from logstream.workers.messages import Failed, Peer, Unpacker, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

_log: Final = logging.getLogger("logstream")
_RECEIVED_BYTES: Final = 65_536
_SEND_SECONDS: Final = 2.0
_LIVED_SECONDS: Final = 5.0
"""A child that ends sooner than this waits before it is started again, longer each time."""
_OWN_SIGNALS: Final = (signal.SIGCHLD, signal.SIGTERM)
_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 5.0
_MOST_DOUBLINGS: Final = 10


class Child:
    """One child, again and again: `name` lasts, processes come and go."""

    def __init__(self, name: str, work: Callable[[Link], Coroutine[Any, Any, None]]) -> None:
        """Not started. `work` is what the process does; it is given its end of the connection to the parent."""
        self.name = name
        self.pid: int | None = None
        self.is_ready = False
        self.failed: Failed | None = None
        self.handed_over = 0
        """How many connections the process has been handed."""
        self.due_seconds = 0.0
        """When to start it (monotonic), if it does not run."""
        self._work = work
        self._sock: socket.socket | None = None
        self._unpacker = Unpacker()
        self._started_seconds = 0.0
        self._short_lives = 0

    def start(self, forget: Callable[[], None]) -> None:
        """Fork. In the child `forget` closes what only the parent may hold."""
        ours, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        # A signal that comes between is the child's, and must not be taken by what its parent has set for itself.
        signal.pthread_sigmask(signal.SIG_BLOCK, _OWN_SIGNALS)
        pid = os.fork()
        if not pid:
            ours.close()
            forget()
            self._live(theirs)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _OWN_SIGNALS)
        theirs.close()
        ours.settimeout(_SEND_SECONDS)
        self.pid, self._sock, self._unpacker = pid, ours, Unpacker()
        self.is_ready, self.failed, self.handed_over = False, None, 0
        self._started_seconds = time.monotonic()

    def _live(self, sock: socket.socket) -> None:
        """All that the child does; never returns."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _OWN_SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _OWN_SIGNALS)
            for logged in logging.getLogger().handlers:
                logged.setFormatter(logging.Formatter(f"%(asctime)s %(levelname)s {self.name}: %(message)s"))
            link = Link(sock)
            try:
                with asyncio.Runner(loop_factory=loop_factory()) as runner:
                    runner.run(self._work(link))
                code = 0
            except BaseExceptionGroup as group:
                found = _first(group)
                if found is None:
                    raise
                link.tell(Failed(str(found), isinstance(found, UsageError)))
            except LogstreamError as error:
                link.tell(Failed(str(error), isinstance(error, UsageError)))
        except BaseException:  # noqa: BLE001 - the child's end: its parent must not be run a second time in it
            _log.exception("%s failed", self.name)
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    @property
    def sock(self) -> socket.socket | None:
        """The parent's end of the connection, while there is one."""
        return self._sock

    def hear(self) -> list[Any]:
        """What the child has said since the last call, once its socket can be read."""
        if self._sock is None:
            return []
        try:
            received = self._sock.recv(_RECEIVED_BYTES)
        except (OSError, TimeoutError):
            received = b""
        if not received:
            self.close()
        return list(self._unpacker.feed(received))

    def tell(self, value: object) -> None:
        """Say something to the child; one that does not take it is ended, for it would go on without."""
        if self._sock is None:
            return
        try:
            self._sock.sendall(pack(value))
        except OSError:
            self.signal(signal.SIGKILL)

    def hand_over(self, name: str, sock: socket.socket) -> None:
        """Give the child a connection to the process `name`."""
        if self._sock is None:
            return
        self.handed_over += 1
        message = pack(Peer(name))
        try:
            sent = socket.send_fds(self._sock, [message], [sock.fileno()])
            self._sock.sendall(message[sent:])
        except OSError:
            self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send a signal, if the process runs."""
        if self.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def reap(self) -> str | None:
        """How the process ended, if it has, since the last call."""
        if self.pid is None:
            return None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        for message in self.hear_out():
            if isinstance(message, Failed):
                self.failed = message
        self.close()
        self.pid, self.is_ready = None, False
        now = time.monotonic()
        self._short_lives = 0 if now - self._started_seconds >= _LIVED_SECONDS else self._short_lives + 1
        self.due_seconds = now + wait_seconds(self._short_lives)
        code = os.waitstatus_to_exitcode(status)
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def hear_out(self) -> list[Any]:
        """All that is left of what the child has said."""
        found = []
        while self._sock is not None:
            found += self.hear()
        return found

    def close(self) -> None:
        """Close the parent's end of the connection."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None


def wait_seconds(short_lives: int) -> float:
    """How long to wait before a child is started again that has ended so often soon after its start.

    The first time not at all: whatever ended it may be over.
    """
    if short_lives <= 1:
        return 0.0
    return min(_LONGEST_WAIT_SECONDS, _FIRST_WAIT_SECONDS * (1 << min(short_lives - 2, _MOST_DOUBLINGS)))


def _first(group: BaseExceptionGroup[BaseException]) -> LogstreamError | None:
    for one in group.exceptions:
        found = _first(one) if isinstance(one, BaseExceptionGroup) else one
        if isinstance(found, LogstreamError):
            return found
    return None
