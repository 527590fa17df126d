"""Opening files so that nothing blocks, and keeping the number of open ones within a budget.

Owns the flags, the questions asked of a fresh descriptor, and which reader loses its own when there are too many.
Whether a file is still the generation that it was is for `identity`.
"""

# ruff: noqa: PTH116 - the same name is asked hundreds of times a second: a Path object costs more than the stat

from __future__ import annotations

import codecs
import errno
import os
import re
import stat
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple, Protocol

from logstream.tail.discovery import is_absence, obstacle_of, reason_of
from logstream.tail.framing import WIDE, encoding_of, framing_of
from logstream.tail.identity import Facts
from logstream.tail.reuse import inode_generation
from logstream.tail.rotation import is_compressed_name
from logstream.tail.slices import SLICE_FILES, at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Opener = Callable[[str, int], int]

OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
"""With O_NONBLOCK the open of a FIFO returns at once, open(2)."""
_COMPRESSED_MAGIC = (b"\x1f\x8b", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"PK\x03\x04")
"""How gzip, xz, zstd, lz4 and zip files begin."""
_BZIP2_MAGIC = re.compile(rb"BZh[1-9]1AY&SY")
_MAGIC_BYTES = 10
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has, but for the ESC of colours."""
_HEAD_BYTES = 256
_NOISE_BYTES = 1024
_LEAST_NOISE_BYTES = 64
_FIRST_HIGH = 0x80
"""Of noise half the bytes are from here on, and each ninth is one of `_CONTROLS`; of no text both are so many."""
_LEAST_HOLE_BYTES = 4
"""So many NULs at a file's start are no text in any encoding: UTF-32 has three before a letter."""
_HOLE_STEP_BYTES = 1 << 20
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE})
"""What open(2) says where no descriptor is left."""
_ARCHIVES_SHARE = 4


class Opened(NamedTuple):
    """A regular file, open. `is_compressed` goes by its first bytes, by its name only as long as it has none.

    `encoding` is that of the life before in this file, where one is known.
    """

    path: str
    fd: int
    facts: Facts
    is_compressed: bool
    encoding: str = "utf-8"


class Refused(NamedTuple):
    """Why a file could not be opened.

    `is_absent` if there is none, `is_untailable` if it is no regular file, `is_exhausted` if no descriptor is left.
    """

    reason: str
    is_absent: bool = False
    is_untailable: bool = False
    is_exhausted: bool = False


class Holder(Protocol):
    """Who holds a descriptor that may be taken from it for a while."""

    @property
    def is_spare(self) -> bool:
        """Whether its file could be opened again by name and nothing is unread."""

    @property
    def is_expendable(self) -> bool:
        """Whether nothing is unread, but what is written to its file later may be missed once it is closed."""

    def close(self) -> None:
        """Give the descriptor up."""


class OpenFiles:
    """The descriptors in use, the least recently active first."""

    def __init__(self, limit: int, opener: Opener = os.open) -> None:
        """Keep about `limit` files open; `opener` is `os.open` or stands in for it."""
        self.limit = limit
        self._opener = opener
        self._holders: OrderedDict[Holder, None] = OrderedDict()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._holders)

    @property
    def archives_limit(self) -> int:
        """How many compressed files may be held open beside those, until their turn comes."""
        return self.limit // _ARCHIVES_SHARE

    def open(self, path: str) -> Opened | Refused:
        """Open `path` for reading, without ever waiting."""
        try:
            # An open alone disturbs some things that are no files: a FIFO's writer starts to write to nobody.
            obstacle = obstacle_of(os.stat(path).st_mode)
            if obstacle is not None:
                return Refused(obstacle, is_untailable=True)
            fd = self._open(path)
        except OSError as error:
            return Refused(reason_of(error), is_absent=is_absence(error), is_exhausted=error.errno in EXHAUSTED)
        try:
            facts = facts_of(fd)
            head = os.pread(fd, _MAGIC_BYTES, 0) if facts.is_regular else b""
        except OSError as error:
            os.close(fd)
            return Refused(reason_of(error))
        if not facts.is_regular:
            os.close(fd)
            return Refused("is no regular file", is_untailable=True)
        return Opened(path, fd, facts, _is_compressed(head) if head else is_compressed_name(path))

    def need(self, path: str) -> Opened | Refused:
        """The same, where no answer is better than that there is no descriptor: raises OSError then."""
        opened = self.open(path)
        if isinstance(opened, Refused) and opened.is_exhausted:
            raise OSError(errno.EMFILE, opened.reason)
        return opened

    def descriptor_at(self, path: str) -> int | None:
        """A descriptor on the regular file at `path`, the caller's; None if there is none. Raises OSError as `need`."""
        opened = self.need(path)
        return opened.fd if isinstance(opened, Opened) else None

    def facts_at(self, path: str) -> Facts | None:
        """What the file at `path` is; None if it cannot be opened."""
        opened = self.open(path)
        if isinstance(opened, Refused):
            return None
        os.close(opened.fd)
        return opened.facts

    def admit(self, holder: Holder) -> None:
        """Count `holder`, which has just opened its file or has been active; close others if there are too many."""
        self._holders[holder] = None
        self._holders.move_to_end(holder)
        while len(self._holders) > self.limit and self._spare_one(holder):
            pass

    def make_room(self, waiting: Holder | None = None) -> None:
        """Close one file, if there is one that is not needed, for what is no file of a log: a directory.

        Rather the one of `waiting`, which can be opened again by its name and waits for one that needs a descriptor.
        """
        if waiting is not None and waiting in self._holders:
            self.release(waiting)
        else:
            self._spare_one(None)

    def release(self, holder: Holder) -> None:
        """Close what `holder` has open."""
        self._holders.pop(holder, None)
        holder.close()

    def close(self) -> None:
        """Close everything."""
        at_once(self.closing())

    def closing(self) -> Generator[None, None, None]:
        """The same, with many pauses."""
        while self._holders:
            self._holders.popitem()[0].close()
            if len(self._holders) % SLICE_FILES == 0:
                yield

    def _open(self, path: str) -> int:
        try:
            return self._opener(path, OPEN_FLAGS)
        except OSError as error:
            if error.errno not in EXHAUSTED or not self._spare_one(None):
                raise
            self.limit = max(1, len(self._holders))
            return self._opener(path, OPEN_FLAGS)

    def _spare_one(self, but: Holder | None) -> bool:
        """Close a file that costs nothing, else one that is watched for late lines: others need the descriptor more."""
        others = [holder for holder in self._holders if holder is not but]
        spare = next((holder for holder in others if holder.is_spare), None)
        chosen = spare or next((holder for holder in others if holder.is_expendable), None)
        if chosen is not None:
            self.release(chosen)
        return chosen is not None


