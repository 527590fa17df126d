"""What stands beside a path at one moment: the file that has it, and the lives that came before that one unseen.

Owns the listing before and after each opening, and what is passed over: files that are known, and copies. Refuses to
enter anything that it finds: that is for `succession`.
"""

# ruff: noqa: PTH120 - asked for at each look: a Path object costs more

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from logstream.tail.copies import Copies, is_earlier_copy
from logstream.tail.custody import Custody
from logstream.tail.family import ATTEMPTS, family_of, has_inode, inodes_of, settled
from logstream.tail.likeness import likeness_of
from logstream.tail.links import Links
from logstream.tail.listing import is_as_listed, list_ahead
from logstream.tail.listing import is_large as is_large_directory
from logstream.tail.members import may_grow
from logstream.tail.moving import life_moved_to
from logstream.tail.opening import Opened, Refused
from logstream.tail.products import product_among
from logstream.tail.rotation import Sibling, newer_than, oldest_first, without_growing_counts
from logstream.tail.vacancy import note_sighting

if TYPE_CHECKING:
    from logstream.tail.batch import Known
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.turn import Turn


_MOST_HELD = 64
"""So many files that came before are opened at once, fewer where there are few descriptors."""


class NotYet(Exception):  # noqa: N818 - a signal, not a failure
    """Raised before anything was looked at: a directory of thousands of names was listed, which is enough."""


class Packed(NamedTuple):
    """A compressed file. `fd` holds it open: rotation moves names on. None of the newer ones where there are many."""

    sibling: Sibling
    fd: int | None


class Shut(NamedTuple):
    """A file that is there and cannot be opened: it waits until it can."""

    sibling: Sibling
    reason: str


class Snapshot(NamedTuple):
    """What stood beside a path, and what was opened, with nothing having moved in between if `is_consistent`."""

    live: Opened | Refused
    older: list[Opened | Packed | Shut]
    """What came in between, oldest first."""
    is_consistent: bool
    is_all: bool
    """Whether that is all; what is not there yet is newer than `older`."""

    @property
    def descriptors(self) -> list[int]:
        """All that is open."""
        return [one.fd for one in (self.live, *self.older) if isinstance(one, Opened | Packed) and one.fd is not None]

    def close(self) -> None:
        """Give all descriptors up."""
        Custody(self.descriptors).close()


class Beside(NamedTuple):
    """What a directory's listing tells of one path: the `family` beside it; what its link was `led_to` unseen."""

    family: dict[str, Sibling]
    led_to: dict[str, Sibling]

    @property
    def inodes(self) -> dict[str, tuple[int, int]]:
        """Who is who, by path: two listings that agree in this saw the same files."""
        return inodes_of(self.family) | inodes_of(self.led_to)


def comes_between(older: Opened | Packed | Shut) -> bool:
    """Whether a file that nobody had seen has lines that come before what is newer.

    Archives may be those of lives that were read long ago, and an empty file may be a copy in the making.
    """
    return isinstance(older, Opened) and older.facts.size > 0


def but_copies(
    lineage: Lineage, emptied: Known | None, older: list[Opened | Packed | Shut]
) -> list[Opened | Packed | Shut]:
    """What is to be entered of what came before a file was begun anew: not what is of the life `emptied` before in it.

    Those are copies made while that was still written to, and the oldest archive, where its end is looked for in one:
    where no bytes tell that from others, or each rotation adds a member to it.
    """
    if emptied is None:
        return older
    is_sought = any(reader.gone_reason is not None and reader.fd is None for reader in lineage.readers)
    archive = next((one for one in older if isinstance(one, Packed)), None) if is_sought else None
    if archive is not None and likeness_of(emptied).is_certain and not may_grow(archive.sibling.path):
        archive = None
    copies = [one for one in older if isinstance(one, Opened) and is_earlier_copy(emptied, one)]
    return [one for one in older if one is not archive and one not in copies]


