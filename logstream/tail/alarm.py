"""A wait that can be cut short, cheap enough for hundreds of waits a second. For one waiter."""

from __future__ import annotations

import asyncio


class Alarm:
    """Rings; a ring while nobody waits is kept for the next wait."""

    def __init__(self) -> None:
        """Silent."""
        self._waiter: asyncio.Future[None] | None = None
        self._has_rung = False

    def ring(self) -> None:
        """End the present wait, or the next one."""
        self._has_rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float) -> bool:
        """Wait until the next ring, at most `seconds`; whether it has rung."""
        if not self._has_rung:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            end = loop.call_later(seconds, _finish, waiter)
            try:
                await waiter
            finally:
                end.cancel()
                self._waiter = None
        else:
            await asyncio.sleep(0)
        has_rung, self._has_rung = self._has_rung, False
        return has_rung


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
