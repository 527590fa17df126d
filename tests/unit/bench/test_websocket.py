"""Frames of every size are read, and of frontail's events only lines are lines."""

from __future__ import annotations

import pytest

from bench.websocket import frame, line_texts


def unmasked(payload: bytes) -> bytes:
    """A frame as a server sends it: without the mask bit and the mask."""
    masked = bytearray(frame(payload))
    masked[1] &= 0x7F
    del masked[len(masked) - len(payload) - 4 : len(masked) - len(payload)]
    return bytes(masked)


@pytest.mark.parametrize("size", [0, 1, 80, 100, 101, 102, 103, 65_507, 65_510, 65_530, 70_000])
def test_a_line_of_any_length_is_read_from_its_frame(size: int) -> None:
    raw = unmasked(b'42/abc,["line","%b"]' % (b"x" * size))

    assert line_texts(raw + raw) == ["x" * size] * 2


def test_what_is_no_line_is_passed_over() -> None:
    other = [b"3", b"40/abc", b'42/abc,["options:lines",2000]', b'42/abc,["line","a \\"b\\" \\u2028"]', b"3"]

    assert line_texts(b"".join(map(unmasked, other))) == ['a "b" \u2028']
