from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING

import pytest

from logstream.journal import witness

if TYPE_CHECKING:
    from pathlib import Path


def witnessed(directory: Path) -> str:
    """A directory in which a witness was made."""
    directory.mkdir(exist_ok=True)
    told = witness.make(directory)
    assert told is not None
    return told


def test_a_witness_is_there_until_another_one_is_kept(tmp_path: Path) -> None:
    first = witnessed(tmp_path)
    second = witnessed(tmp_path)
    assert witness.is_there(tmp_path, first), "whoever is killed before the state has noted the other one"
    assert witness.is_there(tmp_path, second)

    witness.keep_only(tmp_path, second)
    assert not witness.is_there(tmp_path, first)
    assert witness.is_there(tmp_path, second)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_witness_is_on_the_disk_before_the_state_can_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[int, list[Path]]] = []

    def fsync(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_ino, list(tmp_path.iterdir())))

    monkeypatch.setattr(os, "fsync", fsync)
    witnessed(tmp_path)
    assert synced == [(tmp_path.stat().st_ino, [tmp_path / "witness.1"])]


def test_a_directory_that_cannot_be_synced_has_its_witness_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EINVAL, "of a file system that does not")

    monkeypatch.setattr(os, "fsync", fsync)
    assert witness.is_there(tmp_path, witnessed(tmp_path))


def test_a_directory_that_was_renamed_still_has_it(tmp_path: Path) -> None:
    told = witnessed(tmp_path / "state")
    (tmp_path / "state").rename(tmp_path / "elsewhere")

    assert witness.is_there(tmp_path / "elsewhere", told)
    assert not witness.is_there(tmp_path / "state", told)


def test_no_copy_of_a_directory_has_it(tmp_path: Path) -> None:
    told = witnessed(tmp_path / "state")
    shutil.copytree(tmp_path / "state", tmp_path / "copy")
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "copy").rename(tmp_path / "state")

    assert not witness.is_there(tmp_path / "state", told)


def test_a_copy_that_is_written_over_a_later_one_does_not_have_it(tmp_path: Path) -> None:
    state, copy = tmp_path / "state", tmp_path / "copy"
    told = witnessed(state)
    shutil.copytree(state, copy)
    for _ in range(3):
        witness.keep_only(state, witnessed(state))
    shutil.copytree(copy, state, dirs_exist_ok=True)

    assert not witness.is_there(state, told)


@pytest.mark.parametrize(("use", "is_there"), [(7, True), (None, False)])
def test_a_new_owner_or_new_rights_make_no_other_file_of_it_where_uses_of_an_inode_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: int | None, *, is_there: bool
) -> None:
    monkeypatch.setattr(witness, "inode_generation", lambda _: use)
    told = witnessed(tmp_path)
    (path,) = tmp_path.iterdir()
    changed_ns = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == changed_ns:
        path.chmod(0o600)

    assert witness.is_there(tmp_path, told) is is_there


def test_a_file_that_was_given_its_inode_later_is_another_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uses = iter((7, 8))
    monkeypatch.setattr(witness, "inode_generation", lambda _: next(uses))
    told = witnessed(tmp_path)
    (path,) = tmp_path.iterdir()
    os.utime(path)
    changed_ns = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == changed_ns:
        os.utime(path)

    assert not witness.is_there(tmp_path, told)


def test_where_nothing_can_be_made_there_is_none(tmp_path: Path) -> None:
    assert witness.make(tmp_path / "missing") is None
    (tmp_path / "witness.of-something-else").touch()
    assert not witness.is_there(tmp_path, "1.2.3")