def facts_of(fd: int) -> Facts:
    """What identity needs to know of an open file; raises OSError."""
    seen = os.fstat(fd)
    is_regular = stat.S_ISREG(seen.st_mode)
    igen = inode_generation(fd) if is_regular else None
    return Facts(seen.st_dev, seen.st_ino, igen, seen.st_size, seen.st_mtime_ns, is_regular)


def is_unlinked(fd: int) -> bool:
    """Whether an open file has no name any more; raises OSError."""
    return os.fstat(fd).st_nlink == 0


def is_garbled(fd: int, least_bytes: int, encoding: str) -> bool:
    """Whether a file that had `least_bytes` of text was written over in place with what is none; raises OSError."""
    head = os.pread(fd, _HEAD_BYTES, 0)
    if encoding in WIDE:
        # In UTF-16 each byte may be any; what is no UTF-16 has halves of pairs of surrogates.
        head = head.decode(encoding, "replace").replace("\ufffd", "\0").encode()
    return os.fstat(fd).st_size >= least_bytes and _CONTROLS.search(head) is not None


def is_noise(fd: int) -> bool:
    """Whether a file begins with what is no text in any encoding, as what is to be deleted is written over with.

    Raises OSError.
    """
    head = os.pread(fd, _NOISE_BYTES, 0)
    high = sum(byte >= _FIRST_HIGH for byte in head)
    if len(head) < _LEAST_NOISE_BYTES or high * 4 < len(head) or len(_CONTROLS.findall(head)) * 16 < len(head):
        return False
    return not any(_is_text(head, encoding) for encoding in ("utf-8", *WIDE))


def _is_text(head: bytes, encoding: str) -> bool:
    """Whether a file's first bytes are text in this encoding; the last character may be cut."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def first_byte_of(fd: int, unit_bytes: int) -> int:
    """Where a file's text begins: behind a hole that a writer left who went on at its old offset; else 0.

    Raises OSError. A hole is found by lseek(2) SEEK_DATA, which knows whole blocks; the rest of it reads as NULs, of
    which the last may be the first byte of a unit.
    """
    size = os.fstat(fd).st_size
    if size < _LEAST_HOLE_BYTES or os.pread(fd, _LEAST_HOLE_BYTES, 0).strip(b"\0"):
        return 0
    try:
        at = os.lseek(fd, 0, os.SEEK_DATA)
    except OSError:
        return 0  # all of it is a hole, so far
    while chunk := os.pread(fd, _HOLE_STEP_BYTES, at):
        text = chunk.lstrip(b"\0")
        at += len(chunk) - len(text)
        if text:
            return at - at % unit_bytes
    return 0


def text_start_of(fd: int, configured: str, before: str) -> int:
    """The same of a source that is `configured` so, where the life before in this file was in the encoding `before`."""
    return first_byte_of(fd, framing_of(encoding_of(b"", configured, before)).unit_bytes)


def place_of(fd: int) -> str | None:
    """The path under which an open file lives now, proc(5); None if it has been deleted or nobody can tell."""
    try:
        path = os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115 - wants the bytes as they are
        seen, own = os.stat(path), os.fstat(fd)
    except OSError:
        return None
    return path if (seen.st_dev, seen.st_ino) == (own.st_dev, own.st_ino) else None


def _is_compressed(head: bytes) -> bool:
    return head.startswith(_COMPRESSED_MAGIC) or _BZIP2_MAGIC.match(head) is not None
