from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from logstream.hub import recent as recent_module
from logstream.hub import subscriber as subscriber_module
from logstream.hub.listener import Announcement
from logstream.journal.sqlite import SqliteJournal
from logstream.tail.batch import Notice
from tests import virtual_time
from tests.hub_kit import Stage, told

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.journal.base import Block, BlockReader, Lost, Passed, Picked

LONG_SECONDS = 1_000.0


def notice(number: int, source: str = "app") -> Notice:
    return Notice("source", source, f"/{number}.log", {"state": "appeared"})


def test_wake_ends_a_pull_that_waits_and_every_later_one(tmp_path: Path) -> None:
    async def story() -> list[float]:
        async with Stage(tmp_path) as stage:
            loop = asyncio.get_running_loop()
            subscriber = stage.subscriber()
            loop.call_later(3, subscriber.wake)
            assert await subscriber.pull(LONG_SECONDS) is None
            ended_at = [loop.time()]
            await stage.tell(stage.file("a.log").changes(b"a1\n"))
            assert await subscriber.pull(LONG_SECONDS) is None
            return [*ended_at, loop.time()]

    assert virtual_time.run(story()) == [3, 3]


def test_a_pull_without_news_ends_in_time_and_leaves_nobody_waiting(tmp_path: Path) -> None:
    async def story() -> float:
        async with Stage(tmp_path) as stage:
            assert await stage.subscriber().pull(15) is None
            assert "waiters=0" in repr(stage.hub)
            return asyncio.get_running_loop().time()

    assert virtual_time.run(story()) == 15


def test_a_cancelled_pull_leaves_nobody_waiting(tmp_path: Path) -> None:
    async def story() -> None:
        async with Stage(tmp_path) as stage:
            pulling = asyncio.create_task(stage.subscriber().pull(LONG_SECONDS))
            await asyncio.sleep(1)
            assert "waiters=1" in repr(stage.hub)
            pulling.cancel()
            await asyncio.wait([pulling])
            assert pulling.cancelled()
            assert "waiters=0" in repr(stage.hub)

    virtual_time.run(story())


def test_a_waiting_pull_brings_what_is_recorded_or_noticed(tmp_path: Path) -> None:
    async def story() -> list[str]:
        async with Stage(tmp_path) as stage:
            subscriber = stage.subscriber(stage.view(sources=("app",)))
            files = []
            for changes in (stage.file("a.log").changes(b"a1\n"), [notice(1, "web"), notice(2)]):
                pulling = asyncio.create_task(subscriber.pull(LONG_SECONDS))
                await asyncio.sleep(1)
                await stage.tell(*changes)
                pulled = await pulling
                assert pulled is not None
                files += [event.json["file"].rpartition("/")[2] for event in told(pulled.content)]
            assert asyncio.get_running_loop().time() < LONG_SECONDS
            return files

    assert virtual_time.run(story()) == ["a.log", "2.log"]


class SuspendingReader:
    """A reader as another journal may have it: its reads take a while."""

    def __init__(self, reader: BlockReader) -> None:
        self._reader = reader

    @property
    def at(self) -> int:
        return self._reader.at

    async def read(self, until: int) -> Block | Lost | None:
        await asyncio.sleep(1)
        return await self._reader.read(until)

    async def sift(self, until: int) -> Block | Lost | Passed | None:
        await asyncio.sleep(1)
        return await self._reader.sift(until)

    async def pick(self, until: int) -> Block | Lost | Passed | Picked | None:
        await asyncio.sleep(1)
        return await self._reader.pick(until)

    def close(self) -> None:
        self._reader.close()


class SuspendingJournal(SqliteJournal):
    def reader(self, at: int, *arguments: Any, **more: Any) -> SuspendingReader:  # type: ignore[override] # noqa: ANN401
        return SuspendingReader(super().reader(at, *arguments, **more))


@pytest.mark.parametrize("event", ["wake", "notice"])
def test_what_comes_while_a_frame_is_being_made_is_not_slept_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    monkeypatch.setattr("tests.hub_kit.SqliteJournal", SuspendingJournal)
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)

    async def story() -> float:
        async with Stage(tmp_path) as stage:
            loop = asyncio.get_running_loop()
            subscriber = stage.subscriber(stage.view("nowhere"))
            await stage.tell(stage.file("a.log").changes(b"a1\n"))
            if event == "wake":
                loop.call_later(0.5, subscriber.wake)
                assert await subscriber.pull(LONG_SECONDS) is None
            else:
                loop.call_later(0.5, subscriber.notify, Announcement([notice(1)]))
                assert await subscriber.pull(LONG_SECONDS) is not None
            return loop.time()

    assert virtual_time.run(story()) < LONG_SECONDS


def test_of_many_who_go_a_long_way_without_a_match_one_goes_on_in_each_turn_of_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 0.0)
    crowd, blocks = 20, 5

    async def story() -> list[int]:
        async with Stage(tmp_path) as stage:
            view = stage.view("nowhere")
            for number in range(blocks):
                await stage.tell(stage.file(f"{number}.log").changes(b"a1\n"))
            subscribers = [stage.subscriber(view) for _ in range(crowd)]
            tasks = [asyncio.create_task(one.pull(1, until_at=stage.hub.head)) for one in subscribers]
            await asyncio.sleep(0)
            went_on = []
            while not all(task.done() for task in tasks):
                before = [one.at for one in subscribers]
                await asyncio.sleep(0)
                went_on.append(sum(one.at != at for one, at in zip(subscribers, before, strict=True)))
            assert [one.lag_bytes for one in subscribers] == [0] * crowd
            return went_on

    assert max(virtual_time.run(story())) <= 1


def test_a_pull_ends_where_the_past_ends_if_nothing_in_it_is_selected(tmp_path: Path) -> None:
    async def story() -> float:
        async with Stage(tmp_path) as stage:
            subscriber = stage.subscriber(stage.view("nowhere"))
            await stage.tell(stage.file("a.log").changes(b"a1\n"))
            assert await subscriber.pull(LONG_SECONDS, until_at=3) is None
            return asyncio.get_running_loop().time()

    assert virtual_time.run(story()) < LONG_SECONDS
