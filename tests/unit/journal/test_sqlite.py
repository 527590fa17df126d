from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from logstream.journal.base import Block, Lost
from logstream.journal.errors import StateUnusableError
from logstream.journal.ids import anchor_of
from logstream.journal.ledger import KEYFRAME_ENTRIES
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason, Position
from tests.story import StoryFile, batch, directory_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from logstream.journal.replay import Replay


def open_journal(directory: Path) -> SqliteJournal:
    return SqliteJournal(directory / "state", "process", lambda _: 65_536)


async def read_all(journal: SqliteJournal, at: int = 0) -> list[Block | Lost]:
    reader = journal.reader(at)
    items = []
    while (item := await reader.read(journal.head)) is not None:
        items.append(item)
    return items


def contents(items: list[Block | Lost]) -> bytes:
    assert not [item for item in items if isinstance(item, Lost)]
    return b"".join(item.content for item in items if isinstance(item, Block))


async def test_replay_gives_the_lines_of_all_files_in_recorded_order(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n", b"a2\n"), b.changes(b"b1\n")))
    await journal.commit(batch(a.changes(b"a3\n")))
    await journal.commit(batch(b.changes(b"b2\n"), a.changes(b"a4\n")))

    assert contents(await read_all(journal)) == b"a1\na2\nb1\na3\nb2\na4\n"


async def test_commit_answers_the_very_blocks_that_replay_gives(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    lines = [b"%06d %s\n" % (number, b"x" * (number % 300)) for number in range(2_000)]
    appended = await journal.commit(batch(a.changes(*lines, coarse=True)))

    replayed = await read_all(journal)

    assert list(appended) == replayed
    assert all(isinstance(item, Block) and len(item.content) <= 65_536 for item in appended)


async def test_a_restart_goes_on_in_the_same_order_with_the_same_generations(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n"), a.proof(), b.changes(b"b1\n")))
    await journal.aclose()

    again = open_journal(tmp_path)
    known = {one.key: one for one in again.known()}
    await again.commit(batch(b.changes(b"b2\n"), a.changes(b"a2\n")))

    assert (known[a.key].committed, known[a.key].proof_offset) == (3, 3)
    assert contents(await read_all(again)) == b"a1\nb1\nb2\na2\n"


async def test_generations_are_known_in_the_order_of_their_births_also_those_that_are_gone(tmp_path: Path) -> None:
    """Else the next life of a truncated file stands before what was begun earlier (torture, seed 3095)."""
    journal = open_journal(tmp_path)
    older, truncated, newer = (StoryFile(tmp_path / name, "s") for name in ("a.log", "b.log", "c.log"))
    await journal.commit(batch(older.changes(b"a1\n"), truncated.changes(b"b1\n")))
    await journal.commit(batch([truncated.sealed(GapReason.TRUNCATED)], newer.changes(b"c1\n")))
    await journal.aclose()

    assert [known.key for known in open_journal(tmp_path).known()] == [older.key, truncated.key, newer.key]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
async def test_the_encoding_that_a_file_shows_with_its_first_bytes_is_kept_for_its_whole_life(
    tmp_path: Path, encoding: str
) -> None:
    """Conformance: E12."""
    journal = open_journal(tmp_path)
    file = StoryFile(tmp_path / "a.log", "s", encoding=encoding)
    lines = [f"{number} \u0a0d\u010a\r\n".encode(encoding) for number in range(20_000)]
    birth, first = file.changes(*lines[:10_000], coarse=True)
    await journal.commit(batch(birth))
    appended = await journal.commit(batch(first))
    await journal.aclose()

    again = open_journal(tmp_path)
    replayed = await read_all(again)
    assert [known.encoding for known in again.known()] == [encoding]
    assert replayed == list(appended)
    assert {item.generation.encoding for item in replayed if isinstance(item, Block)} == {encoding}
    await again.commit(batch(file.changes(*lines[10_000:], coarse=True)))
    replayed = await read_all(again)
    assert contents(replayed) == b"".join(lines)
    feed = "\n".encode(encoding)
    assert all(item.content.endswith(feed) for item in replayed if isinstance(item, Block))
    file.encoding = "utf-8"
    with pytest.raises(AssertionError, match=f"cut as {encoding} so far"):
        await again.commit(batch(file.changes(b"no more of that\n")))


async def test_every_line_end_resolves_to_the_place_where_replay_goes_on(tmp_path: Path) -> None:
    """Conformance: D6."""
    journal = open_journal(tmp_path)
    chooser = random.Random(5)
    files = [StoryFile(tmp_path / f"{n}.log", "s") for n in range(5)]
    story: list[tuple[Position, bytes]] = []
    for number in range(300):
        file = chooser.choice(files)
        lines = [b"%d-%d\n" % (number, part) for part in range(chooser.randint(1, 4))]
        coarse = chooser.random() < 0.3
        await journal.commit(batch(file.changes(*lines, coarse=coarse)))
        raw = file.path.read_bytes()
        offset = file.told - sum(map(len, lines))
        for line in lines:
            offset += len(line)
            story.append((Position(file.key, offset, anchor_of(raw[:offset])), line))

    for index, (position, _) in enumerate(story):
        resolution = await journal.resolve(position)
        assert resolution.at is not None
        assert contents(await read_all(journal, resolution.at)) == b"".join(line for _, line in story[index + 1 :])
        assert await journal.position_at(resolution.at) == position


async def test_an_id_resolves_across_keyframes(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    files = [StoryFile(tmp_path / f"{n}.log", "s") for n in range(60)]
    rounds = 3 * KEYFRAME_ENTRIES // len(files)
    for number in range(rounds):
        await journal.commit(batch(*[file.changes(b"%06d\n" % number) for file in files]))
    keyframes = journal._ledger.keyframes

    for file in (files[0], files[59]):
        for number in (0, 1, rounds // 2, rounds - 2):
            offset = 7 * (number + 1)
            position = Position(file.key, offset, anchor_of(file.path.read_bytes()[:offset]))
            at = (await journal.resolve(position)).at
            assert at == (number * 60 + files.index(file) + 1) * 7
            assert await journal.position_at(at) == position

    await journal.aclose()
    assert len(keyframes) >= 2
    assert open_journal(tmp_path)._ledger.keyframes == keyframes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"generation": "aaaaaaaa", "anchor": 1}, "not given out"),
        ({"generation": "aaaaaaaa", "offset": 0}, "not given out"),
        ({"offset": 10_000}, "ahead"),
        ({"anchor": 1}, "bytes before"),
        ({"offset": 5, "anchor": anchor_of(b"a1\na2")}, "within a line"),
    ],
)
async def test_an_id_that_cannot_be_is_refused_with_its_reason(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    """Conformance: I3."""
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n", b"a2\n")))
    good = Position(a.key, 3, anchor_of(b"a1\n"))

    assert (await journal.resolve(good)).at == 3
    resolution = await journal.resolve(good._replace(**change))
    assert resolution.at is None
    assert words in (resolution.reason or "")


async def test_bytes_of_a_deleted_file_are_lost_with_range_and_line_count(tmp_path: Path) -> None:
    """Conformance: I4."""
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n", b"a2\n", b"a3\n"), b.changes(b"b1\n")))
    first = Position(a.key, 3, anchor_of(b"a1\n"))
    a.path.unlink()

    at = (await journal.resolve(first)).at
    assert at is not None
    lost, block = await read_all(journal, at)

    assert isinstance(lost, Lost)
    assert isinstance(block, Block)
    assert (lost.gap.start, lost.gap.end, lost.gap.lines, lost.gap.reason) == (3, 9, 2, GapReason.DELETED)
    assert lost.after is not None
    assert lost.after.offset == 9
    assert block.content == b"b1\n"
    assert (await journal.resolve(lost.after)).at == block.at


async def test_bytes_of_a_truncated_generation_are_lost_though_its_file_goes_on(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n", b"a2\n")))
    a.path.write_bytes(b"")
    new = StoryFile(a.path, "s")
    await journal.commit(batch(a.sealed(GapReason.TRUNCATED), new.changes(b"n1\n")))

    lost, block = await read_all(journal)

    assert isinstance(lost, Lost)
    assert (lost.gap.start, lost.gap.end, lost.gap.lines, lost.gap.reason) == (0, 6, 2, GapReason.TRUNCATED)
    assert isinstance(block, Block)
    assert block.content == b"n1\n"


async def test_a_renamed_file_is_found_by_its_inode(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n"), a.proof()))
    a.path.rename(tmp_path / "a.log.1")
    a.path.write_bytes(b"new\n")

    assert contents(await read_all(journal)) == b"a1\n"


async def test_a_hole_stands_in_the_order_and_can_be_resumed_behind(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "s"), StoryFile(tmp_path / "b.log", "s")
    await journal.commit(batch(a.changes(b"a1\n"), a.hole(40, GapReason.TRUNCATED), b.changes(b"b1\n")))
    _, lost, block = await read_all(journal)

    assert isinstance(lost, Lost)
    assert (lost.gap.start, lost.gap.end, lost.gap.lines) == (3, 43, None)
    assert lost.after is not None
    assert (await journal.resolve(lost.after)).at == block.at


async def test_only_wanted_sources_are_read(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a, b = StoryFile(tmp_path / "a.log", "one"), StoryFile(tmp_path / "b.log", "two")
    for number in range(5):
        await journal.commit(batch(a.changes(b"a%d\n" % number), b.changes(b"b%d\n" % number)))
    reader = journal.reader(0, lambda source: source == "two")
    found = [item.content async for item in _blocks(reader, journal.head)]

    assert b"".join(found) == b"b0\nb1\nb2\nb3\nb4\n"
    assert reader.at == journal.head


async def _blocks(reader: Replay, until: int) -> AsyncIterator[Block]:
    while (item := await reader.read(until)) is not None:
        assert isinstance(item, Block)
        yield item


async def test_a_reader_at_the_head_sees_what_is_appended_later_also_into_the_same_row(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    a = StoryFile(tmp_path / "a.log", "s")
    await journal.commit(batch(a.changes(b"a1\n")))
    reader = journal.reader(0)
    seen = []
    for number in range(2, 600):
        while (item := await reader.read(journal.head)) is not None:
            assert isinstance(item, Block)
            seen.append(item.content)
        await journal.commit(batch(a.changes(b"a%d\n" % number)))

    assert b"".join(seen) == b"".join(b"a%d\n" % number for number in range(1, 599))


async def test_a_second_server_on_one_state_directory_is_refused_by_name(tmp_path: Path) -> None:
    """Conformance: H8."""
    journal = open_journal(tmp_path)
    with pytest.raises(StateUnusableError, match=r"another logstream \(process \d+\) is using it"):
        open_journal(tmp_path)
    await journal.aclose()

    await open_journal(tmp_path).aclose()


async def test_a_state_directory_that_cannot_be_is_told_with_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")

    with pytest.raises(StateUnusableError, match=r"not writable .*; make it writable"):
        open_journal(tmp_path)


async def test_a_broken_journal_file_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.db").write_bytes(b"this is not a database" * 500)

    with pytest.raises(StateUnusableError, match=r"journal\.db cannot be opened"):
        open_journal(tmp_path)
    assert (tmp_path / "state" / "journal.db").exists()


async def test_the_state_grows_by_at_most_eight_bytes_an_extent_when_300_files_trickle(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    files = [StoryFile(tmp_path / f"{n}.log", "s") for n in range(300)]
    await journal.commit(batch(*[file.changes(b"x" * 120 + b"\n") for file in files]))
    await journal.aclose()
    before = directory_bytes(tmp_path / "state")
    journal = open_journal(tmp_path)
    chooser = random.Random(3)
    clock = 1_800_000_000.0
    extents = 0
    for _ in range(3_000):
        clock += 0.05
        chosen = chooser.sample(files, 10)
        extents += len(chosen)
        await journal.commit(batch(*[file.changes(b"x" * 120 + b"\n") for file in chosen], time=clock))
    await journal.aclose()

    assert (directory_bytes(tmp_path / "state") - before) / extents <= 8


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_a_walk_from_any_line_is_the_rest_of_the_walk_from_the_start(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Conformance: I12."""
    directory = tmp_path_factory.mktemp("walk")
    journal = open_journal(directory)
    files = [StoryFile(directory / f"{n}.log", "s") for n in range(3)]
    ends = [0]
    for _ in range(data.draw(st.integers(1, 25))):
        changes = []
        for file in data.draw(st.lists(st.sampled_from(files), min_size=1, max_size=3, unique_by=id)):
            lines = data.draw(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"") + b"\n"), min_size=1))
            changes.append(file.changes(*lines, coarse=data.draw(st.booleans())))
            for line in lines:
                ends.append(ends[-1] + len(line))
        await journal.commit(batch(*changes))
        if data.draw(st.booleans()):
            await journal.aclose()
            journal = open_journal(directory)
    whole = contents(await read_all(journal))
    at = data.draw(st.sampled_from(ends))

    assert contents(await read_all(journal, at)) == whole[at:]
    await journal.aclose()


@pytest.mark.parametrize("pause_seconds", [0.05, 2, 300])
async def test_lines_of_many_files_cost_a_tenth_of_their_bytes_however_far_apart_they_come(
    tmp_path: Path, pause_seconds: float
) -> None:
    journal = open_journal(tmp_path)
    files = [StoryFile(tmp_path / f"{number}.log", "s") for number in range(300)]
    await journal.commit(batch(*(file.changes(b"begin\n") for file in files)))
    await journal.aclose()
    before = directory_bytes(tmp_path / "state")
    journal = open_journal(tmp_path)
    turns, line, count = random.Random(7), b"x" * 99 + b"\n", 12_000
    for number in range(count):
        change = turns.choice(files).changes(line)
        await journal.commit(batch(change, time=1_800_000_000 + number * pause_seconds))
    await journal.aclose()

    assert directory_bytes(tmp_path / "state") - before < count * len(line) / 10
