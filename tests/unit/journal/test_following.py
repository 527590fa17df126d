from __future__ import annotations

import pickle
import random
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from logstream.journal import ledger as ledger_module
from logstream.journal import pruning as pruning_module
from logstream.journal import upkeep as upkeep_module
from logstream.journal.base import Block, Lost
from logstream.journal.errors import JournalError
from logstream.journal.following import FollowingJournal
from logstream.journal.replica import Snapshot
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason, Position
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from logstream.journal.base import Journal
    from logstream.journal.pruning import Rewriting
    from logstream.journal.replica import Change


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


class Told:
    """What was told, as it comes out at the other end of a socket, and the journal that has followed it so far."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.waiting: list[bytes] = []
        self.journal: FollowingJournal | None = None
        self.times_caught_up = 0

    def __call__(self, change: Change) -> None:
        self.waiting.append(pickle.dumps(change))

    async def catch_up(self) -> None:
        self.times_caught_up += 1
        self.follow()

    def follow(self, count: int | None = None) -> FollowingJournal:
        """Take the next `count` changes, or all."""
        taken, self.waiting = self.waiting[:count], self.waiting[len(self.waiting[:count]) :]
        for packed in taken:
            change = pickle.loads(packed)  # noqa: S301 - packed just above
            if not isinstance(change, Snapshot):
                assert self.journal is not None
                self.journal.take(change)
            elif self.journal is None:
                self.journal = FollowingJournal(self.directory / "state", change, lambda _: 65_536, self.catch_up)
            else:
                assert self.journal.begin_anew(change)
        assert self.journal is not None
        return self.journal


async def following(journal: SqliteJournal, directory: Path) -> Told:
    told = Told(directory)
    await journal.follow(told)
    told.follow()
    return told


@pytest.fixture
def tiny_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ledger_module, pruning_module):
        monkeypatch.setattr(module, "ROW_BYTES", 48)
        monkeypatch.setattr(module, "KEYFRAME_ENTRIES", 40)


async def read_all(journal: Journal, at: int = 0) -> list[Block | Lost]:
    reader = journal.reader(at)
    items = []
    while (item := await reader.read(journal.head)) is not None:
        items.append(item)
    return items


def text_of(items: list[Block | Lost]) -> bytes:
    return b"".join(item.content for item in items if isinstance(item, Block))


async def positions_of(journal: Journal) -> list[Position | None]:
    return [await journal.position_at(at) for at in (*range(0, journal.head, 17), journal.head)]


def refuse(journal: SqliteJournal, *, refuses: bool = True) -> None:
    """Let SQLite refuse to write, as it does on a disk that is read-only."""
    connection = journal._store._connection
    assert connection is not None
    connection.execute(f"PRAGMA query_only = {'ON' if refuses else 'OFF'}")


@pytest.mark.usefixtures("tiny_rows")
async def test_a_follower_reads_the_same_order_and_gives_the_same_ids(tmp_path: Path) -> None:
    """Begun at any moment, and also while what is on the disk is ahead of what it was told."""
    journal = open_journal(tmp_path)
    files = [StoryFile(tmp_path / f"{name}.log", "s") for name in "abc"]
    steps = random.Random(7)
    followers: list[Told] = []
    for number in range(400):
        if number in {0, 100, 250}:
            followers.append(await following(journal, tmp_path))
        await journal.commit(batch(steps.choice(files).changes(b"%d\n" % number), time=1_800_000_000.0 + number / 9))
        if number % 50 == 0:
            late = followers[0].follow(steps.randrange(len(followers[0].waiting) + 1))
            assert text_of(await read_all(late)) == text_of(await read_all(journal))[: late.head]
    wanted = await read_all(journal)
    positions = await positions_of(journal)
    for told in followers:
        assert told.waiting
        replica = told.follow()
        assert (replica.head, replica.durable_head) == (journal.head, journal.durable_head)
        assert await read_all(replica) == wanted
        assert await positions_of(replica) == positions
        resolved = [await replica.resolve(position) for position in positions if position is not None]
        assert resolved == [await journal.resolve(position) for position in positions if position is not None]
        assert await replica.reached(journal.head // 2) == await journal.reached(journal.head // 2)
        assert await replica.place_of_time(1_800_000_030_000) == await journal.place_of_time(1_800_000_030_000)
        await replica.aclose()
    await journal.aclose()


async def test_an_id_that_is_ahead_of_what_was_told_is_waited_for(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"one\n")))
    told = await following(journal, tmp_path)
    known = await journal.position_at(journal.head)
    await journal.commit(batch(file.changes(b"two\n")))
    ahead = await journal.position_at(journal.head)
    assert told.journal is not None
    assert known is not None
    assert ahead is not None

    assert (await told.journal.resolve(known)).at == 4
    assert told.times_caught_up == 0
    assert await told.journal.resolve(ahead) == await journal.resolve(ahead)
    assert told.times_caught_up == 1
    assert (await told.journal.resolve(ahead)).reason is None
    await told.journal.aclose()
    await journal.aclose()


async def test_an_id_behind_a_gap_is_known_to_who_still_has_the_file_open_and_after_it_was_put_back(
    tmp_path: Path,
) -> None:
    """What one process misses another may have: a deleted file that it reads, one that was moved away for a moment."""
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"one\n", b"two\n")))
    told = await following(journal, tmp_path)
    follower = told.follow()
    assert text_of(await read_all(journal)) == b"one\ntwo\n"
    (tmp_path / "a.log").rename(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").rename(tmp_path.parent / "elsewhere")
    (lost,) = await read_all(follower)
    assert isinstance(lost, Lost)
    assert lost.after is not None

    assert await journal.resolve(lost.after) == await follower.resolve(lost.after) == (8, None, None)
    (tmp_path.parent / "elsewhere").rename(tmp_path / "a.log")
    assert await follower.resolve(lost.after) == (8, None, None)
    await follower.aclose()
    await journal.aclose()
    journal = open_journal(tmp_path)
    assert text_of(await read_all(journal)) == b"one\ntwo\n"
    assert await journal.resolve(lost.after) == (8, None, None)
    for made_up in (0, 1, lost.after.anchor ^ 1):
        assert (await journal.resolve(lost.after._replace(anchor=made_up))).at is None
    assert (await journal.resolve(lost.after._replace(offset=4))).at is None
    await journal.aclose()


@pytest.mark.usefixtures("tiny_rows")
async def test_what_the_disk_does_not_take_is_followed_without_ids_and_has_them_once_it_does(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    early = await following(journal, tmp_path)
    for number in range(60):
        await journal.commit(batch(file.changes(b"%d\n" % number)))
    refuse(journal)
    born_late = StoryFile(tmp_path / "b.log", "s")
    for number in range(200):
        await journal.commit(batch((born_late if number % 3 else file).changes(b"held %d\n" % number)))
    late = await following(journal, tmp_path)
    for told in (early, late):
        replica = told.follow()
        assert (replica.head, replica.durable_head) == (journal.head, journal.durable_head)
        assert replica.durable_head < replica.head
        assert await read_all(replica) == await read_all(journal)
    refuse(journal, refuses=False)
    await journal._settle()
    for told in (early, late):
        replica = told.follow()
        assert replica.durable_head == replica.head == journal.head
        assert await read_all(replica) == await read_all(journal)
        assert await positions_of(replica) == await positions_of(journal)
        await replica.aclose()
    await journal.aclose()


async def with_files_that_came_and_went(journal: SqliteJournal, directory: Path) -> tuple[StoryFile, set[str]]:
    """One file that lasts, and the keys of those that are gone."""
    lasting = StoryFile(directory / "lasting.log", "s")
    gone: set[str] = set()
    for number in range(60):
        file = StoryFile(directory / f"{number}.log", "s")
        for line in range(9):
            await journal.commit(batch(file.changes(b"%d %d\n" % (number, line))))
            await journal.commit(batch(lasting.changes(b"lasting %d %d\n" % (number, line))))
        file.path.unlink()
        gone.add(file.key)
        await journal.commit(batch(file.sealed(GapReason.DELETED)))
    for number in range(60):
        await journal.commit(batch(lasting.changes(b"last %d\n" % number)))
    return lasting, gone


class Looking:
    """Readers of one file that stand anywhere, and ids and places of it, looked up one after the other."""

    def __init__(self, replica: FollowingJournal, key: str, positions: dict[int, Position]) -> None:
        self.replica = replica
        self.readers = [replica.reader(0, only=key) for _ in range(60)]
        self.read: list[bytes] = [b""] * len(self.readers)
        self.steps = 0
        self._positions = positions

    async def look(self) -> None:
        """Read a little with some of them."""
        self.steps += 1
        for number, reader in enumerate(self.readers):
            if number % 5 == self.steps % 5:
                item = await reader.read(self.replica.head)
                self.read[number] += item.content if isinstance(item, Block) else b""
        at = list(self._positions)[self.steps % len(self._positions)]
        assert (await self.replica.resolve(self._positions[at])).at == at
        assert await self.replica.position_at(at) == self._positions[at]

    async def finish(self) -> list[bytes]:
        """What each of the readers has read, once all are at the end."""
        for number, reader in enumerate(self.readers):
            while (item := await reader.read(self.replica.head)) is not None:
                assert isinstance(item, Block)
                self.read[number] += item.content
        return self.read


def at_once(looking: Coroutine[None, None, None]) -> None:
    """Run it to its end: it waits for nothing, and pauses only for others to have their turn."""
    with suppress(StopIteration):
        while True:
            assert looking.send(None) is None


@pytest.mark.usefixtures("tiny_rows")
async def test_rows_that_are_written_anew_are_never_read_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A follower reads between any two of the transactions that forget."""
    for module in (pruning_module, upkeep_module):
        monkeypatch.setattr(module, "KEPT_GENERATIONS", 10)
    monkeypatch.setattr(upkeep_module, "PRUNED_AT_ONCE", 5)
    monkeypatch.setattr(upkeep_module, "_ROWS_A_PIECE", 3)
    journal = open_journal(tmp_path)
    lasting, gone = await with_files_that_came_and_went(journal, tmp_path)
    told = await following(journal, tmp_path)
    replica = told.follow()
    found = {at: await journal.position_at(at) for at in range(1, journal.head, 29)}
    positions = {at: position for at, position in found.items() if position is not None}
    content = lasting.path.read_bytes()
    line_ends = {end for end in range(1, len(content) + 1) if content[end - 1] == ord("\n")}
    kept = {
        at: position
        for at, position in positions.items()
        if position.generation == lasting.key and position.offset in line_ends
    }
    looking = Looking(replica, lasting.key, kept)
    rewrite = journal._upkeep._rewrite

    def looked_at_between(rewriting: Rewriting, at: int, end: int) -> int | None:
        next_at = rewrite(rewriting, at, end)
        at_once(looking.look())
        return next_at

    monkeypatch.setattr(journal._upkeep, "_rewrite", looked_at_between)
    assert await journal._upkeep.prune() > 20

    assert looking.steps > 20
    assert set(await looking.finish()) == {content}
    assert await read_all(replica) == await read_all(journal)
    forgotten = [position for position in positions.values() if position.generation in gone]
    resolved = [await replica.resolve(position) for position in forgotten]
    assert resolved == [await journal.resolve(position) for position in forgotten]
    assert None in {one.at for one in resolved}
    await replica.aclose()
    await journal.aclose()


