"""Full collections look at what is new, and now and then at everything."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from logstream import garbage
from logstream.garbage import SPARE_BLOCKS, SettingAside
from tests import virtual_time


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

    assert most <= 200_000 * 3 // 2 + 2 * SPARE_BLOCKS
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


def test_the_real_collector_does_so() -> None:
    """In a process of its own: it would set aside what other tests hold."""
    subprocess.run([sys.executable, "-c", REAL], check=True, timeout=120)
