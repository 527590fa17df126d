from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from logstream.tail import growth as growth_module
from logstream.tail.growth import Growth
from tests.tail_kit import write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def growth() -> Iterator[Growth[str]]:
    found: Growth[str] = Growth()
    found.open()
    yield found
    found.close()


def watched(growth: Growth[str], path: Path, follower: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    seen = os.fstat(descriptor)
    growth.watch(follower, descriptor, (seen.st_dev, seen.st_ino))
    os.close(descriptor)


def test_a_file_that_has_grown_is_told_once_under_any_name(growth: Growth[str], tmp_path: Path) -> None:
    one, other = tmp_path / "1.log", tmp_path / "2.log"
    for path in (one, other):
        write(path, b"x\n")
        watched(growth, path, path.name)

    assert growth.take() == set()
    write(one, b"y\n")
    write(one, b"z\n")
    assert growth.take() == {"1.log"}
    assert growth.take() == set()
    other.rename(tmp_path / "2.log.1")
    write(tmp_path / "2.log.1", b"y\n")
    assert growth.take() == {"2.log"}


def test_only_the_latest_file_of_a_follower_is_watched(growth: Growth[str], tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write(old, b"x\n")
    write(new, b"x\n")
    watched(growth, old, "a")
    watched(growth, new, "a")
    write(old, b"y\n")
    assert growth.take() == set()
    write(new, b"y\n")
    assert growth.take() == {"a"}

    growth.forget("a")
    write(new, b"z\n")
    assert growth.take() == set()


def test_files_beyond_the_limit_are_left_to_polling(
    growth: Growth[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth_module, "MOST_WATCHED", 1)
    for name in ("a", "b"):
        write(tmp_path / name, b"x\n")
        watched(growth, tmp_path / name, name)
        write(tmp_path / name, b"x\n")

    assert growth.take() == {"a"}


def test_a_file_at_rest_is_told_of_until_another_needs_the_room(
    growth: Growth[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth_module, "MOST_WATCHED", 2)
    for name in ("a", "b", "c"):
        write(tmp_path / name, b"x\n")
    watched(growth, tmp_path / "a", "a")
    watched(growth, tmp_path / "b", "b")
    growth.rest("a")
    growth.rest("nobody")
    write(tmp_path / "a", b"x\n")
    assert growth.take() == {"a"}
    watched(growth, tmp_path / "c", "c")
    for name in ("a", "b", "c"):
        write(tmp_path / name, b"x\n")
    assert growth.take() == {"b", "c"}


def test_who_is_not_at_rest_any_more_keeps_its_watch(
    growth: Growth[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth_module, "MOST_WATCHED", 1)
    for name in ("a", "b"):
        write(tmp_path / name, b"x\n")
    watched(growth, tmp_path / "a", "a")
    growth.rest("a")
    watched(growth, tmp_path / "a", "a")
    watched(growth, tmp_path / "b", "b")
    for name in ("a", "b"):
        write(tmp_path / name, b"x\n")
    assert growth.take() == {"a"}


def test_one_at_rest_leaves_the_watch_to_another_who_follows_the_same_file(growth: Growth[str], tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    write(log, b"x\n")
    watched(growth, log, "a")
    watched(growth, log, "b")
    write(log, b"y\n")
    assert growth.take() == {"a"}
    growth.rest("a")
    watched(growth, log, "b")
    write(log, b"y\n")
    assert growth.take() == {"b"}


def test_a_file_with_the_number_of_a_deleted_one_is_watched_anew(growth: Growth[str], tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    write(old, b"x\n")
    write(new, b"x\n")
    watched(growth, old, "a")
    facts = old.stat()
    old.unlink()
    assert growth.take() == {"a"}
    with new.open("rb") as file:
        growth.watch("a", file.fileno(), (facts.st_dev, facts.st_ino))
    write(new, b"y\n")
    assert growth.take() == {"a"}


async def test_it_rings_also_for_what_was_before(growth: Growth[str], tmp_path: Path) -> None:
    log, rung = tmp_path / "a.log", asyncio.Event()
    write(log, b"x\n")
    watched(growth, log, "a")
    write(log, b"y\n")
    growth.arm(rung.set)
    async with asyncio.timeout(5):
        await rung.wait()
    growth.disarm()
    rung.clear()
    growth.take()
    write(log, b"z\n")
    await asyncio.sleep(0.02)

    assert not rung.is_set()


async def rings(growth: Growth[str], rung: asyncio.Event) -> None:
    growth.arm(rung.set)
    async with asyncio.timeout(5):
        await rung.wait()
    rung.clear()


async def test_it_rings_once_and_again_when_it_is_armed_again(growth: Growth[str], tmp_path: Path) -> None:
    log, rung = tmp_path / "a.log", asyncio.Event()
    write(log, b"x\n")
    watched(growth, log, "a")
    write(log, b"y\n")
    await rings(growth, rung)
    write(log, b"z\n")
    await asyncio.sleep(0.02)
    assert not rung.is_set()
    await rings(growth, rung)
    assert growth.take() == {"a"}
    write(log, b"z\n")
    await rings(growth, rung)


async def test_while_it_is_mute_growth_calls_nobody_and_does_not_keep_the_loop_busy(
    growth: Growth[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log, rung = tmp_path / "a.log", asyncio.Event()
    write(log, b"x\n")
    watched(growth, log, "a")
    calls = 0
    tell = growth._tell

    def counted() -> None:
        nonlocal calls
        calls += 1
        tell()

    monkeypatch.setattr(growth, "_tell", counted)
    growth.arm(rung.set)
    growth.mute()
    write(log, b"y\n")
    await asyncio.sleep(0.02)
    assert not rung.is_set()
    assert calls == 1
    await rings(growth, rung)


def test_where_the_system_has_none_nothing_is_told(tmp_path: Path) -> None:
    closed: Growth[str] = Growth()
    write(tmp_path / "a.log", b"x\n")
    watched(closed, tmp_path / "a.log", "a")
    write(tmp_path / "a.log", b"y\n")

    assert closed.take() == set()
    closed.close()