class Looking:
    """Looks at paths, and at what stands beside them."""

    def __init__(self, census: Census) -> None:
        """Tell what is known from what is not by `census`."""
        self._census = census
        self._copies = Copies(census)
        self._links = Links(census, self._copies)

    def look_until_still(self, lineage: Lineage, turn: Turn, *, is_bounded: bool = False) -> Snapshot | None:
        """What stands there, once nothing moves; None while files are being renamed without a pause.

        Of what came before not all at once if it `is_bounded`: each takes a descriptor. In a listing that was overtaken
        files are missing, or there twice. What is open is read on meanwhile. A directory with thousands of names, which
        takes long to list, is listed once each time: before the first look, where NotYet is raised, and behind each.
        """
        since = turn.now if lineage.unsettled_since is None else lineage.unsettled_since
        if lineage.unsettled_since is None and self._list_ahead(lineage):
            lineage.unsettled_since, lineage.hot_until = since, turn.now + self._census.pace.hot_seconds
            turn.has_listed = True
            raise NotYet
        directory = os.path.dirname(lineage.home)
        is_large = lineage.has_history and is_large_directory(directory)
        turn.has_listed |= is_large and not is_as_listed(directory)
        for _ in range(1 if is_large else 1 + ATTEMPTS):
            snapshot = self.look(lineage, is_bounded=is_bounded)
            if snapshot.is_consistent or turn.now - since >= self._census.pace.unsettled_seconds:
                lineage.unsettled_since = None
                return snapshot
            snapshot.close()
        lineage.unsettled_since = since
        lineage.hot_until = turn.now + self._census.pace.hot_seconds
        return None

    @staticmethod
    def _list_ahead(lineage: Lineage) -> bool:
        """List the directory for the next look, if that takes long.

        Not where nothing is read of the log yet: a life that goes on in it may be given up soon.
        """
        return bool(lineage.has_history and lineage.readers) and list_ahead(os.path.dirname(lineage.home))

    def look(self, lineage: Lineage, *, is_bounded: bool = False) -> Snapshot:
        """List the siblings, open the live file and those that came before it unseen, and list again.

        Raises OSError, and holds nothing open then, where no descriptor is left for that.
        """
        before = self._listed(lineage, as_last_listed=True)
        live = self._census.open_files.open(lineage.path)
        older: list[Opened | Packed | Shut] = []
        try:
            return self._look_beside(lineage, before, live, older, is_bounded=is_bounded)
        except BaseException:
            Snapshot(live, older, is_consistent=False, is_all=False).close()
            raise

    def _look_beside(
        self,
        lineage: Lineage,
        before: Beside,
        live: Opened | Refused,
        older: list[Opened | Packed | Shut],
        *,
        is_bounded: bool,
    ) -> Snapshot:
        """Open what is `before` the live file and unseen, into `older`, and list again."""
        is_consistent = is_all = True
        unseen = [sibling for sibling in self._unseen(lineage, before, live) if not _is_open(live, sibling)]
        product = product_among(unseen, before.family.values(), lineage)
        for sibling in unseen:
            is_full = is_bounded and sum(isinstance(one, Opened) for one in older) >= self._most_held
            opened = None if is_full else self._census.open_files.open(sibling.path)
            if opened is None or (isinstance(opened, Refused) and opened.is_exhausted):
                is_all = False
                break
            if isinstance(opened, Refused):
                is_consistent = is_consistent and not opened.is_absent
                if not (opened.is_absent or opened.is_untailable):
                    shut = Shut(sibling, opened.reason)
                    older.append(Packed(sibling, None) if sibling.name.is_compressed else shut)
                continue
            is_consistent = is_consistent and (opened.facts.dev, opened.facts.ino) == (sibling.dev, sibling.ino)
            if sibling is product:
                older += self._unless_processed(lineage, opened, sibling, live)
            else:
                older += self._unless_copy(lineage, opened, sibling, live, older)
        if lineage.has_history:
            is_consistent = is_consistent and self._listed(lineage).inodes == before.inodes
            is_consistent = is_consistent and (
                isinstance(live, Refused) or has_inode(lineage.path, (live.facts.dev, live.facts.ino))
            )
        return Snapshot(live, older, is_consistent, is_all)

    @property
    def _most_held(self) -> int:
        return max(1, min(_MOST_HELD, self._census.open_files.archives_limit))

    def _unless_processed(
        self, lineage: Lineage, opened: Opened, sibling: Sibling, live: Opened | Refused
    ) -> list[Opened | Packed]:
        """The same of one that was made from the last known life: nothing, where lines are not as they were."""
        with Custody([opened.fd]) as custody:
            if opened.is_compressed or life_moved_to(opened, lineage, self._census) is not None:
                custody.hand_over(opened.fd)
                return self._unless_copy(lineage, opened, sibling, live, [])
        self._census.aside.put((sibling.dev, sibling.ino), opened.facts.mtime_ns)
        return []

    def _unless_copy(
        self,
        lineage: Lineage,
        opened: Opened,
        sibling: Sibling,
        live: Opened | Refused,
        older: list[Opened | Packed | Shut],
    ) -> list[Opened | Packed]:
        """What is to be entered of a sibling that is open, behind those that are `older`."""
        with Custody([opened.fd]) as custody:
            if self._is_known(lineage, opened, live, older):
                return []
            is_held = not opened.is_compressed or len(older) < self._most_held
            if is_held:
                custody.hand_over(opened.fd)
        if opened.is_compressed:
            return [Packed(sibling._replace(igen=opened.facts.igen), opened.fd if is_held else None)]
        return [opened]

    def _is_known(
        self, lineage: Lineage, opened: Opened, live: Opened | Refused, older: list[Opened | Packed | Shut]
    ) -> bool:
        """Whether a sibling holds nothing but what is told anyway."""
        if opened.is_compressed:
            return self._copies.is_being_read(lineage, opened) or self._copies.is_finished(lineage, opened)
        if not opened.facts.size and _is_empty_as_before(lineage, live):
            return True  # a copy in which is nothing yet, or of nothing
        is_first = not any(isinstance(other, Opened) for other in older)
        is_moved = is_first and life_moved_to(opened, lineage, self._census) is not None
        return not is_moved and self._copies.is_copy(lineage, opened, live)

    def _listed(self, lineage: Lineage, *, as_last_listed: bool = False) -> Beside:
        if not lineage.has_history:
            return Beside({}, {})
        home = lineage.home
        return Beside(family_of(home, as_last_listed=as_last_listed), self._links.passed_over(lineage, home))

    def _unseen(self, lineage: Lineage, beside: Beside, live: Opened | Refused) -> list[Sibling]:
        """What was written after the last known life and is known to nobody, oldest first."""
        live_ns = live.facts.mtime_ns if isinstance(live, Opened) else None
        siblings = without_growing_counts(settled(beside.family), live_ns)
        known = [sibling for sibling in siblings if self._copies.is_known(sibling)]
        self._note_moved(lineage, known)
        strangers = [sibling for sibling in siblings if sibling not in known]
        begun = [sibling for sibling in known if self._has_begun(sibling)]
        if not begun:
            begun = [sibling for sibling in strangers if self._copies.is_packed_start(lineage, sibling)]
        last = oldest_first(begun)[-1] if begun else None
        unknown = [one for one in strangers if not self._census.aside.holds(one)]
        return oldest_first(beside.led_to.values()) + newer_than(unknown, last, lineage.last_mtime_ns)

    def _note_moved(self, lineage: Lineage, known: list[Sibling]) -> None:
        """Tell those that are read where they stand now: then nobody need look through the directory for them.

        Those of another directory: this was renamed, and its log rotated.
        """
        for sibling in known:
            reader = self._census.readers.get((sibling.dev, sibling.ino))
            if reader is not None and reader in lineage.readers:
                reader.found_at = sibling.path
            elif reader is not None:
                note_sighting(reader, sibling.path)

    def _has_begun(self, sibling: Sibling) -> bool:
        reader = self._census.readers.get((sibling.dev, sibling.ino))
        return reader is None or reader.known().has_begun


def _is_open(live: Opened | Refused, sibling: Sibling) -> bool:
    """Whether a sibling is the live file: who renames that by a link to its new name has two names for it meanwhile."""
    return isinstance(live, Opened) and (live.facts.dev, live.facts.ino) == (sibling.dev, sibling.ino)


def _is_empty_as_before(lineage: Lineage, live: Opened | Refused) -> bool:
    """Whether the lineage's live file has its path and holds nothing."""
    if lineage.live is None or not isinstance(live, Opened) or live.facts.size:
        return False
    return (live.facts.dev, live.facts.ino) == lineage.live.inode
