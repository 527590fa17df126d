"""Full collections look at what is new, and now and then at everything."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from logstream import garbage
from logstream.garbage import COUNTED_EVERY, PACE_SECONDS, SPARE_BLOCKS, WORK_SECONDS, SettingAside
from tests import virtual_time

if TYPE_CHECKING:
    from pathlib import Path


class FakeCollector:
    """Objects as numbers: `new` ones, and those that are set aside, of which some are `dead`."""

    def __init__(self, aside: int) -> None:
        self.aside, self.new, self.dead = aside, 0, 0
        self.looked_at: list[int] = []

    def freeze(self) -> None:
        self.aside, self.new = self.aside + self.new, 0

    def unfreeze(self) -> None:
        self.aside, self.new = 0, self.aside + self.new

    def blocks(self) -> int:
        return self.aside + self.new

    def collect(self, callback: SettingAside, generation: int = 2) -> None:
        callback("start", {"generation": generation})
        if generation == 2:
            self.looked_at.append(self.new)
            if not self.aside:
                self.new, self.dead = self.new - self.dead, 0
        callback("stop", {"generation": generation})


def test_a_full_collection_looks_at_nothing_that_was_there_at_the_last_one() -> None:
    collector = FakeCollector(200_000)
    callback = SettingAside(collector, collector.blocks)
    for _ in range(4):
        collector.new += 30_000
        collector.collect(callback)

    assert collector.looked_at == [30_000] * 4


@pytest.mark.parametrize("generation", [0, 1])
def test_smaller_collections_set_nothing_aside(generation: int) -> None:
    collector = FakeCollector(10)
    collector.new = 5
    collector.collect(SettingAside(collector, collector.blocks), generation)

    assert (collector.aside, collector.new) == (10, 5)


def test_garbage_among_what_was_set_aside_is_found_once_there_is_half_as_much_again() -> None:
    collector = FakeCollector(200_000)
    callback = SettingAside(collector, collector.blocks)
    most = 0
    for _ in range(1_000):
        collector.new += 10_000
        collector.collect(callback)
        collector.dead += 10_000
        most = max(most, collector.aside)

    assert most <= 200_000 * 3 // 2 + 2 * SPARE_BLOCKS + COUNTED_EVERY * 10_000
    assert sum(looked > 10_000 for looked in collector.looked_at) < 100


def test_what_is_there_once_all_files_have_been_found_is_needed() -> None:
    collector = FakeCollector(200_000)
    callback = SettingAside(collector, collector.blocks)
    collector.new += 600_000
    collector.freeze()
    callback.note_needed()
    collector.new += 10_000
    collector.collect(callback)

    assert collector.looked_at == [10_000]


def test_while_files_are_being_found_what_is_there_is_needed_time_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    settled: list[float] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(garbage, "settle", lambda: settled.append(loop.time()))
        is_known = asyncio.Event()
        loop.call_later(19.5 * garbage.SETTLED_SECONDS, is_known.set)
        await garbage.settle_until(is_known)
        await garbage.settle_until(is_known)

    virtual_time.run(story())
    assert len(settled) == 20


def test_what_is_new_is_looked_at_after_some_work_where_the_collector_sets_aside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here the thread works half of the time."""
    collected: list[float] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(gc, "collect", lambda: collected.append(loop.time()))
        monkeypatch.setattr(gc, "callbacks", [])  # another test of this process may have begun to set aside
        began = loop.time()
        looking = asyncio.create_task(garbage.look_often(lambda: 0, lambda: loop.time() / 2))
        await asyncio.sleep(4.5 * PACE_SECONDS)
        monkeypatch.setattr(gc, "callbacks", [garbage._SETTING_ASIDE])
        await asyncio.sleep(4 * PACE_SECONDS)
        looking.cancel()
        assert [round((at - began) / PACE_SECONDS) for at in collected] == [5, 7]
        assert PACE_SECONDS < 2 * WORK_SECONDS < 2 * PACE_SECONDS

    virtual_time.run(story())


