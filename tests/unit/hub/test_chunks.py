from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from logstream.hub import recent as recent_module
from logstream.hub import subscriber as subscriber_module
from logstream.hub.chunks import WHOLE_BYTES, Chunk, ChunkCache, most_chunks_bytes
from logstream.journal.base import Recovery
from logstream.rules import Rule, RuleSet
from tests import virtual_time
from tests.hub_kit import Stage, drain, texts

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.hub.subscriber import Subscriber


async def pulled_by(*subscribers: Subscriber) -> list[bytes]:
    """What each of them gets with one pull."""
    found = [await subscriber.pull(0) for subscriber in subscribers]
    return [pulled.content for pulled in found if pulled is not None]


def chunk_of(size: int, next_at: int) -> Chunk:
    return Chunk(b"x" * size, next_at, None, (), 1)


async def test_several_frames_are_joined_once_for_all_at_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)  # as below
    async with Stage(tmp_path) as stage:
        one, two = stage.subscriber(stage.view()), stage.subscriber(stage.view())
        for line in (b"a1\n", b"a2\n", b"a3\n"):
            await stage.tell(stage.file(line[:2].decode()).changes(line))
        first, second = await pulled_by(one, two)
        assert first is second
        assert texts(first) == ["a1", "a2", "a3"]
        assert (one.at, one.position) == (two.at, two.position)
        assert two.lag_bytes == 0
        assert stage.hub.traffic.records_out == 6


async def test_whoever_comes_later_gets_what_was_added_in_the_same_write(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        one, late = stage.subscriber(stage.view()), stage.subscriber(stage.view())
        await stage.tell(stage.file("a.log").changes(b"a1\n"))
        assert [texts(content) for content in await pulled_by(one)] == [["a1"]]
        await stage.tell(stage.file("b.log").changes(b"b1\n"))
        assert [texts(content) for content in await pulled_by(late, one)] == [["a1", "b1"], ["b1"]]


async def test_those_who_lag_differently_are_in_step_after_one_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)  # a busy machine ends no write before it is whole
    async with Stage(tmp_path) as stage:
        ahead, behind, furthest = (stage.subscriber(stage.view()) for _ in range(3))
        await stage.tell(stage.file("0.log").changes(b"y\n"))
        await ahead.pull(0)
        stage.view().chunks.clear()
        for number in range(1, 12):
            await stage.tell(stage.file(f"{number}.log").changes(b"y" * 12_000 + b"\n"))
        starts_at = ahead.at
        (whole,) = await pulled_by(ahead)
        short, again = await pulled_by(behind, furthest)
        assert behind.at == furthest.at == starts_at
        assert short is again
        assert await pulled_by(behind, furthest) == [whole, whole]
        assert behind.at == furthest.at == ahead.at


async def test_what_is_read_from_files_is_read_once_for_all_at_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 1)
    async with Stage(tmp_path) as stage:
        one, two, elsewhere = (stage.subscriber(stage.view()) for _ in range(3))
        for number in range(40):
            await stage.tell(stage.file(f"{number}.log").changes(b"y" * 12_000 + b"\n"))
        first, second = await pulled_by(one, two)
        assert first is second
        assert (one.at, one.position) == (two.at, two.position)
        once_bytes = stage.hub.traffic.replay_bytes
        assert 0 < once_bytes < 200_000

        assert await drain(one) == await drain(two) == (await drain(elsewhere))[len(first) :]
        assert elsewhere.at == one.at == stage.hub.head
        assert stage.hub.traffic.replay_bytes < 40 * 12_001 + once_bytes
        assert stage.hub.traffic.records_out == 3 * 40


