"""What a file became that is nowhere now: which archives beside its log may hold what was not read of it.

Of one that was empty when it was looked at last, perhaps an archive of late lines: nothing tells such a life from
others but its name, and when it was written to. Of one that has bytes, archives that are older by their times. Owns
which those are by names and times. Refuses to unpack any: who asks compares what is in them.
"""

# ruff: noqa: PTH116, PTH118, PTH119, PTH120 - names beside each other: a Path object costs more

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING, TypeGuard

from logstream.tail.copies import Copies
from logstream.tail.family import ATTEMPTS, family_of, inodes_of, settled
from logstream.tail.identity import NO_INODE
from logstream.tail.likeness import likeness_of
from logstream.tail.members import may_grow
from logstream.tail.opening import Refused
from logstream.tail.reader import Reader
from logstream.tail.rotation import (
    Sibling,
    is_named_newer,
    made_from,
    may_have_become,
    older_lives,
    oldest_first,
    rotated_name,
)
from logstream.tail.unpacking import Answer, may_be_packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.tail.batch import Known
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.rotation import Rotated
    from logstream.tail.turn import Turn


class Heirs:
    """Finds what files became that are nowhere."""

    def __init__(self, census: Census) -> None:
        """Tell archives that are nobody's from others by `census`."""
        self._census = census
        self._copies = Copies(census)

    def next_of(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | Answer:
        """The oldest archive that may be the file of `reader` and is nobody's yet, as a life that waits; NONE; LATER.

        Of several lives that were empty the oldest asks first. LATER where none can be opened now, and while files are
        being renamed: one may have been passed over, or the file of a newer life, whose name tells that one is newer.
        Raises OSError where no descriptor is left to look.
        """
        pace = self._census.pace
        is_over = turn.now - reader.grown_at >= pace.absence_seconds + pace.unsettled_seconds
        for _ in range(ATTEMPTS):
            family = _family_of(lineage, reader)
            heirs = self._heirs_in(family, lineage, reader)
            if not is_over and inodes_of(_family_of(lineage, reader)) != inodes_of(family):
                continue
            heir = self._first_of(heirs, lineage, reader, turn)
            if heir is Answer.NONE and not is_over and _is_beside_its_archive(reader, family):
                return Answer.LATER
            if heir is not Answer.GONE:
                return heir
        return Answer.NONE if is_over else Answer.LATER

    def grown_of(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | Answer:
        """The one archive of the log, if the file of `reader` may be a member of it: as a life that waits; or NONE.

        LATER where it cannot be opened now. Raises OSError where no descriptor is left to look.
        """
        behind = lineage.readers[lineage.readers.index(reader) :]
        for packed in behind:
            if packed.is_packed and may_grow(packed.path):
                return packed
        for sibling in _family_of(lineage, reader).values():
            inode, since_ns = (sibling.dev, sibling.ino), reader.known().last_ns or 0
            is_nobodys = inode not in self._census.readers and self._is_new(sibling)
            if sibling.name.is_compressed and may_grow(sibling.path) and is_nobodys and sibling.mtime_ns >= since_ns:
                entered = self._enter(lineage, reader, sibling, turn)
                if isinstance(entered, Reader):
                    entered.is_guess = True
                return Answer.LATER if entered is Answer.GONE else entered
        return Answer.NONE

    def predated_of(self, lineage: Lineage, reader: Reader, turn: Turn) -> Iterator[Reader | Answer]:
        """Archives of an older time that may hold more of `reader` than was read, one by one: as lives that wait.

        LATER where one cannot be opened now. Raises OSError where no descriptor is left to look.
        """
        for sibling in self._predated(lineage, reader):
            waiting = self._census.readers.get((sibling.dev, sibling.ino))
            if waiting is not None and waiting is not reader:
                yield waiting
                continue
            entered = self._enter(lineage, reader, sibling, turn)
            if isinstance(entered, Reader):
                entered.is_guess = True
            if entered is not Answer.NONE:
                yield Answer.LATER if entered is Answer.GONE else entered

    def may_be_packed(self, lineage: Lineage, reader: Reader) -> bool:
        """Whether an archive may hold what was not read of `reader`; raises OSError where no descriptor is left."""
        return may_be_packed(reader, lineage.home) or bool(self._predated(lineage, reader))

    def _predated(self, lineage: Lineage, reader: Reader) -> list[Sibling]:
        """Archives that were made since `reader` was written to, and have an older time for all that; newest first.

        logrotate gives them the time that the log had before it was copied: it may have been written to meanwhile, and
        a copy that was read as a file of its own is younger. One as old as a life that came before is no archive of it.
        """
        known = reader.known()
        if known.last_ns is None or not likeness_of(reader).is_certain:
            return []
        family = _family_of(lineage, reader)
        shredded = [one for path, one in family.items() if made_from(path) == reader.path]
        made_later = (one for one in (*settled(family), *shredded) if _is_made_later(one, known.last_ns))
        found = [one for one in made_later if self._is_free(one, lineage, reader)]
        since_ns = self._last_before(lineage, known) if found else None
        newest_first = oldest_first(found)[::-1]
        if since_ns is None:  # what was there before anybody looked may begin like it, and be much
            return [] if reader.is_young else newest_first[:1]
        return [one for one in newest_first if one.mtime_ns > since_ns]

    def _is_free(self, sibling: Sibling, lineage: Lineage, reader: Reader) -> bool:
        """Whether nobody has looked into an archive, or it was taken for a copy of `reader`."""
        waiting = self._census.readers.get((sibling.dev, sibling.ino))
        if waiting is not None and waiting is not reader:
            return waiting.is_packed and waiting in lineage.readers
        return self._keys_of(sibling) == {reader.key} or self._is_nobodys(sibling, reader)

    def _last_before(self, lineage: Lineage, known: Known) -> int | None:
        """When the life of the log that came right before `known` was written last, if one is remembered."""
        lives = chain(self._census.ended(), (one.known() for one in lineage.readers if not one.is_packed))
        times = (one.last_ns or 0 for one in older_lives(lives, lineage.files) if one.key != known.key)
        return max((ns for ns in times if 0 < ns < (known.last_ns or 0)), default=None)

    def is_packed_copy(self, lineage: Lineage, reader: Reader) -> bool:
        """Whether an archive may be the file of `reader`, and is a copy of one that is there itself: so was that file.

        What is compressed by rotation is not there itself any more.
        """
        family = _family_of(lineage, reader)
        archives = [sibling for sibling in family.values() if sibling.name.is_compressed]
        copied = {key for one in self._heirs_among(archives, lineage, reader, family) for key in self._keys_of(one)}
        there = {(sibling.dev, sibling.ino) for sibling in family.values()}
        originals = (one for one in lineage.readers if one.key in copied and one is not reader and not one.is_packed)
        return any(one is lineage.live or one.inode in there or is_truncated(one) for one in originals)

    def _heirs_in(
        self, family: dict[str, Sibling], lineage: Lineage, reader: Reader
    ) -> list[tuple[Sibling, Reader | None]]:
        """Those that may be the file of `reader`, oldest first, with the life that waits for each, if one does."""
        behind = lineage.readers[lineage.readers.index(reader) :]
        waiting = {
            sibling: packed
            for packed in behind
            if packed.is_packed and self._is_new(sibling := _sibling_of(lineage, packed, family))
        }
        strangers = (sibling for sibling in settled(family) if self._is_nobodys(sibling, reader))
        found = self._heirs_among([*waiting, *strangers], lineage, reader, family)
        return [(sibling, waiting.get(sibling)) for sibling in found]

    def _first_of(
        self, heirs: list[tuple[Sibling, Reader | None]], lineage: Lineage, reader: Reader, turn: Turn
    ) -> Reader | Answer:
        for sibling, packed in heirs:
            heir = packed or self._enter(lineage, reader, sibling, turn)
            if heir is not Answer.NONE:
                return heir
        return Answer.NONE

    def _heirs_among(
        self, siblings: list[Sibling], lineage: Lineage, reader: Reader, family: dict[str, Sibling]
    ) -> list[Sibling]:
        """Those that may be the file of `reader` by name and time, oldest first."""
        was = rotated_name(os.path.basename(lineage.home), os.path.basename(reader.path))
        since_ns = reader.known().last_ns or 0
        heirs = [
            sibling
            for sibling in siblings
            if sibling.mtime_ns >= since_ns and (was is None or may_have_become(was, sibling.name))
        ]
        newer = self._names_of_newer(lineage, reader, family) if heirs else []
        return oldest_first(one for one in heirs if not any(is_named_newer(one.name, name) for name in newer))

    def _names_of_newer(self, lineage: Lineage, reader: Reader, family: dict[str, Sibling]) -> list[Rotated]:
        """The names that the files of lives which came after `reader` have now, or copies of them.

        Of a life that was copied away and truncated, or compressed since, a copy may be all that is left by its name.
        """
        newer = [one for one in lineage.readers[lineage.readers.index(reader) + 1 :] if not one.is_packed]
        return [one.name for one in family.values() if self._is_of_any(one, newer)]

    def _is_of_any(self, sibling: Sibling, lives: list[Reader]) -> bool:
        keys = self._keys_of(sibling)
        if keys and self._copies.is_known(sibling):
            return not keys.isdisjoint(one.key for one in lives)
        return self._copies.is_copy_of_any(sibling, lives)

    def _keys_of(self, sibling: Sibling) -> set[str]:
        inode = (sibling.dev, sibling.ino)
        return {one.key for one in (self._census.readers.get(inode), self._census.finished.get(inode)) if one}

    def _is_nobodys(self, sibling: Sibling, reader: Reader) -> bool:
        is_own = self._census.readers.get((sibling.dev, sibling.ino)) is reader  # its number was given again
        return self._is_new(sibling) and (is_own or not self._copies.is_known(sibling))

    def _is_new(self, sibling: Sibling | None) -> TypeGuard[Sibling]:
        """Whether nobody has looked into the archive, as it is."""
        return sibling is not None and not self._census.aside.holds(sibling)

    def _enter(self, lineage: Lineage, reader: Reader, sibling: Sibling, turn: Turn) -> Reader | Answer:
        """A compressed file as a life that waits right behind `reader`; GONE if it has another name by now."""
        opened = self._census.open_files.open(sibling.path)
        fd = None
        if isinstance(opened, Refused):
            if opened.is_exhausted:
                return Answer.LATER
            if opened.is_absent or opened.is_untailable:
                return Answer.GONE
        else:
            is_it = (opened.facts.dev, opened.facts.ino) == (sibling.dev, sibling.ino)
            if not (is_it and opened.is_compressed):
                os.close(opened.fd)
                return Answer.NONE if is_it else Answer.GONE
            fd, sibling = opened.fd, sibling._replace(igen=opened.facts.igen)
        packed = Reader.packed(lineage.spec, lineage.file, sibling, turn.now)
        self._census.enrol(packed)
        if fd is not None:
            self._census.unpacking.hold(packed.key, fd, self._census.open_files.archives_limit)
        lineage.readers.insert(lineage.readers.index(reader) + 1, packed)
        reader.has_caught_up = False  # it has to wait for `reader`, which is what it may be
        return packed


def _is_made_later(sibling: Sibling, last_ns: int) -> bool:
    """Whether it is an archive that was made, or renamed, since then, and has an older time."""
    if not sibling.name.is_compressed or sibling.mtime_ns >= last_ns or may_grow(sibling.path):
        return False
    try:
        return os.stat(sibling.path).st_ctime_ns >= last_ns
    except OSError:
        return False


def is_truncated(reader: Reader) -> bool:
    """Whether the file of `reader` is another life's now."""
    return reader.inode == NO_INODE and reader.former_inode is None


def _is_beside_its_archive(reader: Reader, family: dict[str, Sibling]) -> bool:
    """Whether the file of `reader`, which is being shredded, still has its name: till then none of them is settled."""
    return is_truncated(reader) and reader.path in family and any(made_from(path) == reader.path for path in family)


def _family_of(lineage: Lineage, reader: Reader) -> dict[str, Sibling]:
    """What has the name of an older life of the log, beside that or where the file of `reader` was."""
    home = lineage.home
    elsewhere = os.path.join(os.path.dirname(reader.path), os.path.basename(home))
    return family_of(home) if elsewhere == home else family_of(home) | family_of(elsewhere)


def _sibling_of(lineage: Lineage, packed: Reader, family: dict[str, Sibling]) -> Sibling | None:
    """The file of `packed`, as it was found, under the name that it has by now; its last one if it has none."""
    path = next((path for path, one in family.items() if (one.dev, one.ino) == packed.inode), packed.path)
    name = rotated_name(os.path.basename(lineage.home), os.path.basename(path))
    return None if name is None else Sibling(path, name, *packed.inode, packed.written_ns or 0, packed.igen)
