"""The end of connections that have nothing to do, a few in each turn of the event loop.

A thousand may be idle when the server stops, and each closes in some steps of its own. Owns who waits for that. Refuses
to close anything.
"""

from __future__ import annotations

import asyncio
from typing import Final

from logstream.turns import in_slices

_WITHIN_SECONDS: Final = 0.1
"""What the stop leaves for this is short, however many they are."""


class Ending:
    """That the server ends: an event as Hypercorn asks for one, of which those who wait hear a slice in each turn."""

    def __init__(self) -> None:
        """It does not."""
        self._is_set = False
        self._waiting: dict[asyncio.Future[None], None] = {}

    def is_set(self) -> bool:
        """Whether it does: who has nothing to do from now on closes by itself."""
        return self._is_set

    async def wait(self) -> None:
        """Until one's own turn to hear of it."""
        if self._is_set:
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = None
        try:
            await future
        finally:
            self._waiting.pop(future, None)

    async def set(self) -> None:
        """Tell all who wait; returns when all have been told."""
        self._is_set = True
        await in_slices(tuple(self._waiting), _tell, _WITHIN_SECONDS)

    async def clear(self) -> None:
        """Hypercorn never calls this: an end is not taken back."""
        raise NotImplementedError


def _tell(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
