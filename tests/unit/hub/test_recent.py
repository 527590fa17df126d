from __future__ import annotations

import gc
from typing import TYPE_CHECKING

from logstream.hub import recent
from logstream.hub.recent import Recent
from logstream.journal.base import Block
from logstream.records import Generation

if TYPE_CHECKING:
    import pytest

GENERATION = Generation("aaaaaaaa", "s", "/s.log")


def block(at: int, length: int) -> Block:
    return Block(GENERATION, at, at, 0, b"", b"x" * length)


def test_every_place_of_the_stretch_finds_the_item_that_holds_it() -> None:
    stretch = Recent(100)
    for at, length in ((100, 5), (105, 1), (106, 20)):
        stretch.append(block(at, length))

    found = [stretch.find(at) for at in range(100, 126)]
    assert [item.at for item in found if item] == [100] * 5 + [105] + [106] * 20
    assert stretch.find(99) is None
    assert stretch.find(126) is None


def test_the_oldest_leaves_when_it_is_full_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "RECENT_BYTES", 10_000)
    stretch = Recent(0)
    for n in range(100):
        stretch.append(block(n * 1_000, 1_000))

    assert stretch.end == 100_000
    assert 4_000 <= stretch.end - stretch.start <= 10_000
    assert stretch.find(stretch.start) is not None
    assert stretch.find(stretch.start - 1) is None


def test_the_oldest_leaves_when_it_is_full_by_number_and_its_memory_is_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recent, "RECENT_ITEMS", 50)
    stretch = Recent(0)
    for n in range(5_000):
        stretch.append(block(n, 1))

    assert stretch.end - stretch.start == 50
    assert len(stretch._items) < 50 + recent._SWEEP_ITEMS + 1
    assert [item.at for at in range(4_950, 5_000) if (item := stretch.find(at))] == list(range(4_950, 5_000))


def test_the_bytes_of_what_has_left_are_given_back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "RECENT_BYTES", 100_000)
    stretch = Recent(0)
    left = block(0, 1_000)
    stretch.append(left)
    for n in range(1, 200):
        stretch.append(block(n * 1_000, 1_000))

    assert stretch.find(0) is None
    assert not [one for one in gc.get_referrers(left) if one is stretch._items]
    assert sum(len(item.content) for item in stretch._items if isinstance(item, Block)) <= 100_000
