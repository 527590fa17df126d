"""What the kernel tells in /proc and by adjtimex(2): limits, locks, what runs, and whether the clock is kept right.

Owns the formats. Refuses to judge; what cannot be read is None or 0.
"""

from __future__ import annotations

import ctypes
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logstream.doctor.host.seen import Clock, Disk, Inotify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROC: Final = Path("/proc")
_TIMEX_BYTES: Final = 208  # struct timex where a long has 64 bits, <sys/timex.h>
_STATUS_AT: Final = 40
_UNSYNCHRONISED: Final = 0x40  # STA_UNSYNC


def inotify_of(uid: int, watches_needed: int) -> Inotify | None:
    """The limits for the user `uid`, and how many instances its processes hold, as far as we may see them."""
    try:
        watches, instances = (
            int((_PROC / f"sys/fs/inotify/max_user_{name}").read_text()) for name in ("watches", "instances")
        )
    except (OSError, ValueError):
        return None
    return Inotify(watches, instances, sum(_instances(uid)), watches_needed)


def _instances(uid: int) -> Iterator[int]:
    for process in _PROC.glob("[0-9]*"):
        try:
            if process.stat().st_uid == uid:
                yield sum(_leads_to(link) == "anon_inode:inotify" for link in (process / "fd").iterdir())
        except OSError:
            continue


def _leads_to(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


def lock_holder(lock: Path) -> int:
    """The process that has locked the file, which is not touched; 0 if none has."""
    try:
        facts, recorded = lock.stat(), lock.read_text().strip()
        held = (_PROC / "locks").read_text().splitlines()
    except OSError:
        return 0
    device = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}"
    for line in held:
        _, kind, _, _, pid, place, *_ = (*line.split(), *[""] * 6)
        # File systems of layers tell another device here than to stat: there the file's own word decides.
        is_ours = place.endswith(f":{facts.st_ino}") and (place.startswith(device) or pid == recorded)
        if kind == "FLOCK" and is_ours:
            return int(recorded) if recorded.isdigit() else int(pid)
    return 0


def disk_at(path: Path) -> Disk | None:
    """What is free on the file system that holds `path`, or will hold it."""
    for at in (path, *path.parents):
        try:
            facts = os.statvfs(at)
        except OSError:
            continue
        size = facts.f_frsize
        return Disk(facts.f_bavail * size, facts.f_blocks * size, facts.f_favail, facts.f_files)
    return None


def clock_against(files: Sequence[str], now: float) -> Clock:
    """How the clock is kept, and which of `files` says that it was written after `now` (epoch seconds)."""
    newest, latest = "", now
    for path in files:
        try:
            written = Path(path).stat().st_mtime
        except OSError:
            continue
        if written > latest:
            newest, latest = path, written
    return Clock(_is_synchronised(), newest, latest - now)


def _is_synchronised() -> bool | None:
    if struct.calcsize("l") != struct.calcsize("q"):
        return None
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        answer = ctypes.CDLL(None).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    return None if answer < 0 else not struct.unpack_from("i", buffer, _STATUS_AT)[0] & _UNSYNCHRONISED


def process_text(pid: int) -> str:
    """The status of a process, or an empty string."""
    try:
        return (_PROC / str(pid) / "status").read_text() if pid else ""
    except OSError:
        return ""
