"""`GET /api/v1/rules` and `/metrics` over a hub that has seen lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.hub.rule_counter import RuleCounter
from logstream.hub.traffic import Losses, Traffic
from logstream.journal.base import Lost
from logstream.records import Gap, GapReason, Level
from logstream.rules import Rule, RuleSet, parse_level_condition
from tests.hub_kit import Stage, drain
from tests.unit.api.test_app import serving
from tests.unit.api.test_records import check_against_schema, get

if TYPE_CHECKING:
    from pathlib import Path

RULES = [
    Rule("slow", match="took", level=parse_level_condition(">=warn"), event="slow", set_level=Level.ERROR),
    Rule("secret", match="pass=(.*)", redact=True, highlight="red"),
    Rule("never", where="status:>=500", source="a*", action="drop"),
]


async def test_rules_are_told_with_what_they_have_done(tmp_path: Path) -> None:
    async with Stage(tmp_path, RuleSet(RULES)) as stage, serving(stage) as app:
        counting = RuleCounter(stage.hub)
        await stage.tell(stage.file("a.log").changes(b"WARN took 1\n", b"INFO took 2\n", b"pass=x\n" * 1_200))
        await counting.catch_up()
        found = await get(app, "/api/v1/rules")
        await check_against_schema(app, "/api/v1/rules")

    slow, secret, never = found["rules"]
    assert (slow["name"], slow["match"], slow["level"], slow["event"]) == ("slow", "took", ">=warn", "slow")
    assert (slow["set_level"], slow["action"], slow["redact"]) == ("error", "tag", False)
    assert (slow["lines_tried"], slow["hits"], slow["last_hit"]) == (1_202, 1, "2027-01-15T08:00:00.000Z")
    assert slow["ns_a_line"] > 0
    assert slow["remark"] is None
    assert (secret["redact"], secret["highlight"], secret["hits"]) == (True, "red", 1_200)
    assert (never["where"], never["source"], never["hits"], never["last_hit"]) == ("status:>=500", "a*", 0, None)
    assert never["remark"].startswith("never fired in 1,202 lines")


async def test_open_views_are_told_with_their_queries(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        view = stage.view("took", ("app",))
        await stage.tell(stage.file("a.log").changes(b"took 1\n", b"other\n"))
        await drain(stage.subscriber(view))
        found = await get(app, "/api/v1/rules")

    assert found["rules"] == []
    assert [
        (one["query"], one["sources"], one["subscribers"], one["lines_tried"], one["hits"]) for one in found["views"]
    ] == [("took", ["app"], 1, 2, 1)]


async def test_metrics_are_plain_text_that_nobody_keeps(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage, serving(stage) as app:
        response = await app.test_client().get("/metrics")

    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert await response.get_data() == b"logstream_ready 1\n"


def test_losses_are_counted_by_source_and_reason() -> None:
    traffic = Traffic()
    gap = Gap("app", "/a.log", 0, None, None, GapReason.DELETED)
    known = gap._replace(end=7)
    traffic.recorded([Lost(gap, 0, 1, None), Lost(known, 1, 2, None), Lost(gap._replace(source=None), 2, 3, None)], 5.0)

    assert traffic.gaps == {("app", "deleted"): 2, ("", "deleted"): 1}
    assert traffic.losses("app") == (Losses("deleted", 2, 7, ((5.0, gap), (5.0, known))),)


def test_of_very_many_losses_the_latest_are_told_one_by_one() -> None:
    traffic = Traffic()
    for number in range(100):
        gap = Gap("app", f"/{number}.log", 0, None, None, GapReason.DELETED)
        traffic.recorded([Lost(gap, number, number + 1, None)], float(number))

    (losses,) = traffic.losses("app")
    assert losses.gaps == 100
    assert [gap.file for _, gap in losses.latest] == [f"/{number}.log" for number in range(80, 100)]


@pytest.mark.parametrize("kept", [1, 20])
async def test_what_flows_through_the_hub_is_counted(tmp_path: Path, kept: int) -> None:
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        await stage.tell(file.changes(*(b"line %d\n" % number for number in range(kept))))
        await drain(stage.subscriber(stage.view("line")))
        await drain(stage.subscriber(stage.view("nothing")))
        traffic = stage.hub.traffic

    assert (traffic.lines_in["app"], traffic.bytes_in["app"]) == (kept, file.path.stat().st_size)
    assert traffic.records_out == kept
