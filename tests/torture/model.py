"""What was written, what became of its bytes, and so what each reader of the service must have been told. Pure.

A *life* is what the service calls a generation: the bytes of one file from its creation, or its truncation, on. Offsets
are raw bytes. Owns the limits that the README states, line by line: a line is `UNSEEABLE` only by a rule written here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

HEAD_BYTES: Final = 256
"""What docs/guarantees.md says is known of a file of which nothing was read."""


class Fate(Enum):
    """What the service owes of a line to whoever reads from before it."""

    KEPT = "its bytes are on disk, in a file, a copy or an archive: it is delivered"
    GONE = "its bytes are gone, and the service knew of the file: it is delivered, or a gap covers it"
    UNSEEABLE = "nobody could have seen it: it may be missing without a word"


@dataclass(eq=False, slots=True)
class Line:
    """A whole line, or the unfinished last one of a life that ended: `may_stay_away` then."""

    text: str
    life: Life
    start: int
    end: int
    number: int
    fate: Fate = Fate.KEPT
    is_told: bool = False
    """Whether any client has received it with an id: the service has recorded it, and its life, then."""
    was_unseeable: bool = False
    may_stay_away: bool = False
    is_unfinished: bool = False
    """Whether it never got its end: it is told once nobody can write to its file any more, whatever came by then."""

    def __repr__(self) -> str:
        return f"<{self.text[:24]!r} [{self.start},{self.end}) of {self.life!r} {self.fate.name}>"


@dataclass(eq=False, slots=True)
class Life:
    """One life of the log `log`; `index` counts the lives of that log."""

    log: str
    index: int
    size: int = 0
    partial: str = ""
    lines: list[Line] = field(default_factory=list)
    files: int = 1
    """How many files hold its bytes."""
    is_known: bool = False
    """Whether a line of it has been received with an id: the service will not forget it."""
    is_seen: bool = False
    """Whether a line of it has been received: the service has looked at it."""
    has_unseen_file: bool = False
    """Whether its file was replaced by one with more, and the service, as far as is known, has not looked since."""
    passing_files: int = 0
    """How many files of it may have been seen with nothing in them: copies, and what made room for one with more."""
    was_there_at_stop: bool = False
    size_at_stop: int = 0
    """How long it was when the service was last stopped or killed."""

    def __repr__(self) -> str:
        return f"<{self.log} life {self.index}, {self.size} bytes, {'known' if self.is_known else 'unknown'}>"


class Story:
    """All lives of all logs, in the order of their lines."""

    def __init__(self) -> None:
        """Nothing has been written yet."""
        self.lines: list[Line] = []
        self.by_text: dict[str, Line] = {}
        self.lives: list[Life] = []
        self.life_of_key: dict[str, Life] = {}
        self.doubtful: dict[str, Life] = {}
        """By key what a gap without an end told of, of which nothing was recorded: its lines may have come since."""
        self.text_of_id: dict[str, str] = {}
        self.id_of_text: dict[str, str] = {}
        self.is_down = True
        self.has_looked = False
        """Whether the service, since it was started, has looked at the files: until then it knows what it recorded."""
        self._texts = 0

    def begin(self, log: str) -> Life:
        """A new life of `log`."""
        life = Life(log, sum(life.log == log for life in self.lives))
        self.lives.append(life)
        return life

    def text(self, padding: str, *, goes_before: bool) -> str:
        """A text that no other line has; its number stands before the padding or behind it.

        Also before it where that is long: of a file of which nothing was read, no more than its first bytes are known,
        and one that begins alike cannot be told from it (docs/guarantees.md).
        """
        self._texts += 1
        number = 1_000_000 + self._texts
        word = "even" if number % 2 == 0 else "odd"
        if goes_before:
            return f"{number} {word} {padding}"
        lead = f"{number} " if len(padding) >= HEAD_BYTES else ""
        return f"{lead}{padding} {word} {number}"

    def add(self, life: Life, text: str) -> bytes:
        """Finish a line with `text`; what is to be written."""
        self._enter(life, life.partial + text, life.size - len(life.partial), end_bytes=1)
        life.partial = ""
        life.size += len(text) + 1
        return text.encode() + b"\n"

    def add_partial(self, life: Life, text: str) -> bytes:
        """Begin a line, or go on with it."""
        life.partial += text
        life.size += len(text)
        return text.encode()

    def end_partial(self, life: Life) -> None:
        """The life gets no more bytes: an unfinished line stays one, and is delivered only once the life is over."""
        if life.partial:
            line = self._enter(life, life.partial, life.size - len(life.partial), end_bytes=0)
            line.may_stay_away = line.is_unfinished = True
            life.partial = ""

    def lose(self, life: Life, *, is_known_lost: bool) -> None:
        """The last file with the bytes of `life` is gone; the service can know that, or only the lines it had read."""
        for line in life.lines:
            if line.fate is Fate.KEPT:
                self._lose_line(line, Fate.GONE if line.is_told or is_known_lost else Fate.UNSEEABLE)

    def hide(self, life: Life) -> None:
        """A copy was made, and the original truncated, of something that nobody had ever looked at."""
        for line in life.lines:
            if not line.is_told:
                self._lose_line(line, Fate.UNSEEABLE)

    def cut_unseen(self, life: Life, size: int) -> None:
        """Bytes that came and went while the service was down, and nothing that it had seen."""
        for line in [line for line in life.lines if line.end > size]:
            life.lines.remove(line)
            self._lose_line(line, Fate.UNSEEABLE)
        life.size, life.partial = size, ""

    def stop(self) -> None:
        """The service looks no more."""
        self.is_down = True
        for life in self.lives:
            life.was_there_at_stop, life.size_at_stop = True, life.size

    def tell(self, line: Line, *, for_good: bool) -> None:
        """A client has received the line; what has an id has been recorded `for_good`, and is owed to everybody."""
        line.life.is_seen = True
        if not for_good:
            return
        if not line.is_told:
            line.is_told = line.life.is_known = True
            line.may_stay_away = False
            if line.fate is Fate.UNSEEABLE:
                line.fate = Fate.KEPT if line.life.files else Fate.GONE

    def _enter(self, life: Life, text: str, start: int, *, end_bytes: int) -> Line:
        line = Line(text, life, start, start + len(text) + end_bytes, len(self.lines))
        assert text not in self.by_text
        self.by_text[text] = line
        self.lines.append(line)
        life.lines.append(line)
        return line

    def _lose_line(self, line: Line, fate: Fate) -> None:
        line.fate = fate
        line.was_unseeable |= fate is Fate.UNSEEABLE
