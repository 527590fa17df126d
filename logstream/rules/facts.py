"""What rules and queries may ask about the lines of a block, beside their text.

Owns the protocol alone; callers answer, each line at most once and only when nothing cheaper has decided.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from logstream.records import Level


class LineFacts(Protocol):
    """What is known of a block's lines, by their index."""

    def level_of(self, index: int) -> Level | None:
        """The line's level."""

    def event_of(self, index: int) -> str:
        """The type under which the line is streamed."""

    def fields_of(self, index: int) -> Mapping[str, Any] | None:
        """The fields that parsing found in the line; None if it has none."""

    def alike(self, lines: Iterable[int]) -> Iterable[Sequence[int]]:
        """The lines in groups of which is known that each has one level, and the same fields but for `message`."""

    def time_ms_of(self, index: int) -> int | None:
        """The time that the line tells, in epoch milliseconds."""
