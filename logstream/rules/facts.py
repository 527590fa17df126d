"""What rules and queries may ask about the lines of a block, beside their text.

Owns the protocol alone; callers answer for many lines at once, and only when nothing cheaper has decided. What they had
to find out about a line they remember: another term may ask the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from logstream.rules.bitmaps import Lines
    from logstream.rules.conditions import LevelCondition
    from logstream.rules.fields import FieldTest


class LineFacts(Protocol):
    """What is known of a block's lines."""

    def level_lines(self, lines: Lines, condition: LevelCondition) -> Lines:
        """Those of the lines whose level meets the condition."""

    def event_lines(self, lines: Lines, glob: str) -> Lines:
        """Those of the lines that are streamed under a type of the shape `glob`."""

    def field_lines(self, lines: Lines, path: str, test: FieldTest) -> Lines:
        """Those of the lines in whose fields, which parsing found there, `path` names a value that meets the test."""

    def time_ms_of(self, index: int) -> int | None:
        """The time that the line at `index` tells, in epoch milliseconds."""
