from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from logstream.journal import sqlite as sqlite_module
from logstream.journal.base import Block
from logstream.journal.errors import JournalError, StateUnusableError
from logstream.journal.sqlite import SqliteJournal
from logstream.journal.store import Store
from logstream.records import GapReason
from tests.descriptors import open_descriptors
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from logstream.journal.held import Statement

PATIENCE_SECONDS = 20.0
INSERT = "INSERT INTO row VALUES (?, 0, ?)"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path, "process")
    yield opened
    with suppress(OSError):
        opened.close()


def fill(store: Store, wal_bytes: int) -> int:
    """Write until the log has this size; the number of rows then."""
    (start,) = store.select("SELECT coalesce(max(start), 0) FROM row")[0]
    while store.wal_bytes() < wal_bytes:
        start += 1
        store.transact([(INSERT, (start, b"x" * 4_000))])
    return int(start)


def test_a_transaction_is_kept_whole_or_not_at_all(store: Store) -> None:
    store.transact([(INSERT, (1, b"one"))])
    with pytest.raises(JournalError, match=r"journal\.db: UNIQUE constraint failed") as failed:
        store.transact([(INSERT, (2, b"two")), (INSERT, (1, b"again"))])

    assert isinstance(failed.value.cause, sqlite3.IntegrityError)
    assert [row.start for row in store.rows_from(0)] == [1]
    store.transact([(INSERT, (2, b"two"))])
    assert [row.entries for row in store.rows_from(2)] == [b"two"]


def test_a_question_that_fails_is_a_journal_error(store: Store) -> None:
    with pytest.raises(JournalError, match="no such table: missing"):
        store.select("SELECT * FROM missing")


def test_what_was_written_is_there_after_a_crash(tmp_path: Path, store: Store) -> None:
    """Conformance: H3."""
    store.transact([(INSERT, (1, b"one"))])
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("journal.db", "journal.db-wal"):
        (crashed / name).write_bytes((tmp_path / name).read_bytes())
    again = Store(crashed, "process")

    assert [row.entries for row in again.rows_from(0)] == [b"one"]
    again.close()


def test_nothing_is_copied_back_by_the_way(store: Store) -> None:
    before = store.path.stat().st_size
    fill(store, 6 << 20)

    assert store.path.stat().st_size == before


def test_the_log_is_copied_back_and_begins_anew(store: Store) -> None:
    last = fill(store, 1 << 20)
    assert store.path.stat().st_size < last * 4_000
    store.copy_back()
    assert store.path.stat().st_size > last * 4_000
    assert store.wal_bytes() >= 1 << 20

    store.restart_wal()
    assert store.wal_bytes() < 64 << 10
    assert fill(store, 1 << 20) > last
    store.restart_wal()
    assert store.wal_bytes() < 64 << 10
    assert store.select("SELECT count FROM checkpoint") == [(2,)]


def test_a_copy_that_fails_is_a_journal_error(store: Store, tmp_path: Path) -> None:
    store.path = tmp_path / "nowhere" / "journal.db"

    with pytest.raises(JournalError, match="unable to open database file"):
        store.copy_back()
    with pytest.raises(JournalError, match="unable to open database file"):
        store.restart_wal()
    assert store.wal_bytes() == 0


def test_a_reader_neither_waits_for_a_transaction_of_a_thread_nor_sees_half_of_it(store: Store) -> None:
    is_half_done, may_go_on = threading.Event(), threading.Event()

    def statements() -> Iterator[Statement]:
        yield INSERT, (1, b"one")
        is_half_done.set()
        assert may_go_on.wait(PATIENCE_SECONDS)
        yield INSERT, (2, b"two")

    with ThreadPoolExecutor(1) as worker:
        writing = worker.submit(store.transact, statements())
        assert is_half_done.wait(PATIENCE_SECONDS)
        assert store.rows_from(0) == []
        may_go_on.set()
        writing.result(PATIENCE_SECONDS)
    assert len(store.rows_from(0)) == 2


def test_a_format_of_another_version_is_refused_and_kept(tmp_path: Path, store: Store) -> None:
    """Conformance: H7."""
    store.close()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    descriptors = open_descriptors()

    for _ in range(2):  # the first attempt must not keep the lock
        with pytest.raises(StateUnusableError, match=r"has format 9, this version reads 6; use the version"):
            Store(tmp_path, "process")
    assert open_descriptors() == descriptors


