"""Hints that come while nobody may heed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.tail import hints as module
from logstream.tail.hints import Hints
from logstream.tail.watcher import Hint

if TYPE_CHECKING:
    import pytest


class Heeded:
    """What a hold of hints has handed on."""

    def __init__(self) -> None:
        self.hints: list[Hint] = []
        self.looks = 0
        self.hold = Hints(self.hints.extend, self.look)

    def look(self) -> None:
        self.looks += 1


def test_a_hint_is_handed_on_at_once_unless_hints_are_held() -> None:
    heeded = Heeded()
    heeded.hold.take([Hint("/a", is_structural=False)])
    assert heeded.hints == [("/a", False)]
    heeded.hold.hold()
    heeded.hold.take([Hint("/b", is_structural=True)])
    assert heeded.hints == [("/a", False)]
    heeded.hold.let_go()
    heeded.hold.take([Hint("/c", is_structural=False)])
    assert heeded.hints == [("/a", False), ("/b", True), ("/c", False)]


def test_of_each_path_what_all_hints_told_is_kept_once() -> None:
    heeded = Heeded()
    heeded.hold.hold()
    for path, is_structural in (("/a", False), ("/b", False), ("/a", True), ("/a", False)):
        heeded.hold.take([Hint(path, is_structural)])
    heeded.hold.let_go()
    assert heeded.hints == [("/a", True), ("/b", False)]


def test_where_more_come_than_are_kept_everything_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_HELD", 3)
    heeded = Heeded()
    heeded.hold.hold()
    heeded.hold.take([Hint(f"/{number}", is_structural=False) for number in range(4)])
    heeded.hold.take([Hint("/last", is_structural=False)])
    assert heeded.looks == 0
    heeded.hold.let_go()
    assert heeded.looks == 1
    assert heeded.hints == [("/last", False)]
    heeded.hold.hold()
    heeded.hold.let_go()
    assert heeded.looks == 1
