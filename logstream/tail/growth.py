"""The moment at which a file grows, told by Linux itself: a hint like any other, but without a delay.

Owns one inotify instance and what it watches: the files that are being written now, and of those that were written
before as many as there is room for, by what was open and not by a name. Where there is none (another system, no
instance left, a file system over the network), hot files are polled as they are anyway. Refuses to say what happened:
whoever is hinted at looks for itself.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MODIFIED: Final = 0x2  # IN_MODIFY, <sys/inotify.h>
_IGNORED: Final = 0x8000  # IN_IGNORED: the watch is no more, as its file was deleted
_HEAD: Final = struct.Struct("iIII")  # of an event: which watch, what, a cookie, the length of a name that follows
_READ_BYTES: Final = 16 * 1024
MOST_WATCHED: Final = 1024
"""Files beyond this many are polled."""


class Growth(Generic[T]):
    """Events of files, each of which somebody (`T`) follows."""

    def __init__(self) -> None:
        """Nothing is watched; `open` begins."""
        self._fd: int | None = None
        self._watches: dict[T, tuple[int, tuple[int, int]]] = {}
        self._followers: dict[int, T] = {}
        self._resting: dict[T, None] = {}
        """Those that may make room for others, the longest at rest first."""
        self._ring: Callable[[], None] | None = None
        self._is_armed = False
        """Whether the event loop looks for events: longer than anybody is to be called, for that is cheaper."""

    def open(self) -> None:
        """Begin, where the system lets us."""
        if sys.platform == "linux" and self._fd is None:
            descriptor = _LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
            self._fd = descriptor if descriptor >= 0 else None

    def close(self) -> None:
        """Give the instance back."""
        self.disarm()
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def watch(self, follower: T, descriptor: int, inode: tuple[int, int]) -> None:
        """Tell of `follower` whenever the open file grows; only of its latest one."""
        known = self._watches.get(follower)
        self._resting.pop(follower, None)
        if self._fd is None or (known is not None and known[1] == inode):
            return
        self.forget(follower)
        if len(self._watches) >= MOST_WATCHED and self._resting:
            self.forget(next(iter(self._resting)))
        if len(self._watches) < MOST_WATCHED:
            watch = _LIBC.inotify_add_watch(self._fd, b"/proc/self/fd/%d" % descriptor, _MODIFIED)
            holder = self._followers.get(watch)
            if holder is not None and holder in self._resting:
                del self._watches[holder], self._resting[holder], self._followers[watch]
            # Two names of one file have one watch: it is the first one's, the other is polled.
            if watch >= 0 and watch not in self._followers:
                self._watches[follower] = watch, inode
                self._followers[watch] = follower

    def rest(self, follower: T) -> None:
        """Go on telling of `follower`, as long as nobody else needs the room."""
        if follower in self._watches:
            self._resting[follower] = None

    def forget(self, follower: T) -> None:
        """Tell of `follower` no more."""
        self._resting.pop(follower, None)
        watch = self._watches.pop(follower, None)
        if watch is not None:
            del self._followers[watch[0]]
            if self._fd is not None:
                _LIBC.inotify_rm_watch(self._fd, watch[0])

    def take(self) -> set[T]:
        """Those whose files have grown since the last call."""
        found: set[T] = set()
        if self._fd is None or not self._watches:
            return found
        content = b""
        with suppress(BlockingIOError):
            content = os.read(self._fd, _READ_BYTES)
        at = 0
        while at < len(content):
            watch, what, _, length = _HEAD.unpack_from(content, at)
            at += _HEAD.size + length
            follower = self._followers.get(watch)
            if follower is not None:
                found.add(follower)
                if what & _IGNORED:
                    self.forget(follower)
        return found

    def arm(self, ring: Callable[[], None]) -> None:
        """Call `ring` once, as soon as a file has grown, also if that was before; not after `mute` or `disarm`."""
        self._ring = ring
        if self._fd is not None and self._watches and not self._is_armed:
            self._is_armed = True
            asyncio.get_running_loop().add_reader(self._fd, self._tell)

    def mute(self) -> None:
        """Call nobody, when it is likely that `arm` follows soon."""
        self._ring = None

    def disarm(self) -> None:
        """Call nobody, and let nothing that happens to files cost the event loop anything."""
        self._ring = None
        if self._is_armed and self._fd is not None:
            self._is_armed = False
            asyncio.get_running_loop().remove_reader(self._fd)

    def _tell(self) -> None:
        ring, self._ring = self._ring, None
        if ring is not None:
            ring()
        else:
            self.disarm()  # until somebody takes it, the loop would turn for nothing


_LIBC: Final = ctypes.CDLL(None)
