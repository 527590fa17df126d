from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.journal.codec import put_varint
from logstream.journal.vector import Reached, Vector, decode_vector, encode_vector


def vector_of(places: dict[int, Reached]) -> Vector:
    vector = Vector()
    for slot, reached in places.items():
        vector.put(slot, reached)
    return vector


places = st.dictionaries(
    st.integers(0, 10**6), st.builds(Reached, st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1))
)


@given(places)
def test_a_keyframe_is_read_back_as_it_was(places: dict[int, Reached]) -> None:
    assert dict(decode_vector(encode_vector(vector_of(places))).items()) == places


@given(places)
def test_a_keyframe_is_three_numbers_for_each_generation_in_the_order_of_slots(places: dict[int, Reached]) -> None:
    told = bytearray()
    before = 0
    for slot, (offset, lines) in sorted(places.items()):
        for number in (slot - before, offset, lines):
            put_varint(told, number)
        before = slot

    assert encode_vector(vector_of(places)) == told


@pytest.mark.parametrize(
    "torn", [b"\x80", b"\x01\x02\x83", b"\x01", b"\x01\x02", b"\x01\x02\x03\x04", b"\xff" * 9 + b"\x01" + b"\x01\x02"]
)
def test_a_torn_keyframe_is_an_error_and_not_a_wrong_answer(torn: bytes) -> None:
    with pytest.raises((IndexError, ValueError)):
        decode_vector(torn)


def test_a_collection_of_garbage_looks_at_no_generation_of_a_keyframe() -> None:
    """Who looks back makes many of them: with thousands of files each collection took 20 ms."""
    blob = encode_vector(vector_of({slot: Reached(slot << 30, slot) for slot in range(1_000)}))

    vector = decode_vector(blob)
    copy = vector.copy()
    copy.put(7, Reached(9, 9))

    held = {id(one): one for each in (vector, copy) for one in gc.get_referents(each)}
    seen = [one for one in held.values() if gc.is_tracked(one) and one is not Vector]
    assert seen == []
    assert not any(map(gc.is_tracked, vector.offsets.values()))
