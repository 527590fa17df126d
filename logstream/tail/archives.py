"""What came and went compressed while nobody looked: read on, known already, unreadable, or gone before its turn.

Owns what becomes of a life of which nothing is known but a compressed file, and of one of which nothing is known but
that its file, which is nowhere now, was empty. How an archive is unpacked is for `unpacking`.
"""

from __future__ import annotations

import os
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from logstream.records import GapReason
from logstream.tail.batch import Hole, Sealed, display
from logstream.tail.custody import Custody
from logstream.tail.earlier import original_cut_short
from logstream.tail.heirs import Heirs, is_truncated
from logstream.tail.identity import contradict
from logstream.tail.likeness import has_head_of, likeness_of
from logstream.tail.listing import locate
from logstream.tail.members import read_until, told_until
from logstream.tail.moving import TELLING_BYTES, go_on_held, go_on_packed, has_no_file, take_over
from logstream.tail.opening import text_start_of
from logstream.tail.reader import Reader
from logstream.tail.rotation import older_lives
from logstream.tail.unpacking import Answer, may_be_packed

if TYPE_CHECKING:
    from logstream.tail.batch import Known
    from logstream.tail.endings import Endings
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.turn import Turn


class Archives:
    """Opens lives that are packed."""

    def __init__(self, census: Census, endings: Endings) -> None:
        """Compare with the generations in `census`; what is nobody's ends by `endings`."""
        self._census = census
        self._endings = endings
        self._heirs = Heirs(census)

    def open(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """The reader whose bytes are open now; `reader` itself, not open, if it has to wait; None if it is over."""
        copy = self._census.unpacking.ask(reader, reader.path)
        if isinstance(copy, Answer):
            return self._wait(lineage, reader, copy, turn)
        if (moved := go_on_packed(copy, reader, lineage, self._census, turn)) is not None:
            return moved
        with self._census.unpacking.unless_it_fails(reader, copy):
            known = self._census.original_of(copy, lineage) or self._original_cut_short(lineage, reader, copy, turn)
            told = 0 if known is not None else self._told_in(lineage, reader, copy) or self._read_of(lineage, copy)
            is_told = known is not None or 0 < told == os.fstat(copy).st_size
            is_begun_anew = known is not None and self._is_begun_anew(lineage, known)
            sought = None if known is None else self._sought(lineage, reader, known)
            base = told or text_start_of(copy, reader.spec.encoding, reader.encoding)
        if sought is not None:
            lineage.readers.remove(sought)
            lineage.put_before(sought, reader)
            take_over(copy, reader, sought, lineage, self._census, turn)
            return sought
        if is_begun_anew:
            return self._endings.renew_behind(lineage, reader, copy, turn)
        if not is_told and (told or not reader.is_guess):
            return self._begin(reader, copy, base, turn)
        os.close(copy)
        self._endings.dismiss(lineage, reader)
        if known is not None:
            self._recognise(reader, known)
        elif told:
            self._census.aside.put(reader.inode, reader.written_ns or 0)
        return None

    def _original_cut_short(self, lineage: Lineage, packed: Reader, copy: int, turn: Turn) -> Known | None:
        """The life of which the archive of `packed` holds only the beginning: that is over, if it was sought in one."""
        if len(packed.member_starts) > 1:
            return None
        known = original_cut_short(copy, packed.written_ns or 0, lineage, self._census)
        waiting = None if known is None else next((one for one in lineage.readers if one.key == known.key), None)
        if waiting is not None:
            self._endings.end_cut_short(lineage, waiting, turn)
        return known

    @staticmethod
    def _sought(lineage: Lineage, packed: Reader, known: Known) -> Reader | None:
        """The life whose file is nowhere, and which goes on in the archive of `packed`: there is its place."""
        own = next((one for one in lineage.readers if one.key == known.key and one is not lineage.live), None)
        if own is None or own.fd is not None or len(packed.member_starts) > 1:
            return None
        return own if is_truncated(own) or has_no_file(own) else None

    def _is_begun_anew(self, lineage: Lineage, known: Known) -> bool:
        """Whether a life is that of the file at the path, which was written anew while that waited; it is open then."""
        live = lineage.live
        if live is None or live.key != known.key or live.committed or not live.head_length:
            return False
        own = self._census.open_again(live)
        if own is None:
            return False
        with Custody([own]) as custody:
            is_begun_anew = not likeness_of(live).is_met_by(own)
            if is_begun_anew and live.fd is None:
                custody.hand_over(own)
                live.fd = own
        return is_begun_anew

    @staticmethod
    def _begin(packed: Reader, copy: int, base: int, turn: Turn) -> Reader:
        """Let a life begin in the bytes that were unpacked for it, from `base` on; raises OSError."""
        packed.base = packed.committed = base
        packed.take_copy(copy)
        turn.add(packed.bear())
        if base:
            turn.add(packed.prove(turn.now))
        return packed

    def go_on(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | Answer | None:
        """`reader`, whose file is nowhere, going on in an archive that is nobody's yet; LATER or NONE.

        None if it is over, and no more need be said of it.
        """
        if not reader.is_blank:
            return self._go_on_in_its_own(lineage, reader, turn)
        while isinstance(heir := self._heirs.next_of(lineage, reader, turn), Reader):
            copy = self._census.unpacking.ask(heir, heir.path)
            if isinstance(copy, int):
                with self._census.unpacking.unless_it_fails(heir, copy):
                    known = self._census.original_of(copy, lineage)
                if known is None:
                    take_over(copy, heir, reader, lineage, self._census, turn)
                    reader.may_be_copy = False
                    return reader
                self._census.unpacking.give_back(heir, copy)  # it is for that life first, if that has no other file
                self._recognise(heir, known)
            elif self._wait(lineage, heir, copy, turn) is not None and copy is not Answer.SHUT:
                return Answer.LATER
            elif copy is not Answer.NONE:
                # What cannot be opened is read, or missed, as a life of its own; what is missed has been told.
                self._endings.end_as_nothing(lineage, reader, turn)
                return None
            self._census.aside.put(heir.inode, heir.written_ns or 0)
        if heir is Answer.NONE and self._was_nothing(lineage, reader):
            self._endings.end_as_nothing(lineage, reader, turn)
            return None
        return heir

    def _go_on_in_its_own(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | Answer | None:
        """The same of a reader whose bytes tell it from others.

        The archive that waits right behind it has been open since it was found. Its name may be gone by now, as that
        of the file of `reader` is.
        """
        index = lineage.readers.index(reader) + 1
        behind = [one for one in lineage.readers[index : index + 1] if one.is_packed]
        for packed in chain(behind, self._heirs.predated_of(lineage, reader, turn)):
            answer = packed
            if isinstance(packed, Reader):
                answer = go_on_held(reader, packed, lineage, self._census, turn)
            if answer is not Answer.NONE:
                return answer
        return self._go_on_in_member(lineage, reader, turn)

    def _go_on_in_member(self, lineage: Lineage, reader: Reader, turn: Turn) -> Answer | None:
        """`reader`, as a member of the one archive of its log: what comes behind is read as a life of that; or why not.

        None if it is that: the reader's life is over. Where all that was seen of it was read nobody looks: that would
        unpack all of the archive at each rotation.
        """
        if reader.size is not None and reader.size <= reader.committed:
            return Answer.NONE
        packed = self._heirs.grown_of(lineage, reader, turn)
        copy = packed if isinstance(packed, Answer) else self._census.unpacking.ask(packed, packed.path)
        if isinstance(copy, Answer) or isinstance(packed, Answer):
            return Answer.LATER if copy is Answer.LATER else Answer.NONE
        with self._census.unpacking.unless_it_fails(packed, copy):
            told = self._told_in(lineage, packed, copy)
            base = read_until(copy, packed.member_starts, told, likeness_of(reader))
        if base is None:
            self._census.unpacking.give_back(packed, copy)
            return Answer.NONE
        self._census.open_files.admit(self._begin(packed, copy, base, turn))
        self._endings.hand_over(lineage, reader, turn)
        return None

    def _told_in(self, lineage: Lineage, packed: Reader, copy: int) -> int:
        """How much of what was unpacked for `packed` was told before, as lives that are finished; raises OSError."""
        if len(packed.member_starts) == 1:
            return 0
        # Not as `ended` has them: those that departed come first where lives were written last at the same time.
        ended = (*self._census.departed, *self._census.finished.values())
        finished = [one for one in ended if one.file == lineage.file]
        before = [one for one in finished if (one.dev, one.ino) == packed.inode]
        lives = sorted((one for one in finished if one not in before), key=lambda one: one.last_ns or 0)
        return told_until(copy, packed.member_starts, map(likeness_of, before), map(likeness_of, lives))

    def _read_of(self, lineage: Lineage, copy: int) -> int:
        """How much was read of a life that goes on in an unpacked file: it was written on unseen before that was made.

        0 where nobody can tell it from a later one: where little was read, or others of the log begin like it. Raises
        OSError.
        """
        ended = [*older_lives(self._census.ended(), lineage.files)]
        own = [one for one in ended if one.committed >= TELLING_BYTES and likeness_of(one).is_met_by(copy)]
        life = max(own, key=lambda one: one.committed, default=None)
        if life is None or self._is_there(life):
            return 0
        others = (one for one in (*ended, *(one.known() for one in lineage.readers)) if one.key != life.key)
        return 0 if any(has_head_of(copy, one) for one in others) else life.committed

    def _is_there(self, known: Known) -> bool:
        """Whether the file of a life that is over is where it was, or beside that; raises OSError."""
        inode = known.dev, known.ino
        is_left = self._census.finished.get(inode) is known
        return is_left and locate(inode, known.igen, [str(Path(known.path).parent)], but="") is not None

    def _was_nothing(self, lineage: Lineage, reader: Reader) -> bool:
        """Whether a file that was found empty was no life of its own, as far as anybody can tell.

        A copy in the making that has been compressed since, or deleted, or what `shred` had emptied of a file that was
        compressed.
        """
        is_emptied = any(
            (one.dev, one.ino) == reader.last_inode and one.key != reader.key and not contradict(one.igen, reader.igen)
            for one in self._census.ended()
        )
        is_emptied |= any(is_truncated(one) for one in lineage.readers[: lineage.readers.index(reader)])
        is_shredded = is_emptied and may_be_packed(reader, lineage.home)
        is_copy = reader.may_be_copy and (self._is_copied(lineage) or self._heirs.is_packed_copy(lineage, reader))
        return is_shredded or is_copy

    def _is_copied(self, lineage: Lineage) -> bool:
        """Whether the file that has the path has had another life before: rotation copies it and truncates it."""
        live = lineage.live
        return live is not None and any(
            (one.dev, one.ino) == live.inode and one.key != live.key and not contradict(one.igen, live.igen)
            for one in self._census.ended()
        )

    def _recognise(self, packed: Reader, known: Known) -> None:
        """An archive is only a copy of a life that is known: its file is known by that from now on."""
        dev, ino = packed.inode
        written_ns = packed.written_ns
        self._census.retire(known._replace(dev=dev, ino=ino, igen=packed.igen, written_ns=written_ns, sealed=True))

    def _wait(self, lineage: Lineage, reader: Reader, answer: Answer, turn: Turn) -> Reader | None:
        """There are no bytes, not yet or not at all."""
        if answer is Answer.GONE:
            return self._miss(lineage, reader, turn)
        if answer is Answer.LATER:
            lineage.hot_until = turn.now + self._census.pace.hot_seconds
            return reader
        if reader.path not in lineage.told:
            lineage.told.add(reader.path)
            reason = "compressed" if answer is Answer.NONE else "cannot be opened"
            turn.tell(lineage.spec, display(reader.path), "unreadable", reason)
        if answer is Answer.SHUT:
            reader.is_unreadable = True
            return reader
        self._endings.dismiss(lineage, reader)
        return None

    def _miss(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """Its file is nowhere, and was not held open. Believe it the second time: what was in it is lost then."""
        if not reader.is_missing:
            reader.is_missing, reader.grown_at = True, turn.now
        if turn.now - reader.grown_at < self._census.pace.absence_seconds:
            lineage.hot_until = turn.now + self._census.pace.hot_seconds
            return reader
        turn.add(reader.bear())
        turn.add(Hole(reader.key, 0, None, GapReason.DELETED))
        turn.add(Sealed(reader.key, GapReason.DELETED, 0))
        self._endings.dismiss(lineage, reader)
        return None
