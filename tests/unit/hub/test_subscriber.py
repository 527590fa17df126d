from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from logstream.hub import block_sieve as block_sieve_module
from logstream.hub import recent as recent_module
from logstream.hub import subscriber as subscriber_module
from logstream.hub.start import find_start
from logstream.journal.ids import decode_id
from logstream.records import GapReason
from logstream.tail.batch import Notice
from tests.hub_kit import Stage, drain, texts, told

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.hub.subscriber import Subscriber

LONG_SECONDS = 1_000.0


def notice(number: int, source: str = "app") -> Notice:
    return Notice("source", source, f"/{number}.log", {"state": "appeared"})


async def resumed(stage: Stage, event_id: str) -> Subscriber:
    """A subscriber that comes back with an id."""
    view = stage.view()
    start = await find_start(stage.hub, view, event_id, None)
    assert start.is_exact
    return stage.subscriber(view, start.at, start.position)


async def test_two_subscribers_of_one_view_get_the_same_bytes_which_are_made_once(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        view = stage.view()
        one, two = stage.subscriber(view), stage.subscriber(view)
        await stage.tell(stage.file("a.log").changes(b"a1\n", b"a2\n"))
        first, second = await one.pull(0), await two.pull(0)

        assert first is not None
        assert second is not None
        assert first.content is second.content
        assert texts(first.content) == ["a1", "a2"]
        assert (stage.encoder.frames, stage.encoder.records) == (1, 2)


@pytest.mark.parametrize("is_recent", [True, False])
async def test_a_subscriber_that_resumes_in_the_middle_of_a_block_gets_the_rest_with_the_same_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_recent: bool
) -> None:
    """Conformance: I1."""
    lines = [b"line %d %s\n" % (number, b"x" * number) for number in range(40)]
    async with Stage(tmp_path) as stage:
        if not is_recent:
            monkeypatch.setattr(recent_module, "RECENT_ITEMS", 1)
        file = stage.file("a.log")
        await stage.tell(file.changes(b"another block\n"))
        await stage.tell(file.changes(*lines))
        await stage.tell(stage.file("b.log").changes(b"last\n"))
        whole = told(await drain(stage.subscriber()))
        assert len(whole) == 42
        for index, event in enumerate(whole):
            assert told(await drain(await resumed(stage, event.id))) == whole[index + 1 :]


async def test_a_lagging_subscriber_reads_files_until_it_meets_what_is_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 10)
    async with Stage(tmp_path) as stage:
        lagging = stage.subscriber()
        a, b = stage.file("a.log"), stage.file("b.log")
        for number in range(50):
            await stage.tell(a.changes(b"a%d\n" % number), b.changes(b"b%d\n" % number))
        assert stage.hub.recent.start > 0
        assert lagging.lag_bytes == stage.hub.head

        assert texts(await drain(lagging)) == [f"{name}{number}" for number in range(50) for name in "ab"]
        assert lagging.lag_bytes == 0


