"""What a search has found: whether it is new, and which log it is an older life of.

Owns what a name, a number and a time tell of a file before it is opened. Refuses to enter it: that is for `roster`.
"""

# ruff: noqa: PTH118 - every found path of every search: a Path object costs more

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.rotation import Sibling, base_names
from logstream.tail.slices import SLICE_FILES
from logstream.tail.vacancy import note_sighting

if TYPE_CHECKING:
    from collections.abc import Container, Generator, Iterable, Mapping

    from logstream.tail.batch import SourceSpec
    from logstream.tail.discovery import Sighting
    from logstream.tail.histories import Histories
    from logstream.tail.lineage import Census
    from logstream.tail.succession import Succession


class Sighted:
    """Tells what is known of sightings from what is not."""

    def __init__(self, followed: Container[str], histories: Histories, census: Census, succession: Succession) -> None:
        """By the paths that are `followed`, the logs of the past, and the files that are known by their numbers."""
        self._followed = followed
        self._histories = histories
        self._census = census
        self._succession = succession

    def new_among(self, sightings: Iterable[Sighting]) -> Generator[None, None, dict[str, Sighting]]:
        """Those that are new, by path, in their order; pauses (yields) often."""
        new: dict[str, Sighting] = {}
        for number, sighting in enumerate(sightings, 1):
            if number % SLICE_FILES == 0:
                yield
            if self.is_new(sighting):
                new[sighting.path] = sighting
        return new

    def is_new(self, sighting: Sighting) -> bool:
        """Whether a path is not followed yet, and its file not read under another name or finished.

        One that is waited for elsewhere, for its directory is not there, is told of where it was found.
        """
        if sighting.path in self._followed:
            return False
        inode = (sighting.dev, sighting.ino)
        if sighting.obstacle is not None:
            return True
        reader = self._succession.reader_at(sighting.path, inode)
        if reader is not None:
            note_sighting(reader, sighting.path)
            return False
        if self._census.aside.holds(sighting):
            return False
        finished = self._census.finished.get(inode)
        if finished is None or not finished.sealed or finished.committed != sighting.size:
            return True
        # Another file may have been given its inode, and be as long.
        return finished.written_ns is not None and finished.written_ns != sighting.mtime_ns

    def base_of(self, spec: SourceSpec, sighting: Sighting, new: Mapping[str, Sighting]) -> tuple[str, Sibling] | None:
        """The path, followed, found with it or of the past, that `sighting` is an older life of by its name."""
        directory, name = os.path.split(sighting.path)
        if sighting.obstacle is not None:
            return None
        for base, rotated in sorted(base_names(name), key=lambda candidate: len(candidate[0])):
            path = os.path.join(directory, base)
            is_new = path in new and new[path].obstacle is None
            if is_new or path in self._followed or self._histories.has_of(spec, path):
                return path, Sibling(sighting.path, rotated, sighting.dev, sighting.ino, sighting.mtime_ns)
        return None
