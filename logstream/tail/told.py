"""Which readers are told as a log, or as an older life of one.

Owns nothing but the index: with ten thousand files nobody can take the names of all others apart for each copy that is
looked at. Refuses to know what is in the files.
"""

# ruff: noqa: PTH118, PTH119, PTH120 - asked for each copy: a Path object costs more

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from logstream.tail.rotation import beginnings_of, is_older_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from logstream.tail.reader import Reader


class Told:
    """Readers by the files that they are told as, which they are for good."""

    def __init__(self) -> None:
        """Know nobody."""
        self._files: list[str] = []
        """Sorted; of readers of one file the latest comes last. Two lists: pairs would be ten thousand more objects."""
        self._readers: list[Reader] = []

    def enter(self, reader: Reader) -> None:
        """Count `reader` in."""
        file = _in_one_form(reader.file)
        at = bisect_right(self._files, file)
        self._files.insert(at, file)
        self._readers.insert(at, reader)

    def leave(self, reader: Reader) -> None:
        """Forget `reader`, if it is known."""
        file = _in_one_form(reader.file)
        at = bisect_left(self._files, file)
        while at < len(self._files) and self._files[at] == file:
            if self._readers[at] is reader:
                del self._files[at], self._readers[at]
                return
            at += 1

    def of(self, files: Collection[str]) -> Iterator[Reader]:
        """Those that are told as one of these logs, or as what may be an older life of it by its name.

        Each once; nobody may enter or leave meanwhile.
        """
        beginnings = sorted(
            os.path.join(os.path.dirname(file), beginning)
            for file in files
            for beginning in beginnings_of(os.path.basename(file))
        )
        at = 0
        for beginning in beginnings:
            at = max(at, bisect_left(self._files, beginning))
            while at < len(self._files) and self._files[at].startswith(beginning):
                if is_older_name(self._readers[at].file, files):
                    yield self._readers[at]
                at += 1


def _in_one_form(file: str) -> str:
    """A path as it is put together from its directory and a name: a pattern of two slashes brings paths of two."""
    return os.path.join(*os.path.split(file)) if "//" in file else file
