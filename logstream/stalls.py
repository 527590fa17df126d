"""How often and how long the event loop could not turn: what all who watch would feel as a pause.

Owns one timer and its counts. Refuses to find out who held the loop.
"""

from __future__ import annotations

import asyncio
from typing import Final

PERIOD_SECONDS: Final = 0.25
STALL_SECONDS: Final = 0.05
"""A turn of the loop that comes this much too late is a stall."""


class Stalls:
    """The stalls of the loop in which `run` runs."""

    def __init__(self) -> None:
        """None yet."""
        self.count = 0
        self.seconds = 0.0
        self.longest_seconds = 0.0

    async def run(self) -> None:
        """Watch until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + PERIOD_SECONDS
            await asyncio.sleep(PERIOD_SECONDS)
            self.note(clock() - due)

    def note(self, late_seconds: float) -> None:
        """Count a turn that came `late_seconds` after it was due."""
        if late_seconds < STALL_SECONDS:
            return
        self.count += 1
        self.seconds += late_seconds
        self.longest_seconds = max(self.longest_seconds, late_seconds)
