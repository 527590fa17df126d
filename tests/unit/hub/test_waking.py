from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest

from logstream.hub.listener import Announcement
from logstream.hub.waking import SLICE, WAKE_SECONDS, WAKE_SECONDS_A_WAITER, Waking
from logstream.tail.batch import Notice
from tests import virtual_time
from tests.hub_kit import Stage, texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from logstream.hub.subscriber import Subscriber

CROWD = 20 * SLICE
LONG_SECONDS = 1_000.0


class Head:
    """A head that tests move."""

    def __init__(self) -> None:
        self.at = 0

    def __call__(self) -> int:
        return self.at


class Seen(NamedTuple):
    """What a waiter was shown, and in which turn of the loop."""

    waiter: int
    shown: int
    turn: int


class Room:
    """Waiters who each wait once, and what they saw."""

    def __init__(self, crowd: int = CROWD) -> None:
        self.head = Head()
        self.readers = 0
        self.waking = Waking(self.head, lambda: self.readers)
        self.seen: list[Seen] = []
        self.turn = 0
        self.tasks = [asyncio.create_task(self._wait(number)) for number in range(crowd)]

    async def _wait(self, number: int) -> None:
        future = self.waking.wait()
        try:
            await future
            self.seen.append(Seen(number, self.waking.shown, self.turn))
        finally:
            self.waking.leave(future)

    async def turns(self, count: int, each: Callable[[], object] = lambda: None) -> None:
        for _ in range(count):
            await asyncio.sleep(0)
            self.turn += 1
            each()


