"""UTF-16 is cut where a decoder that goes unit by unit would cut it, however it arrives."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from logstream.tail.framing import framing_of
from tests.wide_units import CR, ENCODINGS, LF, LIMITS, STORIES, raw


def naive_ends(units: list[int], limit: int) -> list[int]:
    """The ends of the records, in units; a line has at most `limit` of them."""
    ends: list[int] = []
    start = 0
    while True:
        reach = units[start : start + limit + 2]
        at = reach.index(LF) if LF in reach else None
        if at is not None and (at <= limit or (at == limit + 1 and reach[limit] == CR)):
            end = at + 1
        elif len(reach) < limit + 2:
            return ends
        else:
            is_pair = reach[limit - 1] & 0xFC00 == 0xD800 and reach[limit] & 0xFC00 == 0xDC00
            end = limit - 1 if is_pair else limit
        start += end
        ends.append(start)


@given(STORIES, ENCODINGS, LIMITS)
def test_utf_16_is_cut_as_a_decoder_that_goes_unit_by_unit_would_cut_it(
    units: list[int], encoding: str, limit: int
) -> None:
    """Conformance: E12."""
    ends = [2 * end for end in naive_ends(units, limit // 2)]
    content = raw(units, encoding)

    assert framing_of(encoding).cut(content, 0, limit) == ends
    assert framing_of(encoding).cut(content + b"\n", 0, limit) == ends, "half a unit is not there yet"
    assert framing_of(encoding).measure(content, 0, limit) == (ends[-1] if ends else 0, len(ends))
    assert framing_of(encoding).count(content, 0) == units.count(LF)


@given(STORIES, ENCODINGS, LIMITS, st.lists(st.integers(0, 130), max_size=8))
def test_any_chunking_of_utf_16_gives_the_same_ends(
    units: list[int], encoding: str, limit: int, cuts: list[int]
) -> None:
    """Conformance: E12."""
    content, framing = raw(units, encoding), framing_of(encoding)
    ends: list[int] = []
    start, pending = 0, b""
    for a, b in pairwise([0, *sorted(cuts), len(content)]):
        pending += content[a:b]
        found = framing.cut(pending, start, limit)
        ends += [start + end for end in found]
        if found:
            start, pending = start + found[-1], pending[found[-1] :]

    assert ends == framing.cut(content, 0, limit)


@given(STORIES, ENCODINGS, LIMITS)
def test_reading_utf_16_again_from_any_end_finds_the_ends_that_follow(
    units: list[int], encoding: str, limit: int
) -> None:
    """Conformance: E12."""
    content, framing = raw(units, encoding), framing_of(encoding)
    ends = framing.cut(content, 0, limit)

    for index, end in enumerate(ends):
        assert [end + relative for relative in framing.cut(content[end:], end, limit)] == ends[index + 1 :]
    # Half a unit that was told before stands before a whole one, never inside of it.
    assert [end + 1 for end in ends] == framing.cut(b"\0" + content, 7, limit)
