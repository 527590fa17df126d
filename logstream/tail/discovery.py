"""Which files a source's globs match now, and which directories to watch for that to change.

Follows symbolic links, but not those to directories below `**`. A directory is seen only by a pattern that ends without
wildcards. Never opens a file, decides nothing about what it is, and answers trouble with values, not exceptions.
"""

# ruff: noqa: PTH116, PTH118, PTH120 - thousands of names a second: a Path object costs more than the stat

from __future__ import annotations

import errno
import os
import stat
import time
from typing import TYPE_CHECKING, NamedTuple

from logstream.tail.globs import ANY_DEPTH, MAGIC, excluder, name_regex, parts_of

if TYPE_CHECKING:
    import re
    from collections.abc import Generator, Iterator, Sequence

SLICE_ENTRIES = 128
"""A search pauses after looking at so many directory entries."""
_LEADS_NOWHERE = frozenset({errno.ELOOP, errno.ENAMETOOLONG})
"""Links that lead to themselves, names that no file can have."""
_KINDS = {
    stat.S_IFDIR: "is a directory",
    stat.S_IFIFO: "is a FIFO",
    stat.S_IFSOCK: "is a socket",
    stat.S_IFCHR: "is a character device",
    stat.S_IFBLK: "is a block device",
}


class Sighting(NamedTuple):
    """A path that a source's globs match, and what stat said of it. `obstacle` says why it cannot be tailed."""

    path: str
    dev: int
    ino: int
    size: int
    mtime_ns: int
    obstacle: str | None = None


class Trouble(NamedTuple):
    """A directory or file that could not be looked at; this is not a sign that it is gone."""

    path: str
    reason: str


class Found(NamedTuple):
    """What a search saw. `directories` maps each directory worth watching to its (dev, ino)."""

    sightings: tuple[Sighting, ...]
    directories: dict[str, tuple[int, int]]
    troubles: tuple[Trouble, ...]
    began: float = 0.0
    """When the search began, in epoch seconds: what is not in it was not there then."""
    began_at: float = 0.0
    """The same in monotonic seconds."""


def search(patterns: Sequence[str], exclude: Sequence[str] = ()) -> Generator[None, None, Found]:
    """Look for what `patterns` match and `exclude` does not; pauses (yields) often, and returns what it found."""
    began, began_at = time.time(), time.monotonic()
    finder = _Finder(excluder(tuple(exclude)))
    for pattern in patterns:
        yield from finder.expand(pattern)
    paths = sorted(finder.sightings)
    yield
    sightings = tuple(map(finder.sightings.__getitem__, paths))
    yield
    troubles = tuple(finder.troubles[path] for path in sorted(finder.troubles))
    return Found(sightings, finder.directories, troubles, began, began_at)


def find(patterns: Sequence[str], exclude: Sequence[str] = ()) -> Found:
    """The same without pauses."""
    steps = search(patterns, exclude)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Found = end.value
            return found


def obstacle_of(mode: int) -> str | None:
    """Why something with this `st_mode` cannot be tailed; None for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "is no regular file")


class _Finder:
    """One search under way."""

    def __init__(self, excluder: re.Pattern[str]) -> None:
        self.sightings: dict[str, Sighting] = {}
        self.directories: dict[str, tuple[int, int]] = {}
        self.troubles: dict[str, Trouble] = {}
        self._excluder = excluder
        self._entries = 0

    def expand(self, pattern: str) -> Iterator[None]:
        """Walk down `pattern`, part by part, without recursion: a tree may be deep."""
        parts = parts_of(pattern)
        todo = [("/", 0)]
        while todo:
            directory, depth = todo.pop()
            while depth < len(parts) - 1 and not MAGIC.search(parts[depth]):
                directory = os.path.join(directory, parts[depth])
                depth += 1
            if directory != "/" and self._excluder.match(directory):
                continue
            if MAGIC.search(parts[depth]):
                yield from self._list(directory, parts, depth, todo)
            elif self._watch(directory):
                self._sight(os.path.join(directory, parts[depth]), is_literal=True)

    def _list(self, directory: str, parts: list[str], depth: int, todo: list[tuple[str, int]]) -> Iterator[None]:
        """Match one directory's entries against one part; what is to be entered goes to `todo`."""
        if not self._watch(directory):
            return
        part, is_last = parts[depth], depth == len(parts) - 1
        if part == ANY_DEPTH:
            todo.append((directory, depth + 1))
        matches = name_regex(part).match
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    self._entries += 1
                    if self._entries % SLICE_ENTRIES == 0:
                        yield
                    if not matches(entry.name):
                        continue
                    if is_last:
                        self._sight(entry.path, is_literal=False)
                    elif _can_enter(entry, follows_links=part != ANY_DEPTH):
                        todo.append((entry.path, depth if part == ANY_DEPTH else depth + 1))
        except OSError as error:
            self._note(directory, error)

    def _watch(self, directory: str) -> bool:
        """Whether `directory` is there. If not, its nearest ancestor is watched for it to come."""
        at = directory
        while True:
            try:
                facts = os.stat(at)
            except OSError as error:
                self._note(at, error)
            else:
                if stat.S_ISDIR(facts.st_mode):
                    self.directories[at] = (facts.st_dev, facts.st_ino)
                    return at == directory
            if at == "/":
                return False
            at = os.path.dirname(at)

    def _sight(self, path: str, *, is_literal: bool) -> None:
        if path in self.sightings or self._excluder.match(path):
            return
        try:
            facts = os.stat(path)
        except OSError as error:
            self._note(path, error)
            return
        if stat.S_ISDIR(facts.st_mode) and not is_literal:
            return
        self.sightings[path] = Sighting(
            path, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, obstacle_of(facts.st_mode)
        )

    def _note(self, path: str, error: OSError) -> None:
        """Names that are gone, or lead nowhere, are no trouble: they are simply not there."""
        if not is_absence(error):
            self.troubles[path] = Trouble(path, reason_of(error))


def _can_enter(entry: os.DirEntry[str], *, follows_links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follows_links)
    except OSError:
        return False


def is_absence(error: OSError) -> bool:
    """Whether `error` says that nothing is there; all others only say that it cannot be seen now."""
    return isinstance(error, FileNotFoundError | NotADirectoryError) or error.errno in _LEADS_NOWHERE


def reason_of(error: OSError) -> str:
    """`error` in words for people."""
    return (error.strerror or str(error)).lower()
