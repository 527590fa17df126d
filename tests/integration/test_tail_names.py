"""Rotated files whose names do not begin with that of their log, or say otherwise than usual which of them is newer."""

from __future__ import annotations

import gzip
import os
import time
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Birth, Hole
from tests.tail_kit import RecordingSink, first_run, second_run, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path


def label(number: int, end: str = "s") -> str:
    return f"@40000000692{number}fa0005f5e100.{end}"


def rename(log: Path, name: str) -> None:
    log.rename(log.with_name(name))


def delete(file: Path) -> None:
    """Take a file away so that no other one gets its inode."""
    away = file.parent / "away"
    away.mkdir(exist_ok=True)
    file.rename(away / str(len([*away.iterdir()])))


def write_history(file: Path) -> None:
    """What was rotated an hour ago."""
    write(file, b"history\n")
    os.utime(file, (time.time() - 3600,) * 2)


@pytest.mark.parametrize("is_glob", [False, True], ids=["current", "all"])
async def test_what_has_no_label_yet_is_read_and_not_again_once_it_has_one(tmp_path: Path, *, is_glob: bool) -> None:
    """As multilog and s6-log do it: `current` becomes `previous`, which is linked to its label, and unlinked."""
    sink, log = RecordingSink(), tmp_path / "current"
    spec = source(tmp_path / "*" if is_glob else log)
    write(log, b"1\n")
    await first_run(sink, spec, 1)
    rename(log, label(1))
    write(log, b"2\n")
    rename(log, "previous")
    write(log, b"3\n")
    assert await second_run(sink, spec, 3) == [b"1", b"2", b"3"]
    os.link(tmp_path / "previous", tmp_path / label(2))
    write(log, b"4\n")
    assert await second_run(sink, spec, 4) == [b"1", b"2", b"3", b"4"]
    (tmp_path / "previous").unlink()
    write(log, b"5\n")
    assert await second_run(sink, spec, 5) == [b"1", b"2", b"3", b"4", b"5"]
    assert {birth.file for birth in sink.of_kind(Birth)} == {str(log)}
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize(("one", "other"), [("app.log.1", "app.log.old"), (label(1), "previous")])
async def test_a_file_that_came_unseen_and_has_two_names_is_read_once(tmp_path: Path, one: str, other: str) -> None:
    sink, log = RecordingSink(), tmp_path / ("current" if other == "previous" else "app.log")
    spec = source(log)
    write(log, b"1\n")
    await first_run(sink, spec, 1)
    rename(log, "elsewhere")
    write(log, b"2\n")
    rename(log, one)
    os.link(tmp_path / one, tmp_path / other)
    write(log, b"3\n")
    assert await second_run(sink, spec, 3) == [b"1", b"2", b"3"]


