"""Who is followed, with searches and looks at chosen times."""

from __future__ import annotations

import errno
import gzip
import os
from typing import TYPE_CHECKING

import pytest

from logstream.tail.discovery import find
from logstream.tail.roster import Roster
from logstream.tail.slices import at_once
from logstream.tail.turn import Turn
from tests.tail_kit import write
from tests.unit.tail.test_follower import Desk, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstream.tail.batch import Change, Known


class Office:
    """One source, searched and looked at as often as asked."""

    def __init__(self, directory: Path) -> None:
        self.desk = Desk(directory)
        self.log, self.spec = self.desk.log, self.desk.spec
        self.begin([], {"app"})

    def begin(self, known: list[Known], first_seen: set[str]) -> None:
        self.desk.begin()
        self.roster = Roster(self.desk.census, self.desk.follower.succession)
        at_once(self.roster.set_sources([self.spec], first_seen, 0.0))
        self.roster.remember(known, {}, 0.0, 1_000_000.0)

    def search(self, now: float) -> list[Change]:
        """Search, and look at all that is followed."""
        turn = Turn(now, 1_000_000 + now, 4 << 20)
        at_once(self.roster.note(self.spec, find(self.spec.paths), turn))
        return turn.changes + self.look(now)

    def look(self, now: float) -> list[Change]:
        turn = Turn(now, 1_000_000 + now, 4 << 20)
        for lineage in list(self.roster.lineages.values()):
            self.desk.follower.poll(lineage, turn, 1 << 20)
        return turn.changes


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path)
    yield office
    office.roster.close()


def test_of_what_never_was_a_file_nothing_is_kept_though_something_happens_where_it_was(office: Office) -> None:
    """It has no older lives that would have to be looked for."""
    office.log.mkdir()
    office.search(0)
    office.log.rmdir()
    for now in (1, 100):
        office.look(now)
    assert office.roster.recall(str(office.log)) is not None
    office.look(101)
    office.search(102)
    assert not office.roster.lineages


def test_a_log_of_the_past_is_looked_beside_again_where_there_was_no_descriptor_at_the_first_search(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came and went while nobody looked would wait until something is written to it again. Conformance: F8."""
    write(office.log, b"one\n")
    assert texts(office.search(0)) == [b"one\n"]
    (reader,) = office.desk.census.readers.values()
    known = reader.known()._replace(sealed=True)
    office.roster.close()
    office.log.unlink()
    office.log.with_name("app.log.1.gz").write_bytes(gzip.compress(b"two\n"))
    office.begin([known], set())

    def refused(_: str) -> list[str]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refused)
        assert not texts(office.search(0))
    told = office.search(1)
    while b"two\n" not in texts(told):
        told += office.look(2)
    assert texts(told) == [b"two\n"]
