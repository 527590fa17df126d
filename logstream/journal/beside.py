"""What stands beside a generation's path: listed again only when the directory has changed.

A reader that comes to a hundred runs of files that are gone asks a hundred times. Owns what was found of each question.
Refuses to open anything, and to keep whole listings: a directory may have thousands of names.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logstream.tail.packed import copies_beside

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ANSWERS: Final = 256
"""Each is a few paths, often none; the one that was asked for least recently leaves."""
_COARSEST_TIME_NS: Final = 2_000_000_000
"""Another change so soon after the first need not show: as FAT counts, in steps of two seconds."""


class Beside:
    """Answers for directories."""

    def __init__(self) -> None:
        """Nothing was listed yet."""
        self._answers: OrderedDict[tuple[Path, int | frozenset[str]], tuple[int, tuple[str, ...]]] = OrderedDict()
        """By directory and question: when the directory had changed last, and the paths."""

    def paths_of(self, directory: Path, ino: int) -> tuple[str, ...]:
        """The paths in `directory` that have the inode number `ino`; raises OSError if it cannot be listed."""
        return self._answer(directory, ino, lambda: _paths_of(directory, ino))

    def copies(self, directory: Path, names: frozenset[str]) -> list[Path]:
        """As `copies_beside`."""
        paths = self._answer(directory, names, lambda: tuple(map(str, copies_beside(directory, names))))
        return list(map(Path, paths))

    def _answer(
        self, directory: Path, question: int | frozenset[str], look: Callable[[], tuple[str, ...]]
    ) -> tuple[str, ...]:
        try:
            # Unlike the time of the last write nobody can set it, and it tells of rights, too.
            changed_ns = directory.stat().st_ctime_ns
        except OSError:
            return look()
        known = self._answers.get((directory, question))
        if known is not None and known[0] == changed_ns:
            self._answers.move_to_end((directory, question))
            return known[1]
        is_settled = time.time_ns() - changed_ns > _COARSEST_TIME_NS
        found = look()
        self._answers.pop((directory, question), None)
        if is_settled:
            self._answers[directory, question] = changed_ns, found
            if len(self._answers) > _MOST_ANSWERS:
                self._answers.popitem(last=False)
        return found


def _paths_of(directory: Path, ino: int) -> tuple[str, ...]:
    with os.scandir(directory) as entries:
        return tuple(entry.path for entry in entries if entry.inode() == ino)
