"""What tells a file from the deleted one that had its number: a count of the file system, or the time of creation.

Owns the system calls that Python does not have. Refuses to say what follows from the answer: see `identity`.
"""

from __future__ import annotations

import ctypes
import fcntl
import struct
from typing import Final

_FS_IOC_GETVERSION: Final = 0x80087601
"""ioctl_iflags(2) and linux/fs.h: _IOR('v', 1, long); the kernel fills in 32 bits of it."""
_KEEP_CREATION: Final = {0x794C7630, 0x01021994}
"""overlayfs and tmpfs, statfs(2), count nothing, and a file has the time of its creation there until it is deleted.

Of network file systems and FUSE nobody knows that: a file whose time changed would be taken for another one.
"""
_STATFS: Final = struct.Struct("@l")
_AT_EMPTY_PATH: Final = 0x1000
_STATX_BTIME: Final = 0x800
_STATX_MASK: Final = struct.Struct("=I")
_STATX_CREATED: Final = struct.Struct("=qI")
_STATX_CREATED_AT: Final = 80
"""statx(2): stx_btime, in `struct statx` on all architectures."""
_ANSWER_BYTES: Final = 256
_NS: Final = 1_000_000_000
_LIBC: Final = ctypes.CDLL(None)


def inode_generation(fd: int) -> int | None:
    """What another file with the same number would have another of, as long as both are on one file system.

    The number that the file system counts up with each reuse of an inode; else, where that is sure to stay, when the
    file was created, in ns since the epoch. None where there is neither (NFS, FUSE).
    """
    try:
        answer = fcntl.ioctl(fd, _FS_IOC_GETVERSION, bytes(8))
    except OSError:
        return _created_ns(fd)
    return int.from_bytes(answer[:4], "little")


def _created_ns(fd: int) -> int | None:
    answer = ctypes.create_string_buffer(_ANSWER_BYTES)
    try:
        is_kept = _LIBC.fstatfs(fd, answer) == 0 and _STATFS.unpack_from(answer)[0] in _KEEP_CREATION
        is_told = is_kept and _LIBC.statx(fd, b"", _AT_EMPTY_PATH, _STATX_BTIME, answer) == 0
    except AttributeError:
        return None  # an older C library
    if not is_told or not _STATX_MASK.unpack_from(answer)[0] & _STATX_BTIME:
        return None
    seconds, ns = _STATX_CREATED.unpack_from(answer, _STATX_CREATED_AT)
    return int(seconds) * _NS + int(ns)
