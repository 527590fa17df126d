from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from logstream.journal import beside as beside_module
from logstream.journal.base import Block, Lost
from logstream.journal.beside import Beside
from logstream.journal.sqlite import SqliteJournal
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from pathlib import Path

HOUR_NS = 3_600_000_000_000


class Clock:
    """A clock that is ahead of the disk's, so that no change is too recent."""

    def __init__(self, ahead_ns: int = HOUR_NS) -> None:
        self.ahead_ns = ahead_ns

    def time_ns(self) -> int:
        return time.time_ns() + self.ahead_ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(beside_module, "time", clock)
    return clock


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What is listed, in order."""
    found: list[Path] = []

    def noting(name: str) -> None:
        look = getattr(beside_module, name)

        def noted(directory: Path, wanted: object) -> object:
            found.append(directory)
            return look(directory, wanted)

        monkeypatch.setattr(beside_module, name, noted)

    noting("_paths_of")
    noting("copies_beside")
    return found


@pytest.mark.usefixtures("clock")
def test_a_directory_is_listed_again_only_when_it_has_changed(tmp_path: Path, listed: list[Path]) -> None:
    beside, log = Beside(), tmp_path / "app.log.1"
    log.write_bytes(b"one\n")
    ino, names = log.stat().st_ino, frozenset(("app.log",))
    for _ in range(3):
        assert beside.paths_of(tmp_path, ino) == (str(log),)
        assert beside.copies(tmp_path, names) == [log]
    assert len(listed) == 2
    renamed = log.rename(tmp_path / "app.log.2")
    assert beside.paths_of(tmp_path, ino) == (str(renamed),)
    assert beside.copies(tmp_path, names) == [renamed]
    renamed.unlink()
    assert beside.paths_of(tmp_path, ino) == ()
    assert beside.copies(tmp_path, names) == []
    os.utime(tmp_path, (1, 1))
    log.write_bytes(b"one\n")
    os.utime(tmp_path, (1, 1))
    assert beside.copies(tmp_path, names) == [log], "its time may be set back"


def test_what_changed_a_moment_ago_is_listed_again(tmp_path: Path, listed: list[Path], clock: Clock) -> None:
    """Another change within the same tick of the clock would not show."""
    beside, clock.ahead_ns = Beside(), -HOUR_NS
    for _ in range(3):
        assert beside.paths_of(tmp_path, 1) == ()
    assert len(listed) == 3


@pytest.mark.usefixtures("clock")
def test_few_answers_are_remembered_and_what_cannot_be_listed_is_told(
    tmp_path: Path, listed: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside_module, "_MOST_ANSWERS", 2)
    beside = Beside()
    for ino in (1, 2, 1, 3, 1, 2):
        beside.paths_of(tmp_path, ino)
    assert len(listed) == 4
    with pytest.raises(FileNotFoundError):
        beside.paths_of(tmp_path / "none", 1)
    assert beside.copies(tmp_path / "none", frozenset(("app.log",))) == []


@pytest.mark.usefixtures("clock")
async def test_many_runs_of_a_file_that_is_gone_cost_one_listing(tmp_path: Path, listed: list[Path]) -> None:
    (tmp_path / "logs").mkdir()
    journal = SqliteJournal(tmp_path / "state", "process", lambda _: 65_536)
    gone, other = StoryFile(tmp_path / "logs" / "gone.log", "s"), StoryFile(tmp_path / "logs" / "other.log", "s")
    for number in range(20):
        await journal.commit(batch(gone.changes(b"%d\n" % number), other.changes(b"%d\n" % number)))
    gone.path.unlink()
    listed.clear()
    reader, kinds = journal.reader(0), []
    while (item := await reader.read(journal.head)) is not None:
        kinds.append(type(item))
    await journal.aclose()
    assert kinds.count(Lost) == kinds.count(Block) == 20
    assert listed == [tmp_path / "logs"] * 2, "by its number, and copies by their names"
