"""UTF-16 unit by unit, with what is hard to read in it, for tests that draw it."""

from __future__ import annotations

from typing import Literal

from hypothesis import strategies as st

from logstream.tail.framing import WIDE

LF, CR = 0x0A, 0x0D
UNITS = st.sampled_from([0x61, LF, LF, CR, 0x0A0D, 0x0D0A, 0x010A, 0x0A00, 0x0A0A, 0x0D00, 0, 0x20AC, 0x2028,
                         0xD83D, 0xD83D, 0xDE00, 0xDE00, 0xFEFF, 0xFFFE, 0xFFFF])  # fmt: skip
STORIES = st.lists(UNITS, max_size=60)
ENCODINGS = st.sampled_from(sorted(WIDE))
LIMITS = st.integers(min_value=8, max_value=25)


def raw(units: list[int], encoding: str) -> bytes:
    """The units as they stand in a file."""
    order: Literal["little", "big"] = "little" if encoding.endswith("le") else "big"
    return b"".join(unit.to_bytes(2, order) for unit in units)
