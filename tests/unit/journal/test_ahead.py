"""Threads that look ahead: what they may be wrong about, what they hold, and when they end."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from logstream.journal import ahead as ahead_module
from logstream.journal import codec as codec_module
from logstream.journal import entries as entries_module
from logstream.journal import upcoming as upcoming_module
from logstream.journal.base import Block, Lost, Passed, Sieve
from logstream.journal.entries import EntryCursor
from logstream.journal.sifting import BEYOND_BYTES
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason
from tests.story import Decoding, StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.journal.ahead import Found, Searched
    from logstream.journal.replay import Replay

LINE = b"nothing to be seen in here, line %07d\n"
NEEDLE = b"here it is: the needle, line %07d...\n"
LINES = [NEEDLE % number if number % 1000 == 0 else LINE % number for number in range(20_000)]


@pytest.fixture(autouse=True)
def _threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead_module, "_cores", lambda: 2)
    monkeypatch.setattr(ahead_module, "_READ_BYTES", 20_000)
    monkeypatch.setattr(codec_module, "COARSE_MERGE_BYTES", 30_000)
    monkeypatch.setattr(entries_module, "RUN_BYTES", 100_000)
    monkeypatch.setattr(upcoming_module, "AHEAD_BYTES", 100_000)
    monkeypatch.setattr(upcoming_module, "FEWEST_BYTES", 1_000)


async def open_journal(directory: Path) -> tuple[SqliteJournal, StoryFile]:
    journal = SqliteJournal(directory / "state", "process", lambda _: 65_536)
    a = StoryFile(directory / "a.log", "s")
    for start in range(0, len(LINES), 500):
        await journal.commit(batch(a.changes(*LINES[start : start + 500], coarse=True)))
    return journal, a


def stops(content: bytes, end: int) -> list[int]:
    found, at = [], content.find(b"needle", 0, end)
    while at >= 0:
        found.append(at)
        at = content.find(b"needle", at + 1, end)
    return found


SIEVE = Sieve(stops, lambda _: True, 192)


def reader_of(journal: SqliteJournal, at: int = 0) -> Replay:
    return journal.reader(at, sieve_of=lambda _: SIEVE)


async def found_by(reader: Replay, until: int) -> tuple[list[bytes], list[Lost]]:
    """The needles that a reader comes upon, and what it says is lost."""
    needles: list[bytes] = []
    lost: list[Lost] = []
    at = reader.at
    while (item := await reader.pick(until)) is not None:
        assert item.at == at
        at = item.next_at
        assert reader.at == at
        if isinstance(item, Lost):
            lost.append(item)
        elif not isinstance(item, Passed):
            content = item.content if isinstance(item, Block) else item.joined
            needles += [line for line in content.splitlines(keepends=True) if b"needle" in line]
    reader.close()
    return needles, lost


def open_files() -> list[Path]:
    return [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]


def spying(monkeypatch: pytest.MonkeyPatch, before: Callable[[], None] = lambda: None) -> list[Found | None]:
    """What threads find from now on; `before` is called once, before the first of them looks."""
    answers: list[Found | None] = []
    look, todo = ahead_module.look, [before]

    def spy(*arguments: Any) -> Found | None:  # noqa: ANN401 - as look has them
        while todo:
            todo.pop()()
        answers.append(look(*arguments))
        return answers[-1]

    monkeypatch.setattr(ahead_module, "look", spy)
    return answers


async def test_threads_look_at_all_but_the_beginning_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, a = await open_journal(tmp_path)
    answers = spying(monkeypatch)
    needles, lost = await found_by(reader_of(journal), journal.head)
    await journal.aclose()

    assert needles == [NEEDLE % number for number in range(0, len(LINES), 1000)]
    assert lost == []
    assert len(answers) == a.told // 100_000
    assert None not in answers


@pytest.mark.parametrize("content", [b"", b"".join(LINES).replace(b", line", b", LINE")])
async def test_what_was_cut_or_swapped_while_threads_looked_is_lost_and_nothing_is_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    journal, a = await open_journal(tmp_path)

    def swap() -> None:
        os.truncate(a.path, 0)
        with a.path.open("ab") as file:
            file.write(content)

    spying(monkeypatch, swap)
    needles, lost = await found_by(reader_of(journal), journal.head)
    await journal.aclose()

    begun = lost[0].gap.start or 0
    assert [(item.gap.reason, item.gap.end) for item in lost] == [(GapReason.TRUNCATED, a.told)]
    assert begun < 200_000
    assert needles == [line for line in LINES[: begun // len(LINE % 0)] if b"needle" in line]


async def test_many_lines_that_can_be_wanted_are_left_to_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead_module, "_MOST_STOPS", 0)
    journal, _ = await open_journal(tmp_path)
    answers = spying(monkeypatch)
    needles, lost = await found_by(reader_of(journal), journal.head)
    await journal.aclose()

    assert needles == [NEEDLE % number for number in range(0, len(LINES), 1000)]
    assert lost == []
    assert answers == [None], "it was not tried again so soon"


async def test_a_reader_that_leaves_leaves_nothing_behind(tmp_path: Path) -> None:
    journal, a = await open_journal(tmp_path)
    reader = reader_of(journal)
    while not reader._upcoming._searched:
        assert await reader.pick(journal.head) is not None
    assert journal._threads._held == len(reader._upcoming._searched) > 0
    reader.close()
    assert journal._threads._held == 0
    journal._threads.close()
    assert open_files().count(a.path) == 1, "the locator's own"
    await journal.aclose()


async def trickled_between(directory: Path) -> SqliteJournal:
    """A long stretch, thousands of lines of others, and the same stretch again."""
    journal, a = await open_journal(directory)
    others = [StoryFile(directory / f"{number}.log", "other") for number in range(40)]
    for _ in range(100):
        await journal.commit(batch(*(other.changes(b"line\n") for other in others)))
    for start in range(0, len(LINES), 500):
        await journal.commit(batch(a.changes(*LINES[start : start + 500], coarse=True)))
    return journal


async def test_on_the_way_to_what_threads_are_to_look_at_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await trickled_between(tmp_path)
    answers = spying(monkeypatch)
    decoding = Decoding(monkeypatch)
    others = asyncio.create_task(decoding.run(), name="others")
    reader = journal.reader(0, lambda source: source == "s", sieve_of=lambda _: SIEVE)
    needles: list[bytes] = []
    while (item := await reader.pick(journal.head)) is not None:
        if not isinstance(item, Passed | Lost):
            content = item.content if isinstance(item, Block) else item.joined
            needles += [line for line in content.splitlines(keepends=True) if b"needle" in line]
    others.cancel()
    reader.close()
    await journal.aclose()

    assert needles == [NEEDLE % number for number in range(0, len(LINES), 1000)] * 2
    assert len(answers) > 10
    assert sum(decoding.turns) > 4_000
    assert max(decoding.turns) < 2_000


async def test_a_reader_that_is_cut_off_on_that_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = await trickled_between(tmp_path)
    reader = journal.reader(0, lambda source: source == "s", sieve_of=lambda _: SIEVE)
    arrive, is_on_its_way = EntryCursor.arrive, asyncio.Event()

    async def arriving(cursor: EntryCursor, *arguments: Any) -> None:  # noqa: ANN401 - as arrive has them
        if reader._upcoming._searched:
            is_on_its_way.set()
            await asyncio.Event().wait()
        await arrive(cursor, *arguments)

    async def pick_all() -> None:
        while await reader.pick(journal.head) is not None:
            pass

    monkeypatch.setattr(EntryCursor, "arrive", arriving)
    picking = asyncio.create_task(pick_all(), name="reader")
    await is_on_its_way.wait()
    picking.cancel()
    await asyncio.wait([picking])
    assert journal._threads._held > 0
    reader.close()
    assert journal._threads._held == 0
    await journal.aclose()


async def test_all_readers_together_hold_no_more_than_there_is_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead_module, "MOST_HELD", 3)
    journal, _ = await open_journal(tmp_path)
    held: list[int] = []
    begin = journal._threads.begin

    def spy(*arguments: Any) -> Searched | None:  # noqa: ANN401 - whatever it takes
        searched = begin(*arguments)
        held.append(journal._threads._held)
        return searched

    monkeypatch.setattr(journal._threads, "begin", spy)
    found = await asyncio.gather(*[found_by(reader_of(journal), journal.head) for _ in range(3)])
    await journal.aclose()

    assert max(held) == 3
    assert journal._threads._held == 0
    assert found == [([NEEDLE % number for number in range(0, len(LINES), 1000)], [])] * 3


def test_what_is_read_lies_where_the_last_bytes_lay_unless_somebody_holds_these(tmp_path: Path) -> None:
    whole = ahead_module._READ_BYTES + BEYOND_BYTES
    content = os.urandom(3 * whole + 10)
    (tmp_path / "a").write_bytes(content)
    memory = ahead_module.Memory()
    with (tmp_path / "a").open("rb") as file:
        first = memory.read(file.fileno(), whole, 0)
        place = id(first)
        del first
        second = memory.read(file.fileno(), whole, whole)
        assert id(second) == place
        third = memory.read(file.fileno(), whole, 2 * whole)
        short = memory.read(file.fileno(), 100, 50)
        at_the_end = [memory.read(file.fileno(), length, 3 * whole) for length in (whole, 100)]

    assert second == content[whole : 2 * whole]
    assert third == content[2 * whole : 3 * whole]
    assert short == content[50:150]
    assert at_the_end == [content[-10:]] * 2


async def test_threads_hold_what_they_read_into_as_long_as_anything_is_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[ahead_module.Memory] = []
    places: set[int] = set()
    make, read = ahead_module.Memory, ahead_module.Memory.read

    def spy() -> ahead_module.Memory:
        made.append(make())
        return made[-1]

    def reading(memory: ahead_module.Memory, *arguments: int) -> bytes:
        content = read(memory, *arguments)
        if len(content) == ahead_module._READ_BYTES + BEYOND_BYTES:
            places.add(id(content))
        return content

    monkeypatch.setattr(ahead_module.Memory, "read", reading)
    monkeypatch.setattr(ahead_module, "Memory", spy)
    journal, _ = await open_journal(tmp_path)
    reader = reader_of(journal)
    while len(reader._upcoming._searched) < 2:
        assert await reader.pick(journal.head) is not None
    needles, _ = await found_by(reader, journal.head)

    assert needles
    assert 1 <= len(places) <= len(made)
    assert journal._threads._spare == []
    await journal.aclose()
    # At rest all is let go of, and what began alone was at rest in between.
    assert len(made) <= 2 + 2


async def test_threads_end_with_the_journal_and_a_reader_goes_on_without_them(tmp_path: Path) -> None:
    journal, _ = await open_journal(tmp_path)
    reader = reader_of(journal)
    while not reader._upcoming._searched:
        assert await reader.pick(journal.head) is not None
    assert any(thread.name.startswith("search") for thread in threading.enumerate())
    journal._threads.close()
    assert not any(thread.name.startswith("search") for thread in threading.enumerate())
    needles, lost = await found_by(reader, journal.head)
    assert needles
    assert not lost
    await journal.aclose()


async def test_on_a_single_core_there_are_no_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead_module, "_cores", lambda: 1)
    journal, _ = await open_journal(tmp_path)
    answers = spying(monkeypatch)
    needles, _ = await found_by(reader_of(journal), journal.head)
    await journal.aclose()

    assert len(needles) == 20
    assert answers == []
