"""A feed that is being opened, which may take long: where to begin may have to be looked for in a long past.

Owns the task that opens it, and its context until the stream is over. Refuses to say what is sent meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from logstream.sse.feed import Feed, OpenFeed


class Opening:
    """One feed, from the moment on at which it is asked for. Its context is left with this one."""

    def __init__(self, open_feed: OpenFeed) -> None:
        """Nothing is asked yet."""
        self._open_feed = open_feed
        self._held = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin to open it."""
        self._woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # A task, since a wait that is over must not cancel it.
        self._task: asyncio.Task[Feed] = asyncio.create_task(self._open(), name="sse feed opening")
        return self

    async def _open(self) -> Feed:
        return await self._held.enter_async_context(self._open_feed())

    async def within(self, seconds: float) -> Feed | None:
        """The feed once it is open; None if that takes longer, or `wake` was called. Raises what opening it does."""
        waited: set[asyncio.Future[Any]] = {self._task, self._woken}
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return self._task.result() if self._task.done() else None

    def wake(self) -> None:
        """Make a pending `within` return at once, and each later one too."""
        if not self._woken.done():
            self._woken.set_result(None)

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_value: BaseException | None, tb: TracebackType | None
    ) -> None:
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.exception()  # looked at: nobody waits for this feed any more
        await self._held.__aexit__(exc_type, exc_value, tb)
