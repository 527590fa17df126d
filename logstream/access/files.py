"""The files that access rests on: the one of users, and the key that sessions are signed with.

Owns their modes and that each is written whole or not at all. Refuses to know what stands in them.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from logstream.access.errors import AccessFileError
from logstream.access.sessions import KEY_BYTES
from logstream.access.users import NOBODY, Users, parse_users
from logstream.syncing import sync_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY_FILE: Final = "session.key"
_MODE: Final = 0o600
_TOO_OPEN: Final = 0o027
"""What nobody else may do: write, and others not even read."""
_MOST_BYTES: Final = 4 << 20


def read_users(path: Path) -> Users:
    """What the file holds; NOBODY where there is none. Raises AccessFileError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return NOBODY
    except OSError as error:
        remedy = "it must be readable for the user whom the service runs as (as root: sudo)"
        raise AccessFileError(path, f"cannot be read: {error.strerror}", remedy) from error
    try:
        text = _checked(path, descriptor)
    finally:
        os.close(descriptor)
    try:
        return parse_users(text)
    except ValueError as error:
        raise AccessFileError(path, str(error), "put it right, or move it away and begin anew") from None


def _checked(path: Path, descriptor: int) -> bytes:
    """The file's content, if it is one that nobody else may change, nor others read."""
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        raise AccessFileError(path, "not a regular file", "name another by users_file in [access]")
    if facts.st_mode & _TOO_OPEN:
        mode = stat.S_IMODE(facts.st_mode)
        raise AccessFileError(path, f"others may read or change it (mode {mode:04o})", f"chmod 600 {path}")
    if facts.st_size > _MOST_BYTES:
        raise AccessFileError(path, f"larger than {_MOST_BYTES} bytes", "is it the right file?")
    with os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read(_MOST_BYTES)


def change_users(path: Path, change: Callable[[Users], Users]) -> Users:
    """Have `change` make new contents of the old, and put them in place; one process at a time. Raises UsageError."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with _locked(path):
            changed = replace(change(read_users(path)), is_asked_for=True)
            _replace(path, changed.encode())
    except OSError as error:
        remedy = "run it as the user whom the service runs as, or as root"
        raise AccessFileError(path, f"cannot be written: {error.strerror}", remedy) from error
    return changed


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile. The directory is locked: the file itself is replaced."""
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, content: bytes) -> None:
    """Put `content` in the place of the file, or leave that as it is; for its owner alone to read, whoever that was."""
    owner = _owner(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_new(temporary, content, owner)
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    sync_directory(path.parent)


def _write_new(path: Path, content: bytes, owner: tuple[int, int] | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        if owner is not None:
            os.fchown(file.fileno(), *owner)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _owner(path: Path) -> tuple[int, int] | None:
    """Whom root has to give the file to: its owner up to now, or that of the directory, where the service's user is."""
    if os.geteuid() != 0:
        return None
    facts = (path if path.exists() else path.parent).stat()
    return facts.st_uid, facts.st_gid


def session_key(directory: Path) -> bytes:
    """The key of this state, made at its first use; raises OSError.

    Of several processes that come first at once one makes it, and all have that one.
    """
    path = directory / KEY_FILE
    with suppress(FileNotFoundError):
        return _read_key(path)
    directory.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
    try:
        _write_new(temporary, secrets.token_bytes(KEY_BYTES), _owner(path))
        with suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        # Somebody cut it short: a key that can be guessed is worse than all having to log in anew.
        path.unlink()
        raise FileNotFoundError(path)
    return key
