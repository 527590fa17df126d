"""Who is known: users and tokens as frozen values, and the text of the file that keeps them. Pure.

Owns which names and globs there may be. Of a password or a token only a hash is ever here, and no `repr` shows it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NoReturn

import orjson

from logstream.access.errors import NameTakenError, UnknownNameError, WrongNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY_SOURCE: Final = ("*",)
_FORMAT: Final = 1
_USER, _TOKEN, _GLOB_KIND = "user", "token", "glob over sources"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}")
_NAME_RULE: Final = "letters, digits and any of . _ @ + -, at most 128, the first a letter or digit"
_GLOB: Final = re.compile(r"[a-z0-9._*?\[\]!-]{1,200}")
_GLOB_RULE: Final = 'the name of a source, or a glob over names such as "web-*"'
_TOKEN_BYTES: Final = 32
_TOKEN_MARK: Final = "lst_"  # noqa: S105 - by which programs that look for leaked secrets know it
_MOST_TOKEN_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with a name. `password` is its argon2 hash; None: only a trusted proxy can say who it is."""

    name: str
    sources: tuple[str, ...] = EVERY_SOURCE
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """A program's way in. `digest` is the SHA-256 of the token: of 256 random bits, nobody guesses what was hashed."""

    name: str
    sources: tuple[str, ...] = EVERY_SOURCE
    digest: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Users:
    """All that the file holds. `is_asked_for`: there is such a file, so that nobody comes in whom it does not name."""

    users: tuple[User, ...] = ()
    tokens: tuple[Token, ...] = ()
    is_asked_for: bool = False

    def user(self, name: str) -> User | None:
        """The user of this name."""
        return next((user for user in self.users if user.name == name), None)

    def token(self, name: str) -> Token | None:
        """The token of this name."""
        return next((token for token in self.tokens if token.name == name), None)

    def token_of(self, secret: str) -> Token | None:
        """The token that was presented, if it is one. How long it takes says nothing of how near a wrong one came."""
        digest = token_digest(secret[:_MOST_TOKEN_CHARACTERS])
        found = None
        for token in self.tokens:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def with_user(self, user: User) -> Users:
        """These and another one; raises NameTakenError."""
        if self.user(user.name) is not None:
            raise NameTakenError(_USER, user.name, f"`logstream user passwd {user.name}` changes the password")
        return replace(self, users=(*self.users, user))

    def with_password(self, name: str, password: str) -> Users:
        """These, one with another password; raises UnknownNameError."""
        self._known_user(name)
        changed = [replace(user, password=password) if user.name == name else user for user in self.users]
        return replace(self, users=tuple(changed))

    def without_user(self, name: str) -> Users:
        """The others; raises UnknownNameError."""
        self._known_user(name)
        return replace(self, users=tuple(user for user in self.users if user.name != name))

    def with_token(self, token: Token) -> Users:
        """These and another one; raises NameTakenError."""
        if self.token(token.name) is not None:
            raise NameTakenError(_TOKEN, token.name, f"`logstream token remove {token.name}` ends it")
        return replace(self, tokens=(*self.tokens, token))

    def without_token(self, name: str) -> Users:
        """The others; raises UnknownNameError."""
        if self.token(name) is None:
            raise UnknownNameError(_TOKEN, name, tuple(token.name for token in self.tokens))
        return replace(self, tokens=tuple(token for token in self.tokens if token.name != name))

    def _known_user(self, name: str) -> None:
        if self.user(name) is None:
            raise UnknownNameError(_USER, name, tuple(user.name for user in self.users))

    def encode(self) -> bytes:
        """The text of the file."""
        told = {
            "format": _FORMAT,
            "users": [{"name": user.name, "sources": user.sources, "password": user.password} for user in self.users],
            "tokens": [{"name": token.name, "sources": token.sources, "sha256": token.digest} for token in self.tokens],
        }
        return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


NOBODY: Final = Users()
"""There is no file: nobody is asked who they are."""


def new_token(name: str, sources: tuple[str, ...]) -> tuple[Token, str]:
    """A token, and what is shown once."""
    secret = _TOKEN_MARK + secrets.token_urlsafe(_TOKEN_BYTES)
    return Token(name, sources, token_digest(secret)), secret


def token_digest(secret: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def check_name(name: str, kind: str = "name") -> str:
    """`name`, if it can be one; raises WrongNameError."""
    if _NAME.fullmatch(name) is None:
        raise WrongNameError(kind, name, _NAME_RULE)
    return name


def check_glob(glob: str) -> str:
    """`glob`, if it can be one over sources; raises WrongNameError."""
    if _GLOB.fullmatch(glob) is None:
        raise WrongNameError(_GLOB_KIND, glob, _GLOB_RULE)
    return glob


def parse_users(text: bytes) -> Users:
    """What the file says; raises ValueError, in words that hold nothing of a hash."""
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = f"not JSON: line {error.lineno}, column {error.colno}"
        raise ValueError(message) from None
    if not isinstance(told, dict) or told.get("format") != _FORMAT:
        _refuse(f'expected an object with "format": {_FORMAT}')
    users = tuple(_user(item) for item in _items(told, "users"))
    tokens = tuple(_token(item) for item in _items(told, "tokens"))
    for kind, names in (("user", [user.name for user in users]), ("token", [token.name for token in tokens])):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            _refuse(f"two of the name {kind} {twice[0]!r}")
    return Users(users, tokens, is_asked_for=True)


def _user(item: dict[str, Any]) -> User:
    password = item.get("password")
    if password is not None and not (isinstance(password, str) and password.startswith("$argon2id$")):
        _refuse(f"the password of {item['name']!r} is not an argon2id hash: `logstream user passwd` makes one")
    return User(item["name"], _globs(item), password)


def _token(item: dict[str, Any]) -> Token:
    digest = item.get("sha256")
    if not isinstance(digest, str) or re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        _refuse(f"the token {item['name']!r} has no SHA-256: `logstream token add` makes one")
    return Token(item["name"], _globs(item), digest)


def _items(told: dict[str, Any], key: str) -> Sequence[dict[str, Any]]:
    items = told.get(key, [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        _refuse(f"{key!r} is no list of objects")
    for item in items:
        name = item.get("name")
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            _refuse(f"a name in {key!r}: expected {_NAME_RULE}")
    return items


def _globs(item: dict[str, Any]) -> tuple[str, ...]:
    # Who left the key out, or mistyped it, must not have given everything away.
    globs = item.get("sources")
    if not isinstance(globs, list) or not all(isinstance(glob, str) and _GLOB.fullmatch(glob) for glob in globs):
        _refuse(f'the "sources" of {item["name"]!r}: expected a list of {_GLOB_RULE}; ["*"] is all')
    return tuple(globs)


def _refuse(message: str) -> NoReturn:
    raise ValueError(message)
