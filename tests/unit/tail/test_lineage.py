from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from logstream.tail import lineage as tail_lineage
from tests.tail_kit import write
from tests.unit.tail.test_follower import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.files.close()


@pytest.mark.parametrize("is_renamed", [False, True])
def test_a_directory_is_listed_for_a_closed_file_only_where_that_has_lost_its_path(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, *, is_renamed: bool
) -> None:
    """As many files as begin alike are compared in one turn, each perhaps among thousands."""
    write(desk.log, b"one\n")
    desk.look(0)
    (reader,) = desk.lineage.readers
    desk.files.release(reader)
    if is_renamed:
        desk.log.rename(desk.log.with_name("app.log.1"))
        write(desk.log, b"two\n")
    listed, scandir = [], os.scandir

    def noted(directory: str) -> os._ScandirIterator[str]:
        listed.append(directory)
        return scandir(directory)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", noted)
        found = desk.census.open_again(reader)
    assert found is not None
    try:
        assert os.pread(found, 10, 0) == b"one\n"
    finally:
        os.close(found)
    assert listed == [str(desk.log.parent)] * is_renamed


def test_of_a_closed_file_that_is_gone_there_is_no_descriptor(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    (reader,) = desk.lineage.readers
    desk.files.release(reader)
    desk.log.rename(desk.log.with_name("app.log.gone"))
    desk.log.with_name("app.log.gone").unlink()
    write(desk.log.with_name("other"), b"two\n")
    assert desk.census.open_again(reader) is None


def test_a_copy_is_known_though_its_original_is_truncated_while_they_are_compared(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    copy = desk.log.with_name("copy")
    copy.write_bytes(desk.log.read_bytes())

    def truncated_meanwhile(*_: object) -> bool:
        os.truncate(desk.log, 0)
        return False

    monkeypatch.setattr(tail_lineage, "begins_with", truncated_meanwhile)
    with copy.open("rb") as file:
        found = desk.census.original_of(file.fileno(), desk.lineage)
    assert found is not None
    assert found.key == desk.lineage.readers[0].key
