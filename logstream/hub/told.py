"""What a block's lines tell by themselves, before rules: time, level and fields, each line parsed at most once.

Owns what a continuation line takes for its level while rules look at it. Refuses to know rules and viewers.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from typing import TYPE_CHECKING, Any

from logstream.parse import Clock, Parsed, Rows, parse_line, read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstream.hub.judged import SourceTraits
    from logstream.hub.traces import Head
    from logstream.journal.base import Block
    from logstream.records import Level

_EVENT = "line"
_FEWEST_LINES = 8
"""For fewer lines it is not worth while to read a block at once."""


class ToldLines:
    """The lines of one block; `rules.LineFacts` of what they are before any rule has spoken."""

    def __init__(self, text: bytes, texts: Sequence[str], block: Block, traits: SourceTraits) -> None:
        """Nothing is parsed yet. `texts` are the lines of `text`, which LF parts."""
        self._text = text
        self._texts = texts
        self._format = traits.format
        zone = traits.zone
        # The day of arrival, not today: a line without a year is the same record each time that it is replayed.
        self._clock = Clock(zone, lambda: datetime.fromtimestamp(block.time_ms / 1000, zone).date())
        self._parsed: dict[int, Parsed] = {}
        self._rows: Rows | None = None
        self._is_read_at_once = len(texts) < _FEWEST_LINES
        self.heads: Mapping[int, int | None] = {}
        """The line from which a continuation has its level; None: it stands before the block, and is `head_above`."""
        self.head_above: Head | None = None

    def parsed(self, index: int) -> Parsed:
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
            self._rows = read_rows(self._text, format=self._format, clock=self._clock)
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

    def parse(self, text: str) -> Parsed:
        """What a line of this text would say of itself here."""
        return parse_line(text, format=self._format, clock=self._clock)

    def level_of(self, index: int) -> Level | None:
        """The level that the line tells, or the line that it goes on with."""
        if index in self.heads:
            head = self.heads[index]
            if head is not None:
                return self.parsed(head).level
            if self.head_above is not None:
                return self.head_above.level
        return self.parsed(index).level

    def event_of(self, _index: int) -> str:
        """`line`: no rule has spoken yet."""
        return _EVENT

    def fields_of(self, index: int) -> Mapping[str, Any] | None:
        """The fields of the line."""
        return self.parsed(index).fields

    def time_ms_of(self, index: int) -> int | None:
        """The time that the line tells (epoch milliseconds)."""
        time = self.parsed(index).time
        return None if time is None else epoch_ms(time)


def epoch_ms(text: str) -> int:
    """A record's time as epoch milliseconds."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)