async def test_labels_that_are_there_at_the_first_start_are_history(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "current"
    write(tmp_path / label(1), b"history\n")
    write(log, b"1\n")
    await first_run(sink, source(log), 1)
    rename(log, label(2))
    write(log, b"2\n")
    assert await second_run(sink, source(log), 2) == [b"1", b"2"]


async def test_labels_beside_another_log_are_none_of_its_lives(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"1\n")
    await first_run(sink, source(log), 1)
    rename(log, "app.log.1")
    write(tmp_path / label(1), b"nobody's\n")
    write(tmp_path / "previous", b"nobody's\n")
    write(log, b"2\n")
    assert await second_run(sink, source(log), 2) == [b"1", b"2"]


@pytest.mark.parametrize("is_unprocessed_left", [False, True])
async def test_what_a_processor_compressed_without_saying_so_in_the_name_is_read(
    tmp_path: Path, *, is_unprocessed_left: bool
) -> None:
    """As svlogd does it: `.u` is processed to `.t`, which becomes `.s` before `.u` is deleted."""
    sink, log = RecordingSink(), tmp_path / "current"
    write(log, b"1\n")
    await first_run(sink, source(log), 1)
    for number in (2, 3, 4):
        write(log, b"late\n" if number == 2 else b"%d\n" % number)
        unprocessed = tmp_path / label(number, "u")
        rename(log, unprocessed.name)
        write(tmp_path / label(number, "t"), gzip.compress(unprocessed.read_bytes()))
        rename(tmp_path / label(number, "t"), label(number))
        if not is_unprocessed_left or number != 4:
            unprocessed.unlink()
    write(log, b"5\n")
    assert await second_run(sink, source(log), 5) == [b"1", b"late", b"3", b"4", b"5"]
    (tmp_path / label(4, "u")).unlink(missing_ok=True)
    write(log, b"6\n")
    assert (await second_run(sink, source(log), 6))[5:] == [b"6"]
    assert not sink.of_kind(Hole)


async def test_what_a_processor_made_of_what_was_read_is_passed_over_and_no_more(tmp_path: Path) -> None:
    """It deletes what it has processed."""
    sink, log = RecordingSink(), tmp_path / "current"
    write_history(tmp_path / label(1))
    write(log, b"2\n")
    await first_run(sink, source(log), 1)
    for number in (2, 3):
        write(tmp_path / label(number), b"%d, processed\n" % number)
        delete(log)
        write(log, b"%d\n" % (number + 1))
    assert await second_run(sink, source(log), 3) == [b"2", b"3, processed", b"4"]


@pytest.mark.parametrize("has_history", [False, True])
async def test_what_came_behind_what_people_compressed_is_no_product(tmp_path: Path, *, has_history: bool) -> None:
    sink, log = RecordingSink(), tmp_path / "current"
    if has_history:
        write_history(tmp_path / label(1))
    write(log, b"2\n")
    await first_run(sink, source(log), 1)
    written_ns = log.stat().st_mtime_ns
    archive = tmp_path / f"{label(2)}.gz"
    archive.write_bytes(gzip.compress(log.read_bytes()))
    os.utime(archive, ns=(written_ns, written_ns))
    delete(log)
    for number in (3, 4):
        write(log, b"%d\n" % number)
        rename(log, label(number))
    write(log, b"5\n")
    assert await second_run(sink, source(log), 4) == [b"2", b"3", b"4", b"5"]


async def test_what_is_left_where_the_oldest_files_were_deleted_to_make_room_is_no_product(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "current"
    write(log, b"2\n")
    await first_run(sink, source(log), 1)
    delete(log)
    for number in (3, 4):
        write(log, b"%d\n" % number)
        rename(log, label(number))
    write(log, b"5\n")
    assert await second_run(sink, source(log), 4) == [b"2", b"3", b"4", b"5"]


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("is_glob", [False, True], ids=["one", "all"])
async def test_what_pm2_copied_away_unseen_is_read_in_its_copies(
    tmp_path: Path, *, is_packed: bool, is_glob: bool
) -> None:
    """pm2-logrotate copies, perhaps through gzip, and truncates."""
    sink, log = RecordingSink(), tmp_path / "api-out-0.log"
    spec = source(tmp_path / "*.log" if is_glob else log)
    first = b"".join(b"2026-11-28T10:00:%02d a line that was read\n" % number for number in range(20))
    write(log, first)
    await first_run(sink, spec, 20)
    expected = first.splitlines()
    for number in range(3):
        expected.append(b"2026-11-28T1%d:30:00 unread %s" % (number, b"y" * 300))
        write(log, expected[-1] + b"\n")
        name = f"api-out-0__2026-11-28_1{number}-59-59.log"
        if is_packed:
            (tmp_path / f"{name}.gz").write_bytes(gzip.compress(log.read_bytes()))
        else:
            (tmp_path / name).write_bytes(log.read_bytes())
        os.truncate(log, 0)
    write(log, b"2026-11-28T13:00:00 last\n")
    expected.append(b"2026-11-28T13:00:00 last")
    assert await second_run(sink, spec, len(expected)) == expected
    assert {birth.file for birth in sink.of_kind(Birth)} == {str(log)}
    assert not sink.of_kind(Hole)


async def test_logs_with_names_like_rotated_ones_stay_logs_of_their_own(tmp_path: Path) -> None:
    sink = RecordingSink()
    names = ["out.log", "out__x.log", "out__1.log", "out-0.log", "out-1.log", "currents", "current"]
    spec = source(tmp_path / "*")
    for name in names:
        write(tmp_path / name, f"{name} 1\n".encode())
    await first_run(sink, spec, len(names))
    for name in names:
        write(tmp_path / name, f"{name} 2\n".encode())
    await second_run(sink, spec, 2 * len(names))
    assert {birth.file for birth in sink.of_kind(Birth)} == {str(tmp_path / name) for name in names}
    for name in names:
        own = [text for file, text in sink.lines if file == str(tmp_path / name)]
        assert own == [f"{name} 1".encode(), f"{name} 2".encode()]


async def test_a_log_with_a_number_in_its_name_has_rotated_files_with_dates(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app-8080.log"
    write(log, b"25\n")
    await first_run(sink, source(log), 1)
    for day in (26, 27, 28):
        rename(log, f"app-8080-2026-11-{day}.log")
        write(log, b"%d\n" % day)
    assert await second_run(sink, source(log), 4) == [b"25", b"26", b"27", b"28"]


@pytest.mark.parametrize("is_glob", [False, True], ids=["named", "all"])
@pytest.mark.parametrize("name", ["{log.name}.{age}", "{log.stem}-2026-11-{day}.log"])
async def test_a_log_with_a_port_in_its_name_is_none_of_the_rotated_files_of_another(
    tmp_path: Path, name: str, *, is_glob: bool
) -> None:
    sink, logs = RecordingSink(), [tmp_path / "app.log", tmp_path / "app-8080.log"]
    spec = source(tmp_path / "app*.log") if is_glob else source(*logs)
    for log in logs:
        write(log, b"0 of %s\n" % log.name.encode())
    await first_run(sink, spec, 2)
    for number in (1, 2, 3):
        for log in logs:
            rename(log, name.format(log=log, age=4 - number, day=25 + number))
            write(log, b"%d of %s\n" % (number, log.name.encode()))
    await second_run(sink, spec, 8)
    for log in logs:
        own = [text.decode() for file, text in sink.lines if file == str(log)]
        assert own == [f"{number} of {log.name}" for number in range(4)]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("seen", [0, 1, 3])
@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("is_full", [False, True], ids=["counting up", "full"])
async def test_counts_that_grow_with_each_rotation_are_told_from_those_that_are_moved_on(
    tmp_path: Path, seen: int, *, is_packed: bool, is_full: bool
) -> None:
    """log4j2 does so by default. Once it has as many files as it keeps the oldest goes, and the others move down."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    end = ".gz" if is_packed else ""
    keeps = 4 if is_full else 99
    expected = [b"0"]
    written_ns = time.time_ns()

    def rotate(number: int) -> None:
        nonlocal written_ns
        count = len([*tmp_path.glob("app-*")]) + 1
        if count > keeps:
            (tmp_path / f"app-1.log{end}").unlink()
            for older in range(2, count):
                rename(tmp_path / f"app-{older}.log{end}", f"app-{older - 1}.log{end}")
            count = keeps
        name = tmp_path / f"app-{count}.log{end}"
        if is_packed:
            name.write_bytes(gzip.compress(log.read_bytes()))
            log.unlink()
        else:
            log.rename(name)
        written_ns = max(time.time_ns(), written_ns + 1_000_000)  # whatever the clock's tick is
        os.utime(name, ns=(written_ns, written_ns))
        expected.append(b"%d" % number)
        write(log, b"%d\n" % number)
        os.utime(log, ns=(written_ns, written_ns))

    write(log, b"0\n")
    async with tailing(sink, spec):
        for number in range(1, seen + 1):
            await sink.first(number)
            rotate(number)
        await sink.first(seen + 1)
        await sink.until(lambda: len(sink.sealed) == seen)
    for number in range(seen + 1, seen + 4):
        rotate(number)
    assert await second_run(sink, spec, len(expected)) == expected
    assert not sink.of_kind(Hole)
