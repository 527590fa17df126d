"""The end of the record lost: what ids lead to that were given out after it, and before it."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

from logstream.journal import sqlite as sqlite_module
from logstream.journal import witness
from logstream.journal.base import Recovery
from logstream.journal.ids import anchor_of
from logstream.journal.sqlite import SqliteJournal
from logstream.records import Position
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


def keep_a_copy(directory: Path) -> None:
    shutil.copytree(directory / "state", directory / "copy")


def put_back(directory: Path) -> None:
    shutil.rmtree(directory / "state")
    (directory / "copy").rename(directory / "state")


def keys(journal: SqliteJournal) -> dict[str, str]:
    return {known.file.rpartition("/")[2]: known.key for known in journal.known()}


class Story:
    """Two files, of which a line each was recorded when the state was copied, and one each afterwards."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.a, self.b = StoryFile(directory / "a.log", "s"), StoryFile(directory / "b.log", "s")
        self.early: list[Position] = []
        self.late: list[Position] = []

    async def live(self) -> None:
        journal = open_journal(self.directory)
        self.early = [await self._tell(journal, self.a, b"a1\n"), await self._tell(journal, self.b, b"b1\n")]
        await journal.aclose()
        keep_a_copy(self.directory)
        journal = open_journal(self.directory)
        self.late = [await self._tell(journal, self.b, b"b2\n"), await self._tell(journal, self.a, b"a2\n")]
        await journal.aclose()

    async def _tell(self, journal: SqliteJournal, file: StoryFile, line: bytes) -> Position:
        await journal.commit(batch(file.changes(line)))
        position = await journal.position_at(journal.head)
        assert position is not None
        return position

    async def tell_anew(self, journal: SqliteJournal) -> None:
        """What is in the files beyond the copy, in another order."""
        known = keys(journal)
        for file in (self.a, self.b):
            file.key, file.told = known[file.path.name], 3
            content = file.path.read_bytes()[3:]
            file.path.write_bytes(file.path.read_bytes()[:3])
            await journal.commit(batch(file.changes(content)))


@pytest.mark.parametrize("is_read", [False, True], ids=["before all is read anew", "after that"])
async def test_an_id_that_was_given_out_after_the_state_was_copied_leads_to_its_end_with_a_reason(
    tmp_path: Path, *, is_read: bool
) -> None:
    story = Story(tmp_path)
    await story.live()
    put_back(tmp_path)
    journal = open_journal(tmp_path)
    if is_read:
        await story.tell_anew(journal)

    for position, name in zip(story.late, ("b.log", "a.log"), strict=True):
        found = await journal.resolve(position)
        assert (found.at, found.recovery) == (6, Recovery(keys(journal)[name], 6))
        assert found.reason is not None
        assert "an older state put back" in found.reason
    for position, at in zip(story.early, (3, 6), strict=True):
        assert await journal.resolve(position) == (at, None, None)
    await journal.aclose()


async def test_where_other_bytes_took_the_place_of_those_that_an_id_was_made_from_all_of_them_are_told(
    tmp_path: Path,
) -> None:
    story = Story(tmp_path)
    await story.live()
    put_back(tmp_path)
    story.b.path.write_bytes(b"b1\nB3\n")
    journal = open_journal(tmp_path)
    await story.tell_anew(journal)

    found = await journal.resolve(story.late[0])
    assert (found.at, found.recovery) == (6, Recovery(keys(journal)["b.log"], 3))
    await journal.aclose()


@pytest.mark.parametrize("was_empty", [False, True])
async def test_a_file_that_came_after_the_state_was_copied_is_found_by_the_bytes_of_its_id(
    tmp_path: Path, *, was_empty: bool
) -> None:
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    if not was_empty:
        await journal.commit(batch(a.changes(b"a1\n")))
    lasted = journal.head
    await journal.aclose()
    keep_a_copy(tmp_path)
    journal = open_journal(tmp_path)
    await journal.commit(batch(b.changes(b"b1\n", b"b2\n")))
    position = Position(b.key, 3, anchor_of(b"b1\n"))
    await journal.aclose()
    put_back(tmp_path)
    journal = open_journal(tmp_path)
    anew = StoryFile(b.path, "s")
    content = b.path.read_bytes()
    b.path.unlink()
    await journal.commit(batch(anew.changes(content)))

    found = await journal.resolve(position)
    assert (found.at, found.recovery) == (lasted, Recovery(anew.key, 3))
    await journal.aclose()


