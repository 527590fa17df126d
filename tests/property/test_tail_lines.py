from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.tail.lines import cut, measure, strip_end

LIMITS = st.integers(min_value=4, max_value=12)
PIECES = st.sampled_from(
    [b"a", b"bc", b"\n", b"\r\n", b"\r", b"\xc3\xa9", b"\xe2\x82\xac", b"\xf0\x9f\x98\x80", b"\xff", b"\x80",
     b"\xed\xa0", b"\xe0\x80", b"\xf0\x9f", b"\x00", "\u2028".encode(), b"\x0b\x0c"]
)  # fmt: skip
CONTENTS = st.lists(PIECES, max_size=40).map(b"".join)


def feed(chunks: list[bytes], limit: int) -> list[int]:
    """The ends that a reader finds to which the stream comes in `chunks`."""
    ends: list[int] = []
    start, pending = 0, b""
    for chunk in chunks:
        pending += chunk
        found = cut(pending, limit)
        ends += [start + end for end in found]
        if found:
            start, pending = start + found[-1], pending[found[-1] :]
    return ends


@given(CONTENTS, LIMITS, st.lists(st.integers(min_value=0, max_value=120), max_size=8))
def test_any_chunking_of_a_stream_gives_the_same_ends(content: bytes, limit: int, cuts: list[int]) -> None:
    """Conformance: E4, E17."""
    edges = [0, *sorted(cuts), len(content)]
    chunks = [content[a:b] for a, b in pairwise(edges)]

    assert feed(chunks, limit) == cut(content, limit)


@given(CONTENTS, LIMITS)
def test_a_replay_from_any_end_finds_the_ends_that_follow(content: bytes, limit: int) -> None:
    ends = cut(content, limit)

    for index, end in enumerate(ends):
        assert [end + relative for relative in cut(content[end:], limit)] == ends[index + 1 :]


@given(CONTENTS, LIMITS)
def test_records_joined_are_the_stream_and_what_is_left_is_short(content: bytes, limit: int) -> None:
    ends = cut(content, limit)
    edges = [0, *ends]
    records = [content[a:b] for a, b in pairwise(edges)]
    rest = content[edges[-1] :]

    assert b"".join(records) + rest == content
    assert all(records)
    assert all(len(strip_end(record)) <= limit for record in records)
    assert all(b"\n" not in record[:-1] for record in records)
    assert b"\n" not in rest
    assert len(rest) < limit + 2


@given(CONTENTS, LIMITS)
def test_measuring_agrees_with_cutting(content: bytes, limit: int) -> None:
    ends = cut(content, limit)

    assert measure(content, limit) == (ends[-1] if ends else 0, len(ends))


@given(st.text(alphabet="a\u00e9\u20ac\U0001f600", min_size=1, max_size=60), LIMITS)
def test_no_character_is_split_by_a_fragment(text: str, limit: int) -> None:
    """Conformance: E9."""
    content = text.encode() + b"\n"
    edges = [0, *cut(content, limit)]

    assert edges[-1] == len(content)
    for start, end in pairwise(edges):
        content[start:end].decode("utf-8", "strict")


@pytest.mark.parametrize(
    ("content", "limit", "expected"),
    [
        (b"", 4, []),
        (b"ab", 4, []),
        (b"\n\n", 4, [1, 2]),
        (b"abcd\n", 4, [5]),
        (b"abcd\r\n", 4, [6]),
        (b"abcd\r", 4, []),
        (b"abcd\rx", 4, [4]),
        (b"abcd\r\r\n", 4, [4, 7]),
        (b"abcde\n", 4, [4, 6]),
        (b"a\rb\n", 4, [4]),
        (b"abc\xf0\x9f\x98\x80\n", 4, [3, 8]),
        (b"abc\xf0\x9f\x98x\n", 4, [3, 8]),
        (b"abc\xf0\x28\x98x\n", 4, [4, 8]),
        (b"ab\x80\x80\x80\x80\n", 4, [4, 7]),
        (b"ab\xe2\x82\xac\n", 4, [2, 6]),
        (b"x\na\xe2\x80\xa8b\n", 8, [2, 8]),
    ],
)
def test_a_line_is_cut_where_the_limit_or_its_end_comes_first(content: bytes, limit: int, expected: list[int]) -> None:
    assert cut(content, limit) == expected


def test_only_one_line_end_is_stripped() -> None:
    assert [strip_end(raw) for raw in (b"a\r\n", b"a\n", b"a\r", b"a", b"a\n\n", b"\r\r\n", b"\n")] == [
        b"a", b"a", b"a\r", b"a", b"a\n", b"\r", b"",
    ]  # fmt: skip
