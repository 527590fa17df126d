"""Turns of the event loop for many who have something to do at once: a few in each, the others in the next ones.

Owns who waits for a turn, and how large a slice is. Refuses to know what is done in one.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

MOST: Final = 50
"""So many go on in one turn of the loop: to send what is at hand takes each 50-100 us."""
MOST_ENDS: Final = 20
"""So many end: a stream and its connection take 200-300 us for that, in some steps of which each is in a turn."""


def slices(items: Iterable[T], act: Callable[[T], None], within_seconds: float) -> Iterator[None]:
    """Act on each of `items`, which end by that, a few at once; what lies between two slices is for others.

    Slices are larger where others take so long that it would not be over `within_seconds`.
    """
    left, began = deque(items), time.monotonic()
    count = len(left)
    while left:
        due = count - math.ceil(count * (time.monotonic() - began) / within_seconds)
        for _ in range(min(len(left), max(MOST_ENDS, len(left) - due))):
            act(left.popleft())
        if left:
            yield


async def in_slices(items: Iterable[T], act: Callable[[T], None], within_seconds: float) -> None:
    """Act on each of `items`, a slice in each turn of the loop; see `slices`."""
    for _ in slices(items, act, within_seconds):
        await asyncio.sleep(0)


def begin_in_slices(items: Iterable[T], act: Callable[[T], None], within_seconds: float) -> None:
    """The same without anybody who waits for it: the first slice now, the others in the next turns of the loop."""
    _go_on(slices(items, act, within_seconds))


def _go_on(left: Iterator[None]) -> None:
    for _ in left:
        asyncio.get_running_loop().call_soon(_go_on, left)
        return


class Turns:
    """First come, first served. Where few ask, each has the next turn of the loop."""

    def __init__(self, most: int = MOST) -> None:
        """Nobody waits; `most` go on in each turn."""
        self._most = most
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._left = most
        """How many may still go on without waiting, in this turn of the loop."""

    async def next(self) -> None:
        """Let others have their turn; returns in one of the next turns of the loop."""
        loop = asyncio.get_running_loop()
        if self._left == self._most:
            loop.call_soon(self._turn)
        if self._left:
            self._left -= 1
            await asyncio.sleep(0)
            return
        future = loop.create_future()
        self._waiting.append(future)
        await future

    def _turn(self) -> None:
        self._left = self._most
        while self._waiting and self._left:
            future = self._waiting.popleft()
            if not future.done():  # else the client has left
                future.set_result(None)
                self._left -= 1
        if self._left < self._most:
            asyncio.get_running_loop().call_soon(self._turn)

    def __repr__(self) -> str:
        """How many wait."""
        return f"<Turns waiting={len(self._waiting)}>"
