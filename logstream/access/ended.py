"""Sessions that somebody has logged out of before their time, for all processes of the service and over its restarts.

Owns one file, a line for each: the session's own name, and when it would have ended; later the line is left out. What
is read of it is kept until the file changes. Refuses to know whose sessions these are.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

ENDED_FILE: Final = "sessions-ended"
_MODE: Final = 0o600
_TIDY_BYTES: Final = 64 * 1024
"""A file that is larger is written anew without what has ended by itself."""


class EndedSessions:
    """The sessions that count no more."""

    def __init__(self, directory: Path) -> None:
        """Nothing is read yet."""
        self._path = directory / ENDED_FILE
        self._seen: tuple[int, int, int] | None = None
        self._ends: dict[str, int] = {}

    def has(self, key: str) -> bool:
        """Whether the session of this name has been ended."""
        self._look()
        return key in self._ends

    def end(self, key: str, ends_seconds: int, now_seconds: float) -> None:
        """End a session, which would have lasted until `ends_seconds` (epoch). Raises OSError."""
        if self.has(key):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, _MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size = os.fstat(descriptor).st_size
            if size > _TIDY_BYTES:
                left = [ended for ended in _parse(os.pread(descriptor, size, 0)).items() if ended[1] > now_seconds]
                os.ftruncate(descriptor, 0)
                os.write(descriptor, b"".join(map(_line, left)))
            os.write(descriptor, _line((key, ends_seconds)))
        finally:
            os.close(descriptor)
        self._seen = None

    def _look(self) -> None:
        try:
            facts = self._path.stat()
        except OSError:
            return  # what was known stays so: a disk that fails must not bring sessions back
        seen = facts.st_ino, facts.st_size, facts.st_mtime_ns
        if seen != self._seen:
            with suppress(OSError):
                self._ends = _parse(_read(self._path))
                self._seen = seen


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_SH)  # else it may be seen while it is being written anew
        return file.read()


def _line(ended: tuple[str, int]) -> bytes:
    return f"{ended[0]} {ended[1]}\n".encode()


def _parse(content: bytes) -> dict[str, int]:
    found = {}
    for line in content.decode("utf-8", "replace").splitlines():
        key, _, ends = line.partition(" ")
        if ends.isdecimal():
            found[key] = int(ends)
    return found
