from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.journal.cutting import BLOCK_BYTES, BLOCK_LINES, LINE_END_BYTES, block_length, cut_blocks
from logstream.records import Generation
from logstream.tail.batch import Range
from logstream.tail.lines import cut_whole

GENERATION = Generation("aaaaaaaa", "app", "/app.log")
LIMIT = 65_536


def range_of(content: bytes, before: bytes = b"") -> Range:
    return Range("aaaaaaaa", len(before), len(before) + len(content), 1, content, before[-64:])


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 60), st.sampled_from([b"\n", b"\r\n"])), max_size=20),
    st.sampled_from([256, 1_000, LIMIT]),
    st.binary(max_size=100),
)
def test_blocks_are_whole_records_without_hole_or_overlap(
    story: list[tuple[int, int, bytes]], max_line_bytes: int, before: bytes
) -> None:
    content = b"".join((b"x" * length + end) * times for length, times, end in story)
    blocks = list(cut_blocks(GENERATION, 500, 7, range_of(content, before), max_line_bytes))
    record_ends = {0, *cut_whole(content, max_line_bytes)}
    whole = before + content

    assert b"".join(block.content for block in blocks) == content
    for block in blocks:
        assert 0 < len(block.content) <= BLOCK_BYTES
        assert block.content.count(b"\n") <= BLOCK_LINES
        assert block.start - len(before) in record_ends
        assert block.end - len(before) in record_ends
        assert block.at - 500 == block.start - len(before)
        assert block.lead == whole[max(0, block.start - 64) : block.start]
        assert block.time_ms == 7


@given(st.binary(min_size=1, max_size=400), st.integers(0, 300))
def test_the_cut_of_a_block_depends_on_nothing_beyond_its_reach(pattern: bytes, surplus: int) -> None:
    content = (pattern * (BLOCK_BYTES * 2 // len(pattern) + 1))[: BLOCK_BYTES + LINE_END_BYTES + surplus]
    within_reach = content[: BLOCK_BYTES + LINE_END_BYTES]

    assert block_length(within_reach, 0, 256) == block_length(content, 0, 256)


def test_a_line_that_fills_a_block_keeps_its_line_end() -> None:
    for end in (b"\n", b"\r\n"):
        content = b"x" * BLOCK_BYTES + end + b"next\n"
        assert block_length(content, 0, LIMIT) == BLOCK_BYTES + len(end)


def test_a_line_longer_than_a_block_is_cut_where_its_fragments_end() -> None:
    content = "\u20ac".encode() * 50_000
    length = block_length(content, 0, LIMIT)

    assert length == BLOCK_BYTES - 1
    assert content[:length].decode()


def test_a_fragment_that_ends_just_beyond_a_block_is_left_to_the_next() -> None:
    fragment_bytes = 331  # 198 of them are two bytes longer than a block

    assert 198 * fragment_bytes == BLOCK_BYTES + LINE_END_BYTES
    assert block_length(b"x" * 200_000, 0, fragment_bytes) == 197 * fragment_bytes


def test_a_block_begins_wherever_it_is_told_to() -> None:
    content = b"a\n" * 10 + b"x" * (BLOCK_BYTES - 1) + b"\nrest\n"

    assert block_length(content, 20, LIMIT) == BLOCK_BYTES
    assert block_length(content, 20 + BLOCK_BYTES, LIMIT) == 5


@pytest.mark.parametrize("lines", [BLOCK_LINES - 1, BLOCK_LINES, BLOCK_LINES + 1, 5 * BLOCK_LINES + 3])
def test_a_block_holds_no_more_lines_than_make_a_frame_of_bounded_size(lines: int) -> None:
    blocks = list(cut_blocks(GENERATION, 0, 0, range_of(b"\n" * lines), LIMIT))

    assert len(blocks) == -(-lines // BLOCK_LINES)
    assert max(len(block.content) for block in blocks) <= BLOCK_LINES
    assert zlib.crc32(b"".join(block.content for block in blocks)) == zlib.crc32(b"\n" * lines)
