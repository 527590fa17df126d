"""Files on disk and the batches that a tail would make of them: what journal and hub are fed in tests."""

from __future__ import annotations

import asyncio
import os
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from logstream.journal import entries as entries_module
from logstream.journal.codec import decode_row
from logstream.tail.batch import Batch, Birth, Change, Hole, Proof, Range, Sealed, new_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from logstream.journal.codec import Entry
    from logstream.records import GapReason


@dataclass
class StoryFile:
    """A real file, and how much of it has been told."""

    path: Path
    source: str
    key: str = field(default_factory=new_key)
    encoding: str = "utf-8"
    told: int = 0
    is_born: bool = False

    def changes(self, *lines: bytes, coarse: bool = False) -> list[Change]:
        """Append `lines` to the file and say so."""
        content = b"".join(lines)
        with self.path.open("ab") as file:
            file.write(content)
        before = self.path.read_bytes()[: self.told]
        facts = self.path.stat()
        made: list[Change] = []
        if not self.is_born:
            name = str(self.path)
            made.append(Birth(self.key, self.source, name, name, facts.st_dev, facts.st_ino, None, 0, 0, 0, "utf-8"))
            self.is_born = True
        end = self.told + len(content)
        lengths = tuple(map(len, lines))
        told_lines = len(lines) if coarse else lengths
        made.append(Range(self.key, self.told, end, told_lines, content, before[-64:], self.encoding))
        self.told = end
        return made

    def proof(self) -> Proof:
        """The proof at the place reached."""
        told = self.path.read_bytes()[: self.told]
        head = told[:256]
        written_ns = self.path.stat().st_mtime_ns
        return Proof(self.key, self.told, zlib.crc32(told[-64:]), len(head), zlib.crc32(head), written_ns)

    def sealed(self, reason: GapReason | None) -> Sealed:
        """The file's end."""
        return Sealed(self.key, reason, self.told)

    def hole(self, length: int | None, reason: GapReason) -> Hole:
        """Bytes lost unread after the place reached."""
        return Hole(self.key, self.told, None if length is None else self.told + length, reason)


def batch(*changes: list[Change] | Change, time: float = 1_800_000_000.0) -> Batch:
    """One batch of all `changes` in order."""
    flat: list[Change] = []
    for change in changes:
        flat.extend(change if isinstance(change, list) else [change])
    return Batch(tuple(flat), time)


def directory_bytes(path: Path) -> int:
    """Bytes of all files in a directory."""
    return sum(entry.stat().st_size for entry in os.scandir(path))


class Decoding:
    """How many entries of the journal are decoded in each turn of the event loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.turns = [0]
        monkeypatch.setattr(entries_module, "decode_row", self._decode)

    def _decode(self, start: int, time_ms: int, blob: bytes) -> Iterator[Entry]:
        for entry in decode_row(start, time_ms, blob):
            self.turns[-1] += 1
            yield entry

    async def run(self) -> None:
        """Count turns until cancelled."""
        while True:
            await asyncio.sleep(0)
            self.turns.append(0)
