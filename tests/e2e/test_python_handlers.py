"""Python's own rotating handlers in a program that goes on logging, under a service that follows its file.

Owns what `logging.handlers` does to files, also where it compresses them or deletes what nobody has read.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from tests.rotating import assert_told_again, reading, writing
from tests.running import eventually, running
from tests.writing_process import line_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def older_lives(logs: Path) -> set[str]:
    return {path.name for path in logs.iterdir()} - {"a.log"}


def inodes(logs: Path) -> set[int]:
    return {entry.inode() for entry in os.scandir(logs)}


@contextmanager
def held_open(logs: Path) -> Iterator[set[int]]:
    """The inodes of the files that are there; their numbers are not given to newer ones meanwhile."""
    with ExitStack() as held:
        files = []
        for path in logs.iterdir():
            with suppress(FileNotFoundError):  # renamed or deleted since
                files.append(held.enter_context(path.open()))
        yield {os.fstat(file.fileno()).st_ino for file in files}


@pytest.mark.parametrize("kind", ["sized", "timed", "sized-gzip", "timed-gzip"])
def test_each_line_comes_once_whatever_the_handler_does(tmp_path: Path, kind: str) -> None:
    with running(tmp_path) as service, writing(service, kind) as writer, reading(service) as seen:
        while len(older_lives(service.logs)) < 4:
            seen.until(seen.latest + 500)
            seen.come_back()
        if kind in ("sized", "timed"):
            with seen.killed():
                before = older_lives(service.logs)
                eventually(lambda: older_lives(service.logs) > before)
        total = writer.stop()
        seen.until(total - 1)
        assert seen.leaps(total) == []
        assert seen.gaps == []
        assert_told_again(seen)


def test_what_a_handler_deleted_while_nobody_looked_is_a_gap_and_all_else_comes_once(tmp_path: Path) -> None:
    with running(tmp_path) as service, writing(service, "sized", "1") as writer, reading(service) as seen:
        seen.until(500)
        with seen.killed(), held_open(service.logs) as before:
            eventually(lambda: before.isdisjoint(inodes(service.logs)))
        seen.until(seen.latest + 1)
        total = writer.stop()
        seen.until(total - 1)
        leaps = seen.leaps(total)
        assert leaps
        for last, first, gaps in leaps:
            assert last < first
            assert gaps
        assert leaps[0].gaps[0]["from"] == sum(len(line_of(number)) + 1 for number in range(leaps[0].last + 1))
        assert leaps[0].gaps[0]["reason"] == "deleted"
