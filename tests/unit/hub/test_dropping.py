from __future__ import annotations

import asyncio
import weakref

from logstream.hub.dropping import AT_ONCE, drop_slowly


class Thing:
    pass


async def test_many_things_are_let_go_of_a_few_in_each_turn_of_the_loop() -> None:
    things = [Thing() for _ in range(3 * AT_ONCE)]
    alive = weakref.WeakSet(things)
    drop_slowly(things)
    things.clear()

    left = []
    while alive:
        left.append(len(alive))
        await asyncio.sleep(0)
    assert left[0] == 3 * AT_ONCE
    assert all(before - after <= AT_ONCE for before, after in zip(left, [*left[1:], 0], strict=True))


def test_without_a_loop_they_are_let_go_of_at_once() -> None:
    things = [Thing()]
    alive = weakref.WeakSet(things)
    drop_slowly(things)
    things.clear()

    assert not alive
