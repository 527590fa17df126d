"""Rules are counted on each recorded line, whether anybody looks or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from logstream.hub.recent import RECENT_BYTES
from logstream.hub.rule_counter import RuleCounter
from logstream.rules import Rule, RuleSet
from tests.hub_kit import CLOCK_SECONDS, Stage, drain

if TYPE_CHECKING:
    from pathlib import Path

CLOCK_MS = int(CLOCK_SECONDS * 1000)
RULES = (Rule("noise", match="noise", action="drop"), Rule("bad", match="bad"), Rule("never", match="absent"))


def told(stage: Stage) -> dict[str, tuple[int, int, int | None]]:
    return {one.name: (one.lines_tried, one.hits, one.last_hit_ms) for one in stage.hub.rule_evidence()}


async def test_each_new_line_is_counted_once_with_and_without_viewers(tmp_path: Path) -> None:
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        file = stage.file("a.log")
        await stage.tell(file.changes(b"bad: from before the start\n"))
        count = RuleCounter(stage.hub)
        await stage.tell(file.changes(b"noise\n", b"bad\n", b"fine\n"))
        await count.catch_up()
        await drain(stage.subscriber())
        await stage.tell(file.changes(b"bad again\n"), time=CLOCK_SECONDS + 5)
        await drain(stage.subscriber())
        await count.catch_up()
        await count.catch_up()

        assert told(stage) == {
            "noise": (4, 1, CLOCK_MS),
            "bad": (3, 2, CLOCK_MS + 5000),
            "never": (3, 0, None),
        }


async def test_what_has_left_memory_before_it_was_counted_is_read_again(tmp_path: Path) -> None:
    line = b"bad " + b"x" * 60_000 + b"\n"
    lines = 2 * RECENT_BYTES // len(line)
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        count = RuleCounter(stage.hub)
        await stage.tell(stage.file("a.log").changes(*[line] * lines))
        assert stage.hub.recent.start > 0
        await count.catch_up()

        assert told(stage)["bad"][:2] == (lines, lines)


async def test_what_a_rule_costs_is_sampled_from_it_alone(tmp_path: Path) -> None:
    async with Stage(tmp_path, RuleSet([*RULES, Rule("elsewhere", source="db")])) as stage:
        file = stage.file("a.log")
        count = RuleCounter(stage.hub)
        for _ in range(8):
            await stage.tell(file.changes(b"bad\n"))
            await count.catch_up()
        *measured, elsewhere = [one.ns_a_line for one in stage.hub.rule_evidence()]

    assert all(ns is not None and ns > 0 for ns in measured)
    assert elsewhere is None


async def test_a_rule_that_stays_keeps_its_counts_when_the_rules_are_read_anew(tmp_path: Path) -> None:
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        file = stage.file("a.log")
        count = RuleCounter(stage.hub)
        await stage.tell(file.changes(b"bad\n"))
        await count.catch_up()
        stage.hub.reconfigure(RuleSet([Rule("new", match="bad"), RULES[1]]), {})
        await stage.tell(file.changes(b"bad\n"))
        await count.catch_up()

        assert told(stage) == {"new": (1, 1, CLOCK_MS), "bad": (2, 2, CLOCK_MS)}


async def test_the_count_follows_the_head_until_it_is_cancelled(tmp_path: Path) -> None:
    class Watched(RuleCounter):
        async def catch_up(self) -> None:
            await super().catch_up()
            caught_up.set()

    caught_up = asyncio.Event()
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        file = stage.file("a.log")
        counting = asyncio.create_task(Watched(stage.hub).run(), name="counting")
        for hits in (1, 2):
            await stage.tell(file.changes(b"bad\n"))
            await caught_up.wait()
            caught_up.clear()
            assert told(stage)["bad"][1] == hits
        counting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await counting


async def test_a_view_counts_what_its_query_was_put_to(tmp_path: Path) -> None:
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        await stage.tell(stage.file("a.log").changes(b"noise\n", b"bad\n", b"fine\n"))
        await drain(stage.subscriber(stage.view("fine")))
        (found,) = stage.hub.view_evidence()

    assert (found.query, found.sources, found.evidence.lines_tried, found.evidence.hits) == ("fine", (), 2, 1)
    assert found.evidence.ns_a_line is not None
