"""Where one generation has been read to, and what is known of its file.

Owns the facts, each of which holds until a look at the file says otherwise. Refuses to read on in the file, and to
decide what it is.
"""

# ruff: noqa: PTH116 - the stat of each path, hundreds of times a second: a Path object costs more

from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING, Final

from logstream.records import GapReason
from logstream.tail.batch import Birth, Known
from logstream.tail.discovery import is_absence
from logstream.tail.identity import NO_INODE, Remembered, is_as_before

if TYPE_CHECKING:
    from logstream.tail.batch import SourceSpec
    from logstream.tail.vacancy import Vacancy

_YOUNG_BYTES: Final = 4096


class Place:
    """A generation's place in its file. `fd` is None while the file is not open."""

    def __init__(self, spec: SourceSpec, known: Known, now: float) -> None:
        """Go on with `known`; `now` is monotonic seconds."""
        self.spec = spec
        self.key = known.key
        self.file = known.file
        self.path = known.path
        self.inode = (known.dev, known.ino)
        self.former_inode: tuple[int, int] | None = None
        """What its inode was before another file was seen to have its number: its own file is gone."""
        self.igen = known.igen
        self.base, self.committed = known.base, known.committed
        self.head_length, self.head_crc = known.head_length, known.head_crc
        self.proof_offset, self.proof_crc, self.proof_time = known.proof_offset, known.proof_crc, now
        self.seen_time = known.seen_time
        self.written_ns = known.written_ns
        self.begun_ns: int | None = None
        """When its file had been written last as this process found it; archives of older lives are older than that."""
        self.encoding = self._encoding_before = known.encoding
        self.vacancy: Vacancy | None = None
        """Why and until when it is waited for, while it is not there and its directory is not either."""
        self.seen_at: str | None = None
        """Where else a file with its numbers was seen: there it is sought if it is nowhere."""
        self.found_at: str | None = None
        """Where its file stood under the name of an older life of its log, when names there were read last."""
        self.member_starts: tuple[int, ...] = (0,)
        """Where members begin in what its file unpacks to, if that is an archive that gets one with each rotation."""
        self.has_known_head = False
        """Whether its file was seen, by this process, to begin as is known of it."""
        self.has_new_head = False
        """Whether it begins otherwise since, which nobody was told yet: its first line was edited in place."""
        self.is_guess = False
        """Whether that archive was only entered because another life was looked for in it."""
        self.is_rewritten = False
        """Whether other bytes than those that are `unread` were seen in its file."""
        self.packed_bytes = 0
        """How large its compressed file was when it was found, if that is all there is."""
        self.is_put_off = False
        """Whether it was to be unpacked, and nobody can say when that will be possible."""
        self._begin(now)

    def _begin(self, now: float) -> None:
        """Nothing has been seen of the file yet."""
        self.fd: int | None = None
        self.lead: bytes | None = None
        """The bytes before `committed`; None until the file has been proven to be this generation."""
        self.recent = b""
        """The last bytes that were handed on since it was opened: what a cut is recognised by."""
        self.unread = b""
        """The first bytes, up to a NUL, while no line was handed on: by them it is seen that others stand there now."""
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
        self.may_be_copy = False
        """Whether it was empty when it was found under the name of an older life: a copy in the making is, too."""
        self.emptied: Known | None = None
        """The life that was in its file before, until that was truncated."""
        self.has_caught_up = False
        """Whether it has been drained since it was found: what is newer need not wait for it any more."""
        self.is_unreadable = False
        """Whether its file is there but could not be opened; nothing waits for it meanwhile."""
        self.is_missing = False
        """Whether it was looked for once and not found."""
        self.grown_at = now
        """When it last grew, or lost its name: monotonic seconds."""

    @property
    def is_spare(self) -> bool:
        """Whether the file could be closed and opened again by its name without missing anything."""
        return self.is_drained and not self.is_displaced and not self.is_deleted

    @property
    def is_expendable(self) -> bool:
        """Whether all that is in the open file has been handed on, as far as can be told now."""
        if self.fd is None or self.is_copy or not self.is_drained:
            return False
        return os.fstat(self.fd).st_size == self.committed

    @property
    def waits_to_be_found(self) -> bool:
        """Whether what is newer waits until it is unpacked, or is known to be nowhere."""
        is_passed_over = self.has_caught_up or self.is_unreadable or self.vacancy is not None
        return self.fd is None and (self.is_packed or self.is_missing) and not is_passed_over

    @property
    def is_blank(self) -> bool:
        """Whether nothing was in its file when it was found and nothing was handed on: no bytes tell it from others."""
        return not (self.committed or self.head_length or self.is_unreadable or self.is_packed)

    @property
    def last_inode(self) -> tuple[int, int]:
        """The inode of its file, or the one that it had before another file was seen to have that number."""
        return self.former_inode or self.inode

    @property
    def is_unproven(self) -> bool:
        """Whether bytes were handed on for which no proof has been given yet, or the last one holds no more."""
        return (self.proof_offset != self.committed or self.has_new_head) and self.lead is not None

    @property
    def is_young(self) -> bool:
        """Whether other lives of its log may begin with all that was proven, as programs do that greet.

        All that is handed on of it is proven at once: who comes back after a crash could not tell it from those.
        """
        return self.proof_offset - self.base < _YOUNG_BYTES

    @property
    def is_known_to_its_end(self) -> bool:
        """Whether the last bytes that were handed on are known, and not only some before them."""
        return self.lead is not None or self.proof_offset == self.committed

    @property
    def is_unfinished(self) -> bool:
        """Whether bytes are there that end no line yet."""
        return self.size is not None and self.size > self.committed

    def waits_for(self, older: Place) -> bool:
        """Whether it is remembered from before a restart, and was not begun then."""
        if self.is_packed or self.lead is not None or self.known().has_begun:
            return False
        return self.written_ns is not None and older.written_ns is not None and older.written_ns < self.written_ns

    def head_still(self, length: int) -> bytes | None:
        """The file's first bytes; None if it is not open, or has been truncated since what was handed on was read."""
        if self.fd is None:
            return None
        head = os.pread(self.fd, length, 0)
        # Looked at after the head: what is there still was there then.
        return head if self._has_lead(self.fd) and len(head) == length else None

    def note_edit(self) -> None:
        """Note if its first bytes are others now and those behind them are not: its file is known by those from now on.

        Not of one that has lost its name: who shreds it writes over its beginning first. Raises OSError.
        """
        if self.fd is None or self.lead is None or not self.has_known_head or self.is_displaced or self.is_copy:
            return
        head = os.pread(self.fd, self.head_length, 0)
        if zlib.crc32(head) == self.head_crc:
            return
        before = self.recent if len(self.recent) > len(self.lead) else self.lead
        at = self.committed - len(before)
        # Looked at after the head: what is there still was there then.
        if is_as_before(before, os.pread(self.fd, len(before), at), at):
            self.head_crc, self.has_new_head = zlib.crc32(head), True

    def _has_lead(self, fd: int) -> bool:
        """Whether the bytes before the place are what they were in an open file, as far as they are known."""
        lead = self.lead or b""
        return os.pread(fd, len(lead), self.committed - len(lead)) == lead

    def is_untouched(self, size: int, mtime_ns: int) -> bool:
        """Whether a file with this size and time holds nothing that has not been looked at."""
        return size == self.size and mtime_ns == self.mtime_ns

    def birth(self) -> Birth:
        """What announces this generation."""
        return Birth(
            self.key, self.spec.name, self.file, self.path, *self.inode, self.igen, self.base,
            self.head_length, self.head_crc, self.encoding, self.written_ns,
        )  # fmt: skip

    def known(self) -> Known:
        """What another reader needs to go on from here."""
        return Known(
            self.key, self.spec.name, self.file, self.path, *self.inode, self.igen, self.base, self.committed,
            self.proof_offset, self.proof_crc, self.head_length, self.head_crc, sealed=False, seen_time=self.seen_time,
            written_ns=self.written_ns, encoding=self.encoding,
        )  # fmt: skip

    @property
    def remembered(self) -> Remembered:
        """What identity compares facts with."""
        return Remembered(*self.inode, self.igen, self.committed, self.size, self.mtime_ns)

    def lose_file(self, since: float) -> None:
        """Note that its file has been another life's since then; only a copy of it can be found."""
        self.gone_reason, self.inode, self.grown_at = GapReason.TRUNCATED, NO_INODE, since
        self.is_missing, self.is_displaced, self.has_caught_up, self.is_drained = True, True, False, False

    def is_settled(self, seen: os.stat_result) -> bool:
        """Whether there is nothing to read, and nothing to say, of its file as stat has just `seen` it."""
        return self.is_drained and self.is_untouched(seen.st_size, seen.st_mtime_ns) and not self.is_unproven

    def forget_unread(self, size: int) -> None:
        """Note that its file has `size` bytes, which may be others than those that were seen there before."""
        self.size, self.unread = min(self.size or 0, size), b""

    def note_head(self, head: bytes) -> None:
        """Note the first bytes of its file, of which nothing was handed on: a copy is known by them."""
        self.head_length, self.head_crc, self.unread = len(head), zlib.crc32(head), first_written(head)

    def note_emptied(self, before: Known) -> None:
        """Note that the life `before` was in its file, and that was truncated: perhaps often, and copied each time."""
        if before.last_ns is not None:
            self.emptied, self.size, self.written_ns = before, 0, before.last_ns

    def may_be_copied_away(self, seen: os.stat_result) -> bool:
        """Whether its file may have been written, copied and truncated since it was looked at, as stat has `seen` it.

        Not where anything had been handed on: then the bytes tell.
        """
        if self.committed or self.size is None:
            return False
        return (seen.st_size, seen.st_mtime_ns) != (self.size, self.written_ns)

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

    def __repr__(self) -> str:
        """For tests and logs."""
        return f"<Reader {self.key} {self.path!r} read={self.committed} size={self.size} open={self.fd is not None}>"


def first_written(head: bytes) -> bytes:
    """What of a file's first bytes stays as it is: who writes through a memory map has NULs where more is to come."""
    return head.partition(b"\0")[0]
