"""Compressed generations, unpacked into files without a name, where they can be read at any offset.

Owns which files beside a generation's path may be its compressed copy, and the check that one is: by its head and by
the bytes before the last proven offset. Unpacks what was recorded and not a byte more, so that no file can unpack to
more than was once there. Blocking: callers use a thread.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zlib
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Final, cast

from logstream.errors import LogstreamError
from logstream.journal.ids import anchor_of
from logstream.tail.batch import ANCHOR_BYTES
from logstream.tail.rotation import base_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logstream.journal.ledger import Life

_CHUNK_BYTES: Final = 1 << 20
_MAGIC: Final[tuple[tuple[bytes, Callable[[IO[bytes]], IO[bytes]]], ...]] = (
    (b"\x1f\x8b", lambda file: cast("IO[bytes]", gzip.GzipFile(fileobj=file))),
    (b"BZh", lambda file: cast("IO[bytes]", bz2.BZ2File(file))),
    (b"\xfd7zXZ\x00", lambda file: cast("IO[bytes]", lzma.LZMAFile(file))),  # noqa: SIM115 - as the others
)
_DAMAGED: Final = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


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


def unpack(life: Life, candidates: Sequence[Path], directory: Path) -> int | None:
    """A descriptor on the generation's bytes, unpacked into `directory`; None if no candidate is a copy of it.

    Raises NoRoomError.
    """
    if not life.proof_offset and life.committed > life.head_length:
        # A name alone proves nothing: other lives of the file have had it, too, and perhaps the same first lines.
        return None
    for path in candidates:
        try:
            with path.open("rb") as file:
                packed = _unpacking(file)
                if packed is None or not _has_head(packed, life):
                    continue
                packed.seek(0)
                descriptor = _copy(packed, life, directory)
        except _DAMAGED:
            continue  # still being written, damaged, or gone meanwhile
        if descriptor is not None:
            return descriptor
    return None


def candidates_for(life: Life) -> list[Path]:
    """Files beside the generation's last path whose names say that they are compressed older lives of it."""
    here = Path(life.path)
    names = {here.name, Path(life.generation.file).name}
    try:
        entries = sorted(os.listdir(here.parent))  # noqa: PTH208 - names alone are needed, of thousands of files
    except OSError:
        return []
    return [
        here.parent / name
        for name in entries
        if any(base in names and rotated.is_compressed for base, rotated in base_names(name))
    ]


def _unpacking(file: IO[bytes]) -> IO[bytes] | None:
    head = file.read(8)
    file.seek(0)
    return next((opened(file) for magic, opened in _MAGIC if head.startswith(magic)), None)


def _has_head(packed: IO[bytes], life: Life) -> bool:
    if not life.head_length:
        return True
    head = packed.read(life.head_length)
    return len(head) == life.head_length and zlib.crc32(head) == life.head_crc


def _copy(packed: IO[bytes], life: Life, directory: Path) -> int | None:
    """A descriptor on the first `committed` bytes, if the proof holds in them."""
    try:
        spooled = TemporaryFile(dir=directory, prefix="unpacked-", buffering=0)  # noqa: SIM115 - closed just below
    except OSError as cause:
        raise NoRoomError(directory, cause) from cause
    with spooled:
        left = life.committed
        while left and (chunk := packed.read(min(left, _CHUNK_BYTES))):
            _write(spooled, chunk, directory)
            left -= len(chunk)
        if left or not _is_proven(spooled.fileno(), life):
            return None
        return os.dup(spooled.fileno())


def _write(spooled: IO[bytes], chunk: bytes, directory: Path) -> None:
    try:
        while chunk:
            chunk = chunk[spooled.write(chunk) :]
    except OSError as cause:
        raise NoRoomError(directory, cause) from cause


def _is_proven(descriptor: int, life: Life) -> bool:
    if not life.proof_offset:
        return True
    length = min(ANCHOR_BYTES, life.proof_offset)
    return anchor_of(os.pread(descriptor, length, life.proof_offset - length)) == life.proof_crc
