"""The last byte of some sources before a place, against a walk over everything."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from logstream.journal import ledger as ledger_module
from logstream.journal.base import Block
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason, Position
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from pathlib import Path


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


async def told(directory: Path, journal: SqliteJournal, seed: int) -> None:
    """Files of three sources that grow, are lost from, end, and are begun anew; `quiet` seldom, `busy` all the time."""
    pick = random.Random(seed)
    files: dict[str, StoryFile] = {}
    for number in range(400):
        source = pick.choices(["busy", "quiet", "app"], [60, 1, 5])[0]
        file = files.get(source) or StoryFile(directory / f"{source}-{number}.log", source)
        files[source] = file
        changes = file.changes(*[b"%s %d\n" % (source.encode(), line) for line in range(pick.randint(1, 4))])
        if pick.random() < 0.05:
            await journal.commit(batch(changes, file.sealed(GapReason.DELETED)))
            del files[source]
        else:
            await journal.commit(batch(changes))


@pytest.mark.parametrize("seed", range(6))
async def test_it_is_what_a_walk_over_everything_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(ledger_module, "ROW_BYTES", 32)
    monkeypatch.setattr(ledger_module, "KEYFRAME_ENTRIES", 8)
    monkeypatch.setattr(ledger_module, "_KEYFRAME_ENTRIES_A_LIFE", 2)
    journal = open_journal(tmp_path)
    await told(tmp_path, journal, seed)
    assert len(journal._ledger.keyframes) >= 8

    for wanted in (frozenset({"quiet"}), frozenset({"app"}), frozenset({"quiet", "app"}), frozenset({"none"})):
        expected: Position | None = None
        at = 0
        reader = journal.reader(0)
        while (item := await reader.read(journal.head)) is not None:
            source = item.generation.source if isinstance(item, Block) else item.gap.source
            if source in wanted:
                expected = await journal.position_at(item.next_at)
            at = item.next_at
            assert await journal.position_at(at, wanted.__contains__) == expected, (at, wanted)
    await journal.aclose()


async def test_within_a_run_it_is_the_byte_itself(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    app, other = StoryFile(tmp_path / "a.log", "app"), StoryFile(tmp_path / "o.log", "other")
    await journal.commit(batch(app.changes(b"one\n", b"two\n")))
    await journal.commit(batch(other.changes(b"xxx\n")))
    assert await journal.position_at(4, {"app"}.__contains__) == await journal.position_at(4)
    assert await journal.position_at(12, {"app"}.__contains__) == await journal.position_at(8)
    assert await journal.position_at(8, {"other"}.__contains__) is None
    assert await journal.position_at(12, {"other"}.__contains__) == await journal.position_at(12)
    assert await journal.position_at(0, {"app"}.__contains__) is None


async def test_an_id_of_a_source_that_may_not_be_told_answers_as_an_unknown_one(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    app, hidden = StoryFile(tmp_path / "a.log", "app"), StoryFile(tmp_path / "h.log", "hidden")
    await journal.commit(batch(app.changes(b"one\n"), hidden.changes(b"secret\n")))
    of_app, of_hidden = await journal.position_at(4), await journal.position_at(11)
    assert of_app is not None
    assert of_hidden is not None
    tells = {"app"}.__contains__

    assert (await journal.resolve(of_app, tells)).at == 4
    assert (await journal.resolve(of_hidden)).at == 11
    unknown = await journal.resolve(of_hidden._replace(generation="2222222y"), tells)
    assert await journal.resolve(of_hidden, tells) == unknown
    assert unknown.at is None
    # Nor may it be found out what stands in a hidden file, by an id that fits it whatever its generation.
    assert (await journal.resolve(of_hidden._replace(generation="2222222y"))).at is not None
