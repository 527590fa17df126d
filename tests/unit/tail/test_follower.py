"""The follower with a clock of its own: what waits for time, and what may happen between two system calls."""

from __future__ import annotations

import errno
import gzip
import os
import resource
import shutil
import time
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail import looking, unpacking
from logstream.tail.batch import Birth, Hole, Moved, Notice, Range, Sealed, SourceSpec
from logstream.tail.copies import Copies
from logstream.tail.follower import Follower
from logstream.tail.identity import Verdict
from logstream.tail.lineage import Census, Lineage
from logstream.tail.opening import OpenFiles
from logstream.tail.reader import Reader
from logstream.tail.turn import Pace, Turn
from logstream.tail.unpacking import Answer, Unpacking
from tests.tail_kit import Doors, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from logstream.tail.batch import Change


@contextmanager
def descriptors_left(number: int) -> Iterator[None]:
    """Nobody may open more than so many files at once, by the kernel's own limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = [os.open("/dev/null", os.O_RDONLY) for _ in range(number + 1)]
    for descriptor in free:
        os.close(descriptor)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free[-1], hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Desk:
    """One lineage, and looks at it at chosen times."""

    def __init__(self, directory: Path) -> None:
        self.log = directory / "app.log"
        self.files = OpenFiles(100)
        self.spec = SourceSpec("app", (str(self.log),))
        self.begin()

    def begin(self) -> None:
        self.census = Census(Pace(), self.files, Unpacking(self.log.parent))
        self.follower = Follower(self.census)
        self.lineage = Lineage(self.spec, str(self.log))

    def look(self, now: float) -> list[Change]:
        turn = Turn(now, 1_000_000 + now, 4 << 20)
        self.follower.poll(self.lineage, turn, 1 << 20)
        return turn.changes

    def restart(self, now: float) -> None:
        known = [reader.known() for reader in self.lineage.readers]
        self.files.close()
        self.begin()
        self.lineage.has_history = True
        for generation in known:
            reader = Reader(self.spec, generation, now)
            self.lineage.add_older(reader)
            self.census.enrol(reader)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.files.close()


def kinds(changes: list[Change]) -> list[type]:
    return [type(change) for change in changes]


def texts(changes: list[Change]) -> list[bytes]:
    return [change.content for change in changes if isinstance(change, Range)]


def test_a_rotated_file_is_watched_for_a_minute_after_its_last_line(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    old = desk.log.with_name("app.log.1")
    desk.log.rename(old)
    write(desk.log, b"new\n")
    assert Moved in kinds(desk.look(1))
    assert desk.look(60.9) == []
    write(old, b"late\nrest")
    assert texts(desk.look(60.95)) == [b"late\n"]
    assert Sealed not in kinds(desk.look(120.9))
    changes = desk.look(121)
    assert texts(changes) == [b"rest"]
    assert [(change.reason, change.end) for change in changes if isinstance(change, Sealed)] == [(None, 13)]


def test_a_file_that_nobody_replaced_is_watched_for_longer(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.rename(desk.log.with_name("elsewhere"))
    desk.look(1)
    assert Sealed not in kinds(desk.look(600))
    assert Sealed in kinds(desk.look(601))


def test_a_deleted_file_is_watched_for_ten_seconds(desk: Desk) -> None:
    """Conformance: A16."""
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.unlink()
    desk.look(1)
    assert Sealed not in kinds(desk.look(10.9))
    assert Sealed in kinds(desk.look(11))


def test_a_vanished_file_is_believed_to_be_gone_the_second_time(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    desk.restart(0)
    hidden = desk.log.with_name("hidden")
    hidden.mkdir()
    desk.log.rename(hidden / "app.log")
    write(desk.log, b"new\n")
    assert Hole not in kinds(desk.look(100))
    assert Hole not in kinds(desk.look(100.5))
    changes = desk.look(101)
    assert kinds(changes)[:3] == [Hole, Sealed, Range]
    assert [change.reason for change in changes if isinstance(change, Hole)] == [GapReason.DELETED]


def test_an_old_file_that_is_gone_after_a_restart_is_believed_to_be_gone_the_second_time(desk: Desk) -> None:
    old = desk.log.with_name("app.log.1")
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.rename(old)
    write(desk.log, b"two\n")
    desk.look(1)
    desk.restart(1)
    desk.lineage.readers[0].is_displaced = True
    old.rename(desk.log.with_name("out of sight"))
    (desk.log.with_name("out of sight")).unlink()
    assert Hole not in kinds(desk.look(100))
    assert Hole in kinds(desk.look(101))


def test_a_file_that_is_missing_once_and_back_is_no_loss(desk: Desk) -> None:
    """Conformance: A12."""
    write(desk.log, b"one\n")
    desk.look(0)
    desk.restart(0)
    hidden = desk.log.with_name("hidden")
    hidden.mkdir()
    desk.log.rename(hidden / "app.log")
    desk.look(100)
    (hidden / "app.log").rename(desk.log)
    write(desk.log, b"two\n")
    assert texts(desk.look(200)) == [b"two\n"]
    assert len(desk.lineage.readers) == 1


def test_no_line_of_the_new_file_overtakes_one_that_was_written_to_the_old_file_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: A15."""
    old = desk.log.with_name("app.log.1")
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.rename(old)
    write(desk.log, b"two\n")
    desk.look(1)
    is_due = True

    def advance(reader: Reader, most_bytes: int, until: int | None = None) -> Range | Verdict:
        nonlocal is_due
        outcome = real(reader, most_bytes, until)
        if is_due and reader.path == str(old):
            is_due = False
            assert outcome is Verdict.SAME
            write(old, b"three\n")
            write(desk.log, b"four\n")
        return outcome

    real = Reader.advance
    monkeypatch.setattr(Reader, "advance", advance)
    assert texts(desk.look(2)) + texts(desk.look(3)) == [b"three\n", b"four\n"]


