"""The process that reads the files and records what it finds, and tells the processes that serve.

Owns the state, as `server.Service` does, and the connections to those who serve. Serves nobody itself, so that it can
be replaced while no stream ends.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any, Final

from logstream.server import Service
from logstream.status import process_figures, view_figures
from logstream.workers.channel import Channel
from logstream.workers.merging import merged_views
from logstream.workers.messages import Pulse, Ready, Right, Try, pack

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

    from logstream.config import Settings
    from logstream.hub.view import ViewEvidence
    from logstream.journal.replica import Change
    from logstream.metrics import Snapshot
    from logstream.tail.batch import Batch, Sink
    from logstream.workers.link import Link

NAME: Final = "ingester"
_PULSE_SECONDS: Final = 1.0
_FIRST_PULSE_SECONDS: Final = 0.05
_ANSWER_SECONDS: Final = 1.0
"""Who asks for all waits no longer for one of them."""
STUCK_SECONDS: Final = 5.0
"""So long everybody waits for a process that takes nothing."""


class Ingester(Service):
    """A service without a server."""

    def __init__(self, settings: Settings, link: Link, take_lock: Callable[[Path], int]) -> None:
        """Build all parts; raises StateUnusableError."""
        self._channels: list[Channel] = []
        self._last: tuple[Change | None, bytes] = (None, b"")
        self._fresh = settings
        super().__init__(settings, lambda: self._fresh, take_lock)
        self._link = link

    def _heed_signals(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the parent's business

    def _sink(self) -> Sink:
        return self

    async def accept(self, batch: Batch) -> None:
        """Record a batch and tell all who serve; no faster than they take it. Raises JournalError."""
        await self._hub.accept(batch)
        for channel in tuple(self._channels):
            await channel.drained(STUCK_SECONDS)

    async def _serve(self, stop: asyncio.Event) -> None:
        self._link.listen(self._offer, self._gate.look_again)
        self._link.tell(Ready())
        async with asyncio.TaskGroup() as group:
            pulse = group.create_task(self._pulse(), name="pulse")
            peers = group.create_task(self._meet(), name="peers")
            await stop.wait()
            for task in (pulse, peers):
                task.cancel()

    def _offer(self, fresh: Settings) -> None:
        """Take over what the parent has read."""
        self._fresh = fresh
        self._reloading.ask()

    def _read_fresh(self) -> Settings | None:
        return self._fresh

    def _tell_reloaded(self, fresh: Settings) -> None:
        """The parent has said so."""

    async def _meet(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                name, sock = await self._link.peers.get()
                group.create_task(self._accompany(name, sock), name=name)

    async def _accompany(self, name: str, sock: socket.socket) -> None:
        channel = Channel(name, sock, lambda _: None, self._answer)

        def tell(change: Change) -> None:
            channel.send_packed(self._packed(change))

        async def begin(channel: Channel) -> None:
            await self._journal.follow(tell)
            channel.send(self._pulse_now())
            self._channels.append(channel)

        try:
            await channel.run(begin)
        finally:
            self._journal.leave(tell)
            if channel in self._channels:
                self._channels.remove(channel)

    def _packed(self, change: Change) -> bytes:
        """`change` as it goes to all: packed once."""
        if self._last[0] is not change:
            self._last = change, pack(change)
        return self._last[1]

    async def _pulse(self) -> None:
        """Say how this process is, again and again: more often until all files have been looked at."""
        while True:
            has_looked = self._hub.has_looked.is_set()
            for channel in self._channels:
                channel.send(self._pulse_now())
            await asyncio.sleep(_PULSE_SECONDS if has_looked else _FIRST_PULSE_SECONDS)

    def _pulse_now(self) -> Pulse:
        return Pulse(self._status.readiness(), self._hub.has_looked.is_set())

    async def _answer(self, what: object) -> object:
        match what:
            case Try(address, name):
                return await self._gate.tries.take(address, name)
            case Right(address, name):
                await self._gate.tries.give_back(address, name)
                return None
            case "sources":
                return await self._status.sources()
            case "rules":
                return (await self._rules())._replace(views=await self._views())
            case "figures":
                return await self._figures()
            case _:
                return None  # that there is an answer says that all before it has come

    async def _views(self) -> tuple[ViewEvidence, ...]:
        return merged_views(await self._ask_all("views"))

    async def _figures(self) -> Snapshot:
        own = process_figures(NAME, self._hub, self._streams, self._stalls)
        told, views = await asyncio.gather(self._ask_all("process"), self._views())
        return (await self._status.figures())._replace(views=view_figures(views), processes=(own, *sorted(told)))

    async def _ask_all(self, what: str) -> list[Any]:
        """What each process that serves answers; one that ends meanwhile is left out."""
        asked = (channel.ask(what, _ANSWER_SECONDS) for channel in self._channels)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        return [answer for answer in answers if not isinstance(answer, BaseException)]
