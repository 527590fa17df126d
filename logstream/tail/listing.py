"""What is in a directory, listed again only when it has changed.

Thousands of logs may lie in one, and each look at one of them asks for names beside it. Owns what is remembered of
directories, when that is out of date, and where in them a file with a known number is. Refuses to know what names mean.
"""

# ruff: noqa: PTH116, PTH118, PTH208 - of thousands of names: a Path object costs more

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from logstream.tail.discovery import is_absence
from logstream.tail.identity import TICK_NS, contradict
from logstream.tail.opening import EXHAUSTED, OPEN_FLAGS
from logstream.tail.reuse import inode_generation

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T")
_SECOND_NS: Final = 1_000_000_000
_COARSE_TICK_NS: Final = 2_500_000_000
"""Where times are whole seconds, as on ext3, or every other one, as on FAT."""
_DIRECTORIES_BY_NAME: Final = 64
_DIRECTORIES_BY_NUMBER: Final = 8
"""Of so many directories it is remembered which number each file has: that takes more room."""
_DIRECTORIES_BY_COUNT: Final = 1024
LARGE: Final = 2_000
"""To list a directory of so many names, and more, takes a millisecond and more: once in a turn of the event loop."""


class _Stamp(NamedTuple):
    """Which directory it is, and when it changed last. A tool may set its mtime back, but not its ctime."""

    dev: int
    ino: int
    mtime_ns: int
    ctime_ns: int


