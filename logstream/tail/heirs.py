"""What a file became that was empty when it was looked at last, and is nowhere now: perhaps an archive of late lines.

Nothing tells such a life from others but its name, and when it was written to. Owns which archives beside a log may be
it by those. Refuses to unpack any: who asks compares what is in them.
"""

# ruff: noqa: PTH118, PTH119, PTH120 - names beside each other: a Path object costs more

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeGuard

from logstream.tail.copies import Copies
from logstream.tail.family import ATTEMPTS, family_of, inodes_of, settled
from logstream.tail.identity import NO_INODE
from logstream.tail.members import may_grow
from logstream.tail.opening import Refused
from logstream.tail.reader import Reader
from logstream.tail.rotation import Sibling, is_named_newer, made_from, may_have_become, oldest_first, rotated_name
from logstream.tail.unpacking import Answer

if TYPE_CHECKING:
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.rotation import Rotated
    from logstream.tail.turn import Turn


class Heirs:
    """Finds what empty files became."""

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
