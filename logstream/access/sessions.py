"""A session as a cookie that carries all of it, signed: nothing is kept for one that lasts. Pure.

Owns the cookie's text. What it is signed with is a key of this service's own and the user's password hash: so each
process and each restart knows it again, and it ends when the password changes or the user is removed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

if TYPE_CHECKING:
    from logstream.access.users import User, Users

COOKIE: Final = "logstream_session"
KEY_BYTES: Final = 32
_VERSION: Final = "1"
_PARTS: Final = 3
_MOST_CHARACTERS: Final = 1024


class Session(NamedTuple):
    """Somebody logged in: `key` is the session's own random name, `ends_seconds` when it ends (epoch)."""

    name: str
    key: str
    ends_seconds: int


def seal_session(session: Session, user: User, signing_key: bytes) -> str:
    """The cookie's value."""
    body = _text(orjson.dumps(tuple(session)))
    return f"{_VERSION}.{body}.{_text(_signature(body, user.password or '', signing_key))}"


def open_session(cookie: str, users: Users, signing_key: bytes, now_seconds: float) -> tuple[Session, User] | None:
    """Whose session it is; None for one that has ended, that was not made here, or that anybody changed."""
    parts = cookie.split(".")
    if len(cookie) > _MOST_CHARACTERS or len(parts) != _PARTS or parts[0] != _VERSION:
        return None
    body, signature = parts[1], _bytes(parts[2])
    content = _bytes(body)
    if content is None or signature is None:
        return None
    session = _read(content)
    user = None if session is None else users.user(session.name)
    if session is None or user is None or user.password is None:
        return None
    if not hmac.compare_digest(signature, _signature(body, user.password, signing_key)):
        return None
    return (session, user) if now_seconds < session.ends_seconds else None


def _read(content: bytes) -> Session | None:
    """Not to be believed before its signature has been looked at."""
    try:
        name, key, ends_seconds = orjson.loads(content)
    except (ValueError, TypeError):
        return None
    is_one = isinstance(name, str) and isinstance(key, str) and type(ends_seconds) is int
    return Session(name, key, ends_seconds) if is_one else None


def _signature(body: str, password: str, signing_key: bytes) -> bytes:
    # The hash has no NUL, so the two parts cannot be shifted against each other.
    return hmac.digest(signing_key, b"%b\0%b" % (password.encode(), body.encode()), hashlib.sha256)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes | None:
    """What `text` stands for, if it is its one right spelling."""
    try:
        content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if _text(content) == text else None
