"""Who somebody is, from what came with the request, and whether that still holds. Pure.

Owns the order in which the ways in are looked at: a trusted proxy's word, a token, a session. Refuses to verify
passwords: that takes long, and is for the login alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.access.origins import Proxies
from logstream.access.sessions import open_session
from logstream.access.users import EVERY_SOURCE, NOBODY, Users
from logstream.access.viewers import ANYBODY, Viewer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BEARER: Final = "bearer"
_MOST_NAME_CHARACTERS: Final = 128


class Asking(NamedTuple):
    """What came with a request: its peer's address, and the headers that can say who it is.

    `named` is each value of the header by which a trusted proxy names a user.
    """

    peer: str | None = None
    authorization: str | None = None
    cookie: str | None = None
    named: Sequence[str] = ()


class Refusal(NamedTuple):
    """Nobody we know. `is_wrong`: what was sent is not right, rather than missing."""

    reason: str
    is_wrong: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds at one moment. `header` is what a trusted proxy names users in; None: that is nobody's business.

    `header_sources` are for names that the file of users does not have.
    """

    users: Users = NOBODY
    header: str | None = None
    proxies: Proxies = field(default_factory=Proxies)
    header_sources: tuple[str, ...] = EVERY_SOURCE
    session_seconds: int = 86_400
    is_metrics_open: bool = False

    @property
    def asks(self) -> bool:
        """Whether anybody is asked who they are."""
        return self.users.is_asked_for or self.header is not None

    def identify(
        self, asking: Asking, signing_key: bytes, now_seconds: float, has_ended: Callable[[str], bool]
    ) -> Viewer | Refusal:
        """Who asks; `has_ended` answers for a session's own name whether somebody has logged out of it."""
        if not self.asks:
            return ANYBODY
        if self.header is not None and asking.named and self.proxies.holds(asking.peer):
            if len(asking.named) > 1:
                return Refusal("two users are named: the proxy must overwrite the header, not add to it", is_wrong=True)
            if name := asking.named[0].strip():  # an empty one is a proxy's word for nobody
                return self._named(name)
        scheme, _, secret = (asking.authorization or "").strip().partition(" ")
        if scheme.lower() == _BEARER:
            token = self.users.token_of(secret.strip())
            if token is None:
                return Refusal("this token is not known", is_wrong=True)
            return Viewer("token", token.name, token.sources, proof=token.digest)
        return self._of_session(asking.cookie, signing_key, now_seconds, has_ended)

    def _named(self, name: str) -> Viewer | Refusal:
        # Proxies have names of many forms, such as `auth0|5f7c`: it is enough that it can be shown.
        if not name.isprintable() or len(name) > _MOST_NAME_CHARACTERS:
            return Refusal("the proxy names no user", is_wrong=True)
        return Viewer("proxy", name, self._sources_of(name))

    def _sources_of(self, name: str) -> tuple[str, ...]:
        user = self.users.user(name)
        return self.header_sources if user is None else user.sources

    def _of_session(
        self, cookie: str | None, signing_key: bytes, now_seconds: float, has_ended: Callable[[str], bool]
    ) -> Viewer | Refusal:
        if not cookie:
            return Refusal("nobody is logged in")
        found = open_session(cookie, self.users, signing_key, now_seconds)
        if found is None or has_ended(found[0].key):
            return Refusal("the session has ended")
        session, user = found
        proof = user.password or ""
        return Viewer("session", user.name, user.sources, proof, session.key, float(session.ends_seconds))

    def still(self, viewer: Viewer, now_seconds: float, has_ended: Callable[[str], bool]) -> bool:
        """Whether somebody who came in earlier would come in again, and see the same."""
        if viewer.way == "anybody":
            return not self.asks
        if viewer.way == "proxy":
            return self.header is not None and self._sources_of(viewer.name or "") == viewer.sources
        if viewer.way == "token":
            token = self.users.token(viewer.name or "")
            return token is not None and (token.digest, token.sources) == (viewer.proof, viewer.sources)
        user = self.users.user(viewer.name or "")
        is_same = user is not None and (user.password, user.sources) == (viewer.proof, viewer.sources)
        return is_same and now_seconds < (viewer.ends_seconds or 0.0) and not has_ended(viewer.session)
