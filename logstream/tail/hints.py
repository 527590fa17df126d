"""Hints that come at a moment when nobody may heed them, until somebody may.

Owns how many are kept. Refuses to know what is done about one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logstream.tail.watcher import Hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MOST_HELD: Final = 10_000
"""Paths of which a hint is kept; if there are more, everything is looked at instead."""


class Hints:
    """Hands hints on, at once or once they are let go: of each path one, with what all of them told."""

    def __init__(self, heed: Callable[[list[Hint]], None], look_everywhere: Callable[[], None]) -> None:
        """Hand them on to `heed`, or call `look_everywhere` where more came than are kept."""
        self._heed = heed
        self._look_everywhere = look_everywhere
        self._held: dict[str, bool] | None = None
        self._are_too_many = False

    def take(self, hints: Iterable[Hint]) -> None:
        """Hand these on, or keep them for as long as hints are held."""
        if self._held is None:
            self._heed(list(hints))
            return
        for path, is_structural in hints:
            self._held[path] = self._held.get(path, False) or is_structural
        if len(self._held) > MOST_HELD:
            self._are_too_many = True
            self._held.clear()

    def hold(self) -> None:
        """Keep what comes."""
        self._held = {}

    def let_go(self) -> None:
        """Hand on what was kept, and what comes."""
        held, self._held = self._held, None
        if self._are_too_many:
            self._are_too_many = False
            self._look_everywhere()
        if held:
            self._heed([Hint(path, is_structural) for path, is_structural in held.items()])
