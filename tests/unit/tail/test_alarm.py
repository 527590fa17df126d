from __future__ import annotations

import asyncio

from logstream.tail.alarm import Alarm
from tests import virtual_time


async def test_a_ring_ends_the_wait() -> None:
    alarm = Alarm()
    waiting = asyncio.create_task(alarm.wait(1000))
    await asyncio.sleep(0)
    alarm.ring()
    alarm.ring()
    assert await waiting


async def test_a_ring_before_the_wait_is_kept_for_one_wait() -> None:
    alarm = Alarm()
    alarm.ring()
    assert await alarm.wait(1000)
    waiting = asyncio.create_task(alarm.wait(1000))
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_a_wait_ends_by_itself() -> None:
    assert not await Alarm().wait(0)


async def test_a_cancelled_wait_leaves_the_alarm_usable() -> None:
    alarm = Alarm()
    waiting = asyncio.create_task(alarm.wait(1000))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    alarm.ring()
    assert await alarm.wait(1000)


def test_a_wait_that_is_cut_short_changes_nothing_about_when_later_ones_end() -> None:
    async def ends_at(alarm: Alarm, seconds: float, ring_after: float | None = None) -> tuple[float, bool]:
        loop = asyncio.get_running_loop()
        if ring_after is not None:
            loop.call_later(ring_after, alarm.ring)
        has_rung = await alarm.wait(seconds)
        return loop.time(), has_rung

    async def story() -> list[tuple[float, bool]]:
        alarm = Alarm()
        return [
            await ends_at(alarm, 4, ring_after=1),
            await ends_at(alarm, 10),
            await ends_at(alarm, 100, ring_after=2),
            await ends_at(alarm, 3),
            await ends_at(alarm, 0),
        ]

    assert virtual_time.run(story()) == [(1, True), (11, False), (13, True), (16, False), (16, False)]
