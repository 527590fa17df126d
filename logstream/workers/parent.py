"""The first process of a service with several: binds, locks the state, forks, replaces what dies, passes signals on.

Owns the listening sockets, the lock and the children. Does nothing else, so that nothing else can end it: it has no
event loop, opens no log file and no database, and stays the one process that a service manager knows.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from logstream.errors import LogstreamError, UsageError
from logstream.journal.errors import StateUnusableError
from logstream.journal.lock import inherited, lock
from logstream.listening import announce, listeners_of
from logstream.parts import policy_of
from logstream.process import STOP_DEADLINE_SECONDS
from logstream.reloading import read_fresh, tell_reloaded, watching
from logstream.serving import Listener, Share, Spread
from logstream.supervision import Overseer
from logstream.workers.children import Child
from logstream.workers.ingester import NAME as INGESTER
from logstream.workers.ingester import Ingester
from logstream.workers.messages import Alone, Failed, Fresh, LookAgain, Ready
from logstream.workers.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from logstream.config import Settings
    from logstream.workers.link import Link

_log: Final = logging.getLogger("logstream")
_WAKEUP_BYTES: Final = 4096
_STOP_SIGNALS: Final = frozenset({int(signal.SIGTERM), int(signal.SIGINT)})
_REST_SECONDS: Final = 0.5
"""What a child may need beyond the stop's deadline before it is killed."""


class ChildFailedError(LogstreamError):
    """A child could not begin; `words` say why."""

    def __init__(self, name: str, words: str) -> None:
        """Remember which, and why."""
        super().__init__(name, words)
        self.name = name
        self.words = words

    def __str__(self) -> str:
        """One line for people."""
        return self.words


class ChildMisusedError(ChildFailedError, UsageError):
    """A child could not begin with what somebody typed."""


