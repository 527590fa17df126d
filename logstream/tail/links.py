"""What a log that is a symbolic link was led to while nobody looked, between what was read and where it leads now.

Owns the listing of the directory in which the link's file is, and whose the files there are. What their names tell is
for `targets`; nothing is opened here.
"""

# ruff: noqa: PTH118, PTH119, PTH120 - names beside each other: a Path object costs more

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from logstream.tail.family import has_inode, settled
from logstream.tail.globs import is_matched
from logstream.tail.listing import names_in
from logstream.tail.rotation import Rotated, Sibling, base_names, is_compressed_name, without_compression
from logstream.tail.targets import begins_as, is_led_to_between, is_pod_log, pod_target_of, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from logstream.tail.copies import Copies
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.targets import Target

_MOST_OLDER: Final = 1_000
"""Behind so many files in a row that were written last before the last look there are no others."""


class Links:
    """Finds what links were led to."""

    def __init__(self, census: Census, copies: Copies) -> None:
        """Tell by `census` whose a file is that is known, and whose the others would be."""
        self._census = census
        self._copies = copies

    def passed_over(self, lineage: Lineage, home: str) -> dict[str, Sibling]:
        """Files that nobody knows and that the lineage's link, which leads to `home` now, was led to before that.

        By path; none where the lineage's path is no link. Raises OSError where no descriptor is left to look.
        """
        take_apart = pod_target_of if is_pod_log(home) else target_of
        present, since_ns = take_apart(os.path.basename(home)), lineage.last_mtime_ns
        if home == lineage.path or present is None or since_ns is None:
            return {}
        former, older = None, 0
        met: dict[tuple[int, int], tuple[Target, Sibling]] = {}
        for target, sibling in _begun_until(home, present, take_apart):
            if self._has_been_read_for(lineage, sibling):
                former = target
                break
            older = older + 1 if sibling.mtime_ns < since_ns else 0
            if older > _MOST_OLDER:
                break
            if not older and sibling.path != home:
                met[sibling.dev, sibling.ino] = target, sibling  # once, whatever names it has
        between = [one for target, one in met.values() if is_led_to_between(target, former, present)]
        beside, directory = os.path.dirname(lineage.path), os.path.dirname(home)
        directories = {directory, beside} if os.path.realpath(beside) == directory else {directory}
        return {
            one.path: one
            for one in settled({one.path: one for one in between})
            if not self._is_another_s(lineage, one, directories) and not has_inode(home, (one.dev, one.ino))
        }

    def _has_been_read_for(self, lineage: Lineage, sibling: Sibling) -> bool:
        """Whether a file holds a life of the lineage that was begun: what came before it is known, or not asked for."""
        inode = (sibling.dev, sibling.ino)
        reader, finished = self._census.readers.get(inode), self._census.finished.get(inode)
        is_its = reader is not None and reader in lineage.readers and reader.known().has_begun
        is_its |= finished is not None and (finished.source, finished.file) == (lineage.spec.name, lineage.file)
        is_known = is_its and self._copies.is_known(sibling)
        return is_known or self._copies.is_packed_start(lineage, sibling)

    def _is_another_s(self, lineage: Lineage, sibling: Sibling, directories: Iterable[str]) -> bool:
        """Whether a file is known, or a path of the configuration asks for it, by the names that its directory has.

        Or for a log, which is there, that it is an older life of by its name.
        """
        if self._copies.is_known(sibling) or self._census.aside.holds(sibling):
            return True
        name = os.path.basename(sibling.path)
        bases = [base for base, _ in base_names(name)]
        for directory in directories:
            there = [path for base in bases if os.path.lexists(path := os.path.join(directory, base))]
            for path in (os.path.join(directory, name), *there):
                if path != lineage.path and any(is_matched(path, one.paths, one.exclude) for one in self._census.specs):
                    return True
        return False


def _begun_until(
    home: str, present: Target, take_apart: Callable[[str], Target | None]
) -> Iterator[tuple[Target, Sibling]]:
    """The files beside `home`, and itself, that were begun until then, by names of its form; the latest come first."""
    directory = os.path.dirname(home)
    names = names_in(directory)
    for name in _latest_first(names, present) if take_apart is target_of else _latest_starts_first(names):
        target = take_apart(without_compression(name))
        if target is None or target.form != present.form or target.stamp > present.stamp:
            continue
        try:
            seen = os.lstat(os.path.join(directory, name))
        except OSError:
            continue
        if stat.S_ISREG(seen.st_mode):
            order = Rotated("target", (target.stamp,), is_compressed_name(name))
            path, inode = os.path.join(directory, name), (seen.st_dev, seen.st_ino)
            yield target, Sibling(path, order, *inode, seen.st_mtime_ns, size=seen.st_size)


def _latest_first(names: list[str], present: Target) -> list[str]:
    matches = filter(None, map(begins_as(present).match, names))
    return [name for _, name in sorted(((found[1], found.string) for found in matches), reverse=True)]


def _latest_starts_first(names: list[str]) -> list[str]:
    found = ((target.stamp, name) for name in names if (target := pod_target_of(without_compression(name))) is not None)
    return [name for _, name in sorted(found, reverse=True)]
