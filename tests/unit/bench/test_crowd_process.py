"""A client that is cut comes back from the last whole chunk, wherever its bytes were divided."""

from __future__ import annotations

import pytest

from bench.crowd_process import Trail

CHUNKS = (
    b"20\r\nevent: line\ndata: {}\nid: 1.a\n\n\r\n",
    b"40\r\nevent: line\ndata: {}\nid: 1.b\n\nevent: line\ndata: {}\nid: 1.c\n\n\r\n",
    b"10\r\nevent: ping\ndata: {}\n\n\r\n",
)
PART = b"30\r\nevent: line\ndata: {}\nid: 1.d\n\nevent: line\nda"
STREAM = b"".join(CHUNKS) + PART


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, len(STREAM)])
def test_the_last_id_of_whole_chunks_counts_and_the_rest_is_the_part_that_comes_again(size: int) -> None:
    trail = Trail()

    for start in range(0, len(STREAM), size):
        trail.follow(STREAM[start : start + size])

    assert (trail.last_id, trail.part) == (b"1.c", PART)


def test_a_trail_may_begin_inside_of_a_chunk() -> None:
    trail = Trail()

    trail.follow(CHUNKS[1][25:])

    assert (trail.last_id, trail.part) == (b"1.c", b"")


def test_without_a_whole_chunk_there_is_no_id() -> None:
    trail = Trail()

    trail.follow(PART)

    assert trail.last_id == b""
