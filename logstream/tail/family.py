"""What stands beside a path with the name of an older life of it.

Owns what is compared of two listings. Refuses to open anything, and to say which life is which.
"""

# ruff: noqa: PTH114, PTH116 - the stat of each name in a directory: a Path object costs more

from __future__ import annotations

import os

from logstream.tail.discovery import obstacle_of
from logstream.tail.listing import names_in
from logstream.tail.rotation import Sibling, beginnings_of, made_from, rotated_name

ATTEMPTS = 5
"""How often a directory is looked at again at once if it changed meanwhile."""


def family_of(path: str, *, as_last_listed: bool = False) -> dict[str, Sibling]:
    """What in the path's directory has the name of an older life of it; by names `as_last_listed` where these are many.

    Raises OSError where no descriptor is left to list that: what came between would be passed over for good.
    """
    directory, base = os.path.split(path)
    found: dict[str, Sibling] = {}
    for name in names_in(directory, beginnings_of(base), as_last_listed=as_last_listed):
        rotated = rotated_name(base, name) if name != base else None
        if rotated is None:
            continue
        sibling = f"{directory}/{name}" if directory != "/" else f"/{name}"
        try:
            seen = os.stat(sibling)
        except OSError:
            continue
        if obstacle_of(seen.st_mode) is None:
            found[sibling] = Sibling(sibling, rotated, seen.st_dev, seen.st_ino, seen.st_mtime_ns, size=seen.st_size)
    return found


def home_of(path: str) -> str:
    """Where the file is that has the path: behind a link, older lives stand beside that and have names like it."""
    return os.path.realpath(path) if os.path.islink(path) else path


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
