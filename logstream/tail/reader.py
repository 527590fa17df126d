"""One generation: where it has been read to, and reading on from there.

Owns the descriptor, the offset and the bytes just before it, which are compared in the same read that brings what is
new. Never decides where the file went, nor what comes after it. Holds no unfinished line: that is read again.
"""

# ruff: noqa: PTH116 - the stat of each path, hundreds of times a second: a Path object costs more

from __future__ import annotations

import os
import time
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING

from logstream.tail.batch import ANCHOR_BYTES, Birth, Cut, Known, Proof, Range, SourceSpec, new_key
from logstream.tail.discovery import is_absence
from logstream.tail.framing import MOST_END_BYTES, encoding_of, extent_of, framing_of
from logstream.tail.identity import NO_INODE, RECENT_BYTES, TICK_NS, Facts, Remembered, Verdict, cut_end, decide
from logstream.tail.packed import likeness_of
from logstream.tail.rotation import without_compression

if TYPE_CHECKING:
    from logstream.records import GapReason
    from logstream.tail.opening import Opened
    from logstream.tail.rotation import Sibling

HEAD_BYTES = 256
_ROUND_UP_BYTES = 4096


class Reader:
    """A generation's place in its file. `fd` is None while the file is not open."""

    def __init__(self, spec: SourceSpec, known: Known, now: float) -> None:
        """Go on with `known`; `now` is monotonic seconds."""
        self.spec = spec
        self.key = known.key
        self.file = known.file
        self.path = known.path
        self.inode = (known.dev, known.ino)
        self.igen = known.igen
        self.base, self.committed = known.base, known.committed
        self.head_length, self.head_crc = known.head_length, known.head_crc
        self.proof_offset, self.proof_crc, self.proof_time = known.proof_offset, known.proof_crc, now
        self.seen_time = known.seen_time
        self.written_ns = known.written_ns
        self.encoding = self._encoding_before = known.encoding
        self.fd: int | None = None
        self.lead: bytes | None = None
        """The bytes before `committed`; None until the file has been proven to be this generation."""
        self.recent = b""
        """The last bytes that were handed on since it was opened: what a cut is recognised by."""
        self.cut_end = 0
        """How much of what was handed on was found to be there, when more was not."""
        self.size: int | None = None
        self.mtime_ns: int | None = None
        """As last seen, if everything up to then has been looked at and a later write would change it."""
        self.is_drained = False
        """Whether all that was there at the last look has been handed on, but for an unfinished line."""
        self.is_displaced = False
        """Whether it no longer has the name that it was written under."""
        self.is_deleted = False
        self.is_copy = False
        """Whether `fd` is an unpacked copy, and the file itself is gone."""
        self.gone_reason: GapReason | None = None
        """Why its file has other bytes now, where that is known; a copy of it may have been kept."""
        self.lost_end: int | None = None
        """How far the file was seen to reach before; a copy may have been made earlier."""
        self.is_packed = self.is_damaged = False
        """Whether nothing is known of it but a compressed file; whether its copy holds only its beginning."""
        self.was_packed = False
        """Whether its file is a compressed one, of which `fd` is an unpacked copy."""
        self.has_caught_up = False
        """Whether it has been drained since it was found: what is newer need not wait for it any more."""
        self.is_unreadable = False
        """Whether its file is there but could not be opened; nothing waits for it meanwhile."""
        self.is_missing = False
        """Whether it was looked for once and not found."""
        self.grown_at = now
        """When it last grew, or lost its name: monotonic seconds."""

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
        reader.fd, reader.lead, reader.written_ns = opened.fd, lead, facts.mtime_ns
        return reader

    @classmethod
    def packed(cls, spec: SourceSpec, file: str, sibling: Sibling, now: float) -> Reader:
        """What may be a generation that only exists compressed: it is born once it has been unpacked."""
        identity = (sibling.dev, sibling.ino, sibling.igen, 0, 0, 0, 0, 0, 0, False)
        reader = cls(spec, Known(new_key(), spec.name, file, sibling.path, *identity), now)
        reader.is_packed = reader.is_displaced = True
        reader.written_ns = sibling.mtime_ns
        return reader

    @property
    def is_spare(self) -> bool:
        """Whether the file could be closed and opened again by its name without missing anything."""
        return self.is_drained and not self.is_displaced and not self.is_deleted

    @property
    def is_unproven(self) -> bool:
        """Whether bytes were handed on for which no proof has been given yet."""
        return self.proof_offset != self.committed and self.lead is not None

    @property
    def is_unfinished(self) -> bool:
        """Whether bytes are there that end no line yet."""
        return self.size is not None and self.size > self.committed

    def is_untouched(self, size: int, mtime_ns: int) -> bool:
        """Whether a file with this size and time holds nothing that has not been looked at."""
        return size == self.size and mtime_ns == self.mtime_ns

    def birth(self) -> Birth:
        """What announces this generation."""
        return Birth(
            self.key, self.spec.name, self.file, self.path, *self.inode, self.igen, self.base,
            self.head_length, self.head_crc, self.encoding, self.written_ns,
        )  # fmt: skip

    def bear(self) -> Birth:
        """Begin with the first byte of an unpacked copy. The path is told as it was before it was compressed."""
        if self.fd is not None:
            head = os.pread(self.fd, HEAD_BYTES, 0)
            self.head_length, self.head_crc = len(head), zlib.crc32(head)
        self.path, self.is_packed, self.was_packed = without_compression(self.path), False, True
        return self.birth()

    def known(self) -> Known:
        """What another reader needs to go on from here."""
        return Known(
            self.key, self.spec.name, self.file, self.path, *self.inode, self.igen, self.base, self.committed,
            self.proof_offset, self.proof_crc, self.head_length, self.head_crc, sealed=False, seen_time=self.seen_time,
            written_ns=self.written_ns, encoding=self.encoding,
        )  # fmt: skip

    def prove(self, now: float) -> Proof:
        """A proof of everything handed on so far."""
        self.proof_offset, self.proof_crc, self.proof_time = self.committed, zlib.crc32(self.lead or b""), now
        length = min(HEAD_BYTES, self.committed)
        if self.fd is not None and length > self.head_length:
            # It was shorter when it was found, often empty, and an empty head tells nobody from anybody.
            self.head_length, self.head_crc = length, zlib.crc32(os.pread(self.fd, length, 0))
        return Proof(self.key, self.proof_offset, self.proof_crc, self.head_length, self.head_crc, self.written_ns)

    def examine(self, opened: Opened) -> Verdict:
        """What an open file is to this generation; take its descriptor if it is the one. Raises OSError."""
        verdict = decide(self.remembered, opened.facts, proof_matches=None)
        if verdict is Verdict.UNPROVEN:
            verdict = decide(self.remembered, opened.facts, proof_matches=self._proof_matches(opened.fd))
        if verdict in (Verdict.SAME, Verdict.GREW, Verdict.SHRUNK):
            if self.lead is None:
                start = max(0, self.committed - ANCHOR_BYTES)
                self.lead = os.pread(opened.fd, self.committed - start, start)
            self.fd = opened.fd
        return verdict

    @property
    def remembered(self) -> Remembered:
        """What identity compares facts with."""
        return Remembered(*self.inode, self.igen, self.committed, self.size, self.mtime_ns)

    def advance(self, most_bytes: int, until: int | None = None) -> Range | Verdict:
        """Read on, at most about `most_bytes` and not beyond `until`: the next range, or why there is none.

        The verdict is SAME if nothing is there but an unfinished line; raises OSError.
        """
        fd, lead = self._proven()
        facts = self._facts(fd)
        verdict = decide(self.remembered, facts, proof_matches=None)
        if verdict not in (Verdict.UNPROVEN, Verdict.GREW):
            return self._noted(self._cut_or(verdict, fd), facts)
        # One byte more than a line and its end can have: less could never be cut.
        most_bytes = max(most_bytes, self.spec.max_line_bytes + MOST_END_BYTES)
        want = min(most_bytes, max(0, facts.size - self.committed) + _ROUND_UP_BYTES)
        block = os.pread(fd, len(lead) + want, self.committed - len(lead))
        verdict = decide(self.remembered, facts, proof_matches=block.startswith(lead))
        if verdict in (Verdict.TRUNCATED, Verdict.SHRUNK):
            return self._noted(self._cut_or(verdict, fd), facts)
        content = block[len(lead) :]
        is_all = len(content) < want
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
        self.inode, self.igen = (facts.dev, facts.ino), facts.igen
        if self.lead is None:
            start = max(0, self.committed - ANCHOR_BYTES)
            self.lead = os.pread(opened.fd, self.committed - start, start)
        self.mtime_ns = None
        self.is_missing = self.is_unreadable = self.is_deleted = self.is_drained = False

    def take_copy(self, descriptor: int) -> None:
        """Go on in a copy of the generation that holds all of it."""
        start = max(0, self.committed - ANCHOR_BYTES)
        self.fd, self.lead = descriptor, os.pread(descriptor, self.committed - start, start)
        self.size = self.mtime_ns = None
        self.has_caught_up = self.is_drained = False
        self.is_copy = self.is_deleted = self.is_displaced = True
        self.is_missing = self.is_unreadable = False

    def lose_file(self, since: float) -> None:
        """Note that its file has been another life's since then; only a copy of it can be found."""
        self.inode, self.grown_at = NO_INODE, since
        self.is_missing, self.is_displaced, self.has_caught_up, self.is_drained = True, True, False, False

    def is_copied_in(self, opened: Opened) -> bool:
        """Whether an open file begins with all that was handed on of this generation, beyond doubt; raises OSError."""
        if not likeness_of(self.known()).is_met_by(opened.fd):
            return False
        if self.lead is None:
            return True
        return os.pread(opened.fd, len(self.lead), self.committed - len(self.lead)) == self.lead

    def finish(self) -> Range | None:
        """What is left without a line end, as the last range; only for a generation that will not grow any more."""
        fd, _ = self._proven()
        rest = os.pread(fd, self.spec.max_line_bytes + MOST_END_BYTES, self.committed)
        ends = framing_of(self._decided(rest)).cut_whole(rest, self.committed, self.spec.max_line_bytes)
        return self._range(rest, ends) if rest else None

    def is_settled(self, seen: os.stat_result) -> bool:
        """Whether there is nothing to read, and nothing to say, of its file as stat has just `seen` it."""
        return self.is_drained and self.is_untouched(seen.st_size, seen.st_mtime_ns) and not self.is_unproven

    def is_at_its_path(self) -> bool:
        """Whether its file has its path, as far as anybody can tell."""
        try:
            seen = os.stat(self.path)
        except OSError as error:
            return not is_absence(error)
        return (seen.st_dev, seen.st_ino) == self.inode

    def is_idle(self) -> bool:
        """Whether, without a descriptor, it has nothing to read."""
        if self.size is None or not self.is_drained:
            return False
        try:
            seen = os.stat(self.path)
        except OSError:
            return False
        return (seen.st_dev, seen.st_ino) == self.inode and self.is_untouched(seen.st_size, seen.st_mtime_ns)

    def close(self) -> None:
        """Give the descriptor up; what is known stays."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None

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

    def _proof_matches(self, fd: int) -> bool:
        """Whether the bytes before the last offset that can be checked are what they were."""
        if self.lead is not None:
            return os.pread(fd, len(self.lead), self.committed - len(self.lead)) == self.lead
        if self.proof_offset:
            start = max(0, self.proof_offset - ANCHOR_BYTES)
            return zlib.crc32(os.pread(fd, self.proof_offset - start, start)) == self.proof_crc
        return zlib.crc32(os.pread(fd, self.head_length, 0)) == self.head_crc

    def __repr__(self) -> str:
        """For tests and logs."""
        return f"<Reader {self.key} {self.path!r} read={self.committed} size={self.size} open={self.fd is not None}>"
