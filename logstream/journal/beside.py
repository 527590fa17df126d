"""What stands beside a generation's path: listed again only when the directory has changed.

A reader that comes to a hundred runs of files that are gone asks a hundred times. Owns what was found of each question,
and where copies may stand. Refuses to open anything, and to keep whole listings: a directory may have thousands of
names.
"""

# ruff: noqa: PTH119, PTH120 - names, which are asked for with each run of a file that is gone

from __future__ import annotations

import os
import time
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from logstream.tail.listing import names_in
from logstream.tail.packed import copies_beside
from logstream.tail.targets import is_pod_log, pod_logs_among

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

    def copies_of(self, path: str, file: str) -> list[Path]:
        """The same of a generation that is told as `file` and was at `path` last, wherever its copies may stand."""
        places = places_of_copies(path, file)
        return [copy for directory, names in places.items() for copy in self.copies(directory, names)]

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


def places_of_copies(path: str, file: str) -> dict[Path, frozenset[str]]:
    """The directories in which a generation may have copies, and what its file may have been called in each.

    It is told as `file`, and was at `path` last. If that is a link, its file is rotated where that is. Raises OSError
    where no descriptor is left to look.
    """
    names = frozenset(map(os.path.basename, (path, file)))
    places = {Path(path).parent: names}
    for link in filter(os.path.islink, dict.fromkeys((path, file))):
        home = os.path.realpath(link)
        there = names | {os.path.basename(home)}
        if is_pod_log(home):
            there |= pod_logs_among(names_in(os.path.dirname(home)))  # the link led to those before
        places[Path(home).parent] = places.get(Path(home).parent, names) | there
    return places


def _paths_of(directory: Path, ino: int) -> tuple[str, ...]:
    with os.scandir(directory) as entries:
        return tuple(entry.path for entry in entries if entry.inode() == ino)
