"""Who has a file of the same name: found without looking at all others."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NoReturn

from logstream.tail.batch import Known, SourceSpec
from logstream.tail.lineage import Census, Lineage
from logstream.tail.moving import life_moved_to
from logstream.tail.opening import Opened, OpenFiles
from logstream.tail.reader import Reader
from logstream.tail.turn import Pace, Turn
from logstream.tail.unpacking import Unpacking
from tests.tail_kit import write

if TYPE_CHECKING:
    from pathlib import Path

SPEC = SourceSpec("app", ("/logs/*.log",))


def reader(path: str, ino: int) -> Reader:
    return Reader(SPEC, Known(f"key{ino}", "app", path, path, 1, ino, None, 0, 0, 0, 0, 0, 0, sealed=False), 0.0)


def test_a_reader_is_found_by_the_name_that_its_file_has_now(tmp_path: Path) -> None:
    census = Census(Pace(), OpenFiles(10), Unpacking(tmp_path))
    here, there = reader("/logs/a.log", 1), reader("/other/a.log", 2)
    for one in (here, there, reader("/logs/b.log", 3)):
        census.enrol(one)
    assert list(census.namesakes.of("/anywhere/a.log")) == [here, there]
    lineage = Lineage(SPEC, "/logs/a.log", census.namesakes)
    lineage.move(here, "/logs/a.log.1", Turn(0.0, 0.0, 1))
    assert list(census.namesakes.of("/a.log")) == [there]
    assert list(census.namesakes.of("/a.log.1")) == [here]
    census.strike(here)
    census.disown(there)
    assert not [*census.namesakes.of("/a.log"), *census.namesakes.of("/a.log.1")]


def test_who_is_not_known_is_not_known_by_a_new_name_either(tmp_path: Path) -> None:
    census = Census(Pace(), OpenFiles(10), Unpacking(tmp_path))
    first, second = reader("/logs/a.log", 1), reader("/logs/a.log", 1)
    census.enrol(first)
    census.enrol(second)  # the same file with another life
    Lineage(SPEC, "/logs/a.log", census.namesakes).move(first, "/logs/c.log", Turn(0.0, 0.0, 1))
    assert list(census.namesakes.of("/a.log")) == [second]
    assert not list(census.namesakes.of("/c.log"))


def test_a_new_file_is_not_held_against_all_others(tmp_path: Path) -> None:
    """With ten thousand files that took most of a minute."""

    class Unlooked(dict[tuple[int, int], Reader]):
        def values(self) -> NoReturn:
            raise AssertionError

    census = Census(Pace(), OpenFiles(10), Unpacking(tmp_path))
    census.readers = Unlooked()
    census.enrol(reader("/logs/a.log", 1))
    write(tmp_path / "b.log", b"one\n")
    opened = census.open_files.open(str(tmp_path / "b.log"))
    assert isinstance(opened, Opened)
    with os.fdopen(opened.fd):
        assert life_moved_to(opened, Lineage(SPEC, opened.path, census.namesakes), census) is None
