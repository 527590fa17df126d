"""What a stream is fed from: the one interface between this package and whoever has events to send."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class EndOfFeed(Exception):  # noqa: N818 -- a signal like StopAsyncIteration, not a failure
    """Raised by `Feed.next`: there will be nothing more. The stream ends with the farewell, for `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Feed(Protocol):
    """The events of one client, pulled: nothing is asked for while the client has not taken what came before.

    All bytes are whole encoded events. `next` is never called twice at once, and is cancelled when the client leaves.
    """

    async def next(self, timeout_seconds: float) -> bytes | None:
        """The next events; None when none came in `timeout_seconds` or when `wake` was called. May raise EndOfFeed."""

    def heartbeat(self) -> bytes:
        """An event that says: still here."""

    def farewell(self, reason: str, retry_ms: int) -> bytes:
        """The last event of the stream; `retry_ms` is this client's own, drawn at random."""

    def wake(self) -> None:
        """Makes a pending `next` return None at once. Called from the event loop's thread; must not raise."""


# Entered inside the response's body, so that what it takes (a subscription, a file) is given back in any case: a view's
# own `finally` would never run for a client that leaves before the body begins.
OpenFeed = Callable[[], AbstractAsyncContextManager[Feed]]
