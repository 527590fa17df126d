"""Letting go of many things at once takes the event loop long: here it takes a few turns.

Owns how many are let go of in one turn. Refuses to know what they are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

AT_ONCE: Final = 64


def drop_slowly(things: Iterable[object]) -> None:
    """Be the last to hold `things`, and let go of a few in each turn of the running loop; at once where none runs."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if left := deque(things):
        loop.call_soon(_drop, loop, left)


def _drop(loop: asyncio.AbstractEventLoop, left: deque[object]) -> None:
    for _ in range(min(AT_ONCE, len(left))):
        left.popleft()
    if left:
        loop.call_soon(_drop, loop, left)