def test_a_line_whose_end_comes_an_hour_later_is_one_line(desk: Desk) -> None:
    """Conformance: E1."""
    write(desk.log, b"one\nhalf a")
    assert texts(desk.look(0)) == [b"one\n"]
    for minute in range(1, 60):
        assert desk.look(60 * minute) == []
    write(desk.log, b" line\n")
    assert texts(desk.look(3_600)) == [b"half a line\n"]


def test_a_path_without_a_file_for_minutes_says_so_once_and_what_comes_is_a_new_generation(desk: Desk) -> None:
    """Conformance: A13."""
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.rename(desk.log.with_name("app.log.1"))
    desk.look(1)
    assert kinds(desk.look(2)) == [Notice]
    for minute in range(1, 10):
        assert desk.look(60 * minute) == []
    write(desk.log, b"two\n")
    changes = desk.look(600)
    assert [change.base for change in changes if isinstance(change, Birth)] == [0]
    assert texts(changes) == [b"two\n"]


def test_a_turn_that_is_full_goes_on_with_the_old_file(desk: Desk) -> None:
    old = desk.log.with_name("app.log.1")
    write(desk.log, b"one\n")
    desk.look(0)
    write(desk.log, b"x" * 99_999 + b"\n")
    desk.log.rename(old)
    write(desk.log, b"new\n")
    turn = Turn(1, 1, 50_000)
    assert desk.follower.poll(desk.lineage, turn, 70_000)
    assert len(b"".join(texts(turn.changes))) == 65_536
    assert texts(desk.look(2)) == [b"x" * 34_463 + b"\n", b"new\n"]
    assert sum(kind is Birth for kind in kinds(turn.changes)) == 1


def test_an_archive_that_is_renamed_before_it_has_been_unpacked_is_born_under_its_last_name(desk: Desk) -> None:
    """A glob matches archives, too: its name is a path of its own. Nothing is told of a life that is not born yet."""
    write(desk.log, b"one\n")
    desk.lineage.has_history = True
    desk.look(0.0)
    desk.log.unlink()
    first, second = (desk.log.with_name(f"app.log.{number}.gz") for number in (1, 2))
    first.write_bytes(gzip.compress(b"two\n"))
    write(desk.log, b"three\n")
    desk.look(1.0)
    archives = Lineage(desk.spec, str(second))
    first.rename(second)
    turn = Turn(1.0, 1_000_001.0, 4 << 20)
    desk.follower.poll(archives, turn, 1 << 20)
    assert Moved not in kinds(turn.changes)
    changes = desk.look(1.0)
    while b"three\n" not in texts(changes):
        changes += desk.look(1.0)
    births = [change for change in changes if isinstance(change, Birth)]
    assert [birth.path for birth in births] == [str(second.with_suffix(""))]
    assert texts(changes)[-2:] == [b"two\n", b"three\n"]


