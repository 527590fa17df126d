"""Files that are passed over as they are, since they are only copies of what is told anyway.

Owns when each was last written to: an inode may be given again. Refuses to say what is a copy.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from logstream.tail.lineage import Inode

_LIMIT: Final = 20_000


class _Seen(Protocol):
    @property
    def dev(self) -> int: ...
    @property
    def ino(self) -> int: ...
    @property
    def mtime_ns(self) -> int: ...


class Aside:
    """The last of them; the one that was put there first goes first."""

    def __init__(self) -> None:
        """No file."""
        self._mtimes_ns: OrderedDict[Inode, int] = OrderedDict()

    def __contains__(self, inode: Inode) -> bool:
        """Whether a file was put there, as it was then."""
        return inode in self._mtimes_ns

    def holds(self, seen: _Seen) -> bool:
        """Whether a file is there as it is now."""
        return self._mtimes_ns.get((seen.dev, seen.ino)) == seen.mtime_ns

    def put(self, inode: Inode, mtime_ns: int) -> None:
        """Pass a file over as long as it was last written to then."""
        self._mtimes_ns[inode] = mtime_ns
        self._mtimes_ns.move_to_end(inode)
        if len(self._mtimes_ns) > _LIMIT:
            self._mtimes_ns.popitem(last=False)

    def drop(self, inode: Inode) -> None:
        """Pass it over no more."""
        self._mtimes_ns.pop(inode, None)
