"""Long work in steps: others have their turn between, and what it found is told in the end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from logstream.tail import slices
from logstream.tail.slices import at_once, with_pauses

if TYPE_CHECKING:
    from collections.abc import Generator


def counting(done: list[int], steps: int) -> Generator[None, None, str]:
    for number in range(steps):
        done.append(number)
        yield
    return "all"


def test_at_once_nothing_is_left_out() -> None:
    done: list[int] = []
    assert at_once(counting(done, 5)) == "all"
    assert done == [*range(5)]


async def test_others_have_their_turn_once_a_slice_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_SLICE_SECONDS", -1.0)
    done: list[int] = []
    seen: list[int] = []

    async def others() -> None:
        while len(done) < 5:
            seen.append(len(done))
            await asyncio.sleep(0)

    watching = asyncio.create_task(others(), name="others")
    found, seconds = await with_pauses(counting(done, 5))
    await watching

    assert found == "all"
    assert seconds > 0
    assert seen == [1, 2, 3, 4]


async def test_short_work_is_done_without_a_pause() -> None:
    done: list[int] = []
    asyncio.get_running_loop().call_soon(done.append, -1)
    await with_pauses(counting(done, 3))
    assert done == [0, 1, 2]


async def test_what_is_cancelled_in_a_pause_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "_SLICE_SECONDS", -1.0)
    done: list[int] = []
    task = asyncio.create_task(with_pauses(counting(done, 1_000)), name="work")
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [0]
