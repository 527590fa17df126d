"""What was found at the start and has to be unpacked, or sought, before its log is read on: how long that is not over.

Owns which logs those are. What comes to wait later is none of them: a rotation while the service is up makes nobody
wait. Refuses to wait for what cannot be had now, as where the disk has no room for it: that might be for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from logstream.tail.lineage import Lineage

_SLICE_LINEAGES = 1_000


class Outstanding:
    """The logs that have more than was read of them, and nothing of that is open."""

    def __init__(self, lineages: Mapping[str, Lineage]) -> None:
        """Of all that are followed; nothing is known yet."""
        self._lineages = lineages
        self._waiting: list[Lineage] | None = None

    @property
    def is_known(self) -> bool:
        """Whether all of them have been looked at."""
        return self._waiting is not None

    def note(self) -> Generator[None, None, None]:
        """Note those that wait now. Of thousands of logs some at a time."""
        waiting = []
        for number, lineage in enumerate([*self._lineages.values()], 1):
            if has_to_wait(lineage):
                waiting.append(lineage)
            if number % _SLICE_LINEAGES == 0:
                yield
        self._waiting = waiting

    def is_over(self) -> bool:
        """Whether none of those that were noted waits any more, or is followed any more; true for good once it is."""
        while self._waiting and not self._is_left(self._waiting[-1]):
            self._waiting.pop()
        return self._waiting == []

    def _is_left(self, lineage: Lineage) -> bool:
        return self._lineages.get(lineage.path) is lineage and has_to_wait(lineage)


def has_to_wait(lineage: Lineage) -> bool:
    """Whether a life of the log is to be unpacked, or sought, and there is hope that it will be soon.

    Or whether one may be: while names beside it change, or are many, it is not looked at yet.
    """
    waiting = [reader for reader in lineage.readers if reader.waits_to_be_found]
    is_left = bool(waiting) or lineage.unsettled_since is not None
    return is_left and lineage.obstacle is None and not any(reader.is_put_off for reader in waiting)
