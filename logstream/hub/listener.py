"""Who wants to hear of what happens to files beside their lines, and what they are told together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from logstream.tail.batch import Notice


class Announcement:
    """Notices that a thousand listeners are told at once; what is wanted of them is asked once for each view."""

    def __init__(self, notices: Iterable[Notice]) -> None:
        """All of `notices`, in order."""
        self.notices = tuple(notices)
        self._wanted: dict[Callable[[str], bool], tuple[Notice, ...]] = {}

    def wanted_by(self, wants: Callable[[str], bool]) -> tuple[Notice, ...]:
        """Those of sources that `wants` accepts, which answers the same each time."""
        wanted = self._wanted.get(wants)
        if wanted is None:
            wanted = self._wanted[wants] = tuple(notice for notice in self.notices if wants(notice.source))
        return wanted


class Listener(Protocol):
    """Somebody who wants notices as they come."""

    @property
    def lag_bytes(self) -> int:
        """How many recorded bytes lie between the listener and the head."""

    def notify(self, announcement: Announcement) -> None:
        """Take what is wanted of it; must neither block nor raise."""
