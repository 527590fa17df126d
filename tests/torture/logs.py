"""One log on disk: written, rotated, copied, truncated, compressed and deleted as loggers and logrotate do it.

Each operation is done to the files and told to the story. Owns names, and which file holds the bytes of which life.
"""

from __future__ import annotations

import gzip
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.torture.model import Life, Story

LATE_SECONDS = 30.0
"""How long after a rotation late lines are written: after a minute the service takes a file for finished."""
_GZIP_BYTES = 20_000


@dataclass(eq=False, slots=True)
class Older:
    """A file that was rotated away. `number` is its rotation: 1 for the newest, or a date."""

    life: Life
    number: int
    is_copy: bool
    since: float
    is_packed: bool = False


class Log:
    """A log and its rotated files, newest first."""

    def __init__(self, story: Story, directory: Path, name: str, *, counts: bool, keep: int) -> None:
        """`counts`: names are `.1`, `.2`; else dates. `keep` rotated files stay."""
        self.story = story
        self.name = name
        self.path = directory / name
        self.live: Life | None = None
        self.older: list[Older] = []
        self.is_truncated = False
        """Whether it was truncated and, as far as anybody can tell, has not been looked at since."""
        self._counts = counts
        self._keep = keep
        self._date = 20_260_101

    def create(self) -> None:
        """Make an empty file, unless there is one."""
        if self.live is None:
            self.path.touch()
            self.live = self.story.begin(self.name)

    def write(self, texts: Sequence[str]) -> None:
        """Append whole lines in one write."""
        life = self._writable()
        _append(self.path, b"".join([self.story.add(life, text) for text in texts]))

    def begin_line(self, text: str) -> None:
        """Append a part of a line."""
        _append(self.path, self.story.add_partial(self._writable(), text))

    def write_late(self, older: Older, texts: Sequence[str]) -> None:
        """Append to a rotated file, whose writer has not noticed."""
        _append(self._path_of(older), b"".join([self.story.add(older.life, text) for text in texts]))

    def takes_late_lines(self, older: Older) -> bool:
        """Whether a writer may still have it open, and the service still reads it."""
        return not older.is_copy and not older.is_packed and time.monotonic() - older.since < LATE_SECONDS

    def rotate(self) -> None:
        """Rename."""
        if self.live is None:
            return
        older = self._make_room(self.live, is_copy=False)
        self.path.rename(self._path_of(older))
        self.live, self.is_truncated = None, False

    def copy_and_truncate(self, pause_seconds: float = 0.0) -> None:
        """Copy the file, with pauses as on a busy machine, and truncate it; nothing is written in between."""
        life = self._writable()
        self.story.end_partial(life)
        older = self._make_room(life, is_copy=True)
        life.passing_files += not self.story.is_down
        _copy(self.path, self._path_of(older), pause_seconds)
        os.truncate(self.path, 0)
        if not life.is_known:
            self.story.hide(life)
        self.live, self.is_truncated = self.story.begin(self.name), True

    def compress(self, older: Older) -> None:
        """As gzip does: the time stays, and the file goes once its archive is whole."""
        path = self._path_of(older)
        self.story.end_partial(older.life)
        facts = path.stat()
        packed = gzip.compress(path.read_bytes(), mtime=0)
        older.is_packed = True
        with self._path_of(older).open("wb", buffering=0) as file:
            for begin in range(0, len(packed), _GZIP_BYTES):
                file.write(packed[begin : begin + _GZIP_BYTES])
        os.utime(self._path_of(older), ns=(facts.st_atime_ns, facts.st_mtime_ns))
        path.unlink()

    def delete_older(self, older: Older) -> None:
        """Delete a rotated file."""
        self._path_of(older).unlink()
        self.older.remove(older)
        self._let_go(older.life, is_known_lost=older.life.is_known)

    def delete(self) -> None:
        """Delete the file itself."""
        if self.live is not None:
            self.path.unlink()
            self._let_go(self.live, is_known_lost=self.live.is_known)
            self.live, self.is_truncated = None, False

    def rewrite(self, texts: Sequence[str]) -> None:
        """Truncate and write anew, as `> file` does."""
        old = self._writable()
        # Of what came after its last look, and went before the next one, a service that is up knows nothing.
        self._let_go(old, is_known_lost=old.is_known and self.story.is_down)
        self.live, self.is_truncated = self.story.begin(self.name), True
        self.path.write_bytes(b"".join([self.story.add(self.live, text) for text in texts]))

    def replace(self, texts: Sequence[str]) -> None:
        """Write another file, and rename it over this one."""
        old = self.live
        if old is not None:
            self._let_go(old, is_known_lost=old.is_known)
        self.live, self.is_truncated = self.story.begin(self.name), False
        made = self.path.with_suffix(".tmp")
        made.write_bytes(b"".join([self.story.add(self.live, text) for text in texts]))
        made.rename(self.path)

    def replace_with_more(self, texts: Sequence[str]) -> None:
        """Put a file in its place that begins with all of it, as editors do."""
        made = self.path.with_suffix(".tmp")
        content = self.path.read_bytes() if self.live is not None else b""
        life = self._writable()
        made.write_bytes(content + b"".join([self.story.add(life, text) for text in texts]))
        made.rename(self.path)
        life.has_unseen_file = True
        life.passing_files += 1

    def cut_unseen(self, lines: int) -> None:
        """While the service is down: cut off some of the lines that were written since it went."""
        if self.live is None:
            return
        unseen = [line for line in self.live.lines if line.start >= self.live.size_at_stop]
        if unseen:
            size = unseen[-min(lines, len(unseen))].start
            self.story.cut_unseen(self.live, size)
            os.truncate(self.path, size)

    def end_partials(self) -> None:
        """Finish every line that can be."""
        if self.live is not None and self.live.partial:
            self.write([" end"])
        for older in self.older:
            if older.life.partial and not older.is_packed:
                self.write_late(older, [" end"])

    def surplus(self) -> list[Older]:
        """What the next rotation will delete."""
        return self.older[max(0, self._keep - 1) :]

    def _writable(self) -> Life:
        self.create()
        assert self.live is not None
        return self.live

    def _make_room(self, life: Life, *, is_copy: bool) -> Older:
        for older in self.surplus():
            self.delete_older(older)
        if self._counts:
            for older in reversed(self.older):
                before = self._path_of(older)
                older.number += 1
                before.rename(self._path_of(older))
        self._date += 1
        made = Older(life, 1 if self._counts else self._date, is_copy, time.monotonic())
        self.older.insert(0, made)
        return made

    def _path_of(self, older: Older) -> Path:
        mark = f".{older.number}" if self._counts else f"-{older.number}"
        return self.path.with_name(f"{self.name}{mark}{'.gz' if older.is_packed else ''}")

    def _let_go(self, life: Life, *, is_known_lost: bool) -> None:
        self.story.end_partial(life)
        life.files -= 1
        if not life.files:
            # Of a file that came and went between two looks a service that is up knows nothing.
            has_seen = self.story.is_down or not life.has_unseen_file
            self.story.lose(life, is_known_lost=is_known_lost and has_seen)


def _append(path: Path, content: bytes) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(content)


def _copy(path: Path, copy: Path, pause_seconds: float) -> None:
    """As cp does it: first there is an empty file, then one with a part of the bytes."""
    content = path.read_bytes()
    with copy.open("wb", buffering=0) as file:
        time.sleep(pause_seconds)
        file.write(content[: len(content) // 2])
        time.sleep(pause_seconds)
        file.write(content[len(content) // 2 :])
