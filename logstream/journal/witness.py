"""Whether a state directory is the one that was written to last, or a copy of an older one that was put back.

Owns the witness: an empty file that is made anew whenever the state is opened or closed, and now and then between. The
state notes which one it was. A copy names one that is not there, whether it took the directory's place or was written
over it: nobody can give a file the inode of another, or say when it was changed. Refuses to know what follows from
that.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from logstream.syncing import sync_directory
from logstream.tail.reuse import inode_generation

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "witness."


def is_there(directory: Path, told: str) -> bool:
    """Whether the witness that the state names is in its directory."""
    return any(_is_same(told, seen) for _, seen in _seen(directory))


def make(directory: Path) -> str | None:
    """Make a new witness beside those that are there, and tell which it is; None where nothing can be made."""
    number = 1 + max((number for number, _ in _seen(directory)), default=0)
    path = _path(directory, number)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        told = _identity(path)
    except OSError:
        return None
    with suppress(OSError):  # not every file system syncs a directory
        # Before the state, which may be synced alone (btrfs): a power loss would leave a copy.
        sync_directory(directory)
    return told


def keep_only(directory: Path, told: str) -> None:
    """Remove all others, once the state has noted this one: until then it names one of them."""
    for number, seen in _seen(directory):
        if seen != told:
            with suppress(OSError):
                _path(directory, number).unlink()


def _path(directory: Path, number: int) -> Path:
    return directory / f"{_NAME}{number}"


def _seen(directory: Path) -> list[tuple[int, str]]:
    """The number of each witness in a directory, and which file that is."""
    found = []
    with suppress(OSError):
        for path in directory.glob(f"{_NAME}*"):
            number = path.name.removeprefix(_NAME)
            if number.isdecimal() and number.isascii():
                found.append((int(number), _identity(path)))
    return found


def _identity(path: Path) -> str:
    """Inode, its use where the file system counts uses, and when the file was changed; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(descriptor)
        use = inode_generation(descriptor)
    finally:
        os.close(descriptor)
    return f"{facts.st_ino}.{'' if use is None else use}.{facts.st_ctime_ns}"


def _is_same(told: str, seen: str) -> bool:
    """Whether two are one file: an inode may have been given to another, and a new owner changes the time, too."""
    inode, use, changed = told.split(".")
    seen_inode, seen_use, seen_changed = seen.split(".")
    return inode == seen_inode and (changed == seen_changed or (use != "" and use == seen_use))
