"""What more than one view looks for: found in a block once, and remembered for the others.

Owns the counts alone. Refuses to know views and blocks.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.rules import Pattern


class SharedPatterns:
    """Patterns with the number of views that have them; those of several views are in it."""

    def __init__(self) -> None:
        """Nobody looks."""
        self._views: Counter[object] = Counter()

    def __contains__(self, pattern: object) -> bool:
        """Whether several views look for `pattern`."""
        return self._views[pattern] > 1

    def add(self, patterns: Iterable[Pattern]) -> None:
        """Another view looks for these."""
        self._views.update(patterns)

    def remove(self, patterns: Iterable[Pattern]) -> None:
        """One view less does."""
        for pattern in patterns:
            self._views[pattern] -= 1
            if not self._views[pattern]:
                del self._views[pattern]
