"""What tells a file from one that had its number before: real file systems."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from logstream.tail import reuse
from logstream.tail.reuse import inode_generation
from tests.full_disk import SmallDisk
from tests.overlay import overlay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Mounting = Callable[[Path], AbstractContextManager[Path]]


@contextmanager
def tmpfs(path: Path) -> Iterator[Path]:
    with SmallDisk(path):
        yield path


@contextmanager
def here(path: Path) -> Iterator[Path]:
    path.mkdir()
    yield path


def answer_of(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return inode_generation(descriptor)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("file_system", [here, overlay, tmpfs])
def test_a_file_keeps_its_answer_and_the_next_one_of_its_name_has_another(
    tmp_path: Path, file_system: Mounting
) -> None:
    with file_system(tmp_path / "files") as directory:
        log, rotated = directory / "app.log", directory / "app.log.1"
        log.write_bytes(b"one\n")
        first = answer_of(log)
        assert first is not None
        with log.open("ab") as file:
            file.write(b"two\n")
        os.truncate(log, 0)
        os.utime(log, ns=(0, 0))
        log.chmod(0o600)
        log.rename(rotated)
        assert answer_of(rotated) == first
        rotated.unlink()
        log.write_bytes(b"one\n")
        assert answer_of(log) not in {first, None}


@pytest.mark.parametrize(
    ("name", "replacement"),
    [("_KEEP_CREATION", frozenset[int]()), ("_LIBC", object())],
    ids=["as of NFS and FUSE", "as with musl before 1.2.5"],
)
def test_where_nobody_knows_when_a_file_was_created_for_sure_there_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, replacement: object
) -> None:
    monkeypatch.setattr(reuse, name, replacement)
    with overlay(tmp_path) as directory:
        (directory / "app.log").write_bytes(b"one\n")
        assert answer_of(directory / "app.log") is None
