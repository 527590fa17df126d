"""The lives that follow one another under one path, and who is who among all of them.

Owns which reader belongs to which path, in the order in which their bytes were written, and which inodes are known.
Does no I/O but giving descriptors up, looking at links, and opening what a copy is compared with.
"""

from __future__ import annotations

import os
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Literal

from logstream.tail.aside import Aside
from logstream.tail.batch import Moved, Notice, display
from logstream.tail.custody import Custody
from logstream.tail.family import home_of
from logstream.tail.former import Emptied
from logstream.tail.identity import NO_INODE, contradict
from logstream.tail.likeness import begins_with, likeness_of
from logstream.tail.namesakes import Namesakes
from logstream.tail.numbers import places_of
from logstream.tail.opening import Opened
from logstream.tail.rotation import is_older_name, rotated_name

if TYPE_CHECKING:
    from logstream.tail.batch import Known, SourceSpec
    from logstream.tail.belated import Awaited
    from logstream.tail.moving import Arrival
    from logstream.tail.opening import OpenFiles
    from logstream.tail.patience import Searched
    from logstream.tail.reader import Reader
    from logstream.tail.turn import Pace, Turn
    from logstream.tail.unpacking import Unpacking

Inode = tuple[int, int]
_DEPARTED_LIMIT = 1_000
_FINISHED_LIMIT = 20_000
"""How many finished generations are remembered, so that their files are not taken for new ones; oldest go first."""


