"""Whose turn it is, by a schedule with files of its own."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from logstream.tail import listing
from logstream.tail import schedule as module
from logstream.tail.batch import Range, SourceSpec
from logstream.tail.discovery import find
from logstream.tail.follower import Follower
from logstream.tail.lineage import Census
from logstream.tail.opening import OpenFiles
from logstream.tail.roster import Roster
from logstream.tail.schedule import Schedule
from logstream.tail.slices import at_once
from logstream.tail.still import is_still
from logstream.tail.turn import Pace, Turn
from logstream.tail.unpacking import Unpacking
from logstream.tail.watcher import Hint
from tests.tail_kit import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstream.tail.lineage import Lineage

PACE = Pace(sweep_seconds=1.0, blind_sweep_seconds=0.25, hot_seconds=0.0)


class Desk:
    """A schedule over some files, looked at until all are read."""

    def __init__(self, directory: Path, count: int) -> None:
        self.files = OpenFiles(100)
        self.census = Census(PACE, self.files, Unpacking(directory))
        self.follower = Follower(self.census)
        self.roster = Roster(self.census, self.follower.succession)
        self.schedule = Schedule(self.roster, self.follower, PACE)
        spec = SourceSpec("app", (str(directory / "*.log"),))
        at_once(self.roster.set_sources([spec], (), 0.0))
        for number in range(count):
            write(directory / f"{number}.log", b"0\n")
        self.schedule.look_at(at_once(self.roster.note(spec, find(spec.paths), self.turn())))
        self.sweep()

    def turn(self) -> Turn:
        return Turn(time.monotonic(), time.time(), 4 << 20)

    def sweep(self, *, is_blind: bool = False) -> tuple[float, Turn]:
        """Look at all files; the pause after that, and the last turn."""
        self.schedule.look_everywhere()
        while True:
            turn = self.turn()
            pause_seconds = at_once(self.schedule.take_turn(turn, is_blind=is_blind))
            if pause_seconds > 0:
                return pause_seconds, turn


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path, 3)
    yield desk
    desk.files.close()


def test_many_files_are_swept_less_often_where_events_tell_of_them(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(lineage: Lineage, turn: Turn) -> bool:
        time.sleep(0.003)
        return is_still(lineage, turn)

    monkeypatch.setattr(module, "is_still", slow)
    assert desk.sweep()[0] > 3.0
    assert desk.sweep(is_blind=True)[0] <= 0.25
    monkeypatch.setattr(module, "_LONGEST_SWEEP_PAUSE_SECONDS", 2.0)
    assert 1.0 < desk.sweep()[0] <= 2.0
    monkeypatch.undo()
    assert desk.sweep()[0] <= 1.0


def test_a_sweep_looks_closer_only_where_something_may_have_happened(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.sweep()
    while not all(is_still(one, desk.turn()) for one in desk.roster.lineages.values()):
        time.sleep(0.01)  # a change within the same tick of the clock would not show in the file's time
        desk.sweep()
    looked: list[str] = []
    poll = desk.follower.poll

    def noted(lineage: Lineage, turn: Turn, most_bytes: int) -> bool:
        looked.append(lineage.path)
        return poll(lineage, turn, most_bytes)

    monkeypatch.setattr(desk.follower, "poll", noted)
    desk.sweep()
    assert not looked
    write(tmp_path / "1.log", b"1\n")
    (tmp_path / "2.log").unlink()
    assert desk.sweep()[1].changes
    assert sorted(looked) == [str(tmp_path / "1.log"), str(tmp_path / "2.log")]


def test_a_hint_of_bytes_tells_nothing_new_of_a_file_whose_growth_is_told_of_by_itself(desk: Desk) -> None:
    told, untold = list(desk.roster.lineages.values())[:2]
    desk.schedule._announced[told] = time.monotonic()
    desk.schedule.take_hints([Hint(told.path, is_structural=False), Hint(untold.path, is_structural=False)])
    assert list(desk.schedule._fresh) == [untold]
    desk.schedule.take_hints([Hint(told.path, is_structural=True)])
    assert list(desk.schedule._fresh) == [untold, told]


def test_a_hint_of_bytes_in_an_older_life_is_taken(desk: Desk, tmp_path: Path) -> None:
    """Only the file that has the path now tells of its growth by itself."""
    lineage = desk.roster.lineages[str(tmp_path / "1.log")]
    (tmp_path / "1.log").rename(tmp_path / "1.log.1")
    write(tmp_path / "1.log", b"1\n")
    desk.sweep()
    desk.sweep()
    desk.schedule._announced[lineage] = time.monotonic()
    desk.schedule.take_hints([Hint(str(tmp_path / "1.log.1"), is_structural=False)])
    assert list(desk.schedule._fresh) == [lineage]


def test_where_a_busy_machine_lets_the_time_run_out_quiet_files_still_come_before_the_end_of_a_backlog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: F12."""
    desk = Desk(tmp_path, 40)
    monkeypatch.setattr(module, "_SLICE_SECONDS", 0.0)
    monkeypatch.setattr(module, "_LEAST_FRESH_WORK_SECONDS", 60.0)
    write(tmp_path / "0.log", (b"x" * 99 + b"\n") * 80_000)
    for number in range(1, 40):
        write(tmp_path / f"{number}.log", b"quiet\n")
    desk.schedule.look_at(desk.roster.lineages.values())
    quiet, backlog_bytes = 0, 0
    for _ in range(5):
        turn = desk.turn()
        at_once(desk.schedule.take_turn(turn, is_blind=False))
        lengths = [change.end - change.start for change in turn.changes if isinstance(change, Range)]
        quiet += lengths.count(6)
        backlog_bytes += sum(lengths) - 6 * lengths.count(6)
    desk.files.close()
    assert quiet == 39
    assert 0 < backlog_bytes < 6 << 20