def test_a_crowd_is_woken_a_slice_in_each_turn_of_the_loop_each_once() -> None:
    async def story() -> list[Seen]:
        await asyncio.sleep(1)
        room = Room()
        await room.turns(1)
        room.head.at = 1
        room.waking.soon()
        await room.turns(3 * CROWD // SLICE)
        return room.seen

    seen = virtual_time.run(story())
    assert sorted(one.waiter for one in seen) == list(range(CROWD))
    turns = [one.turn for one in seen]
    assert max(map(turns.count, turns)) <= SLICE


def test_those_who_are_few_are_woken_at_once() -> None:
    async def story() -> list[bool]:
        await asyncio.sleep(1)
        waking = Waking(lambda: 0, lambda: 0)
        futures = [waking.wait() for _ in range(SLICE)]
        waking.soon()
        return [future.done() for future in futures]

    assert all(virtual_time.run(story()))


def test_what_comes_during_a_round_is_shown_to_all_of_it_in_the_next() -> None:
    async def story() -> tuple[list[Seen], list[int]]:
        await asyncio.sleep(1)
        room = Room()
        await room.turns(1)
        room.head.at = 1
        room.waking.soon()
        await room.turns(3)
        room.head.at = 2
        room.waking.soon()
        again = [room.waking.wait() for _ in range(CROWD)]
        at_once = []
        await room.turns(3 * CROWD // SLICE, lambda: at_once.append(sum(future.done() for future in again)))
        await asyncio.wait(again)
        return room.seen, at_once

    seen, at_once = virtual_time.run(story())
    assert {one.shown for one in seen} == {1}
    assert len(seen) == CROWD
    assert max(at_once) == 0, "the next round comes no sooner than it would have without slices"


def test_a_crowd_is_shown_what_is_recorded_when_the_next_round_begins_and_a_few_at_once() -> None:
    async def story(crowd: int) -> list[int]:
        await asyncio.sleep(1)
        room, loop = Room(crowd), asyncio.get_running_loop()
        await room.turns(1)
        room.waking.soon()
        await room.turns(2 * CROWD // SLICE)
        again = [room.waking.wait() for _ in range(crowd)]
        room.head.at, began = 5, loop.time()
        room.waking.soon()
        shown = [room.waking.shown]
        await asyncio.wait(again)
        assert loop.time() - began <= max(WAKE_SECONDS, crowd * WAKE_SECONDS_A_WAITER) + 0.001
        return [*shown, room.waking.shown]

    assert virtual_time.run(story(CROWD)) == [0, 5]
    assert virtual_time.run(story(1)) == [5, 5]


def test_those_who_read_without_waiting_are_shown_the_head_as_seldom_as_a_crowd_that_waits() -> None:
    async def story(readers: int) -> tuple[float, int]:
        await asyncio.sleep(1)
        room, loop = Room(1), asyncio.get_running_loop()
        room.readers = readers
        await room.turns(1)
        for _ in range(2):
            await asyncio.sleep(1)
            for _ in range(2 * CROWD):
                room.waking.note_taken()
            room.waking.soon()
        waiter, began = room.waking.wait(), loop.time()
        room.head.at += 1
        room.waking.soon()
        shown = room.waking.shown
        await waiter
        return loop.time() - began, room.head.at - shown

    for readers, pause_seconds, hidden in ((CROWD, CROWD * WAKE_SECONDS_A_WAITER, 1), (0, WAKE_SECONDS, 0)):
        seconds, behind = virtual_time.run(story(readers))
        assert seconds == pytest.approx(pause_seconds)
        assert behind == hidden


def test_who_leaves_during_a_round_is_not_touched_and_holds_nobody_up() -> None:
    async def story() -> tuple[list[bool], list[bool], str]:
        await asyncio.sleep(1)
        waking = Waking(lambda: 0, lambda: 0)
        futures = [waking.wait() for _ in range(CROWD)]
        waking.soon()
        late = [future for future in futures if not future.done()]
        left, stayed = late[::2], late[1::2]
        for future in left:
            waking.leave(future)
        stayed[0].cancel()
        for _ in range(2 * CROWD // SLICE):
            await asyncio.sleep(0)
        return [future.done() for future in left], [future.done() for future in stayed], str(len(waking))

    left, stayed, waiting = virtual_time.run(story())
    assert not any(left)
    assert all(stayed)
    assert waiting == "0"


def test_a_round_whose_waiters_have_all_left_ends_and_wakes_those_who_came_meanwhile() -> None:
    async def story() -> float:
        await asyncio.sleep(1)
        loop, waking = asyncio.get_running_loop(), Waking(lambda: 0, lambda: 0)
        futures = [waking.wait() for _ in range(CROWD)]
        waking.soon()
        began = loop.time()
        for future in futures:
            waking.leave(future)
        waking.soon()
        await waking.wait()
        return loop.time() - began

    assert virtual_time.run(story()) < CROWD * WAKE_SECONDS_A_WAITER


def test_nothing_is_left_in_the_loop_when_all_have_left() -> None:
    async def story() -> tuple[int, list[object]]:
        await asyncio.sleep(1)
        room = Room()
        await room.turns(1)
        room.waking.soon()
        await room.turns(2)
        for task in room.tasks:
            task.cancel()
        await asyncio.wait(room.tasks)
        await room.turns(4)
        loop = asyncio.get_running_loop()
        return len(room.waking), [*loop._ready, *loop._scheduled]  # type: ignore[attr-defined]

    assert virtual_time.run(story()) == (0, [])


def test_nobody_is_always_the_last() -> None:
    async def story() -> set[int]:
        last = set()
        waking = Waking(lambda: 0, lambda: 0)
        order: list[int] = []

        async def viewer(number: int) -> None:
            while True:
                future = waking.wait()
                await future
                order.append(number)

        viewers = [asyncio.create_task(viewer(number)) for number in range(CROWD)]
        for _ in range(CROWD // SLICE):
            await asyncio.sleep(1)
            order.clear()
            waking.soon()
            await asyncio.sleep(1)
            assert sorted(order) == list(range(CROWD))
            last.update(order[-SLICE:])
        for task in viewers:
            task.cancel()
        await asyncio.wait(viewers)
        return last

    assert virtual_time.run(story()) == set(range(CROWD))


def crowd_of(stage: Stage, pulled: list[list[str]]) -> tuple[list[Subscriber], list[asyncio.Task[None]]]:
    """A thousand who wait, and who note what they get."""
    view = stage.view()
    subscribers = [stage.subscriber(view) for _ in range(CROWD)]

    async def pull(subscriber: Subscriber) -> None:
        found = await subscriber.pull(LONG_SECONDS)
        pulled.append([] if found is None else texts(found.content))

    return subscribers, [asyncio.create_task(pull(subscriber)) for subscriber in subscribers]


def test_what_is_ready_when_lines_come_does_not_wait_for_the_last_viewer(tmp_path: Path) -> None:
    async def story() -> tuple[list[int], list[list[str]]]:
        async with Stage(tmp_path) as stage:
            pulled: list[list[str]] = []
            _, tasks = crowd_of(stage, pulled)
            await asyncio.sleep(1)
            file = stage.file("a.log")
            await stage.tell(file.changes(b"a1\n"))
            loop, had = asyncio.get_running_loop(), list[int]()

            def look() -> None:
                had.append(len(pulled))
                if len(pulled) < CROWD:
                    loop.call_soon(look)

            loop.call_soon(look)
            await asyncio.sleep(0)
            await stage.tell(file.changes(b"a2\n"))
            await asyncio.wait(tasks)
            return had, pulled

    had, pulled = virtual_time.run(story())
    assert all(later - earlier <= SLICE for earlier, later in pairwise(had))
    assert pulled == [["a1"]] * CROWD, "all of a round are told the same, and go on in step"


def test_a_crowd_that_is_told_of_something_else_is_woken_in_slices_too(tmp_path: Path) -> None:
    async def story() -> tuple[list[int], int]:
        async with Stage(tmp_path) as stage:
            pulled: list[list[str]] = []
            view = stage.view()
            subscribers = [stage.subscriber(view) for _ in range(CROWD)]

            async def pull(subscriber: Subscriber) -> None:
                await subscriber.pull(LONG_SECONDS)
                pulled.append([])

            tasks = [asyncio.create_task(pull(subscriber)) for subscriber in subscribers]
            await asyncio.sleep(1)
            news = Announcement([Notice("source", "app", "/a.log", {"state": "appeared"})])
            for subscriber in subscribers:
                subscriber.notify(news)
            had = []
            for _ in range(2 * CROWD // SLICE):
                await asyncio.sleep(0)
                had.append(len(pulled))
            await asyncio.wait(tasks)
            return had, len(pulled)

    had, total = virtual_time.run(story())
    assert total == CROWD
    assert all(later - earlier <= SLICE for earlier, later in pairwise(had))
