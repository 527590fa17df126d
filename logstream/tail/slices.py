"""Long work cut into steps: how much of it is done before others have their turn.

A generator that yields nothing is such work: its pauses lie where it may be left for a while, and it returns what it
has found. Owns when a pause is taken. Refuses to know what the work is.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

T = TypeVar("T")

SLICE_FILES: Final = 128
"""Work on many files pauses after so many of them."""
_SLICE_SECONDS: Final = 0.004


def at_once(steps: Generator[None, None, T]) -> T:
    """What `steps` return, without a pause."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found


async def with_pauses(steps: Generator[None, None, T]) -> tuple[T, float]:
    """What `steps` return, and the seconds of work it took; others have their turn after some milliseconds of it.

    What is cancelled in a pause is not gone on with.
    """
    worked, started = 0.0, time.perf_counter()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found, worked + time.perf_counter() - started
        if (spent := time.perf_counter() - started) > _SLICE_SECONDS:
            worked += spent
            await asyncio.sleep(0)
            started = time.perf_counter()
