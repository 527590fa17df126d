"""What one client has been told, held against the story at each event. Pure.

Owns the claims: each line once, at its own offset, in order, or a gap that covers it and nothing that could be had.
"""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from logstream.journal.ids import decode_id
from tests.torture.model import Fate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.torture.model import Life, Line, Story

GAP_REASONS = frozenset({"deleted", "truncated"})


class Account:
    """One client's history, through all its connections."""

    def __init__(self, story: Story, name: str, word: str = "", since: int = 0) -> None:
        """A client that sees lines with `word`; lines whose number is below `since` were there before it came."""
        self.story = story
        self.name = name
        self.word = word
        self.since = since
        self.ids: dict[str, None] = {}
        self.received: set[Line] = set()
        self.loose: set[Line] = set()
        """Received without an id, while the state's disk was full: these may come again."""
        self.allows_loose = False
        self.gaps: list[dict[str, Any]] = []
        self._covered: dict[Life, list[tuple[int, int | None]]] = {}
        self._doubted: set[Life] = set()
        """Covered by a gap without an end, when nothing of them had been recorded: perhaps lost."""
        self._taken_for: dict[str, Life] = {}
        """Which life each key was taken for of which only gaps have come."""
        self._gaps_of_key: dict[str, list[dict[str, Any]]] = {}
        self._gaps_of_nobody: Counter[str] = Counter()
        """How many gaps each log had of files in which there was nothing."""
        self._reached: dict[Life, int] = {}
        self._latest: dict[str, dict[int, int]] = {}
        self._taken_in = since
        self._open: dict[Line, None] = {}

    @property
    def progress(self) -> int:
        """A number that grows with all that comes."""
        return len(self.received) + len(self.loose) + len(self.gaps)

    def take(self, records: Iterable[dict[str, Any]]) -> None:
        """Records have come."""
        for record in records:
            self._take_one(record)

    def take_gap(self, gap: dict[str, Any], gap_id: str | None) -> None:
        """A gap has come."""
        assert gap["reason"] in GAP_REASONS, f"{self.name}: {gap}"
        assert gap_id is not None or self.allows_loose, f"{self.name}: a gap without an id: {gap}"
        start, end = gap["from"], gap["to"]
        assert (end is None) == (gap["bytes"] is None), f"{self.name}: {gap}"
        assert end is None or end - start == gap["bytes"] > 0, f"{self.name}: {gap}"
        self.gaps.append(gap)
        life = self._life_of_gap(gap, gap_id)
        if life is None:
            return
        inside = [line for line in life.lines if line.start >= start and (end is None or line.end <= end)]
        for line in inside:
            there = "is on disk" if line.fate is Fate.KEPT and not line.may_stay_away else ""
            there = there or ("was delivered" if line in self.received else "")
            assert not there, f"{self.name}: {gap} covers {line}, which {there}"
        if gap["lines"] is not None:
            assert gap["lines"] == len(inside), f"{self.name}: {gap} holds {len(inside)} lines of {life}"
        if gap_id is None:
            self._covered.setdefault(life, []).append((start, end))
        if (start, end) == (0, None) and not life.is_known:
            self._doubted.add(life)
            if position := decode_id(gap_id or ""):
                self.story.doubtful.setdefault(position.generation, life)

    def missing(self) -> list[Line]:
        """What is still owed."""
        for line in self.story.lines[self._taken_in :]:
            if self.word in line.text:
                self._open[line] = None
        self._taken_in = len(self.story.lines)
        for line in [line for line in self._open if self._has(line)]:
            del self._open[line]
        return [line for line in self._open if line.fate is not Fate.UNSEEABLE and not line.may_stay_away]

    def _has(self, line: Line) -> bool:
        return line in self.received or line in self.loose or self.is_covered(line)

    def is_covered(self, line: Line) -> bool:
        """Whether a gap has told of it."""
        told = (gaps for key, gaps in self._gaps_of_key.items() if self._life_of_key(key) is line.life)
        stretches = [(gap["from"], gap["to"]) for gaps in told for gap in gaps] + self._covered.get(line.life, [])
        return any(line.start >= start and (end is None or line.end <= end) for start, end in stretches)

    def check_order(self, other: Account) -> None:
        """Hold the order in which two clients got the lines that both got against each other."""
        own = [one for one in self.ids if one in other.ids]
        others = [one for one in other.ids if one in self.ids]
        assert own == others, f"{self.name} and {other.name} saw lines in different orders"

    def _take_one(self, record: dict[str, Any]) -> None:
        text, story = record["text"], self.story
        line = story.by_text.get(text)
        assert line is not None, f"{self.name}: nobody wrote {text[:99]!r}: {record['id']}"
        before = story.id_of_text.get(text)
        assert line not in self.received, f"{self.name}: {line} came twice: as {before} and as {record['id']}"
        is_lost = self.is_covered(line) and line.life not in self._doubted
        assert not is_lost, f"{self.name}: {line} came though a gap said that it is lost"
        assert self.word in text, f"{self.name}: {line} was not asked for"
        if record["id"] is None:
            assert self.allows_loose, f"{self.name}: {line} has no id"
            self.loose.add(line)
            story.tell(line, for_good=False)
            return
        self._check_id(record, line)
        self._check_place(line)
        self.ids[record["id"]] = None
        self.received.add(line)
        story.tell(line, for_good=True)

    def _check_id(self, record: dict[str, Any], line: Line) -> None:
        story, text = self.story, line.text
        position = decode_id(record["id"])
        assert position is not None, record
        assert position.offset == line.end, f"{self.name}: {record['id']} has not the offset of {line}"
        life = story.life_of_key.setdefault(position.generation, line.life)
        assert life is line.life, f"{self.name}: {record['id']} of {line} has the key of {life}"
        assert story.text_of_id.setdefault(record["id"], text) == text, (
            f"{self.name}: {record['id']} is another line's id"
        )
        assert story.id_of_text.setdefault(text, record["id"]) == record["id"], f"{self.name}: {line} had another id"
        assert _is_of(record["file"], life), f"{self.name}: {line} is told of {record['file']}"

    def _check_place(self, line: Line) -> None:
        """In a life by offset; over the lives of a log: what was written before something newer comes before it."""
        life = line.life
        assert line.start >= self._reached.get(life, 0), f"{self.name}: {line} comes after a later line of its life"
        self._reached[life] = line.end
        if line.was_unseeable or line.is_unfinished:
            return
        latest = self._latest.setdefault(life.log, {})
        for index, number in latest.items():
            assert index <= life.index or number < line.number, (
                f"{self.name}: {line} (number {line.number}) comes after line number {number} of life {index}"
            )
        latest[life.index] = line.number

    def _life_of_gap(self, gap: dict[str, Any], gap_id: str | None) -> Life | None:
        """The life that a gap is of: by the key in its id or, if no line of that was received, one that it fits.

        If several do, the oldest that has not been taken for that of another key: they come in order. All gaps of a key
        are of one life: a later one may show that it was taken for a wrong one.
        None for a file that was empty when the service saw it, and was replaced by one with more, or is a copy that was
        deleted: what was in it in between, nobody can tell. It is told once its file is missed, which after a restart
        may be long after that. None also for one of which another client was told that nobody knows what it had, and
        then got all: that is owed.
        """
        position = decode_id(gap_id or "")
        assert position is not None or gap_id is None, gap
        key = "" if position is None else position.generation
        gaps = [*self._gaps_of_key.get(key, ()), gap]
        if key:
            self._gaps_of_key[key] = gaps
        if key in self.story.life_of_key:
            return self.story.life_of_key[key]
        if (doubtful := self.story.doubtful.get(key)) is not None and doubtful.is_known:
            return None
        fitting = [
            life for life in self.story.lives if all(self._may_be_of(one, life, is_loose=not key) for one in gaps)
        ]
        others = [life for taken, life in self._taken_for.items() if taken != key]
        if fitting:
            life = next((life for life in fitting if life not in others), fitting[0])
            self._taken_for |= {key: life} if key else {}
            return life
        if (gap["from"], gap["to"]) == (0, None) and self._may_be_of_nobody(gap["file"]):
            return None
        raise AssertionError(f"{self.name}: {gap} is of no life that has lost anything")

    def _life_of_key(self, key: str) -> Life | None:
        return self.story.life_of_key.get(key) or self._taken_for.get(key)

    def _may_be_of(self, gap: dict[str, Any], life: Life, *, is_loose: bool) -> bool:
        """Whether a gap may be of a life; `is_loose`: it has no id, which would tell of others."""
        start, end = gap["from"], gap["to"]
        is_others = not is_loose and life in self.story.life_of_key.values()
        if not _is_of(gap["file"], life) or is_others or life.size < (end or start):
            return False
        inside = [line for line in life.lines if line.start >= start and (end is None or line.end <= end)]
        return all(line.fate is not Fate.KEPT for line in inside) and gap["lines"] in {None, len(inside)}

    def _may_be_of_nobody(self, file: str) -> bool:
        """Whether a file may have been seen empty, and be gone, that has not been told of yet."""
        lives = [life for life in self.story.lives if _is_of(file, life)]
        log = lives[0].log
        self._gaps_of_nobody[log] += 1
        return self._gaps_of_nobody[log] <= sum(life.passing_files for life in lives)


def _is_of(file: str, life: Life) -> bool:
    """Whether a file is the log, or, where a glob matches rotated files too, one of those."""
    return PurePath(file).name.startswith(life.log)
