"""What tests say is known of a block's lines: `rules.LineFacts` made of functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from logstream.records import Level


class KnownLines:
    """Answers by the functions given; without one, nothing is known."""

    def __init__(
        self,
        level_of: Callable[[int], Level | None] = lambda _: None,
        event_of: Callable[[int], str] = lambda _: "line",
        fields_of: Callable[[int], Mapping[str, Any] | None] = lambda _: None,
        time_ms_of: Callable[[int], int | None] = lambda _: None,
    ) -> None:
        self.level_of = level_of
        self.event_of = event_of
        self.fields_of = fields_of
        self.time_ms_of = time_ms_of

    def alike(self, lines: Iterable[int]) -> Iterable[Sequence[int]]:
        """Each line by itself: of none is known that it is like another."""
        return [(line,) for line in lines]
