from __future__ import annotations

import asyncio
from itertools import pairwise

from hypercorn.asyncio.worker_context import EventWrapper

from logstream.serving.ending import Ending
from logstream.turns import MOST_ENDS

CROWD = 10 * MOST_ENDS


async def test_the_end_of_a_server_is_heard_by_a_few_in_each_turn_of_the_loop() -> None:
    ending, heard, counts = Ending(), list[int](), [0]

    async def idle(number: int) -> None:
        await ending.wait()
        heard.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(CROWD):
            group.create_task(idle(number))
        await asyncio.sleep(0)
        assert not ending.is_set()
        group.create_task(ending.set())
        while len(heard) < CROWD:
            await asyncio.sleep(0)
            assert ending.is_set()
            counts.append(len(heard))

    assert max(later - earlier for earlier, later in pairwise(counts)) <= MOST_ENDS
    assert heard == list(range(CROWD))
    await ending.wait()  # who comes later waits for nothing


async def test_who_waits_no_longer_is_not_told() -> None:
    ending = Ending()
    waiting = asyncio.create_task(ending.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await ending.set()
    await asyncio.wait({waiting})
    assert waiting.cancelled()


def test_it_has_all_that_hypercorn_asks_of_an_event() -> None:
    assert {name for name in vars(EventWrapper) if not name.startswith("_")} <= set(dir(Ending))
