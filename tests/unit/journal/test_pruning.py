from __future__ import annotations

import asyncio
import gzip
import random
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from logstream.journal import ledger as ledger_module
from logstream.journal import pruning as pruning_module
from logstream.journal import upkeep as upkeep_module
from logstream.journal.base import Block, Lost
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason, Position
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from logstream.journal.life import Life
    from logstream.journal.pruning import Rewriting


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning_module, "KEPT_GENERATIONS", 10)
    monkeypatch.setattr(upkeep_module, "KEPT_GENERATIONS", 10)
    monkeypatch.setattr(upkeep_module, "PRUNED_AT_ONCE", 5)


@pytest.fixture
def tiny_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ledger_module, pruning_module):
        monkeypatch.setattr(module, "ROW_BYTES", 48)
        monkeypatch.setattr(module, "KEYFRAME_ENTRIES", 40)


async def read_all(journal: SqliteJournal, at: int = 0) -> list[Block | Lost]:
    reader = journal.reader(at)
    items = []
    while (item := await reader.read(journal.head)) is not None:
        items.append(item)
    return items


def lines_of(items: list[Block | Lost]) -> list[tuple[str, int, bytes]]:
    """Each line with its generation and its place."""
    found = []
    for item in items:
        if isinstance(item, Block):
            at = item.at
            for line in item.content.splitlines(keepends=True):
                found.append((item.generation.key, at, line))
                at += len(line)
    return found


def expired(items: list[Block | Lost]) -> list[str | None]:
    return [item.gap.source for item in items if isinstance(item, Lost) and item.gap.reason is GapReason.EXPIRED]


async def go_on(journal: SqliteJournal, directory: Path) -> None:
    """Record so much of another source that all that came before lies in rows that are complete."""
    other = StoryFile(directory / "other", "other")
    for number in range(40):
        await journal.commit(batch(other.changes(b"%d\n" % number)))


async def positions_in(journal: SqliteJournal, keys: set[str]) -> dict[int, Position]:
    """By place, the positions that ids of these generations are made of."""
    found = {at: await journal.position_at(at) for at in range(1, journal.head)}
    return {at: position for at, position in found.items() if position is not None and position.generation in keys}


