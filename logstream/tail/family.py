"""What stands beside a path with the name of an older life of it.

Owns the listing and what is compared of two of them. Refuses to open anything, and to say which life is which.
"""

# ruff: noqa: PTH114, PTH116 - the stat of each name in a directory: a Path object costs more

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections import OrderedDict
from itertools import chain
from typing import TYPE_CHECKING

from logstream.tail.discovery import obstacle_of
from logstream.tail.identity import TICK_NS
from logstream.tail.opening import EXHAUSTED
from logstream.tail.rotation import Sibling, beginnings_of, made_from, rotated_name

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTEMPTS = 5
"""How often a directory is looked at again at once if it changed meanwhile."""
_LISTED_DIRECTORIES = 64
_listed: OrderedDict[str, tuple[int, list[str]]] = OrderedDict()
"""The names in some directories, by the mtime that they had."""


def family_of(path: str) -> dict[str, Sibling]:
    """What in the path's directory has the name of an older life of it.

    Raises OSError where no descriptor is left to list that: what came between would be passed over for good.
    """
    directory, base = os.path.split(path)
    found: dict[str, Sibling] = {}
    names = names_in(directory)
    for name in chain.from_iterable(_beginning_with(beginning, names) for beginning in beginnings_of(base)):
        rotated = rotated_name(base, name) if name != base else None
        if rotated is None:
            continue
        sibling = f"{directory}/{name}" if directory != "/" else f"/{name}"
        try:
            seen = os.stat(sibling)
        except OSError:
            continue
        if obstacle_of(seen.st_mode) is None:
            found[sibling] = Sibling(sibling, rotated, seen.st_dev, seen.st_ino, seen.st_mtime_ns)
    return found


def _beginning_with(beginning: str, names: list[str]) -> Iterator[str]:
    for index in range(bisect_left(names, beginning), len(names)):
        if not names[index].startswith(beginning):
            return
        yield names[index]


def home_of(path: str) -> str:
    """Where the file is that has the path: behind a link, older lives stand beside that and have names like it."""
    return os.path.realpath(path) if os.path.islink(path) else path


def names_in(directory: str) -> list[str]:
    """The names in a directory, sorted; none if it cannot be listed. Raises OSError where no descriptor is left for it.

    Thousands of logs may lie in one, and each asks for its family: it is listed again only when it has changed, and as
    long as a change within the same tick of the clock would not show.
    """
    try:
        before_ns = os.stat(directory).st_mtime_ns
        known = _listed.get(directory)
        if known is not None and known[0] == before_ns:
            return known[1]
        names = sorted(os.listdir(directory))  # noqa: PTH208 - wants the names alone
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return []
    if time.time_ns() - before_ns > TICK_NS:
        _listed[directory] = before_ns, names
        while len(_listed) > _LISTED_DIRECTORIES:
            _listed.popitem(last=False)
    return names


def settled(family: dict[str, Sibling]) -> list[Sibling]:
    """Each file once, without copies in the making: while a file is being compressed, both stand side by side.

    Who renames a file by a link to its new name has two names for it meanwhile.
    """
    found: dict[tuple[int, int], Sibling] = {}
    for path, sibling in family.items():
        if made_from(path) not in family:
            found.setdefault((sibling.dev, sibling.ino), sibling)
    return list(found.values())


def inodes_of(family: dict[str, Sibling]) -> dict[str, tuple[int, int]]:
    """Who is who, by path: two listings that agree in this saw the same files."""
    return {path: (sibling.dev, sibling.ino) for path, sibling in family.items()}


def has_inode(path: str, inode: tuple[int, int]) -> bool:
    """Whether the file at `path` is the one with this (dev, ino)."""
    try:
        seen = os.stat(path)
    except OSError:
        return False
    return (seen.st_dev, seen.st_ino) == inode
