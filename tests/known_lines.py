"""What tests say is known of a block's lines: `rules.LineFacts` made of functions."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from logstream.rules import glob_matches
from logstream.rules.bitmaps import bitmap, indexes_of
from logstream.rules.fields import meets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from logstream.records import Level
    from logstream.rules import LevelCondition, PatternSet, Scanned
    from logstream.rules.bitmaps import Lines
    from logstream.rules.fields import FieldTest


class KnownLines:
    """Answers by the functions given, each asked once for a line; without one, nothing is known."""

    def __init__(
        self,
        level_of: Callable[[int], Level | None] = lambda _: None,
        event_of: Callable[[int], str] = lambda _: "line",
        fields_of: Callable[[int], Mapping[str, Any] | None] = lambda _: None,
        time_ms_of: Callable[[int], int | None] = lambda _: None,
    ) -> None:
        self._level_of = cache(level_of)
        self._event_of = cache(event_of)
        self._fields_of = cache(fields_of)
        self.time_ms_of = cache(time_ms_of)

    def level_lines(self, lines: Lines, condition: LevelCondition) -> Lines:
        """Those of a level that meets the condition."""
        return bitmap(line for line in indexes_of(lines) if condition.holds(self._level_of(line)))

    def event_lines(self, lines: Lines, glob: str) -> Lines:
        """Those of such a type."""
        return bitmap(line for line in indexes_of(lines) if glob_matches(glob, self._event_of(line)))

    def field_lines(self, lines: Lines, path: str, test: FieldTest) -> Lines:
        """Those with such a field."""
        return bitmap(line for line in indexes_of(lines) if meets(self._fields_of(line), path, test))


def scan(patterns: PatternSet, text: bytes, ends: Sequence[int], scanned: Scanned | None = None) -> list[set[int]]:
    """For each pattern, the indexes of the lines that match it."""
    return [set(indexes_of(lines)) for lines in patterns.scan(text, ends, scanned)]