async def test_a_loss_in_the_files_is_found_by_each_who_reads_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 1)
    async with Stage(tmp_path) as stage:
        one, two = stage.subscriber(stage.view()), stage.subscriber(stage.view())
        away = stage.file("0.log")
        await stage.tell(away.changes(b"y" * 12_000 + b"\n"))
        for number in range(1, 12):
            await stage.tell(stage.file(f"{number}.log").changes(b"y" * 12_000 + b"\n"))
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        away.path.rename(elsewhere / "0.log")
        (first,) = await pulled_by(one)
        (elsewhere / "0.log").rename(away.path)  # a file written anew has its inode only where nobody else takes that
        (second,) = await pulled_by(two)
        assert b"event: gap" in first
        assert b"event: gap" not in second


async def test_what_was_joined_is_made_anew_when_the_rules_change(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        one, two = stage.subscriber(stage.view()), stage.subscriber(stage.view())
        await stage.tell(stage.file("a.log").changes(b"a1\n"))
        (first,) = await pulled_by(one)
        stage.hub.reconfigure(RuleSet([]), {})
        (second,) = await pulled_by(two)
        assert second == first
        assert second is not first
        assert await pulled_by(one, two) == []


async def test_nothing_is_kept_for_a_client_that_is_alone(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        view = stage.view()
        alone = stage.subscriber(view)
        await stage.tell(stage.file("a.log").changes(b"a1\n"))
        assert texts(await drain(alone)) == ["a1"]
        assert view.chunks.find(0, stage.hub.head) is None


def test_a_chunk_is_found_until_more_could_be_joined_to_it() -> None:
    chunks = ChunkCache()
    chunks.keep(0, chunk_of(10, next_at=5), 1000)
    assert chunks.find(0, 5) is not None
    assert chunks.find(0, 6) is None
    assert chunks.find(1, 5) is None
    assert not chunks.has_whole(0)
    chunks.keep(0, chunk_of(WHOLE_BYTES, next_at=5), 100_000)
    assert chunks.find(0, 6) is not None
    assert chunks.has_whole(0)


def test_the_oldest_chunks_leave_and_the_newest_stays_whatever_its_size() -> None:
    chunks = ChunkCache()
    for at in range(10):
        chunks.keep(at, chunk_of(40, next_at=99), 100)
    assert [at for at in range(10) if chunks.find(at, 99) is not None] == [8, 9]
    chunks.keep(10, chunk_of(500, next_at=99), 100)
    assert [at for at in range(11) if chunks.find(at, 99) is not None] == [10]
    chunks.clear()
    assert chunks.find(10, 99) is None


def test_a_chunk_that_ends_beyond_what_is_shown_is_not_made_again() -> None:
    chunks = ChunkCache()
    chunks.keep(0, chunk_of(40, next_at=99), 100)
    assert [chunks.find(0, shown) is not None for shown in (50, 99, 100)] == [True, True, False]


def test_the_more_subscribers_the_more_is_kept_and_all_views_together_have_a_limit() -> None:
    assert [most_chunks_bytes(subscribers, 1) >> 20 for subscribers in (1, 32, 200, 512, 1000)] == [1, 1, 6, 16, 16]
    assert [most_chunks_bytes(1000, views) >> 10 for views in (2, 4, 64)] == [16 << 10, 8 << 10, 512]


def test_a_heartbeats_moment_is_waited_for_with_one_timer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> list[float]:
        async with Stage(tmp_path) as stage:
            loop, subscriber, set_for = asyncio.get_running_loop(), stage.subscriber(), list[float]()
            with monkeypatch.context() as patch:
                set_timer = subscriber._set_timer

                def noting(at: float) -> None:
                    set_for.append(at)
                    set_timer(at)

                patch.setattr(subscriber, "_set_timer", noting)
                for number in range(3):
                    loop.call_later(2, stage.hub.waking.soon)
                    telling = asyncio.create_task(stage.tell(stage.file(f"{number}.log").changes(b"a1\n")))
                    await subscriber.pull(15 - loop.time())
                    await telling
                assert await subscriber.pull(15 - loop.time()) is None
                assert loop.time() == 15
                assert await subscriber.pull(5) is None
                assert loop.time() == 20
            return set_for

    assert virtual_time.run(story()) == [15, 20]


def test_a_subscriber_that_is_gone_leaves_no_timer(tmp_path: Path) -> None:
    async def story() -> None:
        async with Stage(tmp_path) as stage:
            subscriber = stage.subscriber()
            pulling = asyncio.create_task(subscriber.pull(15))
            await asyncio.sleep(1)
            timer = subscriber._timer
            assert timer is not None
            pulling.cancel()
            await asyncio.wait([pulling])
        assert timer.cancelled()

    virtual_time.run(story())


async def test_what_one_has_left_to_get_of_a_block_is_not_what_others_get_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)
    async with Stage(tmp_path) as stage:
        other = stage.subscriber(stage.view())
        had, left = b"had" + b"y" * 10_000 + b"\n", b"left" + b"y" * 30_000 + b"\n"
        file = stage.file("a.log")
        await stage.tell(stage.file("b.log").changes(b"y" * 40_000 + b"\n"))
        await stage.tell(file.changes(had, left))
        back = stage.subscriber(stage.view(), recovery=Recovery(file.key, len(had)))
        for _ in range(2):
            await back.pull(0)
        assert [text[:4] for text in texts(await drain(other))] == ["yyyy", "hady", "left"]


async def test_what_others_get_of_a_block_is_not_what_one_has_left_to_get_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)
    async with Stage(tmp_path) as stage:
        one, two = stage.subscriber(stage.view()), stage.subscriber(stage.view())
        had, left = b"had" + b"y" * 10_000 + b"\n", b"left" + b"y" * 30_000 + b"\n"
        file = stage.file("a.log")
        await stage.tell(stage.file("b.log").changes(b"y" * 40_000 + b"\n"))
        await stage.tell(file.changes(had, left))
        for _ in range(2):
            await pulled_by(one, two)
        back = stage.subscriber(stage.view(), recovery=Recovery(file.key, len(had)))
        assert [text[:4] for text in texts(await drain(back))] == ["yyyy", "left"]


