"""Turns of the event loop for those who always have something to do: a few in each, the others in the next.

Owns who waits for a turn. Refuses to know what is done in one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

MOST: Final = 50
"""So many go on in one turn of the loop: to send what is at hand takes each 50-100 us."""


class Turns:
    """First come, first served. Where few ask, each has the next turn of the loop."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._left = MOST
        """How many may still go on without waiting, in this turn of the loop."""

    async def next(self) -> None:
        """Let others have their turn; returns in one of the next turns of the loop."""
        loop = asyncio.get_running_loop()
        if self._left == MOST:
            loop.call_soon(self._turn)
        if self._left:
            self._left -= 1
            await asyncio.sleep(0)
            return
        future = loop.create_future()
        self._waiting.append(future)
        await future

    def _turn(self) -> None:
        self._left = MOST
        while self._waiting and self._left:
            future = self._waiting.popleft()
            if not future.done():  # else the client has left
                future.set_result(None)
                self._left -= 1
        if self._left < MOST:
            asyncio.get_running_loop().call_soon(self._turn)

    def __repr__(self) -> str:
        """How many wait."""
        return f"<Turns waiting={len(self._waiting)}>"