def test_room_that_more_files_and_streams_take_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[int] = []
    held = 0

    async def story() -> None:
        nonlocal held
        monkeypatch.setattr(gc, "collect", lambda: None)
        monkeypatch.setattr(gc, "callbacks", [garbage._SETTING_ASIDE])
        monkeypatch.setattr(garbage._SETTING_ASIDE, "note_needed", lambda: noted.append(held))
        held = 1_000
        loop = asyncio.get_running_loop()
        looking = asyncio.create_task(garbage.look_often(lambda: held, loop.time))
        for now in (1_000, 1_250, 1_251, 1_500, 900, 1_300, 1_600):
            held = now
            await asyncio.sleep(PACE_SECONDS)
        looking.cancel()

    virtual_time.run(story())
    assert noted == [1_251, 1_600]


REAL = """
import gc, weakref
from logstream.garbage import SPARE_BLOCKS, set_aside

class Node:
    pass

def ring():
    one, other = Node(), Node()
    one.other, other.other = other, one
    return one

set_aside()
kept = [ring() for _ in range(20_000)]
gc.collect()
assert len(gc.get_objects(generation=2)) < 5_000, "what survived is looked at again"
watched = weakref.ref(kept[0])
kept.clear()
gc.collect()
assert watched() is not None
others = []
while watched() is not None:
    others += [ring() for _ in range(10_000)]
    assert len(others) < 40 * SPARE_BLOCKS, "garbage that was set aside is never found"
    gc.collect()
"""


FILES = """
import asyncio, gc, sys, time
from pathlib import Path
from logstream.garbage import look_often, set_aside, settle, settle_until
from logstream.journal.life import Life
from logstream.journal.sqlite import SqliteJournal
from logstream.hub.hub import Hub
from logstream.api.frames import WireEncoder
from logstream.rules import RuleSet
from logstream.tail.batch import Known, SourceSpec
from logstream.tail.lineage import Lineage
from logstream.tail.reader import Reader
from logstream.tail.supervisor import Supervisor

def looked_at():
    return sum(isinstance(one, (Known, Life, Lineage, Reader)) for one in gc.get_objects())

async def main(directory):
    logs = [directory / f"{number}.log" for number in range(300)]
    for log in logs:
        log.write_text("one\\n")
    journal = SqliteJournal(directory / "state", "process", lambda _: 65_536)
    hub = Hub(journal, WireEncoder(), RuleSet([]), {})
    supervisor = Supervisor([SourceSpec("app", (str(directory / "*.log"),))], [], ["app"], hub, max_open_files=400)
    stop = asyncio.Event()
    tail = asyncio.create_task(supervisor.run(stop))
    await settle_until(supervisor.first_scan_done)
    settle()
    print(len([one for one in gc.get_objects() if isinstance(one, Lineage)]), supervisor.path_count)
    garbage = asyncio.create_task(look_often(lambda: supervisor.path_count, time.monotonic))
    walked = []
    gc.callbacks.append(lambda phase, told: phase == "start" and told["generation"] == 2 and walked.append(looked_at()))
    for turn in range(2):
        for log in logs[::2]:
            with log.open("a") as file:
                file.write("more\\n")
        while hub.head < 300 * 4 + (turn + 1) * 150 * 5:
            await asyncio.sleep(0.02)
        seen = len(walked)
        while len(walked) < seen + 2 or walked[-1]:
            await asyncio.sleep(0.02)
    print(max(walked))
    garbage.cancel()
    stop.set()
    await tail
    await journal.aclose()

set_aside()
asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_full_collection_looks_at_no_file_that_is_watched_but_those_that_have_just_grown(tmp_path: Path) -> None:
    """Counted and not timed: with 10,000 files to look at all of them took a tenth of a second."""
    told = subprocess.run(
        [sys.executable, "-c", FILES, tmp_path], check=True, timeout=120, capture_output=True, text=True
    )
    found, (most,) = (tuple(map(int, line.split())) for line in told.stdout.splitlines())

    assert found == (0, 300)
    assert 0 < most <= 150, "what the journal knows of a file that has grown is made anew"


def test_the_real_collector_does_so() -> None:
    """In a process of its own: it would set aside what other tests hold."""
    subprocess.run([sys.executable, "-c", REAL], check=True, timeout=120)
