"""What continuation lines have from their head, wherever reading begins."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from logstream.hub.continuations import TRACE_BYTES
from logstream.hub.hub import Hub
from logstream.hub.judged_block import SourceTraits
from logstream.hub.picked_lines import are_alone
from logstream.journal.base import Block
from logstream.parse import Folding
from logstream.records import Level
from logstream.rules import Rule, RuleSet, parse_level_condition
from logstream.tail.framing import WIDE
from tests.hub_kit import Stage, drain, told

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.records import Record

TRACE = [b"\tat a.B.c(B.java:1)\n", b"Caused by: java.io.IOException: disk\n", b"\t... 3 more\n"]
RULES = RuleSet(
    [
        Rule("noise", match="heartbeat", action="drop"),
        Rule("disk", match="disk"),
        Rule("broken", level=parse_level_condition(">=error"), event="broken"),
    ]
)


async def records(stage: Stage, hub: Hub | None = None) -> list[Record]:
    hub = hub or stage.hub
    found = []
    for item in await stage.items():
        assert isinstance(item, Block)
        judged = hub.judge(item)
        found += [judged.record(index) for index in judged.kept]
    return found


async def test_a_trace_has_level_type_and_rules_of_its_head(tmp_path: Path) -> None:
    async with Stage(tmp_path, RULES) as stage:
        await stage.tell(stage.file("a.log").changes(b"ERROR cannot start\n", *TRACE, b"INFO next\n"))
        found = await records(stage)

    assert [(r.level, r.event, r.rules, r.cont) for r in found] == [
        (Level.ERROR, "broken", ("broken",), False),
        (Level.ERROR, "broken", ("broken",), True),
        (Level.ERROR, "broken", ("broken", "disk"), True),
        (Level.ERROR, "broken", ("broken",), True),
        (Level.INFO, "line", (), False),
    ]


async def test_a_trace_is_dropped_with_its_head_and_never_without_it(tmp_path: Path) -> None:
    async with Stage(tmp_path, RULES) as stage:
        await stage.tell(
            stage.file("a.log").changes(b"ERROR heartbeat failed\n", *TRACE, b"ERROR x\n", b"  heartbeat\n")
        )
        found = await records(stage)

    assert [r.text for r in found] == ["ERROR x", "  heartbeat"]


async def test_a_query_for_a_level_selects_whole_traces_and_types_are_told_on_the_wire(tmp_path: Path) -> None:
    async with Stage(tmp_path, RULES) as stage:
        await stage.tell(stage.file("a.log").changes(b"INFO a\n", b"  b\n", b"ERROR c\n", *TRACE))
        subscriber = stage.subscriber(stage.view("level:>=error"))
        events = told(await drain(subscriber))

    assert [event.type for event in events] == ["broken"] * 4
    assert [event.json["cont"] for event in events] == [False, True, True, True]


async def test_lines_of_two_files_do_not_mix(tmp_path: Path) -> None:
    async with Stage(tmp_path, RULES) as stage:
        one, two = stage.file("1.log"), stage.file("2.log")
        for changes in (
            one.changes(b"ERROR a\n"),
            two.changes(b"INFO b\n"),
            one.changes(b"\tat c\n"),
            two.changes(b" d\n"),
        ):
            await stage.tell(changes)
        found = await records(stage)

    assert [(r.text, r.level, r.cont) for r in found] == [
        ("ERROR a", Level.ERROR, False),
        ("INFO b", Level.INFO, False),
        ("\tat c", Level.ERROR, True),
        (" d", Level.INFO, True),
    ]


@pytest.mark.parametrize(("seed", "encoding"), [*((seed, "utf-8") for seed in range(6)), *enumerate(sorted(WIDE))])
async def test_whoever_begins_in_the_middle_of_a_trace_gets_the_same_records(
    tmp_path: Path, seed: int, encoding: str
) -> None:
    """Conformance: E12, E16."""
    pick = random.Random(seed)
    async with Stage(tmp_path, RULES) as stage:
        file = stage.file("a.log")
        file.encoding = encoding
        for _ in range(8):
            head = pick.choice(
                [b"ERROR a\n", b"INFO heartbeat\n", b"plain\n", b'{"level":"warn"}\n', b"x" * 70_000 + b"\n"]
            )
            size = pick.choice([0, 3, 300, 1_200])
            lines = [line.decode().encode(encoding) for line in (head, *(pick.choice(TRACE) for _ in range(size)))]
            await stage.tell(file.changes(*lines, coarse=size > 100))
        through = await records(stage)
        blocks = [item for item in await stage.items() if isinstance(item, Block)]
        by_id = {record.id: record for record in through}
        for block in blocks:
            fresh = Hub(stage.journal, stage.encoder, RULES, {}).judge(block)
            for index in fresh.kept:
                record = fresh.record(index)
                assert by_id.pop(record.id) == record

    assert len(blocks) > 8
    assert not by_id


async def test_a_trace_without_end_stands_for_itself_after_a_while_wherever_reading_begins(tmp_path: Path) -> None:
    async with Stage(tmp_path, RULES) as stage:
        lines = [b"ERROR a\n", *([b"\t" + b"x" * 998 + b"\n"] * 600)]
        await stage.tell(stage.file("a.log").changes(*lines, coarse=True))
        through = await records(stage)
        inherited = sum(record.level is Level.ERROR for record in through)
        again = []
        for item in await stage.items():
            assert isinstance(item, Block)
            judged = Hub(stage.journal, stage.encoder, RULES, {}).judge(item)
            again += [judged.record(index) for index in judged.kept]

    assert inherited == 2 + (TRACE_BYTES - len(lines[0])) // 1000
    assert all(record.cont for record in through[1:])
    differing = [
        (one._replace(text=""), two._replace(text="")) for one, two in zip(again, through, strict=True) if one != two
    ]
    assert not differing, differing[0][1]


async def test_without_folding_only_fragments_continue(tmp_path: Path) -> None:
    async with Stage(tmp_path, RULES) as stage:
        stage.hub.reconfigure(RULES, {"app": SourceTraits(folding=None, max_line_bytes=256)})
        await stage.tell(stage.file("a.log").changes(b"ERROR a\n", b"  b\n", b"c" * 300 + b"\n"))
        found = await records(stage)

    assert [(r.level, r.cont) for r in found] == [(Level.ERROR, False), (None, False), (None, False), (None, True)]


async def test_a_start_pattern_decides_what_continues(tmp_path: Path) -> None:
    async with Stage(tmp_path, RULES) as stage:
        stage.hub.reconfigure(RULES, {"app": SourceTraits(folding=Folding("^> "))})
        await stage.tell(stage.file("a.log").changes(b"> ERROR a\n", b"b\n", b"> INFO c\n", b"  d\n"))
        found = await records(stage)

    assert [(r.level, r.cont) for r in found] == [
        (Level.ERROR, False),
        (Level.ERROR, True),
        (Level.INFO, False),
        (Level.INFO, True),
    ]


@pytest.mark.parametrize("line_count", [1, 7, 10, 200])
def test_lines_are_alone_if_none_can_go_on_with_another_be_they_few_or_many(line_count: int) -> None:
    lines = [b"2026-01-02T03:04:05Z INFO nothing\n"] * line_count

    assert are_alone(b"".join(lines), Folding())
    assert not are_alone(b"".join([*lines[:-1], *TRACE[:1]]), Folding())
    assert not are_alone(b"".join([*TRACE[:1], *lines[1:]]), Folding())
    assert are_alone(b"".join(TRACE * line_count), None)
