"""A directory is listed again only when it has changed, and whatever changes is seen."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.tail import listing
from logstream.tail.identity import TICK_NS
from logstream.tail.listing import locate, names_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW_NS = 1_764_000_000_123_456_789


class Clock:
    """The clock, and the directory's times as a file system writes them that knows no moment but this one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, changed_ns: int = NOW_NS) -> None:
        self.now_ns = NOW_NS
        self.stamp = listing._Stamp(1, 1, changed_ns, changed_ns)
        monkeypatch.setattr(listing, "_stamp_of", lambda _: self.stamp)
        monkeypatch.setattr(time, "time_ns", lambda: self.now_ns)


def inode_of(path: Path) -> tuple[int, int]:
    seen = path.stat()
    return seen.st_dev, seen.st_ino


def all_names(directory: Path) -> list[str]:
    return names_in(str(directory))


def names_like_b(directory: Path) -> list[str]:
    return names_in(str(directory), ["b"])


def where_b_is(directory: Path) -> list[str]:
    found = locate(inode_of(directory.parent / "b"), None, [str(directory)], "")
    return [] if found is None else [found.rpartition("/")[2]]


LOOKS = [all_names, names_like_b, where_b_is]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory that has nothing but `a`, beside a file `b`."""
    (tmp_path / "b").touch()
    found = tmp_path / "d"
    found.mkdir()
    (found / "a").touch()
    return found


def come(directory: Path) -> None:
    """Put `b` there."""
    os.link(directory.parent / "b", directory / "b")


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which directories have been listed."""
    listed: list[str] = []
    listdir, scandir = os.listdir, os.scandir

    def noting(directory: str) -> list[str]:
        listed.append(directory)
        return listdir(directory)

    def noting_too(directory: str) -> os._ScandirIterator[str]:
        listed.append(directory)
        return scandir(directory)

    monkeypatch.setattr(os, "listdir", noting)
    monkeypatch.setattr(os, "scandir", noting_too)
    return listed


def grow_old(directory: Path) -> None:
    """As if nothing had changed for an hour."""
    seen = directory.stat()
    os.utime(directory, ns=(seen.st_mtime_ns, seen.st_mtime_ns - 3_600_000_000_000 - 1))


@pytest.mark.parametrize("look", LOOKS)
def test_a_directory_is_listed_once_for_all_looks_until_it_changes(
    directory: Path, listings: list[str], look: Callable[[Path], list[str]]
) -> None:
    come(directory)
    grow_old(directory)
    for _ in range(100):
        assert "b" in look(directory)
    assert len(listings) == 1
    (directory / "b").unlink()
    assert "b" not in look(directory)


@pytest.mark.parametrize("look", LOOKS)
def test_a_name_that_comes_after_the_listing_in_the_same_tick_of_the_clock_is_found(
    directory: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], list[str]]
) -> None:
    clock = Clock(monkeypatch)
    clock.now_ns += TICK_NS
    assert "b" not in look(directory)
    come(directory)
    clock.now_ns += 3_600_000_000_000
    assert "b" in look(directory)


@pytest.mark.parametrize("look", LOOKS)
def test_a_name_that_comes_in_the_same_tick_while_the_directory_is_listed_is_found_however_long_that_takes(
    directory: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], list[str]]
) -> None:
    clock, scandir = Clock(monkeypatch), os.scandir

    def overtaken(path: str) -> list[str]:
        with scandir(path) as entries:
            found = [entry.name for entry in entries]
        come(directory)
        clock.now_ns += 3_600_000_000_000
        return found

    class Overtaken:
        def __init__(self, path: str) -> None:
            self.entries = scandir(path)

        def __enter__(self) -> list[os.DirEntry[str]]:
            found = list(self.entries)
            come(directory)
            clock.now_ns += 3_600_000_000_000
            return found

        def __exit__(self, *_: object) -> None:
            self.entries.close()

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", overtaken)
        patch.setattr(os, "scandir", Overtaken)
        assert "b" not in look(directory)
    assert "b" in look(directory)


@pytest.mark.parametrize("look", LOOKS)
def test_where_times_are_whole_seconds_a_name_that_comes_in_the_same_second_is_found(
    directory: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], list[str]]
) -> None:
    clock = Clock(monkeypatch, NOW_NS // 1_000_000_000 * 1_000_000_000)
    clock.now_ns += 999_000_000
    assert "b" not in look(directory)
    come(directory)
    assert "b" in look(directory)


@pytest.mark.parametrize("look", LOOKS)
def test_a_name_is_found_though_a_tool_sets_the_time_of_its_directory_back(
    directory: Path, look: Callable[[Path], list[str]]
) -> None:
    grow_old(directory)
    assert "b" not in look(directory)
    before = directory.stat()
    come(directory)
    os.utime(directory, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "b" in look(directory)


@given(st.sets(st.text("ab.", min_size=1, max_size=4)), st.lists(st.text("ab.", max_size=3), min_size=1, max_size=3))
def test_names_with_a_beginning_are_found_once_each_and_in_order_whether_the_listing_is_remembered_or_not(
    names: set[str], beginnings: list[str]
) -> None:
    expected = sorted(name for name in names if name.startswith(tuple(beginnings)))
    for changed_ns in (NOW_NS, 1):
        with pytest.MonkeyPatch.context() as patch:
            Clock(patch, changed_ns)
            patch.setattr(listing, "_names", listing._Remembered(1))
            patch.setattr(os, "listdir", lambda _: list(names))
            assert names_in("/d", beginnings) == expected


@pytest.mark.parametrize("is_old", [False, True])
def test_a_file_is_located_by_its_number_under_any_other_name_that_it_has(tmp_path: Path, *, is_old: bool) -> None:
    for name in ("a", "c"):
        (tmp_path / name).touch()
    os.link(tmp_path / "a", tmp_path / "b")
    if is_old:
        grow_old(tmp_path)
    directories, inode = [str(tmp_path / "none"), str(tmp_path)], inode_of(tmp_path / "a")
    assert locate(inode, None, directories, str(tmp_path / "a")) == str(tmp_path / "b")
    assert locate(inode, None, directories, str(tmp_path / "b")) == str(tmp_path / "a")
    assert locate(inode_of(tmp_path / "c"), None, directories, str(tmp_path / "c")) is None


def test_nothing_is_listed_for_a_file_that_is_where_it_was_seen_and_all_is_where_it_is_not(
    tmp_path: Path, listings: list[str]
) -> None:
    (tmp_path / "b").touch()
    inode, old, new = inode_of(tmp_path / "b"), str(tmp_path / "a"), str(tmp_path / "b")
    assert locate(inode, None, [str(tmp_path)], old, new) == new
    assert not listings
    assert locate(inode, None, [str(tmp_path)], old, str(tmp_path / "c")) == new
    (tmp_path / "c").touch()
    assert locate(inode, None, [str(tmp_path)], old, str(tmp_path / "c")) == new
    assert locate(inode, None, [str(tmp_path)], new, new) is None
    assert len(listings) == 3


def test_a_directory_that_cannot_be_listed_has_no_names_and_one_that_is_not_there_has_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none", tmp_path / "file"):
        assert names_in(str(path)) == []
        assert locate((1, 1), None, [str(path)], "") is None
