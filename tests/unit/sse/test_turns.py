from __future__ import annotations

import asyncio

from logstream.sse.turns import MOST, Turns

CROWD = 20 * MOST


class Watched:
    """What goes on in each turn of the loop, and in which."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.went_on: list[int] = []
        self.a_turn: list[int] = []
        self._counted = 0

    async def go_on(self, number: int) -> None:
        await self.turns.next()
        self.went_on.append(number)

    def count(self) -> None:
        """Called in every turn of the loop."""
        self.a_turn.append(len(self.went_on) - self._counted)
        self._counted = len(self.went_on)
        if self._counted < CROWD:
            asyncio.get_running_loop().call_soon(self.count)


async def test_a_crowd_goes_on_a_few_in_each_turn_of_the_loop_first_come_first_served() -> None:
    watched = Watched()
    async with asyncio.TaskGroup() as group:
        for number in range(CROWD):
            group.create_task(watched.go_on(number))
        asyncio.get_running_loop().call_soon(watched.count)

    assert max(watched.a_turn) <= MOST
    assert watched.went_on == list(range(CROWD))


async def test_who_is_alone_has_the_next_turn_of_the_loop() -> None:
    turns, order = Turns(), list[str]()
    for _ in range(3 * MOST):
        asyncio.get_running_loop().call_soon(order.append, "others")
        await turns.next()
        order.append("this one")

    assert order == ["others", "this one"] * (3 * MOST)


async def test_who_leaves_while_waiting_takes_no_turn_from_others() -> None:
    watched = Watched()
    tasks = [asyncio.create_task(watched.go_on(number)) for number in range(CROWD)]
    await asyncio.sleep(0)
    for task in tasks[MOST:-1]:
        task.cancel()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert watched.went_on == [*range(MOST), CROWD - 1]
    await asyncio.wait(tasks)


async def test_nothing_is_left_in_the_loop_when_nobody_waits() -> None:
    watched = Watched()
    async with asyncio.TaskGroup() as group:
        for number in range(CROWD):
            group.create_task(watched.go_on(number))
    for _ in range(3):
        await asyncio.sleep(0)

    assert not asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    assert repr(watched.turns) == "<Turns waiting=0>"