class _Remembered(Generic[T]):
    """What was found in some directories; those that were listed first go first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._found: OrderedDict[str, tuple[_Stamp, T]] = OrderedDict()

    def of(self, directory: str, stamp: _Stamp) -> T | None:
        known = self._found.get(directory)
        return known[1] if known is not None and known[0] == stamp else None

    def last(self, directory: str) -> T | None:
        """The same, whatever has changed there since."""
        known = self._found.get(directory)
        return None if known is None else known[1]

    def put(self, directory: str, stamp: _Stamp, found: T) -> None:
        self._found[directory] = stamp, found
        while len(self._found) > self._limit:
            self._found.popitem(last=False)


_LEAST_ENTRY_BYTES: Final = 16
"""What a name takes at least in a directory of most file systems."""

_names: _Remembered[list[str]] = _Remembered(_DIRECTORIES_BY_NAME)
_latest: _Remembered[list[str]] = _Remembered(_DIRECTORIES_BY_NUMBER)
"""The names in large directories as they were last listed, in no order, also while something changes there."""
_counts: _Remembered[int] = _Remembered(_DIRECTORIES_BY_COUNT)
_by_number: _Remembered[dict[int, str | tuple[str, ...]]] = _Remembered(_DIRECTORIES_BY_NUMBER)


def names_in(directory: str, beginnings: Iterable[str] = (), *, as_last_listed: bool = False) -> list[str]:
    """The names in a directory, sorted, or those with one of these `beginnings`; none if it cannot be listed.

    `as_last_listed`: if it is large it need not be listed now, for who lists it again behind what is done meanwhile.

    Raises OSError where no descriptor is left for it: that is no sign that there are none. The list is not the
    caller's to change.
    """
    wanted = tuple(sorted(beginnings))
    try:
        stamp = _stamp_of(directory)
        names = _names.of(directory, stamp)
        if names is None and as_last_listed and is_large(directory) and (last := _latest.last(directory)) is not None:
            return sorted(name for name in last if name.startswith(wanted)) if wanted else sorted(last)
        if names is None:
            is_lasting, found = _is_lasting(stamp), _listed(directory, stamp)
            if wanted and not is_lasting:
                # To put thousands of names in order for a single look takes as long as to list them.
                return sorted(name for name in found if name.startswith(wanted))
            names = sorted(found)
            if is_lasting:
                _names.put(directory, stamp, names)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return []
    return _beginning_with(wanted, names) if wanted else names


def is_large(directory: str) -> bool:
    """Whether there were many names in the directory when it was last listed."""
    return (_counts.last(directory) or 0) >= LARGE


def is_as_listed(directory: str) -> bool:
    """Whether nothing has changed in the directory since its names were listed and remembered: they cost nothing."""
    try:
        return _names.of(directory, _stamp_of(directory)) is not None
    except OSError:
        return False  # whoever looks meets with it again


def list_ahead(directory: str) -> bool:
    """List a large directory if something has changed there since it was listed last; whether that took its time."""
    count = _counts.last(directory)
    try:
        if count < LARGE if count is not None else os.stat(directory).st_size < LARGE * _LEAST_ENTRY_BYTES:
            return False
        stamp = _stamp_of(directory)
        if _names.of(directory, stamp) is not None or _latest.of(directory, stamp) is not None:
            return False
        _listed(directory, stamp)
    except OSError:
        return False  # whoever looks meets with it again
    return is_large(directory)


def _listed(directory: str, stamp: _Stamp) -> list[str]:
    found = os.listdir(directory)
    _counts.put(directory, stamp, len(found))
    if len(found) >= LARGE:
        _latest.put(directory, stamp, found)
    return found


def locate(
    inode: tuple[int, int], igen: int | None, directories: Iterable[str], but: str, first: str | None = None
) -> str | None:
    """The path, other than `but`, that a file has in one of `directories`; raises OSError if one cannot be read.

    The file is known by (dev, ino), and by the inode's generation number where that is known: numbers are given again.
    Nothing is listed where it has the path `first`.
    """
    if first is not None and first != but:
        with suppress(OSError):
            if _is_at(first, inode, igen):
                return first
    for directory in dict.fromkeys(directories):
        try:
            for path in _paths_of(directory, inode[1]):
                if path != but and _is_at(path, inode, igen):
                    return path
        except OSError as error:
            if not is_absence(error):
                raise
    return None


def _beginning_with(beginnings: tuple[str, ...], names: list[str]) -> list[str]:
    """Those of the `names`; both are sorted. Each once, also where one beginning begins with another."""
    found: list[str] = []
    at = 0
    for beginning in beginnings:
        at = max(at, bisect_left(names, beginning))
        while at < len(names) and names[at].startswith(beginning):
            found.append(names[at])
            at += 1
    return found


def _paths_of(directory: str, number: int) -> list[str]:
    """The paths in a directory that have the inode `number`, as its listing says; raises OSError."""
    stamp = _stamp_of(directory)
    known = _by_number.of(directory, stamp)
    if known is None and not _is_lasting(stamp):
        with os.scandir(directory) as entries:
            return [entry.path for entry in entries if entry.inode() == number]
    if known is None:
        known = _numbered(directory)
        _by_number.put(directory, stamp, known)
    names = known.get(number, ())
    return [os.path.join(directory, name) for name in ([names] if isinstance(names, str) else names)]


def _numbered(directory: str) -> dict[int, str | tuple[str, ...]]:
    """The names in a directory by their inodes' numbers; all of them where there are several, as hard links are."""
    with os.scandir(directory) as entries:
        pairs = [(entry.inode(), entry.name) for entry in entries]
    found: dict[int, str | tuple[str, ...]] = dict(pairs)
    if len(found) < len(pairs):
        several: dict[int, list[str]] = {}
        for number, name in pairs:
            several.setdefault(number, []).append(name)
        found |= {number: tuple(names) for number, names in several.items() if len(names) > 1}
    return found


def _is_at(path: str, inode: tuple[int, int], igen: int | None) -> bool:
    """Whether a file has that path; raises OSError."""
    seen = os.stat(path)
    return (seen.st_dev, seen.st_ino) == inode and not (igen is not None and contradict(igen, _generation_at(path)))


def _generation_at(path: str) -> int | None:
    """The generation number of the inode of a regular file; None also if it cannot be opened."""
    try:
        fd = os.open(path, OPEN_FLAGS)
    except OSError:
        return None
    try:
        return inode_generation(fd)
    finally:
        os.close(fd)


def _stamp_of(directory: str) -> _Stamp:
    seen = os.stat(directory)
    return _Stamp(seen.st_dev, seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns)


def _is_lasting(stamp: _Stamp) -> bool:
    """Whether whatever changes from now on gets another time: not within the same tick of the clock.

    To be asked before a directory is listed: what comes while it is being listed may be missing.
    """
    return time.time_ns() - stamp.mtime_ns > (TICK_NS if stamp.mtime_ns % _SECOND_NS else _COARSE_TICK_NS)