async def test_an_id_of_a_record_that_was_lost_whole_is_not_taken_for_one_of_an_end_that_was_lost_later(
    tmp_path: Path,
) -> None:
    """What was recorded between the two losses would be missing, and nobody would say so."""
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n", b"a2\n")))
    await journal.aclose()
    keep_a_copy(tmp_path)
    put_back(tmp_path)
    journal = open_journal(tmp_path)

    found = await journal.resolve(Position("lostlost", 3, anchor_of(b"a1\n")))
    assert found.at == 3
    assert found.recovery is not None
    assert found.recovery.is_behind
    await journal.aclose()


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_state_that_nobody_put_back_keeps_its_keys_through_restarts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_killed: bool
) -> None:
    if is_killed:
        monkeypatch.setattr(witness, "keep_only", lambda *_: None)  # that is the last moment at which it may be
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    for _ in range(3):
        await journal.aclose()
        (tmp_path / "state").rename(tmp_path / "moved")
        (tmp_path / "moved").rename(tmp_path / "state")
        journal = open_journal(tmp_path)
        assert keys(journal) == {"a.log": a.key}
        assert journal._store.select("SELECT count(*) FROM former") == [(0,)]
        assert is_killed or len(list((tmp_path / "state").glob("witness.*"))) == 1
    await journal.aclose()


async def test_a_copy_that_is_as_new_as_what_it_takes_the_place_of_loses_nothing(tmp_path: Path) -> None:
    """As where a state is moved to another disk."""
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    first = await journal.position_at(3)
    for number in range(2, 5):
        await journal.aclose()
        keep_a_copy(tmp_path)
        put_back(tmp_path)
        journal = open_journal(tmp_path)
        a.key = keys(journal)["a.log"]
        assert first is not None
        assert await journal.resolve(first) == (3, None, None)
        await journal.commit(batch(a.changes(b"a%d\n" % number)))
        now = await journal.position_at(journal.head)
        assert now is not None
        assert await journal.resolve(now) == (journal.head, None, None)
    await journal.aclose()


async def test_a_state_that_was_deleted_and_written_again_by_the_service_is_no_copy(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    shutil.rmtree(tmp_path / "state")
    await journal._leave()
    await journal.commit(batch(a.changes(b"a2\n")))
    await journal._settle()
    assert journal.health.is_ready
    shutil.copytree(tmp_path / "state", tmp_path / "killed")
    ((_, _, _, _, told),) = journal._store.select("SELECT * FROM usage")

    assert witness.is_there(tmp_path / "state", told)
    assert not witness.is_there(tmp_path / "killed", told)
    await journal.aclose()
    journal = open_journal(tmp_path)
    assert keys(journal) == {"a.log": a.key}
    await journal.aclose()


async def test_a_copy_of_a_state_in_use_is_known_though_it_was_written_over_that_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written over a file has its inode, and is the same use of that."""
    monkeypatch.setattr(witness, "inode_generation", lambda _: 7)
    monkeypatch.setattr(sqlite_module, "CHECKPOINT_SECONDS", 0.001)
    monkeypatch.setattr(sqlite_module, "_WITNESS_TICKS", 1)
    journal, a = open_journal(tmp_path), StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    keep_a_copy(tmp_path)
    noted = asyncio.Event()
    monkeypatch.setattr(witness, "keep_only", keep_only_and(noted, asyncio.get_running_loop()))
    upkeep = asyncio.create_task(journal.run(), name="upkeep")
    await asyncio.sleep(0)  # it has begun: what comes from here on is new
    await journal.commit(batch(a.changes(b"a2\n")))
    await noted.wait()
    upkeep.cancel()
    await asyncio.wait([upkeep])
    journal._store.close()
    for path in (tmp_path / "state").glob("journal.db*"):
        path.unlink()
    shutil.copytree(tmp_path / "copy", tmp_path / "state", dirs_exist_ok=True)

    again = open_journal(tmp_path)
    assert keys(again) != {"a.log": a.key}
    await again.aclose()
    await journal.aclose()


def keep_only_and(noted: asyncio.Event, loop: asyncio.AbstractEventLoop) -> Callable[[Path, str], None]:
    """What keeps a witness, and says that it has: from the journal's thread."""
    keep_only = witness.keep_only

    def keep(directory: Path, told: str) -> None:
        keep_only(directory, told)
        loop.call_soon_threadsafe(noted.set)

    return keep


async def test_while_the_disk_takes_nothing_the_former_witness_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    await journal.aclose()
    with monkeypatch.context() as patching:
        patching.setattr(witness, "make", lambda _: None)
        for _ in range(2):
            journal = open_journal(tmp_path)
            assert keys(journal) == {"a.log": a.key}
            await journal.aclose()
    keep_a_copy(tmp_path)
    put_back(tmp_path)
    journal = open_journal(tmp_path)
    assert keys(journal) != {"a.log": a.key}
    await journal.aclose()
