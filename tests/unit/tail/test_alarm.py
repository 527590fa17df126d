from __future__ import annotations

import asyncio

from logstream.tail.alarm import Alarm


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
