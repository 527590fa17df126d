"""Several processes that accept from one socket: here several acceptors in one loop."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

from logstream.serving import Share, Spread, bind
from logstream.serving.acceptor import Acceptor


def test_who_has_more_than_the_one_with_fewest_lets_others_go_first() -> None:
    spread = Spread(3)
    for number in (0, 1):
        spread.note(number, 5)
    assert not spread.is_ahead(0), "the third does not serve yet"
    spread.note(2, 4)
    assert not spread.is_ahead(0)
    spread.note(2, 3)
    assert spread.is_ahead(0)
    Share(spread, 2).leave()
    assert not spread.is_ahead(0)


class Process:
    """What one process has accepted."""

    def __init__(self, share: Share, queue: asyncio.Queue[None]) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self._share = share
        self._queue = queue
        share.note(0)

    def accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        self.writers.append(writer)
        self._share.note(len(self.writers))
        self._queue.put_nowait(None)


async def accepted_by(processes: int, stack: ExitStack, *, silent: int = 0) -> list[int]:
    """How many of 64 connections that wait at once each process accepts; the last `silent` of them take none."""
    (listener,) = bind("127.0.0.1", 0)
    stack.callback(listener.close)
    for _ in range(64):
        client = stack.enter_context(socket.socket())
        client.setblocking(False)  # noqa: FBT003 - the standard library's signature
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", listener.address.port))
    spread = Spread(processes)
    queue: asyncio.Queue[None] = asyncio.Queue()
    made = [Process(Share(spread, number), queue) for number in range(processes)]
    acceptors = [
        Acceptor(stack.enter_context(listener.socket.dup()), process.accepted, Share(spread, number))
        for number, process in enumerate(made[: processes - silent])
    ]
    async with asyncio.timeout(20):
        for _ in range(64):
            await queue.get()
    for acceptor in acceptors:
        acceptor.close()
    for process in made:
        for writer in process.writers:
            writer.transport.abort()
    return [len(process.writers) for process in made]


async def test_connections_that_wait_all_at_once_are_shared_out() -> None:
    with ExitStack() as stack:
        counts = await accepted_by(2, stack)
    assert max(counts) - min(counts) <= 16, counts


async def test_what_a_process_that_stands_still_leaves_is_taken_by_the_others() -> None:
    with ExitStack() as stack:
        assert await accepted_by(2, stack, silent=1) == [64, 0]
