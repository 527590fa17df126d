"""What rules do is counted from what viewers have judged; nothing is judged twice for it, counted twice or left out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from logstream.hub import recent as recent_module
from logstream.hub import rule_counter as rule_counter_module
from logstream.hub import verdict_cache as verdict_cache_module
from logstream.hub.rule_counter import RuleCounter
from logstream.journal.base import Block
from logstream.rules import Rule, RuleSet
from tests.hub_kit import Stage, drain

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.hub.judged_block import JudgedBlock

RULES = (
    Rule("noise", match="noise", action="drop"),
    Rule("bad", match="bad", event="oops"),
    Rule("where", where="logger:a.b"),
)
KINDS = ("INFO  [main] a.b: fine", "WARN  [main] a.c: bad", "INFO  [main] a.c: noise")
LINES = [f"2026-03-14T09:{n // 60 % 60:02}:{n % 60:02}.000Z {KINDS[n % 7 % 3]} {n}\n".encode() for n in range(2000)]


def told(stage: Stage) -> dict[str, tuple[int, int]]:
    return {one.name: (one.lines_tried, one.hits) for one in stage.hub.rule_evidence()}


async def counted_alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, int]]:
    """What is counted while nobody looks."""
    async with Stage(tmp_path_factory.mktemp("alone"), RuleSet(RULES)) as stage:
        count = RuleCounter(stage.hub)
        await stage.tell(stage.file("a.log").changes(*LINES))
        await count.catch_up()
        return told(stage)


@pytest.mark.parametrize("is_near", [True, False])
async def test_what_a_viewer_has_judged_is_counted_and_not_judged_again(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, *, is_near: bool
) -> None:
    expected = await counted_alone(tmp_path_factory)
    if not is_near:
        monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        count = RuleCounter(stage.hub)
        subscriber = stage.subscriber(stage.view("a.c"))
        await stage.tell(stage.file("a.log").changes(*LINES))
        await drain(subscriber)
        judged: list[Block] = []
        judge = stage.hub.judge

        def noted(block: Block) -> JudgedBlock:
            judged.append(block)
            return judge(block)

        monkeypatch.setattr(stage.hub, "judge", noted)
        monkeypatch.setattr(count, "_is_sampled", lambda: False)
        await count.catch_up()

        assert told(stage) == expected
        assert not judged


async def test_a_viewer_that_comes_in_the_middle_of_a_block_changes_no_count(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = await counted_alone(tmp_path_factory)
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        count = RuleCounter(stage.hub)
        await stage.tell(stage.file("a.log").changes(*LINES))
        await drain(stage.subscriber(at=sum(map(len, LINES[:100]))))
        await count.catch_up()

        assert told(stage) == expected


async def test_what_was_said_ends_in_the_middle_of_a_block_and_the_rest_of_it_is_counted(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = await counted_alone(tmp_path_factory)
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        count = RuleCounter(stage.hub)
        await stage.tell(stage.file("a.log").changes(*LINES))
        (first, *_) = await stage.items()
        assert isinstance(first, Block)
        stage.hub._judge(first._replace(content=b"".join(LINES[:50])))
        await count.catch_up()

        assert told(stage) == expected


async def test_nothing_is_kept_that_nobody_counts(tmp_path: Path) -> None:
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        await stage.tell(stage.file("a.log").changes(*LINES))
        await drain(stage.subscriber())
        assert not stage.hub.verdict_cache._kept
        count = RuleCounter(stage.hub)
        stage.hub._forget_made()
        await drain(stage.subscriber())
        assert not stage.hub.verdict_cache._kept, "it was there before the count began"
        await stage.tell(stage.file("b.log").changes(*LINES))
        await drain(stage.subscriber(at=count.at))
        assert stage.hub.verdict_cache._kept
        await count.catch_up()
        assert not stage.hub.verdict_cache._kept


async def test_what_was_said_by_rules_that_are_no_more_does_not_count(tmp_path: Path) -> None:
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        count = RuleCounter(stage.hub)
        await stage.tell(stage.file("a.log").changes(*LINES))
        await drain(stage.subscriber())
        stage.hub.reconfigure(RuleSet([Rule("other", match="fine")]), {})
        await count.catch_up()

        assert told(stage) == {"other": (len(LINES), sum(b"fine" in line for line in LINES))}


async def test_so_much_is_kept_and_the_oldest_leaves(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = await counted_alone(tmp_path_factory)
    monkeypatch.setattr(verdict_cache_module, "MOST_STRETCHES", 2)
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        count = RuleCounter(stage.hub)
        await stage.tell(stage.file("a.log").changes(*LINES))
        await drain(stage.subscriber())
        assert len(stage.hub.verdict_cache._kept) == 2
        assert "stretches=2" in repr(stage.hub.verdict_cache)
        await count.catch_up()

        assert told(stage) == expected


async def test_who_comes_by_soon_is_waited_for_and_who_stands_still_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rule_counter_module, "PAUSE_SECONDS", 0)
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        count = RuleCounter(stage.hub)
        monkeypatch.setattr(count, "_is_sampled", lambda: False)
        subscriber = stage.subscriber()
        await stage.tell(stage.file("a.log").changes(*LINES))

        assert await count._has_waited()
        assert not await count._has_waited(), "it has not moved"
        await subscriber.pull(0)
        assert stage.hub.place_behind(count.at) is None, "it has passed by"
        await count.catch_up()
        assert told(stage)["noise"][0] == len(LINES)


async def test_nobody_is_waited_for_who_is_far_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule_counter_module, "_NEAR_BYTES", 1000)
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        await stage.tell(stage.file("a.log").changes(*LINES))
        count = RuleCounter(stage.hub)
        stage.subscriber(at=0)

        async with asyncio.timeout(10):
            assert not await count._has_waited()
