"""One connection between the process that reads and one that serves: values in order, and questions with answers.

Owns the reading and writing of one socket. A value is never lost while the connection lasts, and both ends see its end
at once: so nobody polls.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import TYPE_CHECKING, Any, Final

from logstream.api.context import AwayError
from logstream.workers.messages import HEAD_BYTES, Answer, Ask, pack, unpack

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

_log: Final = logging.getLogger(__name__)
BUFFER_BYTES: Final = 8 << 20
"""What waits for a process that takes it slowly; beyond it the writer waits, too."""
ANSWER_SECONDS: Final = 5.0
_TURN_SECONDS: Final = 0.005
RETRY_SECONDS: Final = 1


class Channel:
    """One end. `take` is called with each value, `answer` with each question."""

    def __init__(
        self, name: str, sock: socket.socket, take: Callable[[Any], None], answer: Callable[[Any], Awaitable[Any]]
    ) -> None:
        """Nothing is read before `run`; `name` is what the other end is called."""
        self.name = name
        self._sock = sock
        self._take = take
        self._answer = answer
        self._writer: asyncio.StreamWriter | None = None
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count()

    async def run(self, on_open: Callable[[Channel], Awaitable[None]] | None = None) -> None:
        """Be connected, until the other end closes."""
        reader, self._writer = await asyncio.open_unix_connection(sock=self._sock, limit=BUFFER_BYTES)
        self._writer.transport.set_write_buffer_limits(high=BUFFER_BYTES)
        try:
            async with asyncio.TaskGroup() as group:
                if on_open is not None:
                    await on_open(self)
                await self._read(reader, group)
        except* (asyncio.IncompleteReadError, ConnectionError):
            pass  # it has ended: that is known by now to all who have to know it
        finally:
            self._writer.transport.abort()
            for future in self._asked.values():
                if not future.done():
                    future.set_exception(AwayError(RETRY_SECONDS))

    async def _read(self, reader: asyncio.StreamReader, group: asyncio.TaskGroup) -> None:
        clock = asyncio.get_running_loop().time
        turn_end = clock() + _TURN_SECONDS
        while True:
            length = int.from_bytes(await reader.readexactly(HEAD_BYTES), "big")
            message = unpack(await reader.readexactly(length))
            match message:
                case Ask(number, what):
                    group.create_task(self._reply(number, what), name="answer")
                case Answer(number, value):
                    future = self._asked.pop(number, None)
                    if future is not None and not future.done():
                        future.set_result(value)
                case _:
                    self._take(message)
            if clock() >= turn_end:
                await asyncio.sleep(0)  # what is here already is read without waiting: others have their turn
                turn_end = clock() + _TURN_SECONDS

    async def _reply(self, number: int, what: object) -> None:
        self.send(Answer(number, await self._answer(what)))

    def send(self, value: object) -> None:
        """Say `value`, after all that was said before."""
        self.send_packed(pack(value))

    def send_packed(self, packed: bytes) -> None:
        """As `send`, for what is said to several."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(packed)

    async def drained(self, seconds: float) -> None:
        """Until not too much is waiting; who takes nothing for so long is cut off."""
        if self._writer is None or self._writer.is_closing():
            return
        try:
            async with asyncio.timeout(seconds):
                await self._writer.drain()
        except TimeoutError:
            _log.error("%s has taken nothing for %g s and is cut off", self.name, seconds)
            self._writer.transport.abort()
        except ConnectionError:
            pass

    async def ask(self, what: object, seconds: float = ANSWER_SECONDS) -> Any:  # noqa: ANN401 - each has its own answer
        """What the other end answers; raises AwayError if it ends, or takes so long."""
        number = next(self._numbers)
        future = self._asked[number] = asyncio.get_running_loop().create_future()
        self.send(Ask(number, what))
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise AwayError(RETRY_SECONDS) from None
        finally:
            self._asked.pop(number, None)
