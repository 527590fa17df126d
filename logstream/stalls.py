"""How often and how long the event loop could not turn: what all who watch would feel as a pause.

Owns one timer and its counts. Refuses to find out who held the loop.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PERIOD_SECONDS: Final = 0.25
STALL_SECONDS: Final = 0.05
"""A turn of the loop that comes this much too late is a stall."""
LONG_SECONDS: Final = 0.01
"""One that is so late by the loop's own work, and not because its thread waited for a core, comes after a long one."""


def core_wait_seconds() -> float:
    """How long this thread has waited for a core, as the kernel counts (schedstat of proc(5)); 0 where it does not."""
    try:
        with open("/proc/thread-self/schedstat", encoding="ascii") as file:  # noqa: PTH123 - no file of ours
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


class Stalls:
    """The stalls of the loop in which `run` runs."""

    def __init__(self, core_waits: Callable[[], float] = core_wait_seconds) -> None:
        """None yet; `core_waits` answers how long the loop's thread has waited for a core."""
        self._core_waits = core_waits
        self.core_wait_seconds = 0.0
        self.long_turns = 0
        self.count = 0
        self.seconds = 0.0
        self.longest_seconds = 0.0

    async def run(self) -> None:
        """Watch until cancelled."""
        clock = asyncio.get_running_loop().time
        waited = self._core_waits()
        while True:
            due = clock() + PERIOD_SECONDS
            await asyncio.sleep(PERIOD_SECONDS)
            late_seconds = clock() - due
            before, waited = waited, self._core_waits()
            self.note(late_seconds, waited - before)

    def note(self, late_seconds: float, waited_seconds: float = 0.0) -> None:
        """Count a turn that came `late_seconds` after it was due; since the last one a core was waited for so long."""
        self.core_wait_seconds += waited_seconds
        if late_seconds - waited_seconds >= LONG_SECONDS:
            self.long_turns += 1
        if late_seconds < STALL_SECONDS:
            return
        self.count += 1
        self.seconds += late_seconds
        self.longest_seconds = max(self.longest_seconds, late_seconds)
