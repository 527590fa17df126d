"""Looking for copies reads as few names as it may."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logstream.tail import packed
from logstream.tail.packed import copies_beside
from logstream.tail.rotation import base_names, beginnings_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstream.tail.rotation import Rotated

PIECES = (
    "app", "a", "log", "1", "20261123", "2026-11-23", "old", "~", ".", "-", "_", "__", "gz", "-1764000000.backup", "é",
    "current", "previous", "@4000000065a4b1c02dd9cf14", ".s", "00001",
)  # fmt: skip
names = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join)


@given(names)
@example(".-1764000000.backupapp")
def test_an_older_lifes_name_begins_as_the_logs_own_may_be_continued(name: str) -> None:
    for base, _ in base_names(name):
        if base.strip("."):
            assert name.startswith(beginnings_of(base)), base


@pytest.mark.parametrize("name", ["app.log.1", "app-20261123.log", "@4000000065a4b1c02dd9cf14.s", "previous"])
def test_what_a_rotated_file_was_compressed_to_is_found_by_its_own_name(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.gz").touch()
    assert [copy.name for copy in copies_beside(tmp_path, [name])] == [f"{name}.gz"]


def test_of_thousands_of_names_only_those_are_taken_apart_that_begin_like_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 10,000 files in its directory a truncated one took a tenth of a second, and all of it in one turn."""
    for number in range(300):
        (tmp_path / f"f{number:05}.log").touch()
    for name in ("app.log", "app.log.1.gz", "app-20261123.log", "application.log.1"):
        (tmp_path / name).touch()
    taken_apart: list[str] = []

    def noting(name: str) -> Iterator[tuple[str, Rotated]]:
        taken_apart.append(name)
        return base_names(name)

    monkeypatch.setattr(packed, "base_names", noting)

    assert [os.fspath(copy.name) for copy in copies_beside(tmp_path, ["app.log"])] == [
        "app-20261123.log",
        "app.log.1.gz",
    ]
    assert len(taken_apart) == 4