class Lineage:
    """A path that a source's globs match, and the generations that were written under it."""

    def __init__(self, spec: SourceSpec, path: str, namesakes: Namesakes | None = None) -> None:
        """A path of which nothing is known yet. `namesakes` is told when one of its files has another name."""
        self._namesakes = namesakes
        self.spec = spec
        self.path = path
        self.file = display(path)
        self.readers: list[Reader] = []
        """Oldest first. `live`, the one that has the path now, is the last."""
        self.live: Reader | None = None
        self.read_as: str | None = None
        """As which file that of the path is told, where it was found under that name before."""
        self.has_history = False
        """Whether a generation of this path was known before: only then can a rotated sibling be newer than that."""
        self.last_mtime_ns: int | None = None
        """When the last known generation was last written, or last seen at its path."""
        self.starts_at_end = False
        """Whether the first generation begins at its last line: it was there before anybody asked for it."""
        self.is_late = False
        """Whether the path appeared while its source was being watched, and nobody has been told yet."""
        self.obstacle: tuple[Literal["unreadable", "untailable"], str] | None = None
        self.absent_since: float | None = None
        self.unsettled_since: float | None = None
        """Since when files beside it have been renamed faster than they could be listed; monotonic seconds."""
        self.has_more_before = False
        """Whether more lives came before the file that has the path, or had it, than were entered: they are next."""
        self.is_gone = False
        """Whether the absence has been confirmed, and told."""
        self.arrival: Arrival | None = None
        """What is known of a file that may be on its way to the path from another file system."""
        self.awaited: Awaited | None = None
        self.told: set[str] = set()
        """Compressed siblings that people know of."""
        self.hot_until = 0.0

    @property
    def is_awaited(self) -> bool:
        """Whether something of it may be left or still come, also while nothing has its path."""
        return bool(self.readers) or self.has_more_before or not self.is_gone

    @property
    def home(self) -> str:
        """Beside this its older lives stand."""
        return home_of(self.path)

    @property
    def files(self) -> set[str]:
        """What its lives are told as, and the file behind that if it is a link: older ones are named by these."""
        return {self.file, display(self.home)}

    def obstruct(self, state: Literal["unreadable", "untailable"], reason: str, turn: Turn) -> None:
        """Note why the path cannot be read now, and tell it once."""
        if self.obstacle != (state, reason):
            self.obstacle = (state, reason)
            turn.tell(self.spec, self.file, state, reason)

    def clear(self, turn: Turn) -> None:
        """Note that the path can be read."""
        self.absent_since = None
        if self.obstacle is not None:
            self.obstacle = None
            turn.tell(self.spec, self.file, "readable")
        elif self.is_late or self.is_gone:
            turn.tell(self.spec, self.file, "appeared")
        self.is_late = self.is_gone = False

    def add_live(self, reader: Reader) -> None:
        """Put `reader` last: its file has the path now."""
        if reader in self.readers:
            self.readers.remove(reader)
        self.readers.append(reader)
        reader.is_displaced = reader.may_be_copy = False
        self.live = reader
        self.has_history = True

    def add_older(self, reader: Reader) -> None:
        """Put `reader` before the live one, and before what was written later and waits for it since a restart."""
        index = len(self.readers) - (self.live is not None)
        while index and self.readers[index - 1].waits_for(reader) and not self._is_named_as_newer(reader, index):
            index -= 1
        self.readers.insert(index, reader)

    def _is_named_as_newer(self, reader: Reader, index: int) -> bool:
        """Whether names say that `reader` came after the one before `index`: that may have got late lines since."""
        base = os.path.basename(self.path)  # noqa: PTH119
        one, other = (
            rotated_name(base, os.path.basename(path))  # noqa: PTH119
            for path in (reader.path, self.readers[index - 1].path)
        )
        return one is not None and other is not None and one.scheme == other.scheme and one.order > other.order

    def is_blocked_by(self, reader: Reader) -> bool:
        """Whether what is newer than `reader` must wait until that has been read to its end once."""
        return reader in self.readers and not (reader.has_caught_up or reader.is_unreadable or reader.vacancy)

    def replace(self, old: Reader, new: Reader) -> None:
        """Put `new` where `old` was: the same file with another life."""
        self.readers[self.readers.index(old)] = new
        new.is_displaced, new.is_deleted = old.is_displaced, old.is_deleted
        if self.live is old:
            self.live = new

    def put_before(self, older: Reader, newer: Reader) -> None:
        """Put `older` into its place before `newer`, which has taken over from it."""
        self.readers.insert(self.readers.index(newer), older)

    def displace(self, reader: Reader, now: float) -> None:
        """Note that `reader`'s file has lost its name."""
        if self.live is reader:
            self.live = None
        if not reader.is_displaced:
            reader.is_displaced, reader.grown_at, reader.has_caught_up = True, now, False

    def move(self, reader: Reader, path: str, turn: Turn) -> None:
        """Note that `reader`'s file lives at `path` now."""
        if path == reader.path:
            return
        reader.path = path
        if self._namesakes is not None:
            self._namesakes.note_move(reader)
        if reader.is_packed:
            return  # it is born once it has been unpacked: nobody has heard of it yet
        turn.add(Moved(reader.key, path))
        if path != self.path:
            turn.add(Notice("rotated", self.spec.name, reader.file, {"to": display(path)}))


