from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from logstream.turns import MOST, MOST_ENDS, Turns, begin_in_slices, in_slices, slices

if TYPE_CHECKING:
    import pytest

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


async def test_those_who_end_together_do_so_a_few_in_each_turn_of_the_loop() -> None:
    ended: list[int] = []
    counts: list[int] = []

    def count() -> None:
        counts.append(len(ended))
        if len(ended) < CROWD:
            asyncio.get_running_loop().call_soon(count)

    asyncio.get_running_loop().call_soon(count)
    await in_slices(range(CROWD), ended.append, within_seconds=1_000)
    assert ended == list(range(CROWD))
    assert counts[:3] == [MOST_ENDS, 2 * MOST_ENDS, 3 * MOST_ENDS]

    ended.clear()
    begin_in_slices(range(CROWD), ended.append, within_seconds=1_000)
    assert ended == list(range(MOST_ENDS)), "the first of them at once"
    for _ in range(CROWD // MOST_ENDS):
        await asyncio.sleep(0)
    assert ended == list(range(CROWD))


def test_a_few_who_end_need_no_loop() -> None:
    ended: list[int] = []
    begin_in_slices(range(MOST_ENDS), ended.append, within_seconds=1_000)
    assert ended == list(range(MOST_ENDS))


def test_more_end_at_once_where_others_take_so_long_that_it_would_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    now, ended, counts = 50.0, list[int](), list[int]()
    monkeypatch.setattr("logstream.turns.time.monotonic", lambda: now)
    for _ in slices(range(CROWD), ended.append, within_seconds=2.0):
        counts.append(len(ended))
        now += 0.5

    assert counts == [MOST_ENDS, CROWD // 4, CROWD // 2, CROWD * 3 // 4]
    assert ended == list(range(CROWD))
