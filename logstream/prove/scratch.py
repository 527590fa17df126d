"""A scratch file: numbered lines are written into it, and it is rotated as people's tools do it.

Owns the file, what has been written into each of its lives, and the ways of rotating. Whoever calls holds the lock, so
that nothing is written meanwhile. Refuses to know who reads it, and when what is done to it.
"""

from __future__ import annotations

import gzip
import os
import shutil
import threading
import time
from array import array
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from logstream.errors import UsageError
from logstream.prove.account import Life
from logstream.prove.lines import Line, text_of

if TYPE_CHECKING:
    from pathlib import Path

_KEPT: Final = 12
"""So many older lives stay beside a file; what is older was read long ago."""


class ScratchError(UsageError):
    """Nothing can be written at `path`; `cause` says why."""

    def __init__(self, path: Path, cause: OSError) -> None:
        """Remember where, and why."""
        super().__init__(path, cause)
        self.path = path
        self.cause = cause

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.path}: {self.cause.strerror or self.cause}; name a directory to write in with --dir"


class _Pages:
    """What one life holds so far."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ends = array("q")
        self.times = array("d")
        self.late_from: int | None = None


class ScratchFile:
    """One file, open for appending as a program holds its log."""

    def __init__(self, path: Path) -> None:
        """Create it, empty; raises ScratchError."""
        self.path: Final = path
        self.lock: Final = threading.RLock()
        self.rotations = 0
        self._lives: list[_Pages] = []
        self._half = b""
        self._late: tuple[int, _Pages] | None = None
        self._descriptor = -1
        self._begin()

    @property
    def name(self) -> str:
        """The name that lines, records and gaps go by."""
        return self.path.name

    @property
    def current_life(self) -> int:
        """The number of the life that is written now."""
        return self._lives[-1].number

    @property
    def written(self) -> int:
        """How many lines there are, of all lives."""
        return sum(len(pages.ends) for pages in list(self._lives))

    def lives(self) -> list[Life]:
        """All that was written, frozen."""
        with self.lock:
            return [
                Life(
                    self.name,
                    pages.number,
                    tuple(pages.ends),
                    tuple(pages.times),
                    len(pages.ends) if pages.late_from is None else pages.late_from,
                )
                for pages in self._lives
            ]

    def write(self, count: int, *, leaves_half: bool = False) -> None:
        """Write `count` lines, of the last perhaps a half: the rest comes with the next. Raises ScratchError."""
        pages = self._lives[-1]
        for index in range(count):
            self.finish_line()
            line = text_of(Line(self.name, pages.number, len(pages.ends))).encode() + b"\n"
            if leaves_half and index == count - 1:
                self._append(self._descriptor, line[: len(line) // 2])
                self._half = line[len(line) // 2 :]
            else:
                self._append_line(self._descriptor, pages, line, len(line))

    def write_late(self, count: int) -> int:
        """Write into the life before, as a program does that has not reopened its log yet; how many lines it took."""
        if self._late is None:
            return 0
        descriptor, pages = self._late
        for _ in range(count):
            line = text_of(Line(self.name, pages.number, len(pages.ends))).encode() + b"\n"
            self._append_line(descriptor, pages, line, len(line))
        return count

    def finish_line(self) -> None:
        """Write the rest of a line of which only a part was written."""
        if self._half:
            rest, self._half = self._half, b""
            pages = self._lives[-1]
            line = text_of(Line(self.name, pages.number, len(pages.ends))).encode() + b"\n"
            self._append_line(self._descriptor, pages, rest, len(line))

    def rename(self, *, keeps_old_open: bool = False) -> None:
        """Shift the older ones, rename this one, create it anew."""
        self._shift()
        self.path.rename(self._older(1))
        if keeps_old_open:
            self.end_late()
            self.finish_line()
            self._lives[-1].late_from = len(self._lives[-1].ends)
            self._late = self._descriptor, self._lives[-1]
            self._descriptor = -1
            self.rotations += 1
        self._begin()

    def rename_several_times(self, times: int) -> None:
        """The same several times, with a few lines in each life."""
        for time_number in range(times):
            self.rename()
            self.write(3 + time_number)

    def copy_and_truncate(self) -> None:
        """Copy it and cut it to nothing; the program that writes notices nothing."""
        self.finish_line()
        self._shift()
        shutil.copyfile(self.path, self._older(1))
        os.truncate(self.path, 0)
        self._lives.append(_Pages(len(self._lives)))
        self.rotations += 1

    def compress(self) -> None:
        """Rename it, create it anew, compress the renamed one and remove that, as gzip does."""
        self.rename()
        packed = self._older(1, ".gz")
        with self._older(1).open("rb") as plain, gzip.open(packed, "wb") as file:
            shutil.copyfileobj(plain, file)
        shutil.copystat(self._older(1), packed)
        self._older(1).unlink()

    def delete(self) -> None:
        """Delete it, and create it anew."""
        self.finish_line()
        self.path.unlink()
        self._begin()

    def end_late(self) -> None:
        """Write no more into the life before."""
        if self._late is not None:
            os.close(self._late[0])
            self._late = None

    def close(self) -> None:
        """Finish the last line and let go of the file."""
        with self.lock:
            self.finish_line()
            self.end_late()
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def remove(self) -> None:
        """Remove it and its older lives."""
        with suppress(OSError):
            os.close(self._descriptor)
        for path in self.path.parent.glob(f"{self.path.name}*"):
            path.unlink(missing_ok=True)

    def _begin(self) -> None:
        if self._descriptor >= 0:
            self.finish_line()
            os.close(self._descriptor)
            self.rotations += 1
        try:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        except OSError as cause:
            raise ScratchError(self.path, cause) from cause
        self._lives.append(_Pages(len(self._lives)))

    def _append_line(self, descriptor: int, pages: _Pages, content: bytes, line_bytes: int) -> None:
        now = time.monotonic()
        self._append(descriptor, content)
        pages.times.append(now)
        pages.ends.append((pages.ends[-1] if pages.ends else 0) + line_bytes)

    def _append(self, descriptor: int, content: bytes) -> None:
        try:
            while content:
                content = content[os.write(descriptor, content) :]
        except OSError as cause:
            raise ScratchError(self.path, cause) from cause

    def _shift(self) -> None:
        """Count the older lives up, as logrotate does; one too many goes."""
        for number in range(_KEPT, 0, -1):
            for ending in ("", ".gz"):
                older = self._older(number, ending)
                if older.exists():
                    if number == _KEPT:
                        older.unlink()
                    else:
                        older.rename(self._older(number + 1, ending))

    def _older(self, number: int, ending: str = "") -> Path:
        return self.path.with_name(f"{self.path.name}.{number}{ending}")
