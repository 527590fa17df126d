from __future__ import annotations

import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.journal.ids import anchor_of, decode_id, encode_id
from logstream.records import Position

positions = st.builds(
    Position,
    st.text(alphabet=string.ascii_lowercase + "234567", min_size=8, max_size=8),
    st.integers(0, 36**9 - 1),
    st.integers(0, 2**32 - 1),
)


@given(positions)
def test_an_id_names_its_position_and_no_other(position: Position) -> None:
    assert decode_id(encode_id(position)) == position


@given(positions)
def test_an_id_is_short_and_made_of_characters_that_no_proxy_touches(position: Position) -> None:
    """Conformance: E13, I9."""
    text = encode_id(position)

    assert len(text) <= 40
    assert set(text) <= set("0123456789abcdefghijklmnopqrstuvwxyz.")


def test_an_unpadded_id_is_read_too() -> None:
    assert decode_id("1.abcdefgh.z.1") == Position("abcdefgh", 35, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "1.abcdefgh.z",
        "2.abcdefgh.z.1",
        "1.ABCDEFGH.z.1",
        "1.abcdefg1.z.1",
        "1.abcdefgh.-1.1",
        "1.abcdefgh.z.zzzzzzz",
        "1.abcdefgh.z.1\n",
        "1.abcdefgh." + "0" * 30 + ".1",
        "1.abcdefgh.\u0661.1",
        "1" * 100_000,
    ],
)
def test_what_no_server_can_have_written_is_no_id(text: str) -> None:
    assert decode_id(text) is None


def test_an_anchor_looks_at_the_last_64_bytes_only() -> None:
    before = bytes(range(200))

    assert anchor_of(before) == zlib.crc32(before[-64:]) == anchor_of(before[-64:])
    assert anchor_of(before) != anchor_of(before[:-1])
