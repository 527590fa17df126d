"""Which file has a path now, and which lives came between it and the one that had the path before.

Owns binding a lineage to the file at its path, also after any number of rotations that nobody saw. A name is only a
question: the answer comes from descriptors. Reading is not its business.
"""

# ruff: noqa: PTH116 - the stat of each path, hundreds of times a second: a Path object costs more

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.batch import display
from logstream.tail.beginnings import bear
from logstream.tail.copies import Copies
from logstream.tail.custody import Custody
from logstream.tail.discovery import is_absence, obstacle_of, reason_of
from logstream.tail.family import has_inode
from logstream.tail.looking import Looking, NotYet, Packed, Shut, but_copies, comes_between
from logstream.tail.moving import go_on_in, is_arriving, life_moved_to
from logstream.tail.numbers import is_number_given_again
from logstream.tail.opening import Opened, Refused, is_unlinked, place_of
from logstream.tail.reader import Reader
from logstream.tail.vacancy import is_vacant

if TYPE_CHECKING:
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.looking import Snapshot
    from logstream.tail.rotation import Sibling
    from logstream.tail.turn import Turn


class Succession:
    """Keeps lineages bound to the files that have their paths."""

    def __init__(self, census: Census) -> None:
        """Look generations up, and enter new ones, in `census`."""
        self._census = census
        self._copies = Copies(census)
        self.looking = Looking(census)

    def bind(self, lineage: Lineage, turn: Turn) -> os.stat_result | None:
        """Make the lineage's live reader that of the file at its path; answer what stat says of that file."""
        try:
            seen = os.stat(lineage.path)
        except OSError as error:
            if is_absence(error):
                self._miss(lineage, turn)
            elif lineage.live is None or lineage.live.fd is None:
                lineage.obstruct("unreadable", reason_of(error), turn)
            return None
        inode, live = (seen.st_dev, seen.st_ino), lineage.live
        if live is None or live.inode != inode:
            obstacle = obstacle_of(seen.st_mode)
            if obstacle is not None:
                self._displace_all(lineage, turn)
                lineage.obstruct("untailable", obstacle, turn)
                return None
            reader = self.reader_at(lineage.path, inode)
            if reader is not None:
                self._rebind(lineage, reader, turn)
            else:
                self._succeed(lineage, turn)
        elif lineage.absent_since is not None:
            lineage.clear(turn)
        if lineage.live is not None and lineage.live.inode == inode:
            # Not of a file that cannot be read yet: what came before that is still to be found by its time.
            lineage.last_mtime_ns, lineage.live.vacancy = seen.st_mtime_ns, None
            if not lineage.live.may_be_copied_away(seen):
                lineage.unsettled_since = None  # it has its path again: there is nothing to look for any more
        return seen

    def has_bound(self, lineage: Lineage, turn: Turn) -> bool:
        """As `bind`; whether all was entered that was rotated away meanwhile."""
        try:
            self.bind(lineage, turn)
        except NotYet:
            return False
        return lineage.unsettled_since is None and not lineage.has_more_before

    def has_all_before(self, lineage: Lineage, seen: os.stat_result, turn: Turn) -> bool:
        """Enter what was copied away from a file of which nothing has been read yet; False if that is not sure.

        Of such a file nothing is known that could tell how often it was written to, copied and truncated since.
        """
        live, count = lineage.live, len(lineage.readers)
        if live is None or live.written_ns is None or not live.may_be_copied_away(seen):
            return True
        was_blank = live.is_blank
        # What was copied before it was truncated is older, but for the archive of the life that was in it. That may
        # have the time of that one's last write; where it was passed over here, the next one would be taken for it.
        lineage.last_mtime_ns = live.written_ns + (live.emptied is None)
        try:
            is_sure = self._enter_unseen(lineage, live, turn, is_bounded=True)
        finally:
            lineage.last_mtime_ns = seen.st_mtime_ns
            if was_blank and len(lineage.readers) > count and live.size is not None:
                live.forget_unread(seen.st_size)  # it is in what was entered, as no bytes told that this is a copy
        if was_blank and not live.size and live.is_rewritten:
            self._copies.take_up(lineage, live.written_ns)
            return False  # it was truncated just now: what stood in it is only in a copy, which may be passed over
        if is_sure and (was_blank or not live.is_rewritten):
            live.written_ns, live.emptied = seen.st_mtime_ns, None
        return is_sure

    def adopt(self, lineage: Lineage, sibling: Sibling, turn: Turn) -> bool:
        """Enter a file that a glob matches too as an older life; False if it cannot be read as text.

        One that has been renamed since it was listed is found under its new name.
        """
        opened = self._census.open_files.open(sibling.path)
        if isinstance(opened, Refused):
            return opened.is_absent or opened.is_exhausted
        inode = (opened.facts.dev, opened.facts.ino)
        is_adopted = inode == (sibling.dev, sibling.ino) and inode not in self._census.readers
        with Custody([opened.fd]) as custody:
            if is_adopted and not opened.is_compressed and not self._copies.may_be_passed_over(lineage, opened):
                reader = bear(self._census, lineage, opened, display(sibling.path), turn)
                custody.hand_over(opened.fd)
                reader.may_be_copy = not opened.facts.size
                lineage.add_older(reader)
                return True
        return not (is_adopted and opened.is_compressed)

    def reader_at(self, path: str, inode: tuple[int, int]) -> Reader | None:
        """Who reads the file at `path`, which has `inode`: not who read another one that had this number before."""
        reader = self._census.readers.get(inode)
        if reader is None or not is_number_given_again(reader, path, self._census.open_files):
            return reader
        self._census.disown(reader)
        return None

    def _miss(self, lineage: Lineage, turn: Turn) -> None:
        """Nothing has the path. That is a fact only when it is seen twice, or when the open file says so too."""
        live, lineage.arrival = lineage.live, None
        if live is not None and live.fd is not None:
            self._displace(lineage, live, turn)
        if lineage.has_history and lineage.live is None and lineage.is_awaited:
            self._succeed(lineage, turn)
        if lineage.absent_since is None:
            lineage.absent_since = turn.now
        elif lineage.is_gone or is_vacant(lineage):
            return
        elif turn.now - lineage.absent_since >= self._census.pace.absence_seconds:
            self._displace_all(lineage, turn)
            lineage.is_gone, lineage.obstacle = True, None
            turn.tell(lineage.spec, lineage.file, "vanished")

    def _rebind(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """The path has a file that is being read: renamed to here, or known under another name as well."""
        if reader in lineage.readers:
            if lineage.live is not None:
                self._displace(lineage, lineage.live, turn)
            elif not reader.known().has_begun and not self._enter_unseen(lineage, reader, turn, is_bounded=False):
                return
            lineage.add_live(reader)
            lineage.move(reader, lineage.path, turn)
        else:
            self._displace_all(lineage, turn)
            if not has_inode(reader.path, reader.inode):
                lineage.move(reader, lineage.path, turn)
            lineage.read_as = reader.file
        lineage.clear(turn)

    def _succeed(self, lineage: Lineage, turn: Turn) -> None:
        """Enter what was rotated away unseen, oldest first, then the file that has the path now, if there is one."""
        if lineage.has_more_before and any(map(lineage.is_blocked_by, lineage.readers)):
            return
        snapshot = self.looking.look_until_still(lineage, turn, is_bounded=True)
        if snapshot is None:
            return
        live = snapshot.live
        with Custody(snapshot.descriptors) as custody:
            if self._is_refused(lineage, live, turn) or self._is_arriving(lineage, live, turn):
                return
            self._displace_all(lineage, turn)
            self._enter_older(lineage, snapshot.older, custody, turn)
            self._note_more(lineage, snapshot, turn)
            if isinstance(live, Opened) and not lineage.has_more_before:
                lineage.clear(turn)
                is_next = not any(map(comes_between, snapshot.older))
                reader = self._read_in(lineage, live, turn, is_next=is_next)
                custody.hand_over(live.fd)
                if reader is not None:
                    lineage.add_live(reader)
                lineage.starts_at_end = False

    def _read_in(self, lineage: Lineage, opened: Opened, turn: Turn, *, is_next: bool) -> Reader | None:
        """The life in an open file: a new one, or one that goes on there; None if that one belongs to another path.

        `is_next`: nothing came between it and the lives that are known. Raises OSError, and has taken nothing then.
        """
        moved = life_moved_to(opened, lineage, self._census) if is_next else None
        if moved is None:
            return bear(self._census, lineage, opened, lineage.file, turn)
        go_on_in(opened, moved, self._census, turn)
        return moved if moved in lineage.readers else None

    def _enter_unseen(self, lineage: Lineage, live: Reader, turn: Turn, *, is_bounded: bool) -> bool:
        """Enter what came before `live`, which has the path, and was found before a restart or when it was empty.

        False if that cannot be told yet.
        """
        older = (reader for reader in lineage.readers if reader is not live)
        if lineage.has_more_before and any(map(lineage.is_blocked_by, older)):
            return False
        snapshot = self.looking.look_until_still(lineage, turn, is_bounded=is_bounded)
        if snapshot is None:
            return False
        with Custody(snapshot.descriptors) as custody:
            if not has_inode(lineage.path, live.inode):
                # Rotated meanwhile: what was found may be newer than `live`.
                lineage.hot_until = turn.now + self._census.pace.hot_seconds
                return False
            if isinstance(snapshot.live, Opened):
                live.note_unread(snapshot.live)
            self._enter_older(lineage, but_copies(lineage, live.emptied, snapshot.older), custody, turn)
        self._note_more(lineage, snapshot, turn)
        return snapshot.is_all

    def _note_more(self, lineage: Lineage, snapshot: Snapshot, turn: Turn) -> None:
        """Come back soon for what was not entered yet."""
        lineage.has_more_before = not snapshot.is_all
        if lineage.has_more_before:
            lineage.hot_until = turn.now + self._census.pace.hot_seconds

    def _enter_older(self, lineage: Lineage, found: list[Opened | Packed | Shut], custody: Custody, turn: Turn) -> None:
        for older in found:
            reader: Reader | None
            if isinstance(older, Opened):
                is_next = not any(map(comes_between, found[: found.index(older)]))
                reader = self._read_in(lineage, older, turn, is_next=is_next)
                custody.hand_over(older.fd)
            elif isinstance(older, Shut):
                reader = Reader.shut(lineage.spec, lineage.file, older.sibling, turn.now)
                self._census.enrol(reader)
                turn.add(reader.birth())
                turn.tell(lineage.spec, display(reader.path), "unreadable", older.reason)
            else:
                reader = Reader.packed(lineage.spec, lineage.file, older.sibling, turn.now)
                self._census.enrol(reader)
                if older.fd is not None:
                    custody.hand_over(older.fd)
                    self._census.unpacking.hold(reader.key, older.fd, self._census.open_files.archives_limit)
            if reader is not None and reader not in lineage.readers:
                reader.may_be_copy |= isinstance(older, Opened) and not older.facts.size
                lineage.add_older(reader)
                lineage.displace(reader, turn.now)

    def _is_refused(self, lineage: Lineage, live: Opened | Refused, turn: Turn) -> bool:
        """Whether the file at the path is not to be read, or not now. That there is none is no reason."""
        if isinstance(live, Opened):
            if live.is_compressed:
                lineage.obstruct("unreadable", "compressed", turn)
            return live.is_compressed or (live.facts.dev, live.facts.ino) in self._census.readers
        if not live.is_absent:
            lineage.obstruct("untailable" if live.is_untailable else "unreadable", live.reason, turn)
        return not live.is_absent

    def _is_arriving(self, lineage: Lineage, live: Opened | Refused, turn: Turn) -> bool:
        """Whether the file at the path is to be waited for."""
        if isinstance(live, Refused) or not is_arriving(live, lineage, self._census, turn):
            return False
        lineage.hot_until = turn.now + self._census.pace.hot_seconds
        return True

    def _displace_all(self, lineage: Lineage, turn: Turn) -> None:
        for reader in list(lineage.readers):
            if reader is lineage.live or reader.path == lineage.path:
                self._displace(lineage, reader, turn)

    def _displace(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """`reader`'s file has lost the path: find out from its descriptor what became of it."""
        if reader.fd is None:
            lineage.displace(reader, turn.now)
        elif is_unlinked(reader.fd):
            lineage.displace(reader, turn.now)
            reader.is_deleted = True
        elif (place := place_of(reader.fd)) != lineage.path:
            lineage.displace(reader, turn.now)
            if place is not None:
                lineage.move(reader, place, turn)
