"""Lines of a hot file are read when the system says that it has grown, and also where it does not say so."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest

from logstream.tail.growth import Growth
from logstream.tail.turn import Pace
from logstream.tail.watcher import Hint, Watcher
from tests.tail_kit import RecordingSink, eventually, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

# Nothing but what is tested ever looks at a file after the first time.
STILL = Pace(
    hot_poll_seconds=1000.0, announced_poll_seconds=1000.0, hot_seconds=1000.0, sweep_seconds=1000.0,
    blind_sweep_seconds=1000.0, survey_seconds=1000.0, blind_survey_seconds=1000.0,
)  # fmt: skip


@pytest.fixture(autouse=True)
def _without_other_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watcher, "watch", lambda _self, _directories: None)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
async def test_a_hot_file_is_read_as_soon_as_it_grows(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"0\n")
    async with tailing(sink, source(log), pace=STILL):
        for number in range(1, 20):
            await sink.first(number)
            write(log, b"%d\n" % number)
        assert await sink.first(20) == [b"%d" % number for number in range(20)]


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
async def test_a_file_that_was_quiet_for_long_is_read_as_soon_as_it_grows(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"0\n")
    pace = replace(STILL, hot_seconds=0.05, hot_poll_seconds=0.01)
    async with tailing(sink, source(log), pace=pace) as supervisor:
        await sink.first(1)
        await eventually(lambda: not supervisor._schedule._hot)
        write(log, b"1\n")
        assert await sink.first(2) == [b"0", b"1"]


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
async def test_a_hint_that_tells_nothing_new_begins_no_turn(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"0\n")
    async with tailing(sink, source(log), pace=STILL) as supervisor:
        await sink.first(1)
        write(log, b"1\n")
        await sink.first(2)
        await eventually(lambda: bool(supervisor._schedule._announced))
        rung: list[bool] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(supervisor._alarm, "ring", lambda: rung.append(True))
            supervisor._hints.take([Hint(str(log), is_structural=False)])
            assert not rung
            supervisor._hints.take([Hint(str(log), is_structural=True)])
            assert rung


@pytest.mark.parametrize("told", [True, False])
async def test_growth_that_nobody_tells_of_is_found_by_polling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    """A file over the network, or one that is written through memory: events may come for a while and then stop."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"0\n")
    pace = replace(STILL, hot_poll_seconds=0.01, announced_poll_seconds=0.02)
    async with tailing(sink, source(log), pace=pace):
        await sink.first(1)
        if told:
            write(log, b"told\n")
            await sink.first(2)
            await asyncio.sleep(0.05)
        with monkeypatch.context() as patch:
            patch.setattr(Growth, "take", lambda _self: set())
            patch.setattr(Growth, "arm", lambda _self, _ring: None)
            for number in range(5):
                write(log, b"%d\n" % number)
                await sink.first(2 + told + number)


@pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")
async def test_growth_that_is_told_of_all_the_time_does_not_keep_others_from_being_polled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Growth.take
    monkeypatch.setattr(Growth, "take", lambda self: {one for one in take(self) if "loud" in one.path})
    sink, loud, silent = RecordingSink(), tmp_path / "loud.log", tmp_path / "silent.log"
    write(loud, b"0\n")
    write(silent, b"0\n")
    async with tailing(sink, source(tmp_path / "*.log"), pace=replace(STILL, hot_poll_seconds=0.5)):
        await sink.first(2)
        async with asyncio.timeout(5):
            for number in count():
                write(loud, b"x\n")
                await asyncio.sleep(0.001)
                if number == 100:
                    write(silent, b"1\n")
                if b"1" in sink.texts:
                    break
