from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from logstream.hub import waking
from logstream.hub.frames import Shape
from logstream.hub.view import View, ViewKey
from logstream.journal.base import Block
from logstream.journal.errors import JournalError
from logstream.records import Generation
from logstream.rules import Rule, RuleSet, compile_query, parse_query
from logstream.tail.batch import Notice
from tests import virtual_time
from tests.hub_kit import EVERYTHING, Stage, drain, told

ALL, ERRORS = compile_query(parse_query("")), compile_query(parse_query("error"))

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.hub.listener import Announcement

WAITERS = 1_000


async def test_what_is_recorded_wakes_all_who_wait_each_by_a_future_of_its_own(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        first, second, third = (stage.hub.waking.wait() for _ in range(3))
        first.cancel()
        stage.hub.waking.leave(second)
        await stage.tell(stage.file("a.log").changes(b"a1\n"))

        assert third.done()
        assert not second.done()


def test_wake_ups_are_paced_by_the_number_of_those_who_wait(tmp_path: Path) -> None:
    async def story() -> list[float]:
        async with Stage(tmp_path) as stage:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(10)
            file = stage.file("a.log")
            pauses = []
            for crowd in (1, WAITERS):
                await stage.tell(file.changes(b"wakes at once\n"))
                waiters = [stage.hub.waking.wait() for _ in range(crowd)]
                woken_at = loop.time()
                await stage.tell(file.changes(b"one\n"))
                await stage.tell(file.changes(b"two\n"))
                assert not waiters[0].done()
                await asyncio.wait(waiters)
                pauses.append(loop.time() - woken_at)
                await asyncio.sleep(10)
            return pauses

    alone, in_a_crowd = virtual_time.run(story())
    assert alone == pytest.approx(waking.WAKE_SECONDS)
    assert in_a_crowd == pytest.approx(WAITERS * waking.WAKE_SECONDS_A_WAITER)


async def test_a_batch_that_cannot_be_recorded_is_published_to_nobody(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        await stage.tell(file.changes(b"a1\n"))
        subscriber = stage.subscriber()
        waiter = stage.hub.waking.wait()
        connection = stage.journal._store._connection
        assert connection is not None
        connection.execute("ALTER TABLE row RENAME TO away")
        changes = file.changes(b"a2\n")
        with pytest.raises(JournalError):
            await stage.tell(changes, Notice("source", "app", "/a.log", {"state": "appeared"}))

        assert [event.json["text"] for event in told(await drain(subscriber))] == ["a1"]
        assert not waiter.done()
        assert not stage.journal.health.is_ready

        connection.execute("ALTER TABLE away RENAME TO row")
        await stage.tell(changes)
        assert [event.json["text"] for event in told(await drain(subscriber))] == ["a2"]
        assert stage.journal.health.is_ready


async def test_equal_keys_share_a_view_until_its_last_user_leaves(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        with stage.hub.view(EVERYTHING, ALL) as one:
            with (
                stage.hub.view(EVERYTHING, ALL) as two,
                stage.hub.view(ViewKey((), "error", Shape.LINE), ERRORS) as other,
            ):
                assert one is two
                assert other is not one
                assert stage.hub.view_count == 2
            assert stage.hub.view_count == 1
            with stage.hub.view(EVERYTHING, ALL) as three:
                assert three is one
        assert stage.hub.view_count == 0


async def test_a_block_is_judged_and_encoded_once_for_views_of_different_queries(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(b"error one\n", b"error two\n"))
        for query in ("", "error", "one"):
            await drain(stage.subscriber(stage.view(query)))

        assert stage.encoder.records == 2


async def test_a_judged_block_is_kept_until_the_rules_change(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        hub = stage.hub
        first = hub.judge(Block(Generation("aaaaaaaa", "app", "/a.log"), 0, 0, 0, b"", b"line\n"))
        assert hub.judge(first.block) is first

        hub.reconfigure(hub.rules, hub.traits)
        assert hub.judge(first.block) is not first


async def test_new_rules_judge_what_is_delivered_from_now_on(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        await stage.tell(file.changes(b"noise\n", b"signal\n"))
        before = await drain(stage.subscriber())
        stage.hub.reconfigure(
            RuleSet([Rule("quiet", match="noise", action="drop"), Rule("loud", match="signal", event="seen")]), {}
        )
        after = await drain(stage.subscriber())

        assert [(event.type, event.json["text"]) for event in told(before)] == [("line", "noise"), ("line", "signal")]
        assert [(event.type, event.json["text"]) for event in told(after)] == [("seen", "signal")]


async def test_subscribers_stay_where_they_are_when_rules_change(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        subscriber = stage.subscriber()
        await stage.tell(file.changes(b"noise 1\n"))
        assert [event.json["text"] for event in told(await drain(subscriber))] == ["noise 1"]
        await stage.tell(file.changes(b"noise 2\n", b"signal\n"))
        stage.hub.reconfigure(RuleSet([Rule("quiet", match="noise", action="drop")]), {})

        assert [event.json["text"] for event in told(await drain(subscriber))] == ["signal"]


async def test_notices_reach_those_who_listen_and_only_while_they_do(tmp_path: Path) -> None:
    class Ear:
        lag_bytes = 0

        def __init__(self) -> None:
            self.heard: list[str] = []

        def notify(self, announcement: Announcement) -> None:
            self.heard += [notice.file for notice in announcement.notices]

    ear = Ear()
    async with Stage(tmp_path) as stage:
        await stage.tell(Notice("source", "app", "before", {}))
        with stage.hub.listening(ear):
            await stage.tell(Notice("source", "app", "during", {}))
        await stage.tell(Notice("source", "app", "after", {}))

    assert ear.heard == ["during"]


async def test_of_what_is_told_at_once_a_view_is_asked_once_for_all_who_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    wants = View.wants

    def counted(view: View, source: str) -> bool:
        asked.append(source)
        return wants(view, source)

    monkeypatch.setattr(View, "wants", counted)
    async with Stage(tmp_path) as stage:
        view = stage.view(sources=("app",))
        subscribers = [stage.subscriber(view) for _ in range(50)]
        notices = [Notice("source", name, f"{name}{number}", {}) for number in range(40) for name in ("app", "other")]
        await stage.tell(*notices)
        told_to = [await drain(subscriber) for subscriber in subscribers]

    assert len(asked) == len(notices)
    for content in told_to:
        assert [event.json["file"] for event in told(content)] == [f"app{number}" for number in range(40)]


async def test_a_hub_begins_at_the_end_of_what_was_recorded_before_it(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        await stage.tell(file.changes(b"a1\n"))
    async with Stage(tmp_path) as stage:
        assert stage.hub.head == 3
        assert "head=3" in repr(stage.hub)
        await stage.tell(file.changes(b"a2\n"))

        assert [event.json["text"] for event in told(await drain(stage.subscriber()))] == ["a1", "a2"]
