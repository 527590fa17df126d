"""Who is let in, as it is now: the policy in force, sessions, tries at passwords, and who is looked at again.

Owns what outlives a request. Refuses to decide who somebody is (`access` does) and to know routes.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.access import (
    ANYBODY,
    COOKIE,
    Asking,
    EndedSessions,
    Policy,
    Session,
    Viewer,
    client_key,
    is_password,
    open_session,
    scope_of,
    seal_session,
    session_key,
    waste_as_much_time,
)
from logstream.api.tries import OwnTries
from logstream.errors import LogstreamError
from logstream.turns import begin_in_slices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from quart import Request

    from logstream.access import Refusal, SourceScope, User
    from logstream.api.tries import Tries

_log: Final = logging.getLogger(__name__)
CHECKS_AT_ONCE: Final = 1
"""A password check takes a core for a tenth of a second, and 64 MiB."""
MOST_CHECKS_WAITING: Final = 16
CHECKS_RETRY_SECONDS: Final = 5
_LOOK_AGAIN_SECONDS: Final = 5.0
"""How long it may take until an open stream notices what nobody tells: that its session's time is over."""
_LOOKED_AT_WITHIN_SECONDS: Final = 0.5
"""How long it may take until open answers that wait are woken, however many they are. What comes before they are is
looked at once more before it is told."""
_OTHER_VIEWER: Final = "who you are, or what you may see, has changed: connect again"


