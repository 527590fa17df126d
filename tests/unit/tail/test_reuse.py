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


def test_where_the_time_of_creation_may_change_there_is_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of NFS and FUSE."""
    monkeypatch.setattr(reuse, "_KEEP_CREATION", set())
    with overlay(tmp_path) as directory:
        (directory / "app.log").write_bytes(b"one\n")
        assert answer_of(directory / "app.log") is None


def test_a_c_library_that_knows_no_time_of_creation_gives_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """musl has statx(2) since 1.2.5."""
    monkeypatch.setattr(reuse, "_LIBC", object())
    with overlay(tmp_path) as directory:
        (directory / "app.log").write_bytes(b"one\n")
        assert answer_of(directory / "app.log") is None
