"""Who wants to hear of what happens to files beside their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from logstream.tail.batch import Notice


class Listener(Protocol):
    """Somebody who wants notices as they come."""

    @property
    def lag_bytes(self) -> int:
        """How many recorded bytes lie between the listener and the head."""

    def notify(self, notice: Notice) -> None:
        """Take `notice`; must neither block nor raise."""
