from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from logstream.errors import UsageError
from logstream.workers.children import Child, wait_seconds
from logstream.workers.messages import Failed, Ready
from tests.running import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.workers.link import Link


def nothing() -> None:
    pass


def ending_of(child: Child) -> str:
    found: list[str | None] = [None]

    def has_ended() -> bool:
        found[0] = child.reap()
        return found[0] is not None

    eventually(has_ended)
    return found[0] or ""


@pytest.fixture(name="children")
def _children() -> Iterator[list[Child]]:
    made: list[Child] = []
    yield made
    for child in made:
        if child.pid is not None:
            child.signal(signal.SIGKILL)
            ending_of(child)


def test_a_child_that_dies_at_once_is_started_again_at_once_and_then_ever_later() -> None:
    assert [wait_seconds(lives) for lives in range(9)] == [0, 0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert wait_seconds(2_000) == 5.0


def test_what_a_child_cannot_begin_with_comes_in_its_own_words(children: list[Child]) -> None:
    async def refuse(link: Link) -> None:
        link.tell(Ready())
        group = ExceptionGroup("parts", [ExceptionGroup("more", [UsageError("the words")])])
        raise group

    child = Child("worker 1", refuse)
    children.append(child)
    child.start(nothing)

    assert ending_of(child) == "ended with exit code 1"
    assert child.failed == Failed("the words", is_usage=True)


def test_a_child_whose_parent_is_gone_ends(children: list[Child]) -> None:
    async def wait(link: Link) -> None:
        link.listen(lambda _: None, lambda: None)
        link.tell(Ready())
        await asyncio.sleep(3_600)

    child = Child("worker 1", wait)
    children.append(child)
    child.start(nothing)
    eventually(lambda: Ready() in child.hear())
    child.close()  # as the system does for a parent that was killed

    assert ending_of(child) == "ended with exit code 1"


def test_how_a_child_ended_is_told_once(children: list[Child]) -> None:
    async def wait(link: Link) -> None:
        link.tell(Ready())
        await asyncio.sleep(3_600)

    child = Child("worker 1", wait)
    children.append(child)
    child.start(nothing)
    assert child.reap() is None
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)

    assert ending_of(child) == "was ended by SIGKILL"
    assert child.reap() is None
    assert child.due_seconds <= time.monotonic()
