"""What several small blocks answer as one is what each answers by itself."""

from __future__ import annotations

import pytest

from logstream.api.frames import WireEncoder
from logstream.hub.judged_block import JudgedBlock, SourceTraits
from logstream.hub.judged_group import MOST_LINES, JudgedGroup, groupable_blocks
from logstream.journal.base import Block
from logstream.records import Generation
from logstream.rules import RuleSet

LONG = b"2026-01-02T03:04:05.678+01:00 INFO  [worker-1] shop.orders: order %d of many has been taken\n"
SHORT = b"2026-01-02T03:04:06Z ERROR a: %d\n"
TRAITS = SourceTraits()
RULES = RuleSet([])


def blocks_of(*contents: bytes) -> list[Block]:
    """A block of each content, of a file of its own, side by side."""
    found, at = [], 1_000
    for number, content in enumerate(contents):
        generation = Generation(f"{number:a>8}".translate(str.maketrans("0189", "wxyz")), "app", f"/logs/{number}.log")
        lead = b"what stands before it in file %d, which is long enough for an anchor\n" % number
        found.append(Block(generation, 500 + number, at, 1_700_000_000_000, lead[-64:], content))
        at += len(content)
    return found


def together(blocks: list[Block]) -> JudgedGroup:
    assert groupable_blocks(blocks[0], blocks[1:], TRAITS) == blocks
    return JudgedGroup(blocks, TRAITS, RULES, WireEncoder())


@pytest.mark.parametrize(
    "content", [LONG % 1, SHORT % 1, LONG % 1 + LONG % 2, SHORT % 1 + LONG % 1 + SHORT % 2], ids=["l", "s", "ll", "sls"]
)
def test_each_line_has_the_id_the_file_and_the_record_that_it_has_alone(content: bytes) -> None:
    blocks = blocks_of(*[content] * 9)
    one, alone = together(blocks), [JudgedBlock(block, TRAITS, RULES, WireEncoder()) for block in blocks]
    lines = range(one.line_count)
    expected = [judged.record(line) for judged in alone for line in range(judged.line_count)]

    assert [one.record(line) for line in lines] == expected
    table = one.id_table(lines)
    assert table is not None
    assert [bytes(found).decode() for found in table] == [record.id for record in expected]
    assert list(one.files(lines) or ()) == [record.file for record in expected]
    assert one.counts_by_block(lines[1:]) == [alone[0].line_count - 1] * (alone[0].line_count > 1) + [
        judged.line_count for judged in alone[1:]
    ]


def test_what_the_next_block_of_each_file_has_above_it_is_what_it_has_alone() -> None:
    blocks = blocks_of(*[LONG % number * (1 + number % 3) for number in range(9)])
    one = together(blocks)

    for number, block in enumerate(blocks):
        assert one.below_block(number) == JudgedBlock(block, TRAITS, RULES, WireEncoder()).below()


def test_no_more_lines_are_taken_than_one_frame_should_hold() -> None:
    blocks = blocks_of(*[SHORT % 1 * 20] * 30)

    found = groupable_blocks(blocks[0], blocks[1:], TRAITS)
    assert found == blocks[: MOST_LINES // 20]
