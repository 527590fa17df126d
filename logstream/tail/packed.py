"""Compressed copies of generations: which files may be one, the check that one is, and unpacking it.

A copy is unpacked into a file without a name, where it can be read at any offset. Owns what is trusted: a name is only
a question, the answer comes from the unpacked bytes, by the generation's head and the bytes before its last proven
offset. To unpack is blocking: callers use a thread for that.
"""

from __future__ import annotations

import os
import time
import zlib
from importlib import import_module
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from logstream.errors import LogstreamError
from logstream.tail.likeness import CHECKED_BYTES, crc_of
from logstream.tail.listing import names_in
from logstream.tail.opening import EXHAUSTED
from logstream.tail.rotation import base_names, beginnings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from io import BufferedIOBase
    from pathlib import Path

    from logstream.tail.likeness import Likeness

MOST_BYTES: Final = 64 << 30
"""What unpacks to more than this is given up: no log is so large, but a file that was made to fill a disk is."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_LEAST_GZIP_BYTES: Final = 18
"""Its header of ten bytes, and its trailer of eight."""
_MAGIC: Final = ((_GZIP_MAGIC, "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "lzma"))
"""How compressed files begin, and the modules that read them: a Python may have been built without the last two."""
_STEP_BYTES: Final = 64 * 1024
"""Little at a time: what a damaged file holds before the damage is told."""
FRESH_SECONDS: Final = 5.0
"""A file that ends too early and was written to since then may still be in the making."""
try:
    from lzma import LZMAError
except ImportError:
    LZMAError = ValueError  # type: ignore[assignment,misc]
_DAMAGED: Final = (OSError, EOFError, zlib.error, LZMAError, ValueError)


class NoRoomError(LogstreamError):
    """Unpacked bytes cannot be written into `directory`; `cause` says why."""

    def __init__(self, directory: Path, cause: OSError) -> None:
        """Remember where, and why."""
        super().__init__(directory, cause)
        self.directory = directory
        self.cause = cause

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.directory}: nothing can be unpacked there: {self.cause}"


class StillWrittenError(LogstreamError):
    """A compressed file ends too early, and was written to just now."""


class Unpacked(NamedTuple):
    """A descriptor on unpacked bytes; if they are not the whole, the compressed file is damaged behind them.

    `starts` is where members begin in them, of an archive that may get one with each rotation.
    """

    descriptor: int
    is_whole: bool
    starts: tuple[int, ...] = (0,)


class CancelledUnpackingError(LogstreamError):
    """Whoever wanted the bytes does not want them any more."""


def says_it_is(descriptor: int, original: int) -> bool:
    """Whether a gzip file is a copy of the file `original`, by the length and the crc32 that it ends with (RFC 1952).

    It costs no unpacking. The crc32 is compared up to `CHECKED_BYTES`; beyond that the length has to do. A copy of
    several members does not say so, and is not recognised here.
    """
    size = os.fstat(original).st_size
    crc = _crc_said_by(descriptor, size)
    return crc is not None and (size > CHECKED_BYTES or crc == crc_of(original, size))


def says_it_is_of(descriptor: int, likeness: Likeness) -> bool:
    """Whether a gzip file is a copy of a generation, all of which was handed on, by its head and its length alone."""
    if not likeness.is_certain or _crc_said_by(descriptor, likeness.least_bytes) is None:
        return False
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            packed = _unpacking(file)
            return packed is not None and _has_head(packed, likeness)
    except _DAMAGED:
        return False


def begins_as(descriptor: int, likenesses: Iterable[Likeness]) -> bool:
    """Whether a compressed file begins as one of these generations, as far as their first bytes are known."""
    known = [one for one in likenesses if one.head_length]
    try:
        with os.fdopen(os.dup(descriptor), "rb") as file:
            packed = _unpacking(file) if known else None
            head = b"" if packed is None else packed.read(max(one.head_length for one in known))
    except _DAMAGED:
        return False
    return any(one.head_length <= len(head) and zlib.crc32(head[: one.head_length]) == one.head_crc for one in known)


def _crc_said_by(descriptor: int, size: int) -> int | None:
    """The crc32 that a gzip file ends with, if it also says that it holds `size` bytes."""
    length = os.fstat(descriptor).st_size
    if length < _LEAST_GZIP_BYTES or os.pread(descriptor, 2, 0) != _GZIP_MAGIC:
        return None
    trailer = os.pread(descriptor, 8, length - 8)
    is_so_long = int.from_bytes(trailer[4:], "little") == size & 0xFFFFFFFF
    return int.from_bytes(trailer[:4], "little") if is_so_long else None


def copies_beside(directory: Path, names: Iterable[str]) -> list[Path]:
    """Files in `directory` whose names say that they are older lives of a file called one of `names`, or copies.

    Raises OSError where no descriptor is left to look: that is no sign that there are none.
    """
    wanted = frozenset(names)
    alike = names_in(os.fspath(directory), (beginning for name in wanted for beginning in beginnings_of(name)))
    return [directory / name for name in alike if any(base in wanted for base, _ in base_names(name))]


def unpack(
    likeness: Likeness,
    copies: Sequence[Path],
    directory: Path,
    *,
    most_bytes: int = MOST_BYTES,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Unpacked | None:
    """The first `most_bytes` of the generation, unpacked into `directory`; None if no file is a copy.

    Raises NoRoomError, StillWrittenError, CancelledUnpackingError.
    """
    if not likeness.is_certain:
        return None
    for path in copies:
        try:
            with path.open("rb") as file:
                unpacked = unpack_file(likeness, file, directory, most_bytes=most_bytes, is_cancelled=is_cancelled)
        except OSError as error:
            if error.errno in EXHAUSTED:
                raise NoRoomError(directory, error) from error
            continue  # gone meanwhile
        if unpacked is not None:
            return unpacked
    return None


def unpack_file(
    likeness: Likeness,
    file: IO[bytes],
    directory: Path,
    *,
    most_bytes: int = MOST_BYTES,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Unpacked | None:
    """The same for one open file; None also if it is damaged before anything can be recognised."""
    try:
        packed = _unpacking(file)
        if packed is None or not _has_head(packed, likeness):
            return None
        # Begun anew, not gone back in: how much comes before a damage depends on the steps, which must be the same.
        packed = _unpacking(file)
        return None if packed is None else _spool(packed, file, likeness, directory, most_bytes, is_cancelled)
    except EOFError:
        if is_fresh(file):
            raise StillWrittenError from None
        return None
    except _DAMAGED:
        return None


def is_fresh(file: IO[bytes]) -> bool:
    """Whether a file was written to a moment ago."""
    return time.time() - os.fstat(file.fileno()).st_mtime < FRESH_SECONDS


def _unpacking(file: IO[bytes]) -> BufferedIOBase | None:
    file.seek(0)
    head = file.read(8)
    file.seek(0)
    name = next((name for magic, name in _MAGIC if head.startswith(magic)), None)
    if name is None:
        return None
    try:
        module = import_module(name)
    except ImportError:
        return None
    opened: BufferedIOBase = module.open(file)
    return opened


def _has_head(packed: BufferedIOBase, likeness: Likeness) -> bool:
    head = packed.read(likeness.head_length)
    return len(head) == likeness.head_length and zlib.crc32(head) == likeness.head_crc


def _spool(  # noqa: PLR0913, PLR0917 - what is read, where to, and when to stop
    packed: BufferedIOBase,
    file: IO[bytes],
    likeness: Likeness,
    directory: Path,
    most_bytes: int,
    is_cancelled: Callable[[], bool],
) -> Unpacked | None:
    try:
        spooled = TemporaryFile(dir=directory, prefix="unpacked-", buffering=0)  # noqa: SIM115 - closed just below
    except OSError as cause:
        raise NoRoomError(directory, cause) from cause
    with spooled:
        left, is_whole = most_bytes, True
        try:
            while left and (chunk := packed.read1(min(left, _STEP_BYTES))):
                if is_cancelled():
                    raise CancelledUnpackingError
                _write(spooled, chunk, directory)
                left -= len(chunk)
        except EOFError:
            if is_fresh(file):
                raise  # perhaps the rest is still being written
            is_whole = False
        except _DAMAGED:
            is_whole = False
        unpacked_bytes = most_bytes - left
        if unpacked_bytes < max(likeness.least_bytes, not is_whole) or not likeness.is_proven_by(spooled.fileno()):
            return None
        try:
            return Unpacked(os.dup(spooled.fileno()), is_whole)
        except OSError as cause:
            raise NoRoomError(directory, cause) from cause


def _write(spooled: IO[bytes], chunk: bytes, directory: Path) -> None:
    try:
        while chunk:
            chunk = chunk[spooled.write(chunk) :]
    except OSError as cause:
        raise NoRoomError(directory, cause) from cause
