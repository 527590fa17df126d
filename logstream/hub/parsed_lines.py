"""What a block's lines tell by themselves, before rules: time, level and fields, each line parsed at most once.

Owns what a continuation line takes for its level while rules look at it. Refuses to know rules and viewers.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from logstream.hub.continuations import Above, TraceHead
from logstream.hub.times import epoch_ms
from logstream.parse import Clock, Parsed, Rows, Said, parse_line, read_rows
from logstream.rules import all_lines, bitmap, bitmap_of_mask, bitmap_of_places, glob_matches, indexes_of
from logstream.rules.fields import may_name, meets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from logstream.hub.judged_block import SourceTraits
    from logstream.journal.base import Block
    from logstream.records import Level
    from logstream.rules import LevelCondition, Lines, Tag
    from logstream.rules.fields import FieldTest

_EVENT = "line"
_FEWEST_LINES = 8
"""For fewer lines it is not worth while to read a block at once."""
_MESSAGE = "message"
_ANSWERS_KEPT = 16_384
"""What conditions say of headings is kept for so many pairs, of all blocks; the one asked for longest ago leaves."""


class ParsedLines:
    """The lines of one block; `rules.LineFacts` of what they are before any rule has spoken."""

    def __init__(
        self,
        text: bytes,
        texts: Sequence[str],
        block: Block,
        traits: SourceTraits,
        ends: NDArray[np.integer] | None = None,
    ) -> None:
        """Nothing is parsed yet. `texts` are the lines of `text`, which LF parts and which end at `ends`."""
        self._ends = ends
        self._text = text
        self._texts = texts
        self._format = traits.format
        zone, time_ms = traits.zone, block.time_ms
        # The day of arrival, not today: a line without a year is the same record each time that it is replayed.
        self._clock = Clock(zone, lambda: datetime.fromtimestamp(time_ms / 1000, zone).date())
        self.parse: Callable[[str], Parsed] = partial(parse_line, format=traits.format, clock=self._clock)
        """What a line of this text would say of itself here; holds nothing of the block."""
        self._parsed: dict[int, Parsed] = {}
        self._rows: Rows | None = None
        self._is_read_at_once = len(texts) < _FEWEST_LINES
        self._readable: Lines = 0
        """The lines that were read at once."""
        self.heads: Mapping[int, int | None] = {}
        """The line from which a continuation has its level; None: it stands before the block, and is `head_above`."""
        self.head_above: TraceHead | None = None

    def line(self, index: int) -> Parsed:
        """What line `index` says of itself."""
        parsed = self._parsed.get(index)
        if parsed is None:
            if len(self._parsed) == _FEWEST_LINES:
                self.rows()  # who asks for so many asks for all
            read = self._read_at_once(index)
            parsed = self.parse(self._texts[index]) if read is None else read
            self._parsed[index] = parsed
        return parsed

    def rows(self) -> Rows | None:
        """What can be read of the block's lines at once; None if that is nothing, or not worth while."""
        if not self._is_read_at_once:
            self._is_read_at_once = True
            rows = self._rows = read_rows(self._text, format=self._format, clock=self._clock, ends=self._ends)
            if rows is not None:
                count = len(self._texts)
                is_all = len(rows.lines) == count
                self._readable = all_lines(count) if is_all else bitmap_of_places(rows.lines, count)
        return self._rows

    def rows_of(self, indexes: Sequence[int]) -> Rows | None:
        """What can be read of some of the lines at once, if anything."""
        if len(indexes) < _FEWEST_LINES:
            return None
        lines = self._text.split(b"\n")
        rows = read_rows(b"\n".join([lines[index] for index in indexes]), format=self._format, clock=self._clock)
        return None if rows is None else rows._replace(lines=[indexes[line] for line in rows.lines])

    def _read_at_once(self, index: int) -> Parsed | None:
        """What line `index` says, if it is among the lines that have been read at once."""
        if self._rows is None:
            return None
        row = bisect_left(self._rows.lines, index)
        is_there = row < len(self._rows.lines) and self._rows.lines[row] == index
        return self._rows.parsed(row) if is_there else None

    def level_of(self, index: int) -> Level | None:
        """The level that the line tells, or the line that it goes on with."""
        if index in self.heads:
            head = self.heads[index]
            if head is not None:
                return self.line(head).level
            if self.head_above is not None:
                return self.head_above.level
        return self.line(index).level

    def level_lines(self, lines: Lines, condition: LevelCondition) -> Lines:
        """Those of the lines whose level meets the condition."""
        going_on = bitmap(self.heads) & lines
        found = self._holding(
            lines & ~going_on,
            lambda said: condition.holds(said.level),
            lambda line: condition.holds(self.level_of(line)),
        )
        return found | bitmap(line for line in indexes_of(going_on) if condition.holds(self.level_of(line)))

    def event_lines(self, lines: Lines, glob: str) -> Lines:
        """All are of type `line`: no rule has spoken yet."""
        return lines if glob_matches(glob, _EVENT) else 0

    def field_lines(self, lines: Lines, path: str, test: FieldTest) -> Lines:
        """Those of the lines with a field that meets the test."""

        def holds(line: int) -> bool:
            return meets(self.line(line).fields, path, test)

        if may_name(path, _MESSAGE):
            return bitmap(line for line in indexes_of(lines) if holds(line))
        return self._holding(lines, lambda said: _meets(said, path, test), holds)

    def _holding(self, lines: Lines, of_heading: Callable[[Said], bool], of_line: Callable[[int], bool]) -> Lines:
        """The lines of which something holds: asked once for all that have the same heading, where that decides."""
        found: Lines = 0
        rows = self.rows() if lines.bit_count() >= _FEWEST_LINES else self._rows
        if rows is not None:
            answers = list(map(of_heading, rows.said))
            if all(answers):
                found = lines & self._readable
            elif any(answers):
                found = lines & _at(rows, np.array(answers)[rows.kinds], len(self._texts))
            lines &= ~self._readable
        return found | bitmap(line for line in indexes_of(lines) if of_line(line))

    def time_ms_of(self, index: int) -> int | None:
        """The time that the line tells (epoch milliseconds)."""
        time = self.line(index).time
        return None if time is None else epoch_ms(time)


def _at(rows: Rows, are_wanted: NDArray[np.bool_], count: int) -> Lines:
    """The lines of the rows that are wanted, of so many."""
    if len(rows.lines) == count:
        return bitmap_of_mask(are_wanted)
    return bitmap_of_places(np.array(rows.lines)[are_wanted], count)


@lru_cache(maxsize=_ANSWERS_KEPT)
def _meets(said: Said, path: str, test: FieldTest) -> bool:
    """Whether the fields before the message meet a test on one of them."""
    return meets({name: text.decode() for name, text in said.fields}, path, test)


class LastLine(NamedTuple):
    """A block's last line, which goes on with none before it, and what rules said of it.

    What it says itself is read when somebody asks: mostly nobody does.
    """

    text: str
    parse: Callable[[str], Parsed]
    start: int
    is_kept: bool
    tag: Tag

    def above(self) -> Above:
        """What the next line has above it."""
        parsed = self.parse(self.text)
        time_ms = None if parsed.time is None else epoch_ms(parsed.time)
        level, event = self.tag.level or parsed.level, self.tag.event or _EVENT
        return Above(TraceHead(self.start, self.is_kept, level, event, self.tag.rules, time_ms), self.text)
