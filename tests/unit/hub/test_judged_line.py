"""A block of one plain line is judged the shorter way, and nobody can tell by what it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.api.frames import WireEncoder
from logstream.hub.continuations import NOTHING_ABOVE, Above
from logstream.hub.judged_block import JudgedBlock, SourceTraits
from logstream.hub.judged_line import JudgedLine, are_plain, judge_block, plain_text
from logstream.journal.base import Block
from logstream.parse import Folding
from logstream.records import Generation, Level
from logstream.rules import Rule, RuleSet

if TYPE_CHECKING:
    from collections.abc import Sequence

GENERATION = Generation("aaaaaaaa", "app", "/var/log/app.log")
LINES = (
    b"2026-03-14T09:00:00.000+01:00 WARN [worker-3] shop.orders: took 17 ms\n",
    b"2026-03-14 09:00:00,123 ERROR shop: caf\xc3\xa9\n",
    b'{"level":"error","msg":"no","user":"x@example.org"}\n',
    b"words\n",
)
OTHERS = (
    b"\tat com.example.Main.main(Main.java:3)\n", b"\n", b"bad \xff byte\n", b"with cr\r\n", b"two\nlines\n",
    b"without an end", b"x" * 300 + b"\n", b"}\n",
)  # fmt: skip
RULES = (
    Rule("noise", match="words", action="drop"),
    Rule("slow", match="took", event="slow", set_level=Level.FATAL),
    Rule("loud", where="level:>=error"),
)


def block_of(content: bytes, lead: bytes = b"before\n", start: int = 1_000) -> Block:
    return Block(GENERATION, start, 5_000, 1_700_000_000_000, lead, content)


def judge(block: Block, rules: Sequence[Rule] = RULES, traits: SourceTraits | None = None) -> JudgedBlock:
    traits = traits or SourceTraits(max_line_bytes=256)
    return judge_block(block, traits, RuleSet(rules), WireEncoder(), lambda: NOTHING_ABOVE)


@pytest.mark.parametrize("rules", [(), RULES])
@pytest.mark.parametrize("is_durable", [True, False])
@pytest.mark.parametrize("content", LINES)
def test_it_answers_what_the_longer_way_answers(content: bytes, rules: Sequence[Rule], *, is_durable: bool) -> None:
    block = block_of(content)._replace(is_durable=is_durable)
    short, long = (
        judge(block, rules),
        JudgedBlock(block, SourceTraits(max_line_bytes=256), RuleSet(rules), WireEncoder()),
    )
    assert type(short) is JudgedLine
    assert list(short.encoded_lines([0])) == list(long.encoded_lines([0]))
    assert short.encoded(0) == long.encoded(0)
    for name in ("text", "ends", "kept", "tags", "typed", "odd_lines", "verdicts", "line_count"):
        assert _plain(getattr(short, name)) == _plain(getattr(long, name)), name
    for ask in (JudgedBlock.below, JudgedBlock.times, lambda one: one.time_ms_of(0), lambda one: one.record(0).fields):
        assert ask(short) == ask(long)
    assert (short.place_before(0), short.place_after(0)) == (long.place_before(0), long.place_after(0))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, range | list | tuple) and not hasattr(value, "_fields") else value


@pytest.mark.parametrize("content", OTHERS)
def test_what_is_not_one_plain_line_is_judged_the_longer_way(content: bytes) -> None:
    assert type(judge(block_of(content))) is JudgedBlock


def test_a_line_that_begins_elsewhere_or_in_another_encoding_is_judged_the_longer_way() -> None:
    plain = block_of(LINES[0])
    traits = SourceTraits()
    assert plain_text(plain, traits) is not None
    assert plain_text(block_of(LINES[0], lead=b"a fragment of "), traits) is None
    assert plain_text(block_of(LINES[0], lead=b"", start=0), traits) is None
    assert plain_text(plain, traits._replace(encoding="latin-1")) is None
    assert plain_text(plain, traits._replace(folding=Folding("nowhere"))) is None
    assert plain_text(plain._replace(generation=GENERATION._replace(encoding="utf-16-le")), traits) is None


@pytest.mark.parametrize("one", [*LINES, *OTHERS])
@pytest.mark.parametrize("other", [*LINES, *OTHERS])
@pytest.mark.parametrize("traits", [SourceTraits(max_line_bytes=256), SourceTraits(encoding="latin-1")])
def test_lines_are_plain_if_each_of_them_is(one: bytes, other: bytes, traits: SourceTraits) -> None:
    lines = (one + other).splitlines(keepends=True) if b"\r" not in one + other else [one, other]
    alone = [plain_text(block_of(line), traits) is not None for line in lines]

    assert are_plain(block_of(one + other), traits) == all(alone)


def test_lines_behind_a_fragment_are_not_plain() -> None:
    assert are_plain(block_of(LINES[0] + LINES[3]), SourceTraits())
    assert not are_plain(block_of(LINES[0] + LINES[3], lead=b"a fragment of "), SourceTraits())


def test_secrets_are_hidden_the_longer_way() -> None:
    judged = judge(block_of(LINES[2]), [Rule("mail", redact=("email",))])
    assert type(judged) is JudgedBlock
    assert "example.org" not in judged.record(0).text


def test_what_stands_above_is_told_as_it_is_below_the_line_before() -> None:
    above = judge(block_of(LINES[0])).below()
    trace = judge_block(
        block_of(OTHERS[0]), SourceTraits(), RuleSet(RULES), WireEncoder(), lambda: Above(above.head, above.last)
    )
    assert trace.record(0).cont
    assert trace.record(0).event == "slow"


@pytest.mark.parametrize("last", [*LINES, *OTHERS])
@pytest.mark.parametrize("rules", [(), RULES])
def test_what_the_next_block_has_above_it_is_the_same_when_it_is_asked_for_later(
    last: bytes, rules: Sequence[Rule]
) -> None:
    for content in (last, LINES[0] + last, last * 10 + LINES[1], LINES[1] * 10 + last):
        judged = JudgedBlock(block_of(content), SourceTraits(max_line_bytes=256), RuleSet(rules), WireEncoder())

        assert judged.later_below()() == judged.below()
