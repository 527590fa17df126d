"""What rules said of stretches of the recorded order when viewers had them judged, for whoever counts that.

Owns how much of it is kept, and from which place on anybody wants to know. Refuses to add it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.hub.dropping import drop_slowly

if TYPE_CHECKING:
    from logstream.hub.judged_block import JudgedBlock
    from logstream.rules import Spoken

MOST_STRETCHES: Final = 4096
"""So many are kept; the oldest leaves, and what it told of is judged once more."""


class CachedVerdicts(NamedTuple):
    """What rules said of the lines up to the place `next_at`, which were recorded at `time_ms`."""

    next_at: int
    time_ms: int
    spoken: tuple[Spoken, ...]


class VerdictCache:
    """Verdicts by the places where the stretches begin that they are on."""

    def __init__(self) -> None:
        """Nobody wants to know anything."""
        self._since: int | None = None
        self._kept: dict[int, CachedVerdicts] = {}

    def begin(self, at: int) -> None:
        """Keep what is said of lines from the place `at` on, and nothing of what was said before."""
        self._since = at
        self._kept.clear()

    def forget(self) -> None:
        """What was said counts no more: the rules are others now."""
        drop_slowly(self._kept.values())
        self._kept.clear()

    def note(self, judged: JudgedBlock, next_at: int) -> None:
        """Somebody has had the lines up to the place `next_at` judged."""
        block = judged.block
        if self._since is None or block.at < self._since:
            return
        if len(self._kept) == MOST_STRETCHES:
            del self._kept[next(iter(self._kept))]
        self._kept[block.at] = CachedVerdicts(next_at, block.time_ms, judged.verdicts.spoken)

    def take(self, at: int) -> CachedVerdicts | None:
        """What was said from the place `at` on, if somebody has begun there; it is told once."""
        told = self._kept.pop(at, None)
        self._since = at if told is None else told.next_at
        return told

    def __repr__(self) -> str:
        """From where on, and how much is kept."""
        return f"<VerdictCache since={self._since} stretches={len(self._kept)}>"
