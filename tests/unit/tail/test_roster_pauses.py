"""Thousands of files are found, matched against other globs and given up a few at a time, as if it were at once."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from logstream.tail import parked as parked_module
from logstream.tail import roster as roster_module
from logstream.tail.batch import Known, SourceSpec
from logstream.tail.discovery import Found, Sighting
from logstream.tail.follower import Follower
from logstream.tail.lineage import Census
from logstream.tail.opening import OpenFiles
from logstream.tail.roster import Roster
from logstream.tail.slices import SLICE_FILES, at_once
from logstream.tail.turn import Pace, Turn
from logstream.tail.unpacking import Unpacking
from tests.tail_kit import write

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from pathlib import Path

COUNT = 1_000


class Desk:
    """A roster over files that need not be there."""

    def __init__(self, directory: Path) -> None:
        self.census = Census(Pace(), OpenFiles(COUNT), Unpacking(directory))
        self.roster = Roster(self.census, Follower(self.census).succession)
        self.turn = Turn(time.monotonic(), time.time(), 4 << 20)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.roster.close()


def found_in(directory: str, names: list[str]) -> Found:
    paths = sorted(f"{directory}/{name}" for name in names)
    return Found(tuple(Sighting(path, 1, number, 0, 0) for number, path in enumerate(paths, 1)), {}, (), 1.0, 1.0)


def known_at(path: str, number: int) -> Known:
    return Known(
        key=f"k{number}", source="app", file=path, path=path, dev=1, ino=number, igen=None, base=0, committed=5,
        proof_offset=5, proof_crc=1, written_ns=1, head_length=5, head_crc=1, sealed=False,
    )  # fmt: skip


def most_between_pauses(steps: Generator[None, None, object], done: Callable[[], int]) -> int:
    """How much is done at most, as `done` counts it, before others may have their turn."""
    most, before = 0, done()
    while True:
        try:
            next(steps)
        except StopIteration:
            return max(most, done() - before)
        most, before = max(most, done() - before), done()


class Calls:
    """Counts the calls of a function."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: object, name: str) -> None:
        self.count = 0
        self._function = getattr(owner, name)
        monkeypatch.setattr(owner, name, self._call)

    def _call(self, *arguments: object, **options: object) -> object:
        self.count += 1
        return self._function(*arguments, **options)


def test_found_files_are_taken_in_a_few_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SourceSpec("app", ("/logs/*",))
    at_once(desk.roster.set_sources([spec], (), 0.0))
    names = [f"{number:05}.log" for number in range(COUNT)]
    looks = Calls(monkeypatch, desk.roster._sighted, "is_new")
    bases = Calls(monkeypatch, desk.roster._sighted, "base_of")
    noting = desk.roster.note(spec, found_in("/logs", names), desk.turn)

    assert most_between_pauses(noting, lambda: looks.count + bases.count) <= 2 * SLICE_FILES
    assert looks.count == bases.count == COUNT
    assert [os.path.basename(path) for path in desk.roster.lineages] == names  # noqa: PTH119


def test_files_that_are_gone_are_dropped_a_few_at_a_time(desk: Desk) -> None:
    spec = SourceSpec("app", ("/logs/*",))
    at_once(desk.roster.set_sources([spec], (), 0.0))
    at_once(desk.roster.note(spec, found_in("/logs", [f"{number}.log" for number in range(COUNT)]), desk.turn))
    for lineage in desk.roster.lineages.values():
        lineage.is_gone = True
    noting = desk.roster.note(spec, found_in("/logs", ["7.log"]), desk.turn)

    assert most_between_pauses(noting, lambda: COUNT - len(desk.roster.lineages)) <= 2 * SLICE_FILES
    assert [*desk.roster.lineages] == ["/logs/7.log"]


def test_older_lives_that_a_glob_found_are_entered_one_by_one(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = SourceSpec("app", (str(tmp_path / "*"),))
    at_once(desk.roster.set_sources([spec], (), 0.0))
    for number in range(1, 40):
        write(tmp_path / f"app.log.{number}", b"%d\n" % number)
    write(tmp_path / "app.log", b"last\n")
    adoptions = Calls(monkeypatch, desk.roster._succession, "adopt")
    noting = desk.roster.note(spec, found_in(str(tmp_path), os.listdir(tmp_path)), desk.turn)  # noqa: PTH208

    assert most_between_pauses(noting, lambda: adoptions.count) <= 2
    assert adoptions.count == 39


def test_changed_globs_are_matched_against_a_few_files_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [SourceSpec(name, (f"/{name}/*",)) for name in ("stays", "goes")]
    at_once(desk.roster.set_sources(specs, (), 0.0))
    for spec in specs:
        names = [f"{number}.log" for number in range(COUNT)]
        at_once(desk.roster.note(spec, found_in(f"/{spec.name}", names), desk.turn))
    matches = Calls(monkeypatch, roster_module, "is_matched")

    assert most_between_pauses(desk.roster.set_sources(specs[:1], (), 0.0), lambda: matches.count) <= SLICE_FILES
    assert matches.count == COUNT
    assert {lineage.spec.name for lineage in desk.roster.lineages.values()} == {"stays"}
    assert len(desk.roster.lineages) == COUNT


def test_what_is_put_aside_is_followed_again_a_few_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SourceSpec("app", ("/logs/*",))
    paths = [f"/logs/{number}.log" for number in range(COUNT)]
    desk.roster.remember([known_at(path, number) for number, path in enumerate(paths, 1)], {}, 0.0, 1.0)
    assert not desk.roster.lineages
    matches = Calls(monkeypatch, parked_module, "is_matched")
    looks = Calls(monkeypatch, parked_module, "note_file")

    setting = desk.roster.set_sources([spec], (), 0.0)
    assert most_between_pauses(setting, lambda: matches.count + looks.count) <= 2 * SLICE_FILES
    assert looks.count == matches.count == COUNT
    assert [*desk.roster.lineages] == paths
    assert [reader.key for lineage in desk.roster.lineages.values() for reader in lineage.readers] == [
        f"k{number}" for number in range(1, COUNT + 1)
    ]


def test_logs_of_the_past_are_looked_for_a_few_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(COUNT):
        desk.roster._histories.note(f"/nowhere/{number}.log", 1)
    asked = Calls(monkeypatch, desk.roster._histories, "has_of")
    spec = SourceSpec("app", ("/nowhere/*",))
    at_once(desk.roster.set_sources([spec], (), 0.0))

    assert most_between_pauses(desk.roster.note(spec, found_in("/", []), desk.turn), lambda: asked.count) <= SLICE_FILES
    assert asked.count == COUNT


def test_descriptors_are_given_up_a_few_at_a_time_and_all_of_them(desk: Desk) -> None:
    class Holder:
        is_spare = is_expendable = False
        closed = 0

        def close(self) -> None:
            Holder.closed += 1

    for _ in range(COUNT):
        desk.census.open_files.admit(Holder())
    closing = desk.roster.closing()
    next(closing)
    assert 0 < Holder.closed <= SLICE_FILES
    desk.roster.close()
    assert Holder.closed == COUNT
    assert list(closing) == []
    assert len(desk.census.open_files) == 0