def test_the_lock_names_its_holder_and_leaves_no_probe_behind(tmp_path: Path, store: Store) -> None:
    assert store.path.exists()
    with pytest.raises(StateUnusableError, match=rf"another logstream \(process {os.getpid()}\)"):
        Store(tmp_path, "process")
    assert not (tmp_path / ".writable").exists()


@pytest.mark.parametrize(("durability", "level"), [("process", 1), ("full", 2)])
def test_durability_is_what_sqlite_calls_synchronous(tmp_path: Path, durability: str, level: int) -> None:
    opened = Store(tmp_path, "full" if durability == "full" else "process")

    assert opened._connection is not None
    assert opened._connection.execute("PRAGMA synchronous").fetchone() == (level,)
    assert opened._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    opened.close()


class Recorder:
    """What a journal's store is asked, and in which thread."""

    def __init__(self, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[tuple[str, str]] = []
        self._news = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        for name in ("copy_back", "restart_wal", "transact", "wal_bytes"):
            monkeypatch.setattr(journal._store, name, self._noting(name, getattr(journal._store, name)))

    def _noting(self, name: str, original: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            try:
                return original(*arguments)
            finally:
                self.calls.append((name, threading.current_thread().name))
                self._loop.call_soon_threadsafe(self._news.set)

        return call

    def count(self, name: str) -> int:
        """How often this was done."""
        return sum(done == name for done, _ in self.calls)

    async def until(self, name: str, more: int) -> None:
        """Wait until this was done so many more times."""
        goal = self.count(name) + more
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self.count(name) < goal:
                self._news.clear()
                await self._news.wait()


async def test_upkeep_copies_a_grown_log_back_in_the_workers_thread_and_then_lets_it_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "CHECKPOINT_SECONDS", 0.001)
    monkeypatch.setattr(sqlite_module, "WAL_BYTES", 256 << 10)
    journal = SqliteJournal(tmp_path / "state", "process", lambda _: 65_536)
    file = StoryFile(tmp_path / "a.log", "s")
    recorder = Recorder(journal, monkeypatch)
    while journal._store.wal_bytes() < 256 << 10:
        await journal.commit(batch(file.changes(b"x\n")))
    assert {thread for _, thread in recorder.calls} == {"MainThread"}
    upkeep = asyncio.create_task(journal.run())
    await recorder.until("restart_wal", 1)
    await recorder.until("wal_bytes", 5)
    upkeep.cancel()
    await asyncio.wait([upkeep])

    # The restart copies back what is left, and its one transaction begins the log anew.
    worker = [(name, thread) for name, thread in recorder.calls if thread != "MainThread"]
    assert [name for name, _ in worker] == ["copy_back", "copy_back", "transact", "restart_wal"]
    assert all(thread.startswith("journal") for _, thread in worker)
    assert journal._store.wal_bytes() < 64 << 10
    assert (await read_all(journal)) == b"x\n" * (journal.head // 2)
    await journal.aclose()


async def read_all(journal: SqliteJournal) -> bytes:
    reader, found = journal.reader(0), b""
    while (item := await reader.read(journal.head)) is not None:
        assert isinstance(item, Block)
        found += item.content
    return found


async def test_upkeep_that_fails_is_put_off_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_module, "CHECKPOINT_SECONDS", 0.001)
    monkeypatch.setattr(sqlite_module, "WAL_BYTES", 0)
    monkeypatch.setattr(Store, "is_deleted", False)  # it is not: only what copies back is led astray
    journal = SqliteJournal(tmp_path / "state", "process", lambda _: 65_536)
    recorder = Recorder(journal, monkeypatch)
    right, journal._store.path = journal._store.path, tmp_path / "nowhere" / "journal.db"
    upkeep = asyncio.create_task(journal.run())
    await recorder.until("copy_back", 2)
    assert recorder.count("restart_wal") == 0
    assert f"checkpoint of {journal._store.path} put off" in caplog.text

    journal._store.path = right
    await recorder.until("restart_wal", 1)
    assert journal._store.select("SELECT count(*) FROM checkpoint") == [(1,)]
    upkeep.cancel()
    await asyncio.wait([upkeep])
    await journal.aclose()


async def test_with_full_durability_the_loop_turns_while_a_commit_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(tmp_path / "state", "full", lambda _: 65_536)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    transact, is_on_disk, may_return = journal._store.transact, asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def slow(statements: list[Statement]) -> None:
        transact(statements)
        loop.call_soon_threadsafe(is_on_disk.set)
        assert may_return.wait(PATIENCE_SECONDS)

    monkeypatch.setattr(journal._store, "transact", slow)
    committing = asyncio.create_task(journal.commit(batch(b.changes(b"b1\n"))))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await is_on_disk.wait()
    reader = journal.reader(0)
    seen = await reader.read(journal.head)
    assert not committing.done()
    assert journal.head == 3
    assert seen is not None
    assert seen.next_at == 3
    assert await reader.read(journal.head) is None

    may_return.set()
    (block,) = await committing
    assert await reader.read(journal.head) == block
    await journal.aclose()


async def test_two_commits_at_once_are_recorded_one_after_the_other(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "state", "full", lambda _: 65_536)
    files = [StoryFile(tmp_path / f"{number}.log", "s") for number in range(5)]
    answers = await asyncio.gather(*[journal.commit(batch(file.changes(b"line\n"))) for file in files])

    assert sorted(item.at for items in answers for item in items) == [0, 5, 10, 15, 20]
    await journal.aclose()


async def test_a_descriptor_of_what_is_gone_is_not_kept(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "state", "process", lambda _: 65_536)
    file = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(file.changes(b"a1\n")))
    await journal.reader(0).read(3)
    assert set(journal._locator._open) == {file.key}
    file.path.unlink()
    await journal.commit(batch(file.sealed(GapReason.DELETED)))

    assert set(journal._locator._open) == set()
    await journal.aclose()


