"""Files that cannot be read, and that the tail is about to find: who comes before it has looked waits for it a bit."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import pytest

from logstream.hub import catch_up
from logstream.tail.batch import Moved
from tests.hub_kit import Stage, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from logstream.hub.subscriber import Pulled

LONG: Final = 3_600.0


class Sleeping:
    """Sleeps that last until a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_asleep = asyncio.Event()
        self._turn = asyncio.Event()
        self._sleep = asyncio.sleep
        self.count = 0
        monkeypatch.setattr(catch_up, "asyncio", self)

    async def sleep(self, seconds: float) -> None:
        if seconds:
            self.count += 1
            self.is_asleep.set()
            await self._turn.wait()
        else:
            await self._sleep(0)

    @staticmethod
    def get_running_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def wake(self) -> None:
        self._turn.set()


@asynccontextmanager
async def renamed(directory: Path, *, has_looked: bool = True) -> AsyncIterator[tuple[Stage, str, Path]]:
    """A log of three lines whose directory was renamed after a restart, before the tail has looked; where it is now."""
    (directory / "before").mkdir()
    async with Stage(directory) as stage:
        file = stage.file("before/a.log")
        await stage.tell(file.changes(b"one\n", b"two\n", b"three\n"), file.proof())
        key = file.key
    there = (directory / "before").rename(directory / "after") / "a.log"
    async with Stage(directory) as stage:
        if not has_looked:
            stage.hub.has_looked.clear()
        yield stage, key, there


def events(pulled: Pulled | None) -> list[str]:
    assert pulled is not None
    return [one.json["reason"] if one.type == "gap" else one.json["text"] for one in told(pulled.content)]


@pytest.mark.parametrize("has_looked", [True, False])
async def test_who_comes_back_before_the_tail_has_found_a_renamed_directory_misses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_looked: bool
) -> None:
    """Conformance: A14, I7."""
    sleeping = Sleeping(monkeypatch)
    async with renamed(tmp_path, has_looked=has_looked) as (stage, key, there):
        pulling = asyncio.create_task(stage.subscriber(at=4).pull(LONG), name="pull")
        asleep = asyncio.create_task(sleeping.is_asleep.wait(), name="asleep")
        await asyncio.wait((pulling, asleep), return_when=asyncio.FIRST_COMPLETED)
        await stage.tell(Moved(key, str(there)))
        stage.hub.has_looked.set()
        sleeping.wake()
        asleep.cancel()
        assert events(await pulling) == ["two", "three"]


@pytest.mark.parametrize("has_looked", [True, False])
async def test_what_nobody_finds_is_a_gap_soon_and_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_looked: bool
) -> None:
    sleeping = Sleeping(monkeypatch)
    sleeping.wake()
    async with renamed(tmp_path, has_looked=has_looked) as (stage, _, _):
        subscriber = stage.subscriber(at=0)
        assert events(await subscriber.pull(LONG)) == ["unreadable"]
        waited = sleeping.count * catch_up._LOOK_AGAIN_SECONDS
        most = catch_up._PATIENCE_SECONDS if has_looked else catch_up._FIRST_LOOK_SECONDS
        assert most / 4 < waited <= most
        subscriber.at = 0
        assert events(await subscriber.pull(LONG)) == ["unreadable"]
        assert sleeping.count * catch_up._LOOK_AGAIN_SECONDS <= most


async def test_who_is_woken_for_the_end_waits_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeping = Sleeping(monkeypatch)
    async with renamed(tmp_path) as (stage, _, _):
        subscriber = stage.subscriber(at=0)
        pulling = asyncio.create_task(subscriber.pull(LONG), name="pull")
        await sleeping.is_asleep.wait()
        subscriber.wake()
        sleeping.wake()
        await pulling
        assert sleeping.count == 1
