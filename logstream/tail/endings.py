"""How a generation ends, and what is said then: holes, seals, the life that comes after it in the same file.

Owns the order of these words. When it is time for them is for `follower`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.records import GapReason
from logstream.tail.batch import Hole, Sealed
from logstream.tail.belated import expect
from logstream.tail.copies import Copies
from logstream.tail.custody import Custody
from logstream.tail.heirs import Heirs
from logstream.tail.identity import Verdict
from logstream.tail.moving import take_over
from logstream.tail.opening import Opened, facts_of, is_noise
from logstream.tail.reader import Reader
from logstream.tail.unpacking import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.tail.batch import Change
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.turn import Turn


class Endings:
    """Ends lives."""

    def __init__(self, census: Census) -> None:
        """Note in `census` what is over."""
        self._census = census
        self._copies = Copies(census)
        self._heirs = Heirs(census)

    def seal(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """A life is over: its last line is told also without a line end."""
        rest = None if reader.is_damaged else reader.finish()
        if rest is not None:
            turn.add(rest)
        if reader.is_unproven:
            turn.add(reader.prove(turn.now))
        reason = reader.gone_reason if reader.is_copy else GapReason.DELETED if reader.is_deleted else None
        if reader.is_damaged:
            turn.add(Hole(reader.key, reader.committed, None, GapReason.CORRUPT))
        elif reader.lost_end is not None and reader.lost_end > reader.committed:
            # What was written between the copy and the truncation; nobody has it.
            turn.add(Hole(reader.key, reader.committed, reader.lost_end, GapReason.TRUNCATED))
        turn.add(Sealed(reader.key, reason, max(reader.committed, reader.lost_end or 0)))
        known = reader.known()._replace(sealed=True)
        if reader.is_damaged and reader.fd is not None:
            known = known._replace(committed=os.fstat(reader.fd).st_size)  # by this its damaged file is known again
        self.dismiss(lineage, reader)
        if lineage.awaited is not None:
            lineage.awaited.conclude(known)
        self._census.retire(known, is_gone=reason is not None or (reader.is_copy and not reader.was_packed))

    def renew(self, lineage: Lineage, reader: Reader, verdict: Verdict, turn: Turn) -> Reader:
        """The bytes of an open file are not what they were: its life ends and another one begins in its place.

        Where it only lost its end, handed on (CUT) or not (SHRUNK), the new life goes on from there. Where a copy was
        made before, what was not read yet is read there: the old life then stands before the new one. Raises OSError if
        nobody can say now; what it is has to be looked at again then.
        """
        base = {Verdict.SHRUNK: reader.committed, Verdict.CUT: reader.cut_end}.get(verdict, 0)
        reader.is_drained = False  # it must not be closed for what is opened meanwhile
        try:
            copy, is_lost = self._find_copy(lineage, reader, base)
            with Custody([copy] if isinstance(copy, int) else []) as custody:
                last: list[Change] = [reader.cut_off()] if verdict is Verdict.CUT else []
                if is_lost:
                    # By its end it is told from other lives, and by when that was written, also after a restart.
                    last += [reader.prove(turn.now)] if reader.is_unproven and not base else []
                    reason = GapReason.TRUNCATED if base == 0 else None
                    last += [*_unread(reader, GapReason.TRUNCATED), Sealed(reader.key, reason, reader.committed)]
                recent = reader.recent_in(copy) if isinstance(copy, int) else b""
                is_live = reader is lineage.live
                new = self._begin_anew(lineage, reader, base, turn, last)
                new.may_be_copy = not (is_live or base)  # its log may be copied into the same file each time
                if isinstance(copy, int):
                    custody.hand_over(copy)
        except OSError:
            self._census.open_files.release(reader)
            raise
        if not base:
            expect(lineage, reader.known(), new.written_ns, turn.now)
            new.note_emptied(reader.known())
        if is_lost:
            if not base:
                self._census.retire(reader.known()._replace(sealed=True), is_gone=True)
            return new
        reader.lost_end, reader.gone_reason = reader.size, GapReason.TRUNCATED
        lineage.put_before(reader, new)
        if isinstance(copy, int):
            reader.take_copy(copy, recent)
            self._census.open_files.admit(reader)
        else:
            reader.lose_file(turn.now - self._census.pace.absence_seconds)
        return reader

    def renew_behind(self, lineage: Lineage, packed: Reader, copy: int, turn: Turn) -> Reader:
        """The file at the path was written anew while its life waited, which goes on in the bytes of `packed`.

        There is its place: what came to the file next, and was copied away, too, stands behind that. Raises OSError.
        """
        reader = lineage.live
        if reader is None:
            message = f"{lineage.path}: nothing has the path"
            raise AssertionError(message)
        with self._census.unpacking.unless_it_fails(packed, copy):
            new = self._begin_anew(lineage, reader, 0, turn, [])
        expect(lineage, reader.known(), new.written_ns, turn.now)
        new.note_emptied(reader.known())
        reader.lost_end, reader.gone_reason = reader.size, GapReason.TRUNCATED
        lineage.put_before(reader, packed)
        take_over(copy, packed, reader, lineage, self._census, turn)
        return reader

    def _find_copy(self, lineage: Lineage, reader: Reader, base: int) -> tuple[int | Answer, bool]:
        """What to read on in where a life does not go on from `base`, and whether what was not read of it is lost."""
        if base:
            return Answer.NONE, True
        copy = self._copies.find(lineage, reader)
        # Nobody knows before it is unpacked whether a compressed file holds more than was read.
        return copy, copy is Answer.NONE and not self._heirs.may_be_packed(lineage, reader)

    def skip_to(self, lineage: Lineage, reader: Reader, base: int, turn: Turn) -> Reader:
        """A life ends, and one is told from `base` on: behind a hole that nobody wrote, or in another encoding."""
        return self._begin_anew(lineage, reader, base, turn, [Sealed(reader.key, None, reader.committed)])

    def _begin_anew(self, lineage: Lineage, reader: Reader, base: int, turn: Turn, last: Iterable[Change]) -> Reader:
        """Another life in the open file of `reader`, from `base` on, behind what is said `last` of that one.

        Raises OSError, and nothing has changed or is said then.
        """
        fd = reader.fd
        if fd is None:
            message = f"{reader!r} is not open"
            raise AssertionError(message)
        opened = Opened(reader.path, fd, facts_of(fd), is_compressed=False, encoding=reader.encoding)
        new = Reader.born(reader.spec, reader.file, opened, base, turn.now)
        reader.fd = None  # it is that of `new` now
        self._census.strike(reader)
        lineage.replace(reader, new)
        self._census.enrol(new)
        for change in (*last, new.birth()):
            turn.add(change)
        if base:
            turn.add(new.prove(turn.now))
        return new

    def abandon(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """A file that has lost its name was written over: what it holds now is nobody's log (`shred` does that).

        The reader, not open, where an archive may hold what was not read of it; None: it is over. Raises OSError.
        """
        fd, is_left = reader.fd, self._heirs.may_be_packed(lineage, reader)
        facts = None if fd is None else facts_of(fd)
        known = reader.known()._replace(sealed=True)
        if facts is not None:
            known = known._replace(dev=facts.dev, ino=facts.ino, igen=facts.igen)
        if is_left:
            self._census.strike(reader)
            if reader.is_blank:
                reader.size = None  # nobody knows how much was there, but it was no empty file
            reader.lost_end = reader.size
            reader.lose_file(turn.now - self._census.pace.absence_seconds)
        else:
            self.end(lineage, reader, GapReason.TRUNCATED, turn)
        self._census.retire(known)  # its file is known, too, as long as it is there
        return reader if is_left else None

    def end(self, lineage: Lineage, reader: Reader, reason: GapReason, turn: Turn) -> None:
        """A life whose bytes are gone ends, with what was not read of it."""
        for hole in _unread(reader, reason):
            turn.add(hole)
        turn.add(Sealed(reader.key, reason, reader.committed))
        self.dismiss(lineage, reader)
        self._census.retire(reader.known()._replace(sealed=True), is_gone=True)

    def hand_over(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """A life whose file is gone ends, and what was not read of it is told as another one."""
        turn.add(Sealed(reader.key, reader.gone_reason or GapReason.DELETED, reader.committed))
        self.dismiss(lineage, reader)
        self._census.retire(reader.known()._replace(sealed=True), is_gone=True)

    def end_cut_short(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """A life ends of which only a copy is left that was made before the last of it was read."""
        if reader.size is not None:
            for hole in _unread(reader, GapReason.TRUNCATED):
                turn.add(hole)
        self.hand_over(lineage, reader, turn)

    def end_copy(self, lineage: Lineage, reader: Reader, turn: Turn) -> bool:
        """A file that was found empty has bytes now: whether they are only a copy of a known life. It ends then."""
        if reader.fd is None or not os.fstat(reader.fd).st_size or is_noise(reader.fd):
            return False
        opened = Opened(reader.path, reader.fd, facts_of(reader.fd), is_compressed=False)
        reader.may_be_copy = self._copies.may_be_passed_over(lineage, opened)
        if not reader.may_be_copy:
            return False
        self.end_as_nothing(lineage, reader, turn)
        return True

    def end_as_nothing(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """What there was of a life, which is nothing, is gone: what is in its file is told of another one."""
        turn.add(Sealed(reader.key, GapReason.DELETED, reader.committed))
        self.dismiss(lineage, reader)

    def dismiss(self, lineage: Lineage, reader: Reader) -> None:
        """Let go of a life, and of its file."""
        lineage.readers.remove(reader)
        if lineage.live is reader:
            lineage.live = None
        self._census.strike(reader)


def _unread(reader: Reader, reason: GapReason) -> list[Hole]:
    """What was there and cannot be read any more: up to the size last seen, or nobody knows how much."""
    if reader.size is None or reader.size > reader.committed:
        return [Hole(reader.key, reader.committed, reader.size, reason)]
    return []