async def test_the_log_is_copied_back_when_things_are_quiet_and_then_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_module, "CHECKPOINT_SECONDS", 0.001)
    journal = SqliteJournal(tmp_path / "state", "process", lambda _: 65_536)
    checkpoints: list[int] = []
    checkpoint = journal._checkpoint

    async def counted() -> None:
        await checkpoint()
        checkpoints.append(journal._store.wal_bytes())

    monkeypatch.setattr(journal, "_checkpoint", counted)
    upkeep = asyncio.create_task(journal.run(), name="upkeep")
    await asyncio.sleep(0.002)
    a = StoryFile(tmp_path / "a.log", "s")
    for number in range(20):
        await journal.commit(batch(a.changes(b"%d\n" % number)))
    before = journal._store.wal_bytes()
    while not checkpoints:  # noqa: ASYNC110 - the task under test owns the moment
        await asyncio.sleep(0.001)
    for _ in range(50):
        await asyncio.sleep(0.001)
    upkeep.cancel()
    await asyncio.wait({upkeep})
    await journal.aclose()

    assert checkpoints[0] < before
    assert len(checkpoints) <= 2, "nothing was recorded since"


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_a_state_of_an_earlier_format_is_taken_over_with_all_that_it_holds(
    tmp_path: Path, store: Store, version: int
) -> None:
    """Conformance: H7."""
    store.transact([(INSERT, (1, b"one"))])
    store.close()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        connection.execute("INSERT INTO source VALUES ('app', 5)")
        connection.execute("ALTER TABLE source DROP COLUMN noted_ms")
        if version <= 4:
            connection.execute("ALTER TABLE generation DROP COLUMN ahead_ms")
        if version <= 3:
            connection.execute("ALTER TABLE usage DROP COLUMN witness")
        if version <= 2:
            connection.execute("ALTER TABLE generation DROP COLUMN kept_end")
        if version == 1:
            connection.executescript("DROP TABLE usage; DROP TABLE former;")
            connection.execute("ALTER TABLE generation DROP COLUMN written_ns")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()

    again = Store(tmp_path, "process")
    assert [row.entries for row in again.rows_from(0)] == [b"one"]
    assert again.select("SELECT * FROM usage") == again.select("SELECT * FROM former") == []
    assert again.select("PRAGMA user_version") == [(6,)]
    assert again.select("SELECT written_ns, kept_end FROM generation") == []
    assert again.select("SELECT * FROM source") == [("app", None)]
    again.close()
