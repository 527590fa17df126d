"""Secrets leave with no record, and no query can find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.api.frames import WireEncoder
from logstream.hub.frames import Shape
from logstream.hub.judged_block import JudgedBlock, SourceTraits
from logstream.journal.base import Block
from logstream.records import Generation, Level
from logstream.rules import Rule, RuleSet
from tests.hub_kit import Stage, drain, told

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = Rule("password", match=r"password[\"=:]+([^\s\",}]+)", redact=True)
CARDS = Rule("cards", redact=("card",))
MAIL = Rule("mail", redact=("email",))


def judge(content: str, *rules: Rule) -> JudgedBlock:
    block = Block(Generation("aaaaaaaa", "app", "/var/log/app.log"), 0, 0, 0, b"", content.encode())
    return JudgedBlock(block, SourceTraits(), RuleSet(rules), WireEncoder())


def test_a_record_has_its_masked_text_its_own_id_and_what_the_line_told_before() -> None:
    line = "2026-01-02T03:04:05Z ERROR login with password=hunter2 failed"
    plain, masked = judge(f"{line}\nnext\n"), judge(f"{line}\nnext\n", PASSWORD)

    assert masked.record(0).text == "2026-01-02T03:04:05Z ERROR login with password=*** failed"
    assert masked.record(0).rules == ("password",)
    for index in (0, 1):
        assert masked.record(index).id == plain.record(index).id
        assert masked.record(index)[4:6] == plain.record(index)[4:6]
    assert masked.record(1).text == "next"


def test_the_level_and_time_are_the_lines_own_even_where_they_are_masked() -> None:
    judged = judge('{"level":"error","time":"2026-01-02T03:04:05Z"}\n', Rule("all", match=".+", redact=True))
    record = judged.record(0)

    assert (record.text, record.level, record.time) == ("***", Level.ERROR, "2026-01-02T03:04:05Z")
    assert record.fields is None


@pytest.mark.parametrize(
    ("line", "rule", "expected"),
    [
        ('{"user":"u","password":"hunter2"}', PASSWORD, {"user": "u", "password": "***"}),
        ('{"card":4111111111111111,"ok":true}', CARDS, {"card": "***", "ok": True}),
        ('{"a":["4111111111111111", 4111111111111111]}', CARDS, {"a": ["***", "***"]}),
        (r'{"to":"a@example.com","cc":"b\u0040example.com"}', MAIL, {"to": "***", "cc": "***"}),
    ],
)
def test_fields_hold_no_secret_either(line: str, rule: Rule, expected: object) -> None:
    assert judge(f"{line}\n", rule).record(0).fields == expected


async def test_no_query_finds_what_is_masked_and_each_finds_the_rest(tmp_path: Path) -> None:
    async with Stage(tmp_path, RuleSet([PASSWORD])) as stage:
        await stage.tell(stage.file("a.log").changes(b"one password=hunter2 end\n", b"two\n"))

        for query, found in {
            "hunter2": [],
            "/hunter\\d/": [],
            "-hunter2": ["one password=*** end", "two"],
            "end": ["one password=*** end"],
            "password": ["one password=*** end"],
        }.items():
            events = told(await drain(stage.subscriber(stage.view(query))))
            assert [event.json["text"] for event in events] == found


async def test_a_line_kept_through_its_trace_is_masked_though_its_own_rule_drops_it(tmp_path: Path) -> None:
    drop = Rule("drop", match="at .*password", action="drop")
    async with Stage(tmp_path, RuleSet([drop, PASSWORD])) as stage:
        await stage.tell(stage.file("a.log").changes(b"ERROR boom\n", b"    at x password=hunter2\n"))
        content = await drain(stage.subscriber(stage.view(shape=Shape.BATCH)))

    assert b"hunter2" not in content
    assert b"at x password=***" in content