@pytest.mark.usefixtures("tiny_rows")
async def test_a_place_of_what_was_forgotten_a_moment_ago_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks may have been told of the file before rows were written anew without it."""
    for module in (pruning_module, upkeep_module):
        monkeypatch.setattr(module, "KEPT_GENERATIONS", 10)
    monkeypatch.setattr(upkeep_module, "PRUNED_AT_ONCE", 5)
    journal = open_journal(tmp_path)
    lasting, gone = await with_files_that_came_and_went(journal, tmp_path)
    replica = (await following(journal, tmp_path)).follow()
    generations = {key: life.generation for key, life in replica._ledger.lives.items()}
    assert await journal._upkeep.prune() > 20
    for one in (replica, journal):
        places = {key: await one.place_in(generation, 1) for key, generation in generations.items()}
        assert places[lasting.key] is not None
        assert None in [places[key] for key in gone]
    await replica.aclose()
    await journal.aclose()


async def test_a_follower_goes_over_to_a_new_teller_of_the_same_order_alone(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"one\n")))
    told = await following(journal, tmp_path)
    await journal.commit(batch(file.changes(b"two\n")))  # recorded, and never told
    await journal.aclose()
    replica, told.waiting = told.follow(0), []

    again = open_journal(tmp_path)
    await again.follow(told)
    assert told.follow().head == 8
    assert await read_all(replica) == await read_all(again)

    refuse(again)
    await again.commit(batch(file.changes(b"three\n")))
    told.follow()
    snapshots: list[Snapshot] = []
    await again.follow(snapshots.append)  # type: ignore[arg-type]
    assert not replica.begin_anew(snapshots[0]), "what only the former one's memory had may have been told"
    await again.aclose()

    other = SqliteJournal(tmp_path / "other", "process", lambda _: 65_536)
    stranger = StoryFile(tmp_path / "b.log", "s")
    await other.commit(batch(stranger.changes(b"a longer line than all before\n" * 3)))
    await other.follow(snapshots.append)  # type: ignore[arg-type]
    assert not replica.begin_anew(snapshots[1]), "another record"
    await replica.aclose()
    await other.aclose()


async def test_a_state_with_any_name_can_be_followed(tmp_path: Path) -> None:
    directory = tmp_path / "100%41 of? it#1 \udcff"
    directory.mkdir()
    journal = open_journal(directory)
    told = await following(journal, directory)
    assert told.journal is not None
    await journal.note_sources(frozenset({"seen"}), 0.0)
    assert told.journal._store.select("SELECT name FROM source") == [("seen",)], "the file itself, and no copy of it"
    await told.journal.aclose()
    await journal.aclose()


async def test_a_follower_records_nothing(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    told = await following(journal, tmp_path)
    assert told.journal is not None
    with pytest.raises(JournalError, match="only reads"):
        await told.journal.commit(batch([]))
    with pytest.raises(JournalError, match="readonly"):
        told.journal._store.select("INSERT INTO source (name) VALUES ('x')")
    await told.journal.aclose()
    await journal.aclose()