def run(settings: Settings, reload: Callable[[], Settings]) -> int:
    """Serve `settings` in several processes until SIGTERM or SIGINT. Raises LogstreamError."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    Parent(settings, reload).run()
    return 0


class Parent:
    """The first process."""

    def __init__(self, settings: Settings, reload: Callable[[], Settings]) -> None:
        """Bind and lock; raises ListenError, StateUnusableError and what the supervisor's wishes raise."""
        self._settings = settings
        self._reload_settings = reload
        self._lock = _locked(settings.state.dir)
        self._overseer = Overseer(os.environ)
        self._listeners = listeners_of(settings.server, asks=policy_of(settings).asks)
        self._spread = Spread(settings.server.workers)
        self._ingester = Child(INGESTER, self._ingest)
        self._workers = [
            Child(f"worker {number}", self._serving(number)) for number in range(1, settings.server.workers + 1)
        ]
        self._children = [self._ingester, *self._workers]
        self._is_announced = False
        self._signals: set[int] = set()
        self._woken, self._wakeup = socket.socketpair()

    async def _ingest(self, link: Link) -> None:
        take_lock = lock if self._lock is None else inherited(self._lock)
        await Ingester(self._settings, link, take_lock).run()

    def _serving(self, number: int) -> Callable[[Link], Coroutine[Any, Any, None]]:
        async def serve(link: Link) -> None:
            listeners = [Listener(listener.socket) for listener in self._listeners]
            await Worker(self._settings, number, listeners, Share(self._spread, number - 1), link).run()

        return serve

    def run(self) -> None:
        """Keep the children running until told to stop."""
        self._heed_signals()
        try:
            while not self._signals & _STOP_SIGNALS:
                self._start_due()
                self._overseer.show_life()
                self._wait(self._next_due())
                self._reap()
                if signal.SIGHUP in self._signals:
                    self._signals.discard(signal.SIGHUP)
                    self._reload()
        finally:
            self._stop()

    def _heed_signals(self) -> None:
        for sock in (self._woken, self._wakeup):
            sock.setblocking(False)  # noqa: FBT003 - the standard library's signature
        signal.set_wakeup_fd(self._wakeup.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, lambda number, _: self._signals.add(number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})  # it was held back while nobody heeded it

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.pid is None and child.due_seconds <= now:
                child.start(partial(self._forget, child))
                self._introduce(child)

    def _forget(self, child: Child) -> None:
        """In a child: close what is the parent's, or it would never be seen to end."""
        for other in self._children:
            other.close()
        for held in (self._woken, self._wakeup, self._overseer):
            held.close()
        if child is self._ingester:
            for listener in self._listeners:
                listener.socket.close()

    def _introduce(self, child: Child) -> None:
        """Connect a new child with those that it works with."""
        for other in self._workers if child is self._ingester else [self._ingester]:
            if other.pid is not None:
                _connect(child, other)

    def _wait(self, seconds: float | None) -> None:
        """Until a child says something, a signal comes, or time is up."""
        speaking = {child.sock: child for child in self._children if child.sock is not None}
        for sock in select.select([self._woken, *speaking], [], [], seconds)[0]:
            if sock is self._woken:
                with suppress(BlockingIOError):
                    self._woken.recv(_WAKEUP_BYTES)
                continue
            for message in speaking[sock].hear():
                self._take(speaking[sock], message)

    def _take(self, child: Child, message: object) -> None:
        match message:
            case Failed():
                child.failed = message
            case Ready():
                child.is_ready = True
            case LookAgain():
                for other in self._workers:
                    if other is not child:
                        other.tell(message)
            case Alone(taken):
                # Or else another connection is on its way to it.
                if taken == child.handed_over and self._ingester.pid is not None:
                    _connect(child, self._ingester)
        if not self._is_announced and all(child.is_ready for child in self._children):
            self._is_announced = True
            announce([listener.address for listener in self._listeners], self._settings.server.root_path)
            self._overseer.ready(watching(self._settings))

    def _next_due(self) -> float | None:
        waits = [max(0.0, child.due_seconds - time.monotonic()) for child in self._children if child.pid is None]
        if self._overseer.period_seconds is not None:
            waits.append(self._overseer.period_seconds)
        return min(waits, default=None)

    def _reap(self) -> None:
        for child in self._children:
            ending = child.reap()
            if ending is None:
                continue
            if child in self._workers:
                self._spread.note(self._workers.index(child), None)
            words = ending if child.failed is None else child.failed.words
            if not self._is_announced:
                failure = ChildMisusedError if child.failed is not None and child.failed.is_usage else ChildFailedError
                raise failure(child.name, words if child.failed is not None else f"the {child.name} {words}")
            if not self._signals & _STOP_SIGNALS:
                wait = max(0.0, child.due_seconds - time.monotonic())
                _log.error("%s: %s; it is started again%s", child.name, words, f" in {wait:.1f} s" if wait else "")

    def _reload(self) -> None:
        """Take sources, rules and access from the configuration as it is now; a bad one changes nothing."""
        fresh = read_fresh(self._overseer, self._settings, self._reload_settings)
        if fresh is None:
            return
        self._settings = fresh
        for child in self._children:
            child.tell(Fresh(fresh))
        tell_reloaded(self._overseer, fresh)

    def _stop(self) -> None:
        """End all: first those who serve, so that what they send last is all that was recorded."""
        self._overseer.stopping()
        for some in (self._workers, [self._ingester]):
            self._end(some)
        for listener in self._listeners:
            listener.close()
        for sock in (self._woken, self._wakeup, self._overseer):
            sock.close()
        if self._lock is not None:
            os.close(self._lock)

    def _end(self, some: list[Child]) -> None:
        for child in some:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_DEADLINE_SECONDS + _REST_SECONDS
        while any(child.pid is not None for child in some):
            left = deadline - time.monotonic()
            if left <= 0:
                for child in some:
                    child.signal(signal.SIGKILL)
            self._wait(max(left, _REST_SECONDS))
            for child in some:
                child.reap()


def _connect(one: Child, other: Child) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        one.hand_over(other.name, ours)
        other.hand_over(one.name, theirs)


def _locked(directory: Path) -> int | None:
    """The lock on the state, for as long as any process of the service lives; None while its disk takes nothing."""
    try:
        return lock(directory)
    except StateUnusableError as error:
        if not error.is_passing:
            raise
        return None
