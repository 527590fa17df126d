"""What stands beside a path with the name of an older life of it.

Owns the listing and what is compared of two of them. Refuses to open anything, and to say which life is which.
"""

# ruff: noqa: PTH116 - the stat of each name in a directory: a Path object costs more

from __future__ import annotations

import os

from logstream.tail.discovery import obstacle_of
from logstream.tail.rotation import Sibling, rotated_name, without_compression


def family_of(path: str) -> dict[str, Sibling]:
    """What in the path's directory has the name of an older life of it."""
    directory, base = os.path.split(path)
    found: dict[str, Sibling] = {}
    try:
        names = os.listdir(directory)  # noqa: PTH208 - wants the names alone
    except OSError:
        return found
    stem = base.partition(".")[0]
    for name in names:
        rotated = rotated_name(base, name) if name.startswith(stem) and name != base else None
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


def settled(family: dict[str, Sibling]) -> list[Sibling]:
    """Without copies in the making: while a file is being compressed, both stand side by side."""
    return [
        sibling
        for path, sibling in family.items()
        if not (sibling.name.is_compressed and without_compression(path) in family)
    ]


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
