"""What generations that are remembered say of each other, and of the paths that they were written under. Pure.

Owns who came before whom, and which of them had one file. Refuses to look at that.
"""

# ruff: noqa: PTH118 - the path of each generation of each log: a Path object costs more

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.batch import display
from logstream.tail.identity import NO_INODE
from logstream.tail.rotation import base_names

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from logstream.tail.batch import Known

File = tuple[int, int, int | None]
_EMPTIED_LIMIT = 10_000


class Emptied:
    """The last lives that came to an end in files, by the numbers of those; who was noted first is forgotten first."""

    def __init__(self) -> None:
        """Remember none."""
        self._lives: dict[File, Known] = {}

    def note(self, known: Known) -> None:
        """Remember a life of which the file is gone, or has another one in it."""
        self._lives.pop(file_of(known), None)
        self._lives[file_of(known)] = known
        if len(self._lives) > _EMPTIED_LIMIT:
            del self._lives[next(iter(self._lives))]

    def get(self, file: File) -> Known | None:
        """The last one that was in the file with these numbers."""
        return self._lives.get(file)


def note_file(known: Known, mates: dict[File, list[Known]]) -> None:
    """Count a generation among its `mates`: those that were read in the same file, as far as numbers tell, in order."""
    if (known.dev, known.ino) != NO_INODE:
        mates.setdefault(file_of(known), []).append(known)


def file_of(known: Known) -> File:
    """The numbers that its file had."""
    return known.dev, known.ino, known.igen


def is_outrun(known: Known, others: Iterable[Known]) -> bool:
    """Whether the same file was read further since for another path or source: its lines must not come twice.

    `others` were read in the file of `known`.
    """
    return any(other.committed > known.committed and not _are_of_one_log(other, known) for other in others)


def has_lost_its_file(known: Known, later: Iterable[Known]) -> bool:
    """Whether another life of the log was begun in the same file: what was not read of `known` is only in a copy.

    `later` were begun later, in the file of `known`.
    """
    return any(_are_of_one_log(other, known) for other in later)


def _are_of_one_log(one: Known, other: Known) -> bool:
    return (one.source, one.file) == (other.source, other.file)


def places(generations: Sequence[Known]) -> dict[str, int]:
    """Where each generation stands in the order of births, by key: a later life of a file where its first one was.

    Else one whose beginning, a truncation, was seen only after a rotation would stand behind what was begun later.
    """
    first: dict[File, int] = {}
    for number, known in enumerate(generations):
        first.setdefault(file_of(known), number)
    return {known.key: first[file_of(known)] for known in generations}


def base_path_of(path: str, paths: Collection[str]) -> str:
    """The one of `paths` that `path` is an older life of by its name; else `path` itself."""
    directory, name = os.path.split(path)
    bases = sorted((os.path.join(directory, base) for base, _ in base_names(name)), key=len)
    return next((base for base in bases if base in paths), path)


def path_of(known: Known) -> str:
    """The path that a generation was written under: `file`, unless that is not its real spelling."""
    if "\ufffd" not in known.file:
        return known.file
    directory, name = os.path.split(known.path)
    candidates = (known.path, *(os.path.join(directory, base) for base, _ in base_names(name)))
    return next((path for path in candidates if display(path) == known.file), known.path)
