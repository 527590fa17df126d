"""Large log files for searches: made once a run of the benchmarks, and linked into each run's directory.

A file is a block of 100,000 lines of an application's log over and over (`usual`, one line in ten a warning or an
error), in which one line in 10,000 holds the rare word and a number of its own. The last line is such a line, too, and
carries the mark. Reading the file once brings it into the page cache, so nobody is measured by the disk.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.workload import usual

if TYPE_CHECKING:
    from pathlib import Path

RARE_WORD: Final = "deadlock"
RARE_EVERY: Final = 10_000
MARK: Final = b"deadlock 0000000,"
_BLOCK_LINES: Final = 100_000
_BLOCK_BYTES: Final = 10_800_000
_COMMON: Final = re.compile("ERROR|WARN")


class Archive(NamedTuple):
    """A file, and how many blocks it has."""

    path: Path
    blocks: int

    @property
    def size_bytes(self) -> int:
        """What it takes on disk."""
        return self.path.stat().st_size

    def rare(self) -> list[str]:
        """The lines with the rare word, in order."""
        return [line for block in range(self.blocks) for line in _rare_lines(block)] + [_rare_line(0)]

    def common(self) -> list[str]:
        """The lines with ERROR or WARN, in order."""
        pieces = _pieces()
        found = [[line for line in piece if _COMMON.search(line)] for piece in pieces]
        lines: list[str] = []
        for block in range(self.blocks):
            for piece, rare in zip(found, _rare_lines(block), strict=True):
                lines += piece
                lines.append(rare)
        return [*lines, _rare_line(0)]

    def link(self, path: Path) -> None:
        """Give the file another name; a copy where links do not reach."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(self.path, path)
        except OSError:
            shutil.copyfile(self.path, path)


def write_archive(path: Path, size_mb: int) -> Archive:
    """A file of some `size_mb`, or of a third of the free space if that is less."""
    room_mb = shutil.disk_usage(path.parent).free // 3_000_000
    blocks = max(1, round(min(size_mb, room_mb) * 1_000_000 / _BLOCK_BYTES))
    contents = ["".join([f"{line}\n" for line in piece]).encode() for piece in _pieces()]
    with path.open("wb") as file:
        for block in range(blocks):
            for content, rare in zip(contents, _rare_lines(block), strict=True):
                file.write(content)
                file.write(f"{rare}\n".encode())
        file.write(f"{_rare_line(0)}\n".encode())
    return Archive(path, blocks)


def _pieces() -> list[list[str]]:
    lines = usual(_BLOCK_LINES).lines[:-1]
    return [lines[start : start + RARE_EVERY - 1] for start in range(0, _BLOCK_LINES, RARE_EVERY)]


def _rare_lines(block: int) -> list[str]:
    count = _BLOCK_LINES // RARE_EVERY
    return [_rare_line(1 + block * count + number) for number in range(count)]


def _rare_line(number: int) -> str:
    """One of the rare lines; number 0 is the last of a file."""
    return f"2026-03-14T10:00:00.000+01:00 WARN  [worker-1] shop.orders: {RARE_WORD} {number:07}, given up"