async def test_what_is_near_the_head_is_not_made_again_for_one_that_lagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: I13."""
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 10)
    async with Stage(tmp_path) as stage:
        view = stage.view()
        live, lagging = stage.subscriber(view), stage.subscriber(view)
        file = stage.file("a.log")
        for number in range(50):
            await stage.tell(file.changes(b"line %d\n" % number))
            assert texts(await drain(live)) == [f"line {number}"]
        assert (stage.encoder.frames, stage.encoder.records) == (50, 50)

        assert texts(await drain(lagging)) == [f"line {number}" for number in range(50)]
        assert (stage.encoder.frames, stage.encoder.records) == (51, 90)


async def test_a_lagging_subscriber_gets_a_gap_with_an_id_for_what_is_gone_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 1)
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)  # a busy machine ends no write before it is whole
    async with Stage(tmp_path) as stage:
        lagging = stage.subscriber()
        a, b = stage.file("a.log", "gone"), stage.file("b.log", "kept")
        await stage.tell(a.changes(b"a1\n", b"a2\n"))
        await stage.tell(b.changes(b"b1\n"))
        a.path.unlink()
        await stage.tell(a.sealed(GapReason.DELETED), b.changes(b"b2\n"))
        pulled = await lagging.pull(0)

        assert pulled is not None
        gap, one, two = told(pulled.content)
        assert pulled.gap_sources == ("gone",)
        assert (gap.type, gap.json["from"], gap.json["to"], gap.json["lines"]) == ("gap", 0, 6, 2)
        assert (one.json["text"], two.json["text"]) == ("b1", "b2")
        assert told(await drain(await resumed(stage, gap.id))) == [one, two]


async def test_a_hole_comes_live_with_an_id_behind_which_a_client_resumes(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        a, b = stage.file("a.log"), stage.file("b.log")
        live = stage.subscriber()
        await stage.tell(a.changes(b"a1\n"), a.hole(40, GapReason.TRUNCATED), b.changes(b"b1\n"))
        line, gap, rest = told(await drain(live))

        assert (line.json["text"], gap.type, gap.json["bytes"], rest.json["text"]) == ("a1", "gap", 40, "b1")
        assert told(await drain(await resumed(stage, gap.id))) == [rest]


async def test_the_position_moves_over_what_a_query_leaves_out(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        subscriber = stage.subscriber(stage.view("nowhere"))
        file = stage.file("a.log")
        await stage.tell(file.changes(b"a1\n", b"a2\n"))

        assert await subscriber.pull(0) is None
        assert subscriber.position == await stage.journal.position_at(6)
        assert subscriber.at == 6


async def test_the_position_moves_over_history_of_unwanted_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path) as stage:
        subscriber = stage.subscriber(stage.view(sources=("web",)))
        file = stage.file("a.log")
        for number in range(5):
            await stage.tell(file.changes(b"a%d\n" % number))

        assert await subscriber.pull(0) is None
        assert subscriber.position == await stage.journal.position_at(15)


async def test_notices_that_nobody_takes_are_bounded_and_the_oldest_leaves(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        subscriber = stage.subscriber()
        for number in range(500):
            await stage.tell(notice(number))
        files = [event.json["file"] for event in told(await drain(subscriber))]

        most = subscriber_module.PENDING_NOTICES
        assert files == [f"/{number}.log" for number in range(500 - most, 500)]


async def test_frames_are_joined_up_to_a_write_and_one_that_does_not_fit_comes_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60)
    async with Stage(tmp_path) as stage:
        subscriber = stage.subscriber()
        file = stage.file("a.log")
        lines = [b"%03d %s\n" % (number, b"x" * 9_000) for number in range(30)]
        for line in lines:
            await stage.tell(file.changes(line))
        pieces = []
        while (pulled := await subscriber.pull(0)) is not None:
            pieces.append(pulled.content)
            assert subscriber.position is not None
            assert decode_id(told(pulled.content)[-1].id) == subscriber.position

        assert max(map(len, pieces)) <= subscriber_module.PULL_BYTES
        assert [len(texts(piece)) for piece in pieces] == [7, 7, 7, 7, 2]
        assert [text.encode() + b"\n" for piece in pieces for text in texts(piece)] == lines


async def test_many_empty_lines_make_no_giant_frame(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        subscriber = stage.subscriber()
        await stage.tell(stage.file("a.log").changes(b"\n" * 60_000))
        sizes = []
        while (pulled := await subscriber.pull(0)) is not None:
            sizes.append((len(pulled.content), pulled.content.count(b"\n\n")))

        assert sum(events for _, events in sizes) == 60_000
        assert max(size for size, _ in sizes) <= subscriber_module.PULL_BYTES


async def test_a_long_way_without_a_match_gives_others_their_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 0)
    monkeypatch.setattr(block_sieve_module, "FEWEST_FAR", 100)
    async with Stage(tmp_path) as stage:
        subscriber = stage.subscriber(stage.view("nowhere"))
        file = stage.file("a.log")
        for number in range(20):
            await stage.tell(file.changes(b"a%d\n" % number))
        ways = []

        async def look() -> None:
            while subscriber.lag_bytes:
                ways.append(subscriber.lag_bytes)
                await asyncio.sleep(0)

        await asyncio.gather(subscriber.pull(LONG_SECONDS, until_at=stage.hub.head), look())
        assert len(ways) >= 19


async def test_a_subscriber_tells_where_it_is(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        subscriber = stage.subscriber()
        await stage.tell(stage.file("a.log").changes(b"a1\n"))
        assert repr(subscriber).startswith("<Subscriber at=0 lag_bytes=3 view=<View")
