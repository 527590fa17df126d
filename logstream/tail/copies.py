"""Which files beside a log are only copies of lives that are known, and which one holds what was not read of a life.

Owns what is compared: inodes, then bytes. Reads no lines, and decides nothing about order.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.custody import Custody
from logstream.tail.earlier import EARLIER_NS, is_beginning_of, original_cut_short
from logstream.tail.family import ATTEMPTS, family_of, inodes_of, settled
from logstream.tail.identity import contradict
from logstream.tail.likeness import begins_with, has_head_of, likeness_of
from logstream.tail.members import may_grow
from logstream.tail.numbers import is_number_given_again
from logstream.tail.opening import Opened, Refused, is_garbled, is_noise
from logstream.tail.packed import begins_as, says_it_is, says_it_is_of
from logstream.tail.reader import HEAD_BYTES
from logstream.tail.rotation import is_older_name, made_from
from logstream.tail.targets import is_pod_log
from logstream.tail.unpacking import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.tail.batch import Known
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.reader import Reader
    from logstream.tail.rotation import Sibling


class Copies:
    """Recognises copies."""

    def __init__(self, census: Census) -> None:
        """Compare with the generations in `census`."""
        self._census = census

    def find(self, lineage: Lineage, reader: Reader) -> int | Answer:
        """A descriptor on a copy of the file of `reader` that was made before it was truncated.

        Rotation by copying (logrotate's `copytruncate`) leaves one beside it. LATER while files are being renamed
        there: it may have been passed over. Raises OSError where no descriptor is left to look.
        """
        home = lineage.home
        for _ in range(ATTEMPTS):
            family = family_of(home)
            copy = self._find_in(family, reader)
            if copy is not None:
                return copy
            if inodes_of(family_of(home)) == inodes_of(family):
                return Answer.NONE
        return Answer.LATER

    def _find_in(self, family: dict[str, Sibling], reader: Reader) -> int | None:
        """An older file cannot hold more, even where it begins with the same bytes: it was written last before that.

        What holds less, as more was written before the truncation, is passed over from now on.
        """
        since = reader.known().last_ns
        siblings = settled(family)
        strangers = (one for one in siblings if self._may_be_copy(one) or not self.is_known(one))
        for sibling in sorted(strangers, key=lambda sibling: -sibling.mtime_ns):
            if since is not None and sibling.mtime_ns < since - EARLIER_NS:
                break
            opened = self._open(sibling.path)
            if opened is None:
                continue
            with Custody([opened.fd]) as custody:
                is_late_enough = since is None or sibling.mtime_ns >= since
                if is_late_enough and not opened.is_compressed and reader.is_copied_in(opened):
                    custody.hand_over(opened.fd)
                    return opened.fd
                if is_partly_copied(reader.known(), opened, reader.recent):
                    self._census.aside.put((sibling.dev, sibling.ino), opened.facts.mtime_ns)
        return None

    def is_copy_of_any(self, sibling: Sibling, lives: Iterable[Reader]) -> bool:
        """Whether a file that is not compressed is a copy of one of these lives, as far as that was read.

        One that was written last before that cannot be. Raises OSError where no descriptor is left to look.
        """
        told = [one for one in lives if not one.is_blank and sibling.mtime_ns >= (one.known().last_ns or 0)]
        opened = None if sibling.name.is_compressed or not told else self._open(sibling.path)
        if opened is None:
            return False
        with Custody([opened.fd]):
            return not opened.is_compressed and any(one.is_copied_in(opened) for one in told)

    def is_being_read(self, lineage: Lineage, opened: Opened) -> bool:
        """Whether a compressed file is a copy of one that is open: what is newer must not wait until it is unpacked."""
        return any(says_it_is(opened.fd, reader.fd) for reader in lineage.readers if reader.fd is not None)

    def is_finished(self, lineage: Lineage, opened: Opened) -> bool:
        """Whether a compressed file is a copy of one that is finished, which it says without being unpacked.

        Its compressor gave it the time of its original.
        """
        lives = (known for known in self._census.ended() if known.written_ns == opened.facts.mtime_ns)
        files = lineage.files
        originals = (known for known in lives if is_older_name(known.file, files))
        return any(says_it_is_of(opened.fd, likeness_of(known)) for known in originals)

    def is_packed_start(self, lineage: Lineage, sibling: Sibling) -> bool:
        """Whether an archive of a container's log is of a life that was begun: older ones are history, or were read.

        Its name says which are older, its time nothing: kubelet leaves it that of the compression. It is told by its
        first lines, as each has the nanosecond of its writing. Raises OSError where no descriptor is left to look.
        """
        if not (sibling.name.is_compressed and is_pod_log(lineage.home)):
            return False
        own = [reader.known() for reader in lineage.readers if not reader.is_packed]
        lives = own + [one for one in self._census.ended() if one.file == lineage.file]
        begun = [likeness_of(one) for one in lives if one.has_begun]
        opened = self._open(sibling.path) if begun else None
        if opened is None:
            return False
        with Custody([opened.fd]):
            return opened.is_compressed and begins_as(opened.fd, begun)

    def is_copy(self, lineage: Lineage, opened: Opened, live: Opened | Refused | None) -> bool:
        """Whether a file by the name of an older life is only a copy of one that is known: its lines are not new.

        What was not read of the original before that was truncated is looked for in it when that is noticed.
        """
        size = opened.facts.size
        originals = [one.fd for one in lineage.readers if one.fd is not None and one.fd != opened.fd]
        inode = (opened.facts.dev, opened.facts.ino)
        # A rotation in the middle of looking: the same file may be there twice.
        if isinstance(live, Opened) and (live.facts.dev, live.facts.ino) != inode:
            originals.append(live.fd)
        if not size:
            return False
        if is_noise(opened.fd) and (inode in self._census.aside or _has_archive(opened, lineage)):
            return True  # it is being shredded
        is_copy = any(begins_with(original, opened.fd, size) for original in originals)
        is_copy = is_copy or self._census.original_of(opened.fd, lineage) is not None
        if is_copy or self._is_partly_copied(lineage, opened):
            self._census.aside.put(inode, opened.facts.mtime_ns)
            return True
        return False

    def may_be_passed_over(self, lineage: Lineage, opened: Opened) -> bool:
        """The same of one at which nobody looks again: its original may be truncated before it is read.

        If nothing of that was handed on yet, its first bytes are noted: by them this is found then. It may not be open
        now, or not yet.
        """
        is_closed = any(one.fd is None and one.path == lineage.path for one in lineage.readers)
        live = self._census.open_files.need(lineage.path) if is_closed else None
        with Custody([live.fd] if isinstance(live, Opened) else []):
            return self._may_be_passed_over(lineage, opened, live)

    def _may_be_passed_over(self, lineage: Lineage, opened: Opened, live: Opened | Refused | None) -> bool:
        head = os.pread(opened.fd, HEAD_BYTES, 0)
        blank = [one for one in lineage.readers if one.is_blank and one.fd not in {None, opened.fd}]
        noted = [one for one in blank if one.fd is not None and os.pread(one.fd, len(head), 0) == head]
        for one in noted:
            one.note_head(head)
        if self.is_copy(lineage, opened, live):
            return True
        for one in noted:
            one.note_head(b"")  # it was truncated in between: this is entered as a life of its own
        return False

    def take_up(self, lineage: Lineage, since_ns: int) -> None:
        """Pass copies that were written since then over no more: their original was truncated before it was read."""
        for sibling in family_of(lineage.home).values():
            if sibling.mtime_ns > since_ns:
                self._census.aside.drop((sibling.dev, sibling.ino))

    def is_outdated(self, lineage: Lineage) -> bool:
        """Whether what was read of the live file is there no more, and nobody has noticed: bytes are compared then.

        Copies that were made since are newer than what was not read of it, which the oldest of them may have.
        """
        live = lineage.live
        own = None if live is None or not live.committed else self._census.open_again(live)
        if live is None or own is None:
            return False
        with Custody([own]):
            if live.is_begun_in(own):
                return False
        live.mtime_ns = None
        return True

    def _is_partly_copied(self, lineage: Lineage, opened: Opened) -> bool:
        """Whether a file has the beginning of a life of the lineage that was written, and read, on before it ended."""
        lives = (one for one in lineage.readers if not one.is_packed and one.fd != opened.fd)
        if any(is_partly_copied(one.known(), opened, one.recent) for one in lives):
            return True
        return original_cut_short(opened.fd, opened.facts.mtime_ns, lineage, self._census) is not None

    def _open(self, path: str) -> Opened | None:
        """The file at `path`, if it can be opened; raises OSError where no descriptor is left for it."""
        opened = self._census.open_files.need(path)
        return opened if isinstance(opened, Opened) else None

    def _may_be_copy(self, sibling: Sibling) -> bool:
        """Whether it is read, but what is known of it does not tell what is in it now.

        It was found before there was anything in it, or was written anew since: who copies a log away may do so into
        the same file each time.
        """
        reader = self._census.readers.get((sibling.dev, sibling.ino))
        if reader is None:
            return False
        return reader.may_be_copy or not (reader.is_packed or reader.is_blank or self._is_begun_in(reader, sibling))

    def _is_begun_in(self, reader: Reader, sibling: Sibling) -> bool:
        """Whether a file that is read still has what was handed on, as far as anybody can see."""
        opened = self._open(sibling.path)
        if opened is None:
            return True
        with Custody([opened.fd]):
            return (opened.facts.dev, opened.facts.ino) != reader.inode or reader.is_begun_in(opened.fd)

    def _is_finished_and_written_anew(self, sibling: Sibling) -> bool:
        """Whether a file that is finished has other lines now than those that were read in it, or some if it had none.

        Not if it was only written to: late lines leave what was read. In an archive other bytes say nothing of lines.
        """
        finished = self._census.finished.get((sibling.dev, sibling.ino))
        if finished is None or finished.written_ns in {None, sibling.mtime_ns} or sibling.name.is_compressed:
            return False
        opened = self._open(sibling.path)
        if opened is None:
            return False
        with Custody([opened.fd]):
            is_it = (opened.facts.dev, opened.facts.ino) == (sibling.dev, sibling.ino) and not opened.is_compressed
            if not (is_it and opened.facts.size) or is_garbled(opened.fd, 0, finished.encoding):
                return False
            return not (finished.committed and likeness_of(finished).may_be_in(opened.fd))

    def is_known(self, sibling: Sibling) -> bool:
        """Whether its inode is that of a known generation, and was not given to another file since."""
        inode = (sibling.dev, sibling.ino)
        reader, finished = self._census.readers.get(inode), self._census.finished.get(inode)
        if reader is not None and not is_number_given_again(reader, sibling.path, self._census.open_files):
            return True
        if finished is None or self._is_finished_and_written_anew(sibling):
            return False
        # Whether a file that is finished was written to since may be all that can be told. An archive may have got a
        # member while nobody looked.
        is_as_before = finished.written_ns in {None, sibling.mtime_ns}
        may_have_grown = finished.key in self._census.remembered and sibling.name.is_compressed
        if finished.igen is None or (may_have_grown and not is_as_before and may_grow(sibling.path)):
            return is_as_before
        return self._has_generation(sibling, finished.igen)

    def _has_generation(self, sibling: Sibling, igen: int | None) -> bool:
        """Whether nothing speaks against the inode of `sibling` having this generation number."""
        facts = self._census.open_files.facts_at(sibling.path)
        return facts is None or not contradict(facts.igen, igen)


def _has_archive(opened: Opened, lineage: Lineage) -> bool:
    """Whether the compressed copy of an open file stands beside it."""
    return any(made_from(path) == opened.path for path in family_of(lineage.home))


def is_partly_copied(known: Known, opened: Opened, recent: bytes) -> bool:
    """Whether an open file has the beginning of a life, and was last written to shortly before that; raises OSError.

    It holds less than was read: more was written between the copy and the truncation. `recent` was read last.
    """
    size, last_ns, start = opened.facts.size, known.last_ns, known.committed - len(recent)
    is_short = 0 < size < known.committed and not opened.is_compressed
    if not is_short or last_ns is None or not last_ns - EARLIER_NS <= opened.facts.mtime_ns <= last_ns:
        return False
    if size > start and os.pread(opened.fd, size - start, start) != recent[: size - start]:
        return False
    return start == 0 or (known.head_length == HEAD_BYTES <= size and has_head_of(opened.fd, known))


def is_earlier_copy(known: Known, opened: Opened) -> bool:
    """Whether an open file is a copy of a life that was made while that was still written to; raises OSError.

    It is as old as the life's last write, or holds only the beginning of the life.
    """
    is_as_old = opened.facts.mtime_ns == known.last_ns
    return is_as_old or is_beginning_of(known, opened.fd, opened.facts.mtime_ns)