class Census:
    """Which inodes are known: those that are read, and those that are finished but may still be on disk."""

    def __init__(self, pace: Pace, open_files: OpenFiles, unpacking: Unpacking) -> None:
        """Know nobody."""
        self.unpacking = unpacking
        self.pace = pace
        self.open_files = open_files
        self.readers: dict[Inode, Reader] = {}
        self.namesakes = Namesakes()
        """The same by the names of their files, and by what they are told as."""
        self.finished: OrderedDict[Inode, Known] = OrderedDict()
        self.remembered: set[str] = set()
        """The keys of generations that had been finished before the start."""
        self.aside = Aside()
        """Files that are copies of known lives."""
        self.departed: deque[Known] = deque(maxlen=_DEPARTED_LIMIT)
        """Generations whose files are gone: copies of them may be left."""
        self.emptied = Emptied()
        self.searches: dict[str, Searched] = {}
        """The last search of each source."""
        self.specs: tuple[SourceSpec, ...] = ()
        """The sources that are followed."""

    def __contains__(self, inode: Inode) -> bool:
        """Whether the inode belongs to any known generation, as far as numbers tell."""
        return inode in self.readers or inode in self.finished

    def enrol(self, reader: Reader) -> None:
        """Count `reader` in."""
        finished = self.finished.get(reader.inode)
        if finished is not None and not contradict(finished.igen, reader.igen):
            del self.finished[reader.inode]
            if reader.is_packed:
                self.departed.append(finished)  # its archive has grown since: what stands in it is known by that
        self.aside.drop(reader.inode)
        if (before := self.readers.get(reader.inode)) is not None:
            self.namesakes.leave(before)
        self.readers[reader.inode] = reader
        self.namesakes.enter(reader)
        if reader.fd is not None:
            self.open_files.admit(reader)

    def disown(self, reader: Reader) -> None:
        """Note that the inode of `reader` is another file's now: nothing is known of that one."""
        if self.readers.get(reader.inode) is reader:
            del self.readers[reader.inode]
            self.namesakes.leave(reader)
        reader.former_inode, reader.inode = reader.inode, NO_INODE

    def original_of(self, descriptor: int, lineage: Lineage) -> Known | None:
        """The generation of the lineage's path, read or finished, that an unpacked file is a copy of.

        A copy of a finished one is exactly as long: in a log that repeats itself a later one may begin like it.
        """
        files = lineage.files
        own = [reader for reader in lineage.readers if is_older_name(reader.file, files)]
        elsewhere = (reader for reader in self.namesakes.told.of(files) if reader not in lineage.readers)
        for reader in (*own, *elsewhere):
            if reader.is_packed or reader.fd == descriptor:
                continue
            known = reader.known()
            if likeness_of(known).is_met_by(descriptor) and not self._has_other_bytes(reader, descriptor):
                return known
        size = os.fstat(descriptor).st_size
        ended = self.ended() if lineage.awaited is None else (*self.ended(), *lineage.awaited.lives)
        originals = (one for one in ended if one.committed == size and is_older_name(one.file, files))
        return next((known for known in originals if likeness_of(known).is_met_by(descriptor)), None)

    def ended(self) -> tuple[Known, ...]:
        """All generations that are remembered and not read any more; first those whose files may be there."""
        return (*self.finished.values(), *self.departed)

    def _has_other_bytes(self, reader: Reader, descriptor: int) -> bool:
        """Whether the file of `reader` is there, as it was read, and what is behind `descriptor` is no copy of it.

        So little may have been read that other lives of the log begin alike. A file that was truncated, or is gone,
        says nothing: its copy may well be longer than what was read.
        """
        if reader.is_copy:
            return False
        own = self.open_again(reader)
        if own is None:
            return False
        with Custody([own]):
            has_others = not begins_with(own, descriptor, os.fstat(descriptor).st_size)
            # Asked last: it may have been truncated while they were compared.
            return has_others and likeness_of(reader).is_met_by(own)

    def open_again(self, reader: Reader) -> int | None:
        """Another descriptor on the file of `reader`, wherever it is now; None if that cannot be seen.

        Raises OSError where no descriptor is left to look: that says nothing of the file.
        """
        if reader.fd is not None:
            return os.dup(reader.fd)
        for path in places_of(reader):
            opened = self.open_files.need(path)
            if isinstance(opened, Opened):
                if (opened.facts.dev, opened.facts.ino) == reader.inode and not opened.is_compressed:
                    return opened.fd
                os.close(opened.fd)
        return None

    def strike(self, reader: Reader) -> None:
        """Forget `reader`, and close its file."""
        if self.readers.get(reader.inode) is reader:
            del self.readers[reader.inode]
            self.namesakes.leave(reader)
        self.open_files.release(reader)
        self.unpacking.let_go(reader.key)

    def retire(self, known: Known, *, is_gone: bool = False) -> None:
        """Remember a generation that is not read any more, so that its file, or a copy, is not taken for a new one."""
        if is_gone:
            self.departed.append(known)
            self.emptied.note(known)
            return
        inode = known.dev, known.ino
        before = self.finished.get(inode)
        if before is not None and before.key != known.key:
            self.departed.append(before)  # the number was given again: its file is no more
        self.finished[inode] = known
        if len(self.finished) > _FINISHED_LIMIT:
            self.finished.popitem(last=False)
