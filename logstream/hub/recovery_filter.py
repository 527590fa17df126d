"""What a client has not had yet, where only its own file's position is known: after a power loss, or a lost record.

Owns what is left of each item for such a client. Pure; reads nothing and sends nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.journal.base import Block, Lost

if TYPE_CHECKING:
    from logstream.journal.base import Recovery


class RecoveryFilter:
    """The way of one client back to the recorded order."""

    def __init__(self, recovery: Recovery) -> None:
        """Nothing has been told."""
        self._recovery = recovery
        self._is_past_offset = recovery.is_behind

    @property
    def only(self) -> str | None:
        """The one generation that is told up to `until`; None: all are."""
        return self._recovery.key if self._recovery.until is not None else None

    @property
    def until(self) -> int:
        """The place up to which `only` counts."""
        return self._recovery.until or 0

    def is_over(self, at: int) -> bool:
        """Whether a client at the place `at` goes on like any other."""
        return self._is_past_offset and at >= self.until

    def is_sure(self, at: int) -> bool:
        """Whether a client that comes back with the position of the place `at` misses nothing and has nothing twice."""
        return self._recovery.until is None or self.is_over(at)

    def left_of(self, item: Block | Lost) -> Block | Lost | None:
        """What of `item` the client has not had; None if it has all of it."""
        recovery = self._recovery
        if isinstance(item, Lost):
            return item if item.after is None or item.after.generation != recovery.key else self._named(item)
        if item.generation.key != recovery.key:
            return item
        if item.end <= recovery.offset and not self._is_past_offset:
            self._is_past_offset = item.end == recovery.offset
            return None
        if not self._is_past_offset and item.start < recovery.offset:
            item = rest_of(item, item.at + recovery.offset - item.start)
        self._is_past_offset = True
        return self._named(item)

    def _named(self, item: Block | Lost) -> Block | Lost:
        """`item` with the key that leads here again, as long as the way back is not at its end."""
        recovery = self._recovery
        if recovery.told_as is None or item.at >= self.until:
            return item
        if isinstance(item, Block):
            return item._replace(generation=item.generation._replace(key=recovery.told_as))
        return item if item.after is None else item._replace(after=item.after._replace(generation=recovery.told_as))


def rest_of(item: Block | Lost, at: int) -> Block | Lost:
    """What of `item` lies at or after the place `at`, a line's start."""
    if isinstance(item, Lost):
        return item
    skip = at - item.at
    return item._replace(start=item.start + skip, at=at, lead=item.before(skip), content=item.content[skip:])
