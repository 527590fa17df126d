"""Blocks of UTF-16 and their texts are those of the whole, wherever one ends and the next begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.hub.utf16_text import is_utf16_fragment, utf16_lines
from logstream.journal.base import Block
from logstream.journal.cutting import BLOCK_BYTES, BLOCK_LINES, block_reach, cut_blocks, length_in
from logstream.records import Generation
from logstream.tail.batch import Range
from logstream.tail.framing import WIDE, framing_of
from tests.wide_units import ENCODINGS, LF, LIMITS, STORIES, raw

HALVES = st.sampled_from([b"", b"x"])


@given(STORIES, ENCODINGS)
def test_the_lines_of_utf_16_are_those_of_its_text(units: list[int], encoding: str) -> None:
    """Conformance: E12."""
    content = raw([*units, LF], encoding)
    block = Block(Generation("aaaaaaaa", "app", "/app.log", encoding), 0, 0, 0, b"", content)
    lines = content.decode(encoding, "replace").removeprefix("\ufeff").split("\n")[:-1]

    ends = framing_of(encoding).cut_whole(content, 0, 65_536)
    text, texts = utf16_lines(block, ends, encoding)
    assert texts == [line.removesuffix("\r") for line in lines]
    assert text.decode() == "\n".join(texts)
    assert not any(is_utf16_fragment(block, ends, index) for index in range(len(ends)))


@given(STORIES, ENCODINGS, LIMITS, HALVES)
def test_fragments_of_a_line_in_utf_16_joined_are_its_text(
    units: list[int], encoding: str, limit: int, half: bytes
) -> None:
    """Conformance: E12."""
    content = raw(units, encoding) + half
    block = Block(Generation("aaaaaaaa", "app", "/app.log", encoding), 2, 0, 0, raw([LF], encoding), content)
    ends = framing_of(encoding).cut_whole(content, 2, limit)
    _, texts = utf16_lines(block, ends, encoding)
    joined = ""
    for index, text in enumerate(texts):
        joined += text if not index or is_utf16_fragment(block, ends, index) else f"\n{text}"

    whole = content.decode(encoding, "replace").replace("\r\n", "\n").removesuffix("\n")
    assert joined == whole


@given(
    st.lists(st.tuples(st.integers(0, 3_000), st.integers(1, 60), st.sampled_from(["\n", "\r\n"])), max_size=12),
    st.sampled_from([256, 1_001, 65_536]),
    ENCODINGS,
    st.integers(0, 9),
    HALVES,
)
def test_blocks_of_utf_16_are_whole_records_without_hole_or_overlap(
    story: list[tuple[int, int, str]], max_line_bytes: int, encoding: str, start: int, half: bytes
) -> None:
    """Conformance: E12."""
    framing, generation = framing_of(encoding), Generation("aaaaaaaa", "app", "/app.log", encoding)
    text = "".join(("\u0a0d\U0001f600" * (length // 3) + end) * times for length, times, end in story)
    content = b"h" * (start % 2) + text.encode(encoding) + half
    change = Range("aaaaaaaa", start, start + len(content), 1, content, b"b" * start, encoding)
    blocks = list(cut_blocks(generation, 500, 7, change, max_line_bytes))
    record_ends = [start + end for end in framing.cut_whole(content, start, max_line_bytes)]

    assert b"".join(block.content for block in blocks) == content
    told = [
        block.start + end for block in blocks for end in framing.cut_whole(block.content, block.start, max_line_bytes)
    ]
    assert told == record_ends
    for block in blocks:
        assert 0 < len(block.content) <= BLOCK_BYTES + 2
        assert framing.count(block.content, block.start) <= BLOCK_LINES
        # What a replay reads is enough to find the same block again.
        window = content[block.start - start :][: block_reach(encoding, block.start)]
        assert length_in(encoding, window, 0, block.start, max_line_bytes) == len(block.content)


@pytest.mark.parametrize("encoding", sorted(WIDE))
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_of_utf_16_that_fills_a_block_keeps_its_line_end(encoding: str, end: str) -> None:
    content = ("x" * (BLOCK_BYTES // 2) + end + "next\n").encode(encoding)

    assert length_in(encoding, content, 0, 0, 65_536) == BLOCK_BYTES + 2 * len(end)
    assert framing_of(encoding).cut(content, 0, 65_536)[0] == BLOCK_BYTES + 2 * len(end)