def test_looks_that_take_much_work_are_one_a_turn_and_all_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(tmp_path, 5)
    monkeypatch.setattr(module, "_SLICE_SECONDS", 0.0)
    monkeypatch.setattr(module, "_LEAST_FRESH_WORK_SECONDS", 1e-9)
    for number in range(5):
        write(tmp_path / f"{number}.log", b"line\n")
    desk.schedule.look_at(desk.roster.lineages.values())
    found = []
    for left in (4, 3, 2, 1, 0):
        turn = desk.turn()
        pause_seconds = at_once(desk.schedule.take_turn(turn, is_blind=False))
        assert bool(left) is not bool(pause_seconds)
        found.append(sum(isinstance(change, Range) for change in turn.changes))
    desk.files.close()
    assert found == [1, 1, 1, 1, 1]


def test_others_have_their_turn_between_first_looks_and_the_backlog(tmp_path: Path) -> None:
    desk = Desk(tmp_path, 2)
    write(tmp_path / "0.log", (b"x" * 99 + b"\n") * 80_000)
    desk.schedule.look_at([desk.roster.lineages[str(tmp_path / "0.log")]])
    assert not at_once(desk.schedule.take_turn(desk.turn(), is_blind=False))  # it is in the backlog
    write(tmp_path / "1.log", b"line\n")
    desk.schedule.look_at([desk.roster.lineages[str(tmp_path / "1.log")]])
    turn = desk.turn()
    steps = desk.schedule.take_turn(turn, is_blind=False)
    next(steps)
    first = [change.content for change in turn.changes if isinstance(change, Range)]
    with suppress(StopIteration):
        next(steps)
    ranges = [change for change in turn.changes if isinstance(change, Range)]
    desk.files.close()
    assert first == [b"line\n"]
    assert len(ranges) > 1


def test_of_files_that_are_rotated_in_a_large_directory_one_is_looked_at_in_each_turn(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed, listdir = list[str](), os.listdir

    def noting(directory: str) -> list[str]:
        listed.append(directory)
        return listdir(directory)

    monkeypatch.setattr(os, "listdir", noting)
    monkeypatch.setattr(listing, "LARGE", 3)
    monkeypatch.setattr(listing, "_LEAST_ENTRY_BYTES", 0)
    for number in range(3):
        (tmp_path / f"{number}.log").rename(tmp_path / f"{number}.log.1")
        write(tmp_path / f"{number}.log", b"1\n")
    told: list[bytes] = []
    for _ in range(9):
        desk.schedule.look_at(desk.roster.lineages.values())
        before, turn = len(listed), desk.turn()
        at_once(desk.schedule.take_turn(turn, is_blind=False))
        assert len(listed) <= before + 1
        told += [change.content for change in turn.changes if isinstance(change, Range)]
    assert told == [b"1\n"] * 3


def test_files_that_were_rotated_in_a_large_directory_are_looked_at_together_once_its_names_rest(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LARGE", 3)
    monkeypatch.setattr(listing, "_LEAST_ENTRY_BYTES", 0)
    for number in range(3):
        (tmp_path / f"{number}.log").rename(tmp_path / f"{number}.log.1")
        write(tmp_path / f"{number}.log", b"1\n")
    os.utime(tmp_path, (0, 0))
    monkeypatch.setattr(listing, "_is_lasting", lambda _: True)
    listing.names_in(str(tmp_path))
    desk.schedule.look_at(desk.roster.lineages.values())
    turn = desk.turn()
    at_once(desk.schedule.take_turn(turn, is_blind=False))
    assert [change.content for change in turn.changes if isinstance(change, Range)] == [b"1\n"] * 3
