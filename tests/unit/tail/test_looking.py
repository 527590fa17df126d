"""A directory with thousands of names takes long to list: a look does that once in a turn of the event loop."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from logstream.tail import listing
from logstream.tail.follower import Follower
from logstream.tail.lineage import Census, Lineage
from logstream.tail.listing import list_ahead, names_in
from logstream.tail.opening import OpenFiles
from logstream.tail.turn import Pace, Turn
from logstream.tail.unpacking import Unpacking
from tests.tail_kit import source, write
from tests.unit.tail.test_follower import texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COUNT = 20


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The directories that have been listed; those that have `COUNT` names are large."""
    listed, listdir = list[object](), os.listdir

    def noting(directory: str) -> list[str]:
        listed.append(directory)
        return listdir(directory)

    monkeypatch.setattr(os, "listdir", noting)
    monkeypatch.setattr(listing, "LARGE", COUNT)
    monkeypatch.setattr(listing, "_LEAST_ENTRY_BYTES", 0)
    return listed


class Desk:
    """One log among others, and what polls find of it."""

    def __init__(self, directory: Path) -> None:
        for number in range(COUNT):
            write(directory / f"other-{number}.log", b"other\n")
        self.log = directory / "app.log"
        self.files = OpenFiles(100)
        census = Census(Pace(), self.files, Unpacking(directory))
        self.follower, self.lineage = Follower(census), Lineage(source(self.log), str(self.log), census.namesakes)
        self._polls = 0

    def poll(self) -> list[bytes]:
        self._polls += 1
        turn = Turn(self._polls, 1_000_000 + self._polls, 4 << 20)
        while self.follower.poll(self.lineage, turn, 1 << 20):
            pass
        return texts(turn.changes)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    write(found.log, b"one\n")
    assert found.poll() == [b"one\n"]
    yield found
    found.files.close()


def rotate(log: Path) -> None:
    write(log, b"two\n")
    log.rename(f"{log}.1")
    write(log, b"three\n")


def test_a_look_lists_a_large_directory_once_in_each_turn(desk: Desk, listings: list[object]) -> None:
    rotate(desk.log)
    told: list[list[bytes]] = []
    counts = [0]
    while not any(b"three\n" in texts for texts in told):
        told.append(desk.poll())
        counts.append(len(listings))
    assert [later - earlier for earlier, later in pairwise(counts)] == [1, 1]
    assert told == [[], [b"two\n", b"three\n"]], "in a turn in which it is only listed nothing is read"


def test_names_that_change_without_a_pause_do_not_hold_a_look_up(desk: Desk, listings: list[object]) -> None:
    rotate(desk.log)
    assert desk.poll() == []
    write(desk.log.with_name("another.log"), b"")
    os.utime(desk.log.parent, (0, 0))
    assert desk.poll() == [b"two\n", b"three\n"]
    assert len(listings) == 2


def test_what_is_rotated_after_the_directory_was_listed_is_found(desk: Desk, listings: list[object]) -> None:
    rotate(desk.log)
    assert desk.poll() == []
    desk.log.with_name("app.log.1").rename(desk.log.with_name("app.log.2"))
    desk.log.rename(desk.log.with_name("app.log.1"))
    write(desk.log, b"four\n")
    told = [line for _ in range(3) for line in desk.poll()]
    assert told == [b"two\n", b"three\n", b"four\n"]
    assert len(listings) <= 4


def test_a_small_directory_is_not_listed_ahead(
    desk: Desk, listings: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LARGE", 2 * COUNT)
    rotate(desk.log)
    assert desk.poll() == [b"two\n", b"three\n"]
    assert len(listings) <= 3


def test_a_large_directory_is_listed_ahead_once_while_nothing_changes(tmp_path: Path, listings: list[object]) -> None:
    directory = str(tmp_path)
    for number in range(COUNT):
        write(tmp_path / f"{number}.log", b"")
    assert list_ahead(directory)
    assert not list_ahead(directory)
    assert len(names_in(directory, ["1"], as_last_listed=True)) == 11
    assert len(listings) == 1
    write(tmp_path / "1-more.log", b"")
    os.utime(tmp_path, (0, 0))
    assert len(names_in(directory, ["1"], as_last_listed=True)) == 11, "whoever asks so lists it again behind that"
    assert list_ahead(directory)
    assert len(names_in(directory, ["1"], as_last_listed=True)) == 12
    assert not list_ahead(str(tmp_path / "nothing"))


def test_a_log_that_has_its_path_again_is_not_taken_for_one_whose_names_never_came_to_rest(
    desk: Desk, listings: list[object]
) -> None:
    rotate(desk.log)
    assert desk.poll() == []
    assert listings
    desk.log.with_name("app.log.1").rename(desk.log)
    assert desk.poll() == [b"two\n"]
    assert desk.lineage.unsettled_since is None, "else the next look would believe a listing that was overtaken"