def archive(desk: Desk, number: int, content: bytes) -> Path:
    path = desk.log.with_name(f"app.log.{number}.gz")
    path.write_bytes(gzip.compress(content))
    return path


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def changes_until(desk: Desk, last: bytes) -> list[Change]:
    """What is told in one moment, over as many looks as unpacking takes."""
    found: list[Change] = []
    while last not in texts(found):
        found += desk.look(1.0)
    return found


def texts_until(desk: Desk, last: bytes) -> list[bytes]:
    return texts(changes_until(desk, last))


def test_an_archive_that_is_deleted_before_its_turn_is_read_all_the_same(desk: Desk) -> None:
    """Rotation without a pause moves names on, and off the end, while older archives are still being unpacked."""
    write(desk.log, b"one\n")
    desk.lineage.has_history = True
    desk.look(0.0)
    desk.log.unlink()
    archives = [archive(desk, number, b"life %d\n" % number) for number in (3, 2, 1)]
    write(desk.log, b"live\n")
    desk.look(1.0)
    for path in archives:
        path.unlink()
    assert texts_until(desk, b"live\n") == [b"life 3\n", b"life 2\n", b"life 1\n", b"live\n"]


def test_of_very_many_archives_not_all_are_held_open_and_none_is_left_open(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_MOST_HELD", 4)
    monkeypatch.setattr(unpacking, "_MOST_HELD", 3)
    write(desk.log, b"one\n")
    desk.lineage.has_history = True
    desk.look(0.0)
    before = open_files()
    desk.log.unlink()
    for number in range(12, 0, -1):
        archive(desk, number, b"life %d\n" % number)
    write(desk.log, b"live\n")
    desk.look(1.0)
    assert open_files() - before <= 3 + 4  # with the live one, and what is being unpacked, from and to
    assert texts_until(desk, b"live\n") == [*(b"life %d\n" % number for number in range(12, 0, -1)), b"live\n"]
    desk.look(200.0)
    assert open_files() == before


@pytest.mark.parametrize("half", [b"", b"half a "])
def test_a_life_that_went_on_in_another_file_is_read_on_in_the_archive_of_that(desk: Desk, half: bytes) -> None:
    """Replaced by more of the same, rotated and compressed between two looks. Conformance: A10."""
    content = b"".join(b"line %d of many\n" % number for number in range(40))
    write(desk.log, content + half)
    desk.lineage.has_history = True
    assert texts(desk.look(0.0)) == [content]
    desk.log.unlink()
    archive(desk, 1, content + half + b"line\nmore\n")
    write(desk.log, b"live\n")
    changes = changes_until(desk, b"live\n")
    assert texts(changes) == [half + b"line\nmore\n", b"live\n"]
    assert [change.reason for change in changes if isinstance(change, Sealed)] == [None]
    assert Hole not in kinds(changes)


@pytest.mark.parametrize("is_packed", [True, False])
def test_what_holds_more_than_a_deleted_file_ever_did_is_no_copy_of_it(desk: Desk, *, is_packed: bool) -> None:
    """What is so short may begin alike by accident: lines that come twice are better than lines that never come."""
    write(desk.log, b"one\n")
    desk.lineage.has_history = True
    desk.look(0.0)
    desk.log.unlink()
    if is_packed:
        archive(desk, 1, b"one\ntwo\n")
    else:
        write(desk.log.with_name("app.log.1"), b"one\ntwo\n")
        os.utime(desk.log.with_name("app.log.1"), (1e10, 1e10))  # written to after the other one was deleted
    write(desk.log, b"live\n")
    assert texts_until(desk, b"live\n") == [b"one\ntwo\n", b"live\n"]


def test_a_copy_of_a_file_that_was_truncated_written_to_and_deleted_is_told_once(desk: Desk) -> None:
    """Torture, seed 7001."""
    write(desk.log, b"one\n")
    desk.lineage.has_history = True
    desk.look(0.0)
    write(desk.log, b"two and three and four\n")
    copy = desk.log.with_name("app.log.1")
    copy.write_bytes(desk.log.read_bytes())
    os.truncate(desk.log, 0)
    write(desk.log, b"another\n")
    desk.log.unlink()
    write(desk.log, b"live\n")
    changes = changes_until(desk, b"live\n")
    assert texts(changes) == [b"two and three and four\n", b"another\n", b"live\n"]


def test_what_is_rotated_while_an_empty_file_s_past_is_looked_for_comes_in_order(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Torture, seed 8021."""
    write(desk.log, b"")
    desk.lineage.has_history = True
    desk.look(0.0)
    write(desk.log, b"one\n")
    looking = desk.follower.succession.looking
    look = looking.look
    is_due = True

    def overtaken(lineage: Lineage, *, is_bounded: bool) -> object:
        nonlocal is_due
        if is_due:
            is_due = False
            for content in (b"two\n", b"three\n"):
                shift(desk.log)
                write(desk.log, content)
        return look(lineage, is_bounded=is_bounded)

    monkeypatch.setattr(looking, "look", overtaken)
    changes = changes_until(desk, b"three\n")
    assert texts(changes) == [b"one\n", b"two\n", b"three\n"]
    assert not is_due


def shift(log: Path) -> None:
    for number in (2, 1):
        older = log.with_name(f"{log.name}.{number}")
        if older.exists():
            older.rename(log.with_name(f"{log.name}.{number + 1}"))
    log.rename(log.with_name(f"{log.name}.1"))


def test_a_life_whose_inode_s_number_another_log_has_now_goes_on_in_the_file_that_took_over(desk: Desk) -> None:
    """Torture, seed 9017. Conformance: A10."""
    content = b"".join(b"line %d of many\n" % number for number in range(40))
    write(desk.log, content)
    desk.look(0.0)
    desk.restart(0.0)
    made = desk.log.with_name("made")
    made.write_bytes(content + b"more\n")
    made.rename(desk.log)
    desk.census.disown(desk.lineage.readers[0])  # as the look at that log does
    changes = desk.look(1.0) + desk.look(100.0) + desk.look(200.0)
    assert texts(changes) == [b"more\n"]
    assert Birth not in kinds(changes)
    assert Hole not in kinds(changes)


def test_a_life_goes_on_in_a_file_that_took_over_and_was_given_its_inode_s_number(tmp_path: Path) -> None:
    """Replaced twice: the second time by a file that has the number of the first. Torture, seed 3335."""
    content = b"".join(b"line %d of many\n" % number for number in range(40))
    for attempt in range(50):  # on a busy machine another program may have been given the number, and keep it
        (tmp_path / str(attempt)).mkdir()
        desk = Desk(tmp_path / str(attempt))
        with closing(desk.files):
            write(desk.log, content)
            desk.look(0.0)
            desk.restart(0.0)
            (old,) = desk.lineage.readers
            if old.igen is None:
                pytest.skip("this file system does not count the uses of an inode")
            if not is_given_its_number(desk.log, content + b"more\n", old.inode[1]):
                continue
            changes = desk.look(1.0) + desk.look(100.0) + desk.look(200.0)
            assert texts(changes) == [b"more\n"]
            assert Hole not in kinds(changes)
            return
    pytest.skip("no inode's number is given again here")


def is_given_its_number(log: Path, content: bytes, number: int) -> bool:
    """Replace a log by other files until one has the inode's number that the first one had."""
    made = log.with_name("made")
    for _ in range(20):
        made.write_bytes(content)
        made.rename(log)
        if log.stat().st_ino == number:
            return True
    return False


@pytest.mark.parametrize("is_its_own", [True, False])
def test_a_life_whose_archive_is_deleted_before_it_is_given_up_goes_on_there(desk: Desk, *, is_its_own: bool) -> None:
    """Torture, seed 9925."""
    write(desk.log, b"one\n")
    desk.look(0.0)
    desk.restart(0.0)
    desk.log.unlink()
    packed = archive(desk, 1, b"one\ntwo\n" if is_its_own else b"another\n")
    write(desk.log, b"live\n")
    changes = desk.look(1.0)
    packed.unlink()
    now = 2.0
    while b"live\n" not in texts(changes):
        changes += desk.look(now)
        now += 0.01
    assert texts(changes) == [b"two\n" if is_its_own else b"another\n", b"live\n"]
    assert (Hole in kinds(changes)) is not is_its_own


def test_an_archive_that_was_not_held_open_and_is_deleted_before_its_turn_is_a_gap(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "_MOST_HELD", 1)
    write(desk.log, b"one\n")
    desk.lineage.has_history = True
    desk.look(0.0)
    desk.log.unlink()
    archives = [archive(desk, number, b"life %d\n" % number) for number in (3, 2, 1)]
    write(desk.log, b"live\n")
    changes = desk.look(1.0)
    for path in archives:
        path.unlink()
    now = 2.0
    while b"live\n" not in texts(changes):
        changes += desk.look(now)
        now += 0.01
    assert texts(changes) == [b"life 3\n", b"live\n"]
    holes = [change for change in changes if isinstance(change, Hole)]
    assert [(hole.start, hole.end, hole.reason) for hole in holes] == [(0, None, GapReason.DELETED)] * 2
    assert not [change for change in changes if isinstance(change, Notice) and change.kind == "source"]


def test_a_rotated_file_that_was_closed_for_others_is_read_on_and_ends_in_its_time(desk: Desk) -> None:
    desk.files.limit = 1
    old = desk.log.with_name("app.log.1")
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.rename(old)
    write(desk.log, b"new\n")
    assert texts(desk.look(1)) == [b"new\n"]
    assert [reader.fd is None for reader in desk.lineage.readers] == [True, False]
    write(old, b"late\n")
    assert texts(desk.look(2)) == [b"late\n"]
    write(desk.log, b"newer\n")
    assert texts(desk.look(3)) == [b"newer\n"]
    assert desk.lineage.readers[0].fd is None
    assert Sealed not in kinds(desk.look(61.9))
    assert [(change.reason, change.end) for change in desk.look(62) if isinstance(change, Sealed)] == [(None, 9)]


def test_nothing_waits_for_a_rotated_file_that_was_closed_for_others_and_has_been_quiet(desk: Desk) -> None:
    desk.files.limit = 1
    write(desk.log, b"one\n")
    os.utime(desk.log, (1_000, 1_000))
    desk.look(0)
    desk.log.rename(desk.log.with_name("app.log.1"))
    write(desk.log, b"new\n")
    assert texts(desk.look(1)) == [b"new\n"]


def test_a_deleted_file_that_was_closed_for_others_ends_without_a_gap(desk: Desk) -> None:
    desk.files.limit = 1
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.unlink()
    write(desk.log, b"new\n")
    changes = desk.look(1) + desk.look(2) + desk.look(3)
    assert texts(changes) == [b"new\n"]
    assert [(change.reason, change.end) for change in changes if isinstance(change, Sealed)] == [(GapReason.DELETED, 4)]
    assert Hole not in kinds(changes)


def test_a_deleted_file_with_a_line_that_has_no_end_is_not_closed_for_others(desk: Desk) -> None:
    desk.files.limit = 1
    write(desk.log, b"one\nhalf")
    desk.look(0)
    desk.log.unlink()
    write(desk.log, b"new\n")
    assert texts(desk.look(1)) == [b"new\n"]
    assert texts(desk.look(11)) == [b"half"]


def test_many_lives_that_came_unseen_are_read_in_order_with_few_descriptors(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: A3."""
    write(desk.log, b"0\n")
    desk.look(0)
    before, most = open_files(), 0
    desk.files.limit = 8

    def opened(path: str, flags: int) -> int:
        nonlocal most
        fd = os.open(path, flags)
        most = max(most, open_files() - before)
        return fd

    monkeypatch.setattr(desk.files, "_opener", opened)
    for number in range(1, 31):
        desk.log.rename(desk.log.with_name(f"app.log.{99 - number}"))
        write(desk.log, b"%d\n" % number)
    changes: list[Change] = []
    while b"30\n" not in texts(changes):
        changes += desk.look(1)
    assert texts(changes) == [b"%d\n" % number for number in range(1, 31)]
    assert most <= 8 + 2  # with the file that has the path, and the next one that is looked at


def test_a_life_that_came_unseen_waits_for_a_descriptor_and_so_do_newer_ones(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: F8."""
    doors = Doors()
    monkeypatch.setattr(desk.files, "_opener", doors.open)
    write(desk.log, b"one\n")
    desk.look(0)
    for number in (2, 1):
        desk.log.rename(desk.log.with_name(f"app.log.{number}"))
        write(desk.log, b"after %d\n" % number)
    doors.closed["app.log.1"] = errno.EMFILE
    assert texts(desk.look(1)) == []
    assert texts(desk.look(2)) == []
    doors.closed.clear()
    assert texts(desk.look(3)) == [b"after 2\n", b"after 1\n"]


@pytest.mark.parametrize("code", [errno.EACCES, errno.EMFILE])
@pytest.mark.parametrize("is_link", [True, False])
def test_what_came_unseen_is_found_though_the_file_of_the_path_could_not_be_opened_at_first(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, code: int, *, is_link: bool
) -> None:
    """Conformance: D10, F8."""
    doors = Doors()
    monkeypatch.setattr(desk.files, "_opener", doors.open)

    def rotate(number: int) -> None:
        target = desk.log.with_name(f"app-2026-11-{10 + number}.log") if is_link else desk.log
        if number == 2 and not is_link:
            desk.log.rename(desk.log.with_name("app.log.1"))
        else:
            desk.log.unlink(missing_ok=True)
        write(target, b"%d\n" % number)
        os.utime(target, (1_000 * number + 1, 1_000 * number + 1))
        if is_link:
            desk.log.symlink_to(target)

    rotate(0)
    changes = desk.look(0)
    rotate(1)
    rotate(2)
    doors.closed["app.log"] = code
    changes += desk.look(1) + desk.look(2)
    doors.closed.clear()
    changes += desk.look(3) + desk.look(4)
    assert texts(changes) == [b"0\n", b"1\n", b"2\n"]


def test_a_file_that_has_lost_its_name_while_it_waited_is_not_closed_for_want_of_a_descriptor(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: F8."""
    older = desk.log.with_name("app.log.1")
    write(desk.log, b"0\n")
    changes = desk.look(0)
    desk.log.rename(older)
    write(desk.log, b"1\n")
    changes += desk.look(1)
    desk.restart(2)
    older.unlink()
    write(desk.log, b"2\n")
    changes += desk.look(3)  # it waits until nobody can doubt that the older one is gone
    desk.log.unlink()
    write(desk.log, b"3\n")

    def refused(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", refused)
        changes += desk.look(3.1)
    for second in range(5, 9):
        changes += desk.look(second)
    assert texts(changes) == [b"0\n", b"1\n", b"2\n", b"3\n"]


def compressed_while_down(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    write(desk.log, b"two\n")
    desk.log.with_name("app.log.1.gz").write_bytes(gzip.compress(desk.log.read_bytes()))
    desk.log.unlink()
    write(desk.log, b"three\n")
    desk.restart(1)


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_what_was_compressed_while_down_waits_for_a_descriptor_and_so_does_what_is_newer(desk: Desk, left: int) -> None:
    """Conformance: A15, F8."""
    compressed_while_down(desk)
    with descriptors_left(left):
        changes = desk.look(100) + desk.look(100.1)
    for second in range(101, 110):
        changes += desk.look(second)
        if desk.census.unpacking._worker is not None:
            desk.census.unpacking._worker.submit(bool).result()
    assert texts(changes) == [b"two\n", b"three\n"]


def test_many_copies_of_a_file_that_was_empty_are_read_in_order_with_few_descriptors(desk: Desk) -> None:
    """Conformance: B7."""
    write(desk.log, b"")
    desk.look(0)
    desk.files.limit = 8
    for number in range(30):
        write(desk.log, b"%d\n" % number)
        desk.log.with_name(f"app.log.{99 - number}").write_bytes(desk.log.read_bytes())
        os.truncate(desk.log, 0)
    write(desk.log, b"live\n")
    changes = desk.look(1)
    assert b"live\n" not in texts(changes)
    changes += changes_until(desk, b"live\n")
    assert texts(changes) == [*(b"%d\n" % number for number in range(30)), b"live\n"]


def test_a_copy_for_which_there_is_no_descriptor_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conformance: F8."""
    doors = Doors()
    monkeypatch.setattr(desk.files, "_opener", doors.open)
    write(desk.log, b"one\n")
    desk.look(0)
    write(desk.log, b"two\n")
    write(desk.log.with_name("app.log.1"), desk.log.read_bytes())
    os.truncate(desk.log, 0)
    write(desk.log, b"new\n")
    doors.closed["app.log.1"] = errno.EMFILE
    assert not [change for change in desk.look(1) if not isinstance(change, Notice)]
    doors.closed.clear()
    assert texts(desk.look(2) + desk.look(2)) == [b"two\n", b"new\n"]


def test_a_log_that_begins_anew_with_the_same_lines_between_two_looks_seems_cut_off_as_the_limits_say(
    desk: Desk,
) -> None:
    """`docs/guarantees.md`, "What nobody can know"."""
    header = b"".join(b"starting module %d\n" % number for number in range(30))
    write(desk.log, header + b"old 1\n")
    desk.look(0)
    write(desk.log, b"old 2\n")
    desk.log.with_name("app.log.1").write_bytes(desk.log.read_bytes())
    os.truncate(desk.log, 0)
    write(desk.log, header + b"new\n")
    assert texts(desk.look(1) + desk.look(2)) == [b"new\n"]


@pytest.mark.parametrize("place", [os, Path], ids=["listdir", "open"])
def test_an_archive_for_which_there_is_no_descriptor_is_waited_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, place: object
) -> None:
    """Conformance: F8."""
    write(desk.log, b"one\n")
    desk.look(0)
    write(desk.log, b"two\n")
    desk.log.with_name("app.log.1.gz").write_bytes(gzip.compress(desk.log.read_bytes()))
    desk.log.unlink()
    desk.restart(1)

    def refused(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(unpacking, "_AGAIN_SECONDS", 0.0)
    changes = desk.look(1)
    desk.log.with_name("other.log").touch()  # no listing is remembered that is older
    with monkeypatch.context() as patch:
        patch.setattr(place, "listdir" if place is os else "open", refused)
        for second in range(2, 9):
            changes += desk.look(second)
            if desk.census.unpacking._worker is not None:
                desk.census.unpacking._worker.submit(bool).result()
    assert not texts(changes)
    assert Hole not in kinds(changes)
    while b"two\n" not in texts(changes):
        changes += desk.look(10)
    assert texts(changes) == [b"two\n"]


def test_a_file_that_was_written_anew_is_looked_at_again_where_nobody_could_look_for_its_copy(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: F8."""
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.with_name("app.log.1").write_bytes(desk.log.read_bytes())
    os.truncate(desk.log, 0)
    write(desk.log, b"two\n")
    desk.restart(1)

    def refused(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(Copies, "find", refused)
        changes = [change for second in (1, 2, 3) for change in desk.look(second)]
    assert not texts(changes)
    assert texts([*desk.look(4), *desk.look(5)]) == [b"two\n"]


def test_an_archive_of_an_empty_log_is_read_though_the_end_of_an_older_life_is_still_looked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: B7."""
    archive = desk.log.with_name("app.log.1.gz")
    write(desk.log, b"one\n")
    desk.look(0)
    write(desk.log, b"two\n")
    archive.write_bytes(gzip.compress(desk.log.read_bytes()))
    os.truncate(desk.log, 0)
    with monkeypatch.context() as patch:
        patch.setattr(desk.census.unpacking, "ask", lambda *_: Answer.LATER)
        changes = [change for second in (1, 2, 3) for change in desk.look(second)]
        archive.rename(desk.log.with_name("app.log.2.gz"))
        write(desk.log, b"three\n")
        archive.write_bytes(gzip.compress(desk.log.read_bytes()))
        os.truncate(desk.log, 0)
        changes += desk.look(4)
    for second in range(5, 60):
        changes += desk.look(second)
        if desk.census.unpacking._worker is not None:
            desk.census.unpacking._worker.submit(bool).result()
    assert texts(changes) == [b"two\n", b"three\n"]
    assert Hole not in kinds(changes)


def rotate_by_copying(desk: Desk, *names: str) -> None:
    """Move each of `names` on to the one before it, copy the log to the last of them, and cut it to nothing."""
    for older, name in pairwise(names):
        desk.log.with_name(name).rename(desk.log.with_name(older))
    desk.log.with_name(names[-1]).write_bytes(desk.log.read_bytes())
    os.truncate(desk.log, 0)


def test_a_life_goes_on_in_its_copy_though_its_file_had_another_one_that_ends_alike_when_it_was_opened(
    desk: Desk,
) -> None:
    """After a restart 64 bytes tell whose file it is. Conformance: B7."""
    old, end = desk.log.with_name("app.log.9"), b"=" * 80 + b"\n"
    write(desk.log, b"old\n")
    desk.look(0)
    desk.log.rename(old)
    write(desk.log, b"one" + end)
    desk.look(1)
    desk.restart(1)
    desk.lineage.readers[0].is_displaced = True
    old.unlink()  # nobody knows at once that it is gone: what is newer is opened, and waits
    write(desk.log, b"two\n")
    rotate_by_copying(desk, "app.log.1")
    write(desk.log, b"six" + end)
    changes = desk.look(100)
    rotate_by_copying(desk, "app.log.2", "app.log.1")
    write(desk.log, b"new\n")
    for second in range(101, 110):
        changes += desk.look(second)
        if desk.census.unpacking._worker is not None:
            desk.census.unpacking._worker.submit(bool).result()
    assert texts(changes) == [b"two\n", b"six" + end, b"new\n"]
    assert [change.start for change in changes if isinstance(change, Hole)] == [len(b"old\n")]


@pytest.fixture
def listings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The directories that have been listed."""
    listed: list[object] = []

    def noting(list_it: Callable[..., object]) -> Callable[[object], object]:
        def list_and_note(directory: object) -> object:
            listed.append(directory)
            return list_it(directory)

        return list_and_note

    monkeypatch.setattr(os, "listdir", noting(os.listdir))
    monkeypatch.setattr(os, "scandir", noting(os.scandir))
    return listed


def crowd(directory: Path, files: OpenFiles) -> tuple[Follower, list[Lineage]]:
    """Some files in one directory, each of which has been read."""
    census = Census(Pace(), files, Unpacking(directory))
    logs = [directory / f"{letter}.log" for letter in "abcdefghij"]
    spec = SourceSpec("app", tuple(map(str, logs)))
    follower, lineages = Follower(census), [Lineage(spec, str(log), census.namesakes) for log in logs]
    for log, lineage in zip(logs, lineages, strict=True):
        write(log, b"before %s\n" % log.name.encode())
        follower.poll(lineage, Turn(0, 1_000_000, 4 << 20), 1 << 20)
    return follower, lineages


def read_all(follower: Follower, lineages: list[Lineage]) -> list[bytes]:
    turn = Turn(1, 1_000_001, 4 << 20)
    for lineage in lineages:
        while follower.poll(lineage, turn, 1 << 20):
            pass
    return texts(turn.changes)


@pytest.mark.parametrize("is_copied", [True, False])
def test_a_directory_is_listed_once_for_all_its_files_that_were_truncated(
    tmp_path: Path, listings: list[object], *, is_copied: bool
) -> None:
    """With 10,000 files each look took all names anew, where there was no copy also if nothing had changed since."""
    files = OpenFiles(100)
    follower, lineages = crowd(tmp_path, files)
    for lineage in lineages:
        if is_copied:
            write(lineage.path, b"last\n")
            shutil.copyfile(lineage.path, f"{lineage.path}.1")
        os.truncate(lineage.path, 0)
        write(lineage.path, b"after\n")
    os.utime(tmp_path, (0, 0))  # as if that were long ago
    listings.clear()
    assert read_all(follower, lineages) == ([b"last\n"] * is_copied + [b"after\n"]) * len(lineages)
    files.close()
    assert len(listings) == 1


@pytest.mark.parametrize("is_old", [False, True])
def test_files_that_are_closed_and_renamed_are_found_where_names_say_without_a_search_for_their_numbers(
    tmp_path: Path, listings: list[object], *, is_old: bool
) -> None:
    """With 10,000 files of which most are closed each took two looks through all of them."""
    files = OpenFiles(1)
    follower, lineages = crowd(tmp_path, files)
    for lineage in lineages:
        write(lineage.path, b"last\n")
        os.rename(lineage.path, f"{lineage.path}.1")  # noqa: PTH104
        write(lineage.path, b"after\n")
    if is_old:
        os.utime(tmp_path, (0, 0))
    else:
        os.utime(tmp_path, (time.time() + 60,) * 2)  # as if it went on changing: on a busy machine that is long ago
    listings.clear()
    assert read_all(follower, lineages) == [b"last\n", b"after\n"] * len(lineages)
    files.close()
    assert len(listings) == (1 if is_old else 2 * len(lineages))