@pytest.mark.parametrize("recent_items", [1, 100], ids=["from files", "from memory"])
async def test_what_was_made_by_former_rules_and_not_sent_yet_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recent_items: int
) -> None:
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", recent_items)
    async with Stage(tmp_path) as stage:
        one, two = stage.subscriber(stage.view()), stage.subscriber(stage.view())
        for number in range(4):
            await stage.tell(stage.file(f"{number}.log").changes(b"%d" % number + b"y" * 40_000 + b" secret\n"))
        await pulled_by(one, two)
        stage.hub.reconfigure(RuleSet([Rule("hidden", match="secret", redact=True)]), {})
        left = [texts(await drain(subscriber)) for subscriber in (one, two)]
        assert [[text[0] for text in told] for told in left] == [["1", "2", "3"]] * 2
        assert all("secret" not in text for told in left for text in told)


async def test_what_one_has_left_to_get_and_was_made_by_former_rules_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not read once more, as other frames are: what the client had would come again."""
    monkeypatch.setattr(subscriber_module, "_SLICE_SECONDS", 60.0)
    async with Stage(tmp_path) as stage:
        had, left = b"had" + b"y" * 10_000 + b"\n", b"left" + b"y" * 30_000 + b" secret\n"
        file = stage.file("a.log")
        await stage.tell(stage.file("b.log").changes(b"y" * 40_000 + b"\n"))
        await stage.tell(file.changes(had, left))
        back = stage.subscriber(stage.view(), recovery=Recovery(file.key, len(had)))
        assert await back.pull(0) is not None
        assert back._held_back is not None
        position = back._held_back.position
        stage.hub.reconfigure(RuleSet([Rule("hidden", match="secret", redact=True)]), {})
        (text,) = texts(await drain(back))
        assert text.startswith("left")
        assert "secret" not in text
        assert back.position == position