class LoginsBusyError(LogstreamError):
    """Too many passwords wait to be looked at; one may come back in `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        """Remember when to come back."""
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        """One line for people."""
        return f"many are logging in just now; try again in {self.retry_after_seconds} s"


class Opened(NamedTuple):
    """A session that has just begun: its cookie, and how long that is good for."""

    cookie: str
    seconds: int


class Watch:
    """One open answer, and whether whoever gets it would still be let in and see the same."""

    def __init__(  # noqa: PLR0913, PLR0917 - what one answer rests on
        self,
        gate: Gate,
        viewer: Viewer,
        scope: SourceScope,
        names: Callable[[], tuple[str, ...]],
        wake: Callable[[], None],
        globs: Sequence[str],
    ) -> None:
        """All was well when it was asked for. `wake` is called at once when it is no more."""
        self.wake = wake
        self._gate = gate
        self._viewer = viewer
        self._scope = scope
        self._names = names
        # Of who sees a part the scope itself is looked at.
        self._globs = tuple(globs) if scope.is_whole else ()
        self._epoch: int | None = None  # a reload may have come between the question and this
        self._look_again_seconds = 0.0
        self._why_over = ""

    def is_over(self) -> bool:
        """Whether the answer must end."""
        return bool(self.why_over())

    def why_over(self) -> str:
        """Why the answer must end, for whoever gets it; empty if it need not."""
        now = time.monotonic()
        if not self._why_over and (self._epoch != self._gate.epoch or now >= self._look_again_seconds):
            self._epoch, self._look_again_seconds = self._gate.epoch, now + _LOOK_AGAIN_SECONDS
            self._why_over = self._look()
        return self._why_over

    def _look(self) -> str:
        names = self._names()
        is_same = self._scope.is_whole or scope_of(self._viewer, names) == self._scope
        if not (is_same and self._gate.still(self._viewer)):
            return _OTHER_VIEWER
        for glob in self._globs:
            if not any(fnmatchcase(name, glob) for name in names):
                # Who asks now is answered 404, with the sources that there are.
                return f"no source matches {glob!r} any more, the configuration has changed: connect again"
        return ""


class Gate:
    """What all routes ask."""

    def __init__(
        self, policy: Policy, directory: Path, *, cookie_path: str | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        """Let in whom `policy` lets in; what sessions need is kept in the state's `directory`."""
        self.policy = policy
        self.cookie_path = cookie_path or None
        self.tries: Tries = OwnTries()
        self.tell_others: Callable[[], None] = lambda: None
        """Called when a session has ended here: other processes have open answers, too, and `look_again`."""
        self.epoch = 0
        """Grows when something has changed: another policy, other sources, or a session that has ended."""
        self._directory = directory
        self._clock = clock
        self._key: bytes | None = None
        self._ended = EndedSessions(directory)
        self._watches: set[Watch] = set()
        self._checks = ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="password")
        self._checks_waiting = 0

    def take(self, policy: Policy) -> None:
        """Let in whom `policy` lets in from now on; open answers of others end."""
        self.policy = policy
        self.look_again()

    def look_again(self) -> None:
        """End the open answers of whoever may not have them any more.

        None of them is given anything from now on; those who wait are woken a slice in each turn of the event loop.
        """
        self.epoch += 1
        begin_in_slices(self._watches, _wake_if_over, _LOOKED_AT_WITHIN_SECONDS)

    def identify(self, request: Request) -> Viewer | Refusal:
        """Who asks."""
        policy = self.policy
        if not policy.asks:
            return ANYBODY
        headers = request.headers
        named = tuple(headers.getlist(policy.header)) if policy.header is not None else ()
        asking = Asking(request.remote_addr, headers.get("Authorization"), request.cookies.get(COOKIE), named)
        return policy.identify(asking, self._signing_key(), self._clock(), self._ended.has)

    def still(self, viewer: Viewer) -> bool:
        """Whether somebody who came in earlier would come in again, and see the same."""
        return self.policy.still(viewer, self._clock(), self._ended.has)

    def client_of(self, request: Request) -> str:
        """Who a request is counted for, for limits."""
        return client_key(request.remote_addr, request.headers.get, self.policy.proxies)

    @contextmanager
    def watching(
        self,
        viewer: Viewer,
        scope: SourceScope,
        names: Callable[[], tuple[str, ...]],
        wake: Callable[[], None],
        globs: Sequence[str] = (),
    ) -> Iterator[Watch]:
        """Keep an eye on an open answer for as long as the context lasts.

        It ends, too, when one of the `globs` that were asked for matches none of the configured sources any more.
        """
        watch = Watch(self, viewer, scope, names, wake, globs)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    async def is_password(self, user: User | None, password: str) -> bool:
        """Whether that is the user's; for nobody it takes as long. Raises LoginsBusyError."""
        if self._checks_waiting >= MOST_CHECKS_WAITING:
            raise LoginsBusyError(CHECKS_RETRY_SECONDS)
        self._checks_waiting += 1
        checking = asyncio.get_running_loop().run_in_executor(self._checks, _check, user, password)
        checking.add_done_callback(self._note_checked)
        return await checking

    def _note_checked(self, _: object) -> None:
        self._checks_waiting -= 1

    def begin_session(self, user: User) -> Opened:
        """A new session, whatever the client came with."""
        seconds = self.policy.session_seconds
        session = Session(user.name, secrets.token_urlsafe(16), int(self._clock()) + seconds)
        return Opened(seal_session(session, user, self._signing_key()), seconds)

    def end_session(self, cookie: str | None) -> str | None:
        """End the session of a cookie, everywhere and for good; whose it was, if it was one."""
        now = self._clock()
        found = open_session(cookie or "", self.policy.users, self._signing_key(), now) if self.policy.asks else None
        if found is None:
            return None
        session, user = found
        try:
            self._ended.end(session.key, session.ends_seconds, now)
        except OSError as error:
            _log.warning("a session cannot be noted as ended, its cookie stays good until it expires: %s", error)
        self.look_again()
        self.tell_others()
        return user.name

    def close(self) -> None:
        """Check no more passwords."""
        self._checks.shutdown(wait=False, cancel_futures=True)

    def _signing_key(self) -> bytes:
        if self._key is None:
            try:
                self._key = session_key(self._directory)
            except OSError:
                # The state's disk takes nothing. What all processes know, and nobody else, does as well: but then
                # sessions end when the users change.
                return hashlib.sha256(b"logstream sessions\0" + self.policy.users.encode()).digest()
        return self._key


def _wake_if_over(watch: Watch) -> None:
    if watch.is_over():
        watch.wake()


def _check(user: User | None, password: str) -> bool:
    if user is None or user.password is None:
        waste_as_much_time(password)
        return False
    return is_password(user.password, password)
