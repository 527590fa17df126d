"""A wait that can be cut short, cheap enough for hundreds of waits a second. For one waiter."""

from __future__ import annotations

import asyncio
from typing import Final

_SAME_SECONDS: Final = 0.001
"""What timers can measure."""


class Alarm:
    """Rings; a ring while nobody waits is kept for the next wait."""

    def __init__(self) -> None:
        """Silent."""
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        """Stays when a wait is cut short: the next one often has to end at about the same time."""
        self._timer_seconds = 0.0
        self._has_rung = False

    def ring(self) -> None:
        """End the present wait, or the next one."""
        self._has_rung = True
        self._end_wait()

    async def wait(self, seconds: float) -> bool:
        """Wait until the next ring, at most `seconds`; whether it has rung."""
        if self._has_rung:
            await asyncio.sleep(0)
        else:
            loop = asyncio.get_running_loop()
            end_seconds = loop.time() + seconds
            try:
                while not self._has_rung:
                    self._set_timer(loop, end_seconds)
                    self._waiter = loop.create_future()
                    await self._waiter
                    if self._timer is None and self._timer_seconds > end_seconds - _SAME_SECONDS:
                        break
            finally:
                self._waiter = None
        has_rung, self._has_rung = self._has_rung, False
        return has_rung

    def _set_timer(self, loop: asyncio.AbstractEventLoop, at_seconds: float) -> None:
        """Have a timer that goes off then or before."""
        if self._timer is not None:
            if self._timer_seconds <= at_seconds:
                return
            self._timer.cancel()
        self._timer, self._timer_seconds = loop.call_at(at_seconds, self._time_is_up), at_seconds

    def _time_is_up(self) -> None:
        self._timer = None
        self._end_wait()

    def _end_wait(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
