"""Work that may take long, beside the event loop: in a thread of its own that nobody has to wait for.

Owns how many run at once and how long anybody waits. A thread cannot be ended, so what takes too long is given up and
left to itself: as a daemon it holds up neither the answers to others nor the end of the process.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from logstream.errors import LogstreamError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class TookTooLongError(UsageError):
    """What was asked for could not be worked out in `seconds`."""

    def __init__(self, seconds: float) -> None:
        """Remember how long was waited."""
        super().__init__(seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        """One line for people."""
        return f"the query could not be compiled in {self.seconds:g} s: use shorter terms and simpler expressions"


class BusyError(LogstreamError):
    """Others are having long work done; one may come back in `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        """Remember when to come back."""
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        """One line for people."""
        return f"other queries are being compiled; try again in {self.retry_after_seconds} s"


class Aside:
    """Runs functions aside, at most `at_once` of them, and waits at most `patience_seconds` for each."""

    def __init__(self, *, at_once: int = 2, patience_seconds: float = 5.0) -> None:
        """Nothing runs yet."""
        self._slots = asyncio.Semaphore(at_once)
        self._patience_seconds = patience_seconds

    async def run(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises; raises BusyError or TookTooLongError."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise BusyError(int(self._patience_seconds) + 1) from None
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, failure: BaseException | None) -> None:
            self._slots.release()
            if done.cancelled():
                return
            if failure is not None:
                done.set_exception(failure)
            else:
                done.set_result(result)  # type: ignore[arg-type] # T may hold None itself

        def target() -> None:
            result, failure = None, None
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - it is raised again where it is waited for
                failure = error
            with suppress(RuntimeError):  # the loop has been closed meanwhile
                loop.call_soon_threadsafe(settle, result, failure)

        threading.Thread(target=target, name="aside", daemon=True).start()
        try:
            async with asyncio.timeout(self._patience_seconds):
                return await done
        except TimeoutError:
            raise TookTooLongError(self._patience_seconds) from None
