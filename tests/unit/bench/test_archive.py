"""A large log is what it is said to be: the lines known to match are those that a search finds, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.archive import MARK, RARE_WORD, write_archive

if TYPE_CHECKING:
    from pathlib import Path

    from bench.archive import Archive


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return write_archive(tmp_path_factory.mktemp("archive") / "a.log", 22)


def test_it_has_the_size_that_was_asked_for(archive: Archive) -> None:
    assert archive.size_bytes == pytest.approx(22e6, rel=0.05)


def test_the_lines_known_to_match_are_those_that_do(archive: Archive) -> None:
    lines = archive.path.read_text().splitlines()

    assert archive.rare() == [line for line in lines if RARE_WORD in line]
    assert archive.common() == [line for line in lines if "ERROR" in line or "WARN" in line]
    assert len(lines) / len(archive.rare()) == pytest.approx(10_000, rel=0.1)
    assert len(lines) / len(archive.common()) == pytest.approx(10, rel=0.1)


def test_the_mark_stands_in_the_last_line_only(archive: Archive) -> None:
    content = archive.path.read_bytes()

    assert content.count(MARK) == 1
    assert MARK in content.splitlines()[-1]


def test_a_link_is_the_same_file(archive: Archive, tmp_path: Path) -> None:
    archive.link(tmp_path / "logs" / "b.log")

    assert (tmp_path / "logs" / "b.log").read_bytes() == archive.path.read_bytes()
