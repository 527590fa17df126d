from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from logstream.journal.boundaries import ends_record
from logstream.tail.framing import framing_of

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 256
LONG = "ä€x" * 300
TEXTS = ["", "a", "\r", "x" * (LIMIT - 1), "x" * LIMIT, "x" * (LIMIT + 1), "ä" * LIMIT, LONG, "\r" + LONG + "\r", "b"]


def found_ends(path: Path, encoding: str, size: int, base: int = 0) -> list[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return [end for end in range(base + 1, size + 1) if ends_record(descriptor, encoding, end, base, LIMIT)]
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("base", [0, 4])
def test_a_record_ends_where_lines_and_fragments_are_cut_and_nowhere_else(
    tmp_path: Path, encoding: str, base: int
) -> None:
    content = "".join(f"{text}{end}" for text in TEXTS for end in ("\n", "\r\n")).encode(encoding)
    path = tmp_path / "a.log"
    path.write_bytes(content)

    cuts = [base + end for end in framing_of(encoding).cut(content[base:], base, LIMIT)]
    assert len(cuts) > 2 * len(TEXTS)
    assert found_ends(path, encoding, len(content), base) == cuts


def test_nobody_says_that_a_last_line_without_an_end_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\nhalf")
    assert found_ends(path, "utf-8", 8) == [4, 8]


def test_a_line_is_too_long_to_be_looked_at_rather_than_to_go_on_from_it(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("wb") as file:
        file.truncate(17 << 20)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert ends_record(descriptor, "utf-8", (17 << 20) - 100, 0, LIMIT)
        assert not ends_record(descriptor, "utf-8", (2 << 20) - 100, 0, LIMIT)
        assert ends_record(descriptor, "utf-8", 2 << 20, 0, LIMIT)
    finally:
        os.close(descriptor)
