"""Reading a generation on from where it has been read to.

The bytes just before that place are compared in the same read that brings what is new. Never decides where the file
went, nor what comes after it. Holds no unfinished line: that is read again.
"""

from __future__ import annotations

import os
import time
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

from logstream.tail.batch import ANCHOR_BYTES, Cut, Known, Proof, Range, new_key
from logstream.tail.custody import Custody
from logstream.tail.framing import MOST_END_BYTES, encoding_of, extent_of, framing_of
from logstream.tail.identity import RECENT_BYTES, TICK_NS, Facts, Verdict, cut_end, decide, is_as_before
from logstream.tail.likeness import likeness_of
from logstream.tail.place import Place, first_written
from logstream.tail.rotation import without_compression

if TYPE_CHECKING:
    from logstream.tail.batch import Birth, SourceSpec
    from logstream.tail.opening import Opened
    from logstream.tail.rotation import Sibling

HEAD_BYTES = 256
_ROUND_UP_BYTES = 4096


class Reader(Place):
    """Reads a generation on from its place."""

    @classmethod
    def born(cls, spec: SourceSpec, file: str, opened: Opened, base: int, now: float) -> Reader:
        """A new generation in an open file, streamed from `base` on; raises OSError."""
        facts = opened.facts
        head = os.pread(opened.fd, HEAD_BYTES, 0)
        start = max(0, base - ANCHOR_BYTES)
        lead = os.pread(opened.fd, base - start, start)
        crc = zlib.crc32(head)
        identity = (facts.dev, facts.ino, facts.igen, base, base, 0, 0, len(head), crc, False)
        reader = cls(spec, Known(new_key(), spec.name, file, opened.path, *identity, encoding=opened.encoding), now)
        reader.fd, reader.lead, reader.written_ns, reader.begun_ns = opened.fd, lead, facts.mtime_ns, facts.mtime_ns
        reader.has_known_head = True
        if not base:
            reader.unread = first_written(head)  # it may have to wait for what is older, and be written anew meanwhile
        return reader

    @classmethod
    def packed(cls, spec: SourceSpec, file: str, sibling: Sibling, now: float) -> Reader:
        """What may be a generation that only exists compressed: it is born once it has been unpacked."""
        identity = (sibling.dev, sibling.ino, sibling.igen, 0, 0, 0, 0, 0, 0, False)
        reader = cls(spec, Known(new_key(), spec.name, file, sibling.path, *identity), now)
        reader.is_packed = reader.is_displaced = True
        reader.written_ns, reader.packed_bytes = sibling.mtime_ns, sibling.size
        return reader

    @classmethod
    def shut(cls, spec: SourceSpec, file: str, sibling: Sibling, now: float) -> Reader:
        """What is in a file that nobody may open yet, from its start: perhaps only a copy of what is known."""
        reader = cls.packed(spec, file, sibling, now)
        reader.is_packed, reader.is_unreadable, reader.may_be_copy = False, True, True
        return reader

    def bear(self) -> Birth:
        """Begin with the first byte of an unpacked copy. The path is told as it was before it was compressed."""
        if self.fd is not None:
            head = os.pread(self.fd, HEAD_BYTES, 0)
            self.head_length, self.head_crc = len(head), zlib.crc32(head)
        self.path, self.is_packed, self.was_packed = without_compression(self.path), False, True
        return self.birth()

    def prove(self, now: float) -> Proof:
        """A proof of everything handed on so far."""
        self.note_edit()
        self.has_new_head = False
        self.proof_offset, self.proof_crc, self.proof_time = self.committed, zlib.crc32(self.lead or b""), now
        length = min(HEAD_BYTES, self.committed)
        if length > self.head_length and (head := self.head_still(length)) is not None:
            # It was shorter when it was found, often empty, and an empty head tells nobody from anybody.
            self.head_length, self.head_crc = length, zlib.crc32(head)
        return Proof(self.key, self.proof_offset, self.proof_crc, self.head_length, self.head_crc, self.written_ns)

    def examine(self, opened: Opened) -> Verdict:
        """What an open file is to this generation; take its descriptor if it is the one. Raises OSError."""
        verdict = decide(self.remembered, opened.facts, proof_matches=None)
        # Of what nothing was handed on before a restart, the first bytes are known alone.
        is_unread = self.lead is None and not self.committed and verdict in (Verdict.SAME, Verdict.GREW)
        if is_unread or verdict is Verdict.UNPROVEN:
            verdict = decide(self.remembered, opened.facts, proof_matches=self._proof_matches(opened.fd))
        if verdict in (Verdict.SAME, Verdict.GREW, Verdict.SHRUNK):
            self.has_known_head |= zlib.crc32(os.pread(opened.fd, self.head_length, 0)) == self.head_crc
            self.recall(opened.fd)
            self.fd = opened.fd
        return verdict

    def is_held_by(self, opened: Opened) -> bool:
        """Whether an open file is this generation, as it was: taken then, else closed. Raises OSError."""
        with Custody([opened.fd]) as custody:
            if (opened.facts.dev, opened.facts.ino) == self.inode and not opened.is_compressed:
                self.examine(opened)
            if self.fd is not None:
                custody.hand_over(opened.fd)
        return self.fd is not None

    def note_unread(self, opened: Opened) -> None:
        """Note what stands in its file, of which nothing was handed on: a copy is known by that once it is truncated.

        At the first look at it only how much, and only if it was empty before: else its first bytes are known already,
        and tell whether it was truncated since. Raises OSError.
        """
        if self.committed or (opened.facts.dev, opened.facts.ino) != self.inode:
            return
        if self.size is None and self.is_blank:
            self.size, self.written_ns = opened.facts.size, opened.facts.mtime_ns
            return
        if self.size is None:
            return
        head = os.pread(opened.fd, HEAD_BYTES, 0)
        is_cut = os.fstat(opened.fd).st_size < opened.facts.size  # since it was opened
        self.is_rewritten = is_cut or opened.facts.size < self.size or not head.startswith(self.unread)
        if not self.is_rewritten:
            self.note_head(head)
            self.size, self.mtime_ns = opened.facts.size, None

    def recall(self, fd: int) -> None:
        """Read what stands before the place, unless it is known from reading on; raises OSError."""
        if self.lead is None:
            recent = self.recent_in(fd)
            if self.head_length and not self.committed:
                self.unread = first_written(os.pread(fd, HEAD_BYTES, 0))
            self.recent, self.lead = recent, recent[-ANCHOR_BYTES:]

    def recent_in(self, fd: int) -> bytes:
        """The last bytes that were handed on as an open file has them; raises OSError."""
        start = max(0, self.committed - RECENT_BYTES)
        return os.pread(fd, self.committed - start, start)

    def advance(self, most_bytes: int, until: int | None = None) -> Range | Verdict:
        """Read on, at most about `most_bytes` and not beyond `until`: the next range, or why there is none.

        The verdict is SAME if nothing is there but an unfinished line; raises OSError.
        """
        fd, lead = self._proven()
        facts = self._facts(fd)
        verdict = decide(self.remembered, facts, proof_matches=None)
        if verdict is Verdict.SAME and not self.committed and facts.size < len(self.unread):
            verdict = Verdict.SHRUNK  # it waited, and nobody had looked at its size since its first bytes were seen
        if verdict not in (Verdict.UNPROVEN, Verdict.GREW):
            return self._noted(self._cut_or(verdict, fd), facts)
        # One byte more than a line and its end can have: less could never be cut.
        most_bytes = max(most_bytes, self.spec.max_line_bytes + MOST_END_BYTES)
        want = min(most_bytes, max(0, facts.size - self.committed) + _ROUND_UP_BYTES)
        before = self.recent if len(self.recent) > len(lead) else lead
        at = self.committed - len(before)
        block = os.pread(fd, len(before) + want, at)
        is_proven = is_as_before(before, block[: len(before)], at)
        is_proven = is_proven and (self.committed > 0 or block.startswith(self.unread))
        if is_proven and self.is_displaced:  # who shreds it writes over its beginning first, perhaps just now
            is_proven = block.startswith(os.pread(fd, min(len(before) or len(block), HEAD_BYTES), at))
        verdict = decide(self.remembered, facts, proof_matches=is_proven)
        if verdict in (Verdict.TRUNCATED, Verdict.SHRUNK):
            return self._noted(self._cut_or(verdict, fd), facts)
        content, is_all = block[len(before) :], len(block) < len(before) + want
        if not content:
            self.note_edit()
        if until is not None and self.committed + len(content) > until:
            content, is_all = content[: max(0, until - self.committed)], False
        return self._take(content, facts, is_all=is_all)

    def cut_off(self) -> Cut:
        """What is told when its last lines are gone: how far its bytes are still there, and what they are known by."""
        fd, _ = self._proven()
        start = max(0, self.cut_end - ANCHOR_BYTES)
        crc = zlib.crc32(os.pread(fd, self.cut_end - start, start))
        head = os.pread(fd, min(HEAD_BYTES, self.cut_end), 0)
        return Cut(self.key, self.cut_end, crc, len(head), zlib.crc32(head))

    def take_file(self, opened: Opened) -> None:
        """Go on in another file, which holds all of its own. That both were written anew is seen at the next read."""
        facts, self.path, self.fd = opened.facts, opened.path, opened.fd
        self.inode, self.igen, self.former_inode = (facts.dev, facts.ino), facts.igen, None
        self.recall(opened.fd)
        self.mtime_ns = None
        self.is_missing = self.is_unreadable = self.is_deleted = self.is_drained = False
        self.vacancy = None

    def take_copy(self, descriptor: int, recent: bytes | None = None) -> None:
        """Go on in a copy of the generation that holds all of it, where `recent` stands before the place.

        What was seen there in the file itself may have been another life's already. Raises OSError, but not if `recent`
        is given, and `descriptor` is closed then.
        """
        with Custody([descriptor]) as custody:
            recent = self.recent_in(descriptor) if recent is None else recent
            custody.hand_over(descriptor)
        self.fd, self.recent, self.lead, self.unread = descriptor, recent, recent[-ANCHOR_BYTES:], b""
        self.size = self.mtime_ns = None
        self.has_caught_up = self.is_drained = False
        self.is_copy = self.is_deleted = self.is_displaced = True
        self.is_missing = self.is_unreadable = False
        self.vacancy = None

    def take_unpacked(self, descriptor: int, packed: Reader) -> None:
        """Go on in what was unpacked for `packed`, whose file is the generation's own from now on."""
        self.inode, self.igen, self.path = packed.inode, packed.igen, without_compression(packed.path)
        self.is_damaged, self.was_packed, self.written_ns = packed.is_damaged, True, packed.written_ns
        self.take_copy(descriptor)

    def is_copied_in(self, opened: Opened) -> bool:
        """Whether an open file begins with all that was handed on of this generation, beyond doubt; raises OSError."""
        return likeness_of(self).is_met_by(opened.fd) and self._has_lead(opened.fd)

    def finish(self) -> Range | None:
        """What is left without a line end, as the last range; only for a generation that will not grow any more."""
        fd, _ = self._proven()
        rest = os.pread(fd, self.spec.max_line_bytes + MOST_END_BYTES, self.committed)
        ends = framing_of(self._decided(rest)).cut_whole(rest, self.committed, self.spec.max_line_bytes)
        return self._range(rest, ends) if rest else None

    def _proven(self) -> tuple[int, bytes]:
        if self.fd is None or self.lead is None:
            message = f"{self!r} is not open"
            raise AssertionError(message)
        return self.fd, self.lead

    def _facts(self, fd: int) -> Facts:
        seen = os.fstat(fd)
        return Facts(*self.inode, self.igen, seen.st_size, seen.st_mtime_ns, is_regular=True)

    def _cut_or(self, verdict: Verdict, fd: int) -> Verdict:
        """CUT where the file was not written anew but only lost its last lines; else `verdict`."""
        if verdict is not Verdict.TRUNCATED or self.is_copy:
            return verdict
        start = self.committed - len(self.recent)
        self.cut_end = cut_end(framing_of(self.encoding), self.recent, os.pread(fd, len(self.recent), start), start)
        has_head = self.head_length > start or zlib.crc32(os.pread(fd, self.head_length, 0)) == self.head_crc
        return Verdict.CUT if self.cut_end > self.base and has_head else verdict

    def _noted(self, verdict: Verdict, facts: Facts) -> Verdict:
        if verdict is Verdict.SAME:
            self._note(facts.size, facts.mtime_ns)
            self.is_drained = True
        return verdict

    def _note(self, size: int, mtime_ns: int) -> None:
        self.size = size
        if not self.is_copy:
            self.written_ns = mtime_ns
        is_settled = time.time_ns() - mtime_ns >= TICK_NS
        self.mtime_ns = mtime_ns if is_settled else None

    def _take(self, content: bytes, facts: Facts, *, is_all: bool) -> Range | Verdict:
        end, lines = extent_of(self._decided(content), content, self.committed, self.spec.max_line_bytes)
        self.is_drained = is_all
        self._note(max(facts.size, self.committed + len(content)), facts.mtime_ns)
        if not is_all:
            self.mtime_ns = None
        self.unread = b"" if end else first_written(content[:HEAD_BYTES])
        return self._range(content[:end], lines) if end else Verdict.SAME

    def _decided(self, content: bytes) -> str:
        """The encoding of `content`, the next bytes: the file's first ones tell it, until any are handed on."""
        if self.committed == self.base:
            head = os.pread(self._proven()[0], HEAD_BYTES, 0) if self.base else content
            self.encoding = encoding_of(head, self.spec.encoding, self._encoding_before)
        return self.encoding

    def _range(self, content: bytes, lines: list[int] | int) -> Range:
        lead, start = self.lead or b"", self.committed
        self.committed += len(content)
        self.lead = (lead + content[-ANCHOR_BYTES:])[-ANCHOR_BYTES:]
        self.recent = (self.recent + content[-RECENT_BYTES:])[-RECENT_BYTES:]
        lengths = lines if isinstance(lines, int) else tuple(b - a for a, b in pairwise([0, *lines]))
        return Range(self.key, start, self.committed, lengths, content, lead, self.encoding)

    def is_begun_in(self, fd: int) -> bool:
        """Whether an open file, which is its own, still has what was handed on; raises OSError."""
        return os.fstat(fd).st_size >= self.committed and self._proof_matches(fd)

    def _proof_matches(self, fd: int) -> bool:
        """Whether the bytes before the last offset that can be checked are what they were."""
        return self._has_lead(fd) if self.lead is not None else likeness_of(self).may_be_in(fd)


def sizes_newest_first(readers: list[Reader]) -> dict[Reader, int]:
    """How far each generation but the oldest may be read in this look.

    Sizes are taken newest first, bytes read oldest first: else a line of the new file could overtake an older one.
    """
    sizes: dict[Reader, int] = {}
    for reader in reversed(readers[1:]):
        if reader.fd is not None:
            sizes[reader] = os.fstat(reader.fd).st_size
    return sizes
