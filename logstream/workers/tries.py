"""Tries at passwords, counted once for all processes that serve."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from logstream.api.context import AwayError
from logstream.api.tries import OwnTries
from logstream.workers.messages import Right, Try

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class CommonTries:
    """Counted by the process that reads, for all who serve; while there is none, by each for itself."""

    def __init__(self, ask: Callable[[object], Awaitable[Any]]) -> None:
        """`ask` asks that process; it raises AwayError."""
        self._ask = ask
        self._own = OwnTries()

    async def take(self, address: str, name: str) -> int:
        """As `Tries` has it."""
        try:
            return int(await self._ask(Try(address, name)))
        except AwayError:
            return await self._own.take(address, name)

    async def give_back(self, address: str, name: str) -> None:
        """As `Tries` has it."""
        with suppress(AwayError):
            await self._ask(Right(address, name))