@pytest.mark.usefixtures("tiny_rows")
async def test_what_is_kept_reads_as_before_and_what_is_forgotten_is_one_gap_a_stretch(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    steps = random.Random(4)
    quiet = StoryFile(tmp_path / "quiet.log", "quiet")
    gone: set[str] = set()
    for number in range(60):
        file = StoryFile(tmp_path / f"{number}.log", "ab"[number % 2])
        for line in range(steps.randrange(1, 12)):
            await journal.commit(batch(file.changes(b"%d %d\n" % (number, line)), time=1_800_000_000.0 + number))
        if steps.random() < 0.3:
            await journal.commit(batch(quiet.changes(b"quiet %d\n" % number)))
        file.path.unlink()
        gone.add(file.key)
        await journal.commit(batch(file.sealed(GapReason.DELETED)))
    before = await read_all(journal)
    kept_keys = {life.generation.key for life in journal._ledger.lives.values()} - gone
    content = quiet.path.read_bytes()
    kept = await positions_in(journal, kept_keys)
    positions = {at: position for at, position in kept.items() if content[: position.offset].endswith(b"\n")}
    held_reader = journal.reader(0)
    first = await held_reader.read(journal.head)

    assert await journal._upkeep.prune() == 40
    after = await read_all(journal)

    assert lines_of(after) == [line for line in lines_of(before) if line[0] in kept_keys]
    assert set(expired(after)) == {"a", "b"}
    # Between two things that are left each source has one such gap, and one more where a keyframe begins.
    assert len(expired(after)) <= 2 * (len(after) - len(expired(after)) + len(journal._ledger.keyframes))
    assert sum(item.next_at - item.at for item in after) == journal.head
    assert [(await journal.resolve(position)).at for position in positions.values()] == list(positions)
    # A reader that was on its way when rows were written anew goes on where it stands.
    assert first is not None
    rest = []
    while (item := await held_reader.read(journal.head)) is not None:
        rest.append(item)
    assert lines_of([first, *rest]) == lines_of(before[:1]) + lines_of(after)
    assert held_reader.at == journal.head
    for at in range(0, journal.head, 7):
        await journal.align(at)
        await journal.position_at(at)
    await journal.aclose()

    again = open_journal(tmp_path)
    assert await read_all(again) == after
    assert {known.key for known in again.known()} == {known.key for known in journal.known()}
    await again.commit(batch(quiet.changes(b"new\n")))
    assert lines_of(await read_all(again))[-1][2] == b"new\n"
    await again.aclose()


@pytest.mark.usefixtures("tiny_rows")
async def test_an_id_of_what_is_just_being_forgotten_leads_to_its_place_or_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the head it would lead past lines of other files that nobody has told."""
    journal = open_journal(tmp_path)
    gone: set[str] = set()
    other = StoryFile(tmp_path / "other", "other")
    await journal.commit(batch(other.changes(b"first\n")))
    for number in range(60):
        file = StoryFile(tmp_path / f"{number}.log", "a")
        await journal.commit(batch(file.changes(b"%d\n" % number)))
        file.path.unlink()
        gone.add(file.key)
        await journal.commit(batch(file.sealed(GapReason.DELETED)))
    for _ in range(40):
        await journal.commit(batch(other.changes(b"more\n")))
    positions = await positions_in(journal, gone)
    rewritten = asyncio.Event()
    rewrite = journal._upkeep._rewrite

    def noting(rewriting: Rewriting, at: int, end: int) -> int | None:
        rewritten.set()
        return rewrite(rewriting, at, end)

    monkeypatch.setattr(journal._upkeep, "_rewrite", noting)
    pruning = asyncio.create_task(journal._upkeep.prune(), name="prune")
    await rewritten.wait()
    found: set[int | None] = set()
    while not pruning.done():
        for at, position in positions.items():
            resolved = (await journal.resolve(position)).at
            assert resolved in {at, None}
            found.add(resolved)
        await asyncio.sleep(0)

    assert None in found
    assert await pruning == 50
    await journal.aclose()


async def gone_files(journal: SqliteJournal, directory: Path, count: int) -> list[StoryFile]:
    """Files that were read and deleted, and a file of another source that was written to before and since."""
    other = StoryFile(directory / "other", "other")
    await journal.commit(batch(other.changes(b"first\n")))  # else it might be given the number of one that is deleted
    files = [StoryFile(directory / f"{number}.log", "a") for number in range(count)]
    for file in files:
        await journal.commit(batch(file.changes(b"line\n")))
        file.path.unlink()
        await journal.commit(batch(file.sealed(GapReason.DELETED)))
    for number in range(40):
        await journal.commit(batch(other.changes(b"%d\n" % number)))
    return files


@pytest.mark.usefixtures("tiny_rows")
async def test_generations_are_forgotten_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep_module, "_LIVES_A_PIECE", 7)
    journal = open_journal(tmp_path)
    await gone_files(journal, tmp_path, 60)
    pruning = asyncio.create_task(journal._upkeep.prune(), name="prune")
    counts = [len(journal._ledger.lives)]
    while not pruning.done():
        await asyncio.sleep(0)
        counts.append(len(journal._ledger.lives))
    assert await pruning == 50
    await journal.aclose()

    assert max(before - after for before, after in pairwise(counts)) == 7


@pytest.mark.usefixtures("tiny_rows")
async def test_what_is_left_when_forgetting_is_cut_off_is_forgotten_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep_module, "_LIVES_A_PIECE", 7)
    journal = open_journal(tmp_path)
    files = await gone_files(journal, tmp_path, 60)
    pruning = asyncio.create_task(journal._upkeep.prune(), name="prune")
    forget = journal._ledger.forget

    def cut_off(lives: Iterable[Life], keyframes: Iterable[int] = ()) -> None:
        forget(lives, keyframes)
        if files[0].key not in journal._ledger.lives:
            pruning.cancel()

    monkeypatch.setattr(journal._ledger, "forget", cut_off)
    await asyncio.wait([pruning])
    assert pruning.cancelled()
    left = [file.key for file in files if file.key in journal._ledger.lives]
    assert len(left) == 53
    items = await read_all(journal)
    await journal.aclose()

    again = open_journal(tmp_path)
    assert await read_all(again) == items
    assert [key for key in left if key in again._ledger.lives] == left
    assert await again._upkeep.prune() == 43
    assert await read_all(again) == items
    await again.aclose()


async def test_the_state_stays_small_over_ten_thousand_rotations(tmp_path: Path) -> None:
    """Conformance: H9."""
    journal = open_journal(tmp_path)
    quiet = StoryFile(tmp_path / "quiet.log", "s")
    path = tmp_path / "app.log"
    sizes = []
    for number in range(10_000):
        file = StoryFile(path, "s")
        changes = file.changes(*(b"%d %d\n" % (number, line) for line in range(5)))
        path.unlink()
        now = 1_800_000_000.0 + 60 * number
        await journal.commit(batch(changes, file.sealed(GapReason.DELETED), time=now))
        if number % 50 == 0:
            await journal.commit(batch(quiet.changes(b"%d\n" % number), time=now))
        if journal._upkeep.is_due:
            await journal._upkeep.prune()
        if number % 1_000 == 999:
            await journal._checkpoint()
            sizes.append(journal.size_bytes)
    # What the newest row speaks of stays: some 80 of these.
    assert len(journal._ledger.lives) < 100
    rows = journal._store.select("SELECT count(*), sum(length(entries)) FROM row")[0]
    assert rows[0] < 12
    assert rows[1] < 200 * 30
    assert sizes[-1] <= sizes[1] + 8_192
    items = await read_all(journal)
    assert [line[2] for line in lines_of(items) if line[0] == quiet.key] == [b"%d\n" % n for n in range(0, 10_000, 50)]
    await journal.aclose()


@pytest.mark.usefixtures("tiny_rows")
async def test_files_and_copies_that_are_left_are_not_forgotten(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    path = tmp_path / "app.log"
    files = []
    for number in range(30):
        file = StoryFile(path, "s")
        await journal.commit(batch(file.changes(b"file %d\n" % number)))
        renamed = tmp_path / f"old-{number}"
        path.rename(renamed)
        file.path = renamed
        files.append(file)
        await journal.commit(batch(file.sealed(None)))
    await go_on(journal, tmp_path)
    # Nobody said that their paths changed, yet they are still there by their inodes.
    assert await journal._upkeep.prune() == 0

    for number in range(17, 30):
        (tmp_path / f"app.log.{30 - number}.gz").write_bytes(gzip.compress(b"file %d\n" % number))
    for file in files:
        file.path.unlink()
    assert await journal._upkeep.prune() == 17
    assert {known.key for known in journal.known()} - {file.key for file in files[17:]} == {journal._ledger.last_key}
    await journal.aclose()


@pytest.mark.usefixtures("tiny_rows")
async def test_files_and_copies_that_are_left_behind_a_link_are_not_forgotten(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    home, link = tmp_path / "real" / "web.log", tmp_path / "app.log"
    home.parent.mkdir()
    link.symlink_to(home)
    rotated = [home.with_name(f"web.log.{30 - number}") for number in range(30)]
    for number, path in enumerate(rotated):
        file = StoryFile(link, "s")
        await journal.commit(batch(file.changes(b"file %d\n" % number), file.sealed(None)))
        home.rename(path)
    await go_on(journal, tmp_path)
    assert await journal._upkeep.prune() == 0

    for path in rotated:
        if rotated.index(path) >= 17:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert await journal._upkeep.prune() == 17
    await journal.aclose()


@pytest.mark.usefixtures("tiny_rows")
async def test_a_directory_that_cannot_be_listed_keeps_what_was_there(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    directory = tmp_path / "logs"
    directory.mkdir()
    for number in range(20):
        file = StoryFile(directory / f"{number}.log", "s")
        await journal.commit(batch(file.changes(b"line\n"), file.sealed(GapReason.DELETED)))
        file.path.unlink()
    await go_on(journal, tmp_path)
    directory.rmdir()
    directory.write_bytes(b"in its place")
    assert await journal._upkeep.prune() == 0
    directory.unlink()
    assert await journal._upkeep.prune() == 10
    await journal.aclose()
