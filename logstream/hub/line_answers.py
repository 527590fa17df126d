"""What is known of the lines of a judged block: what they say themselves, what rules gave them, and what a trace has.

Owns in which order these count, for one line and for many at once: to queries it is `rules.LineFacts`. Refuses to judge
and to write lines.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from logstream.hub.frames import LINE_EVENT
from logstream.rules import bitmap, glob_matches, indexes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from logstream.hub.continuations import TraceHead
    from logstream.hub.masked_lines import MaskedLines
    from logstream.hub.parsed_lines import ParsedLines
    from logstream.records import Level
    from logstream.rules import LevelCondition, Lines, Tags
    from logstream.rules.fields import FieldTest


class LineAnswers:
    """Answers about lines that were parsed and judged. Whoever judges sets what they are made of."""

    tags: Tags
    _parsed: ParsedLines
    _shown: MaskedLines
    _inherited: Mapping[int, TraceHead]
    """The heads of lines that go on with others."""

    @cached_property
    def typed(self) -> dict[int, str]:
        """The types of the lines that are of another one than `line`."""
        typed = {line: tag.event for tag, lines in self.tags.groups if tag.event for line in indexes_of(lines)}
        typed |= {line: head.event for line, head in self._inherited.items()}
        return {line: event for line, event in typed.items() if event != LINE_EVENT}

    def level_of(self, index: int) -> Level | None:
        """Level of line `index`: what its head has, else what a rule set, else what the line says."""
        head = self._inherited.get(index)
        if head is not None:
            return head.level
        tag = self.tags.of(index)
        return (tag and tag.level) or self._parsed.line(index).level

    def event_of(self, index: int) -> str:
        """Type of line `index`: what its head has, else what a rule gave, else `line`."""
        head = self._inherited.get(index)
        if head is not None:
            return head.event
        tag = self.tags.of(index)
        return (tag and tag.event) or LINE_EVENT

    def time_ms_of(self, index: int) -> int | None:
        """The time of line `index` (epoch milliseconds): its own, else its head's."""
        own_ms = self._parsed.time_ms_of(index)
        head = self._inherited.get(index)
        return head.time_ms if own_ms is None and head is not None else own_ms

    def level_lines(self, lines: Lines, condition: LevelCondition) -> Lines:
        """Those of the lines whose level meets the condition."""
        going_on = bitmap(self._inherited) & lines
        found = bitmap(line for line in indexes_of(going_on) if condition.holds(self.level_of(line)))
        return found | self.tags.level_lines(lines & ~going_on, condition, self._parsed.level_lines)

    def event_lines(self, lines: Lines, glob: str) -> Lines:
        """Those of the lines that are of a type of such a shape."""
        found = bitmap(line for line, event in self.typed.items() if glob_matches(glob, event))
        if glob_matches(glob, LINE_EVENT):
            found |= ~bitmap(self.typed)
        return lines & found

    def field_lines(self, lines: Lines, path: str, test: FieldTest) -> Lines:
        """Those of the lines with a field that meets the test, without what rules mask."""
        return self._shown.field_lines(lines, path, test)
