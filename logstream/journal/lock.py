"""The lock on a state directory: one process at a time holds it, and its file says which.

Owns the lock file. Refuses to know what else lies there.
"""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from logstream.journal.errors import StateUnusableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_DISK_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


def lock(directory: Path) -> int:
    """The locked file's descriptor; raises StateUnusableError where another process has it or nothing is writable."""
    descriptor = _open_lock(directory)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        reason = f"another logstream (process {holder}) is using it"
        raise StateUnusableError(directory, reason, "stop that one, or set state.dir to another directory") from cause
    with suppress(OSError):  # on a full disk the lock holds without a name
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def inherited(descriptor: int) -> Callable[[Path], int]:
    """As `lock`, in a child of the process that has locked `descriptor`: that lock is its own, too.

    Not where the directory was deleted and has been made anew: there is another lock then.
    """

    def take(directory: Path) -> int:
        own = _open_lock(directory)
        is_held = os.path.samestat(os.fstat(own), os.fstat(descriptor))
        os.close(own)
        return os.dup(descriptor) if is_held else lock(directory)

    return take


def _open_lock(directory: Path) -> int:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        probe = directory / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as cause:
        remedy = "make it writable for this user, or set state.dir to another directory"
        reason, is_passing = f"not writable ({cause.strerror})", cause.errno in _DISK_ERRNOS
        raise StateUnusableError(directory, reason, remedy, is_passing=is_passing) from cause
    return descriptor
