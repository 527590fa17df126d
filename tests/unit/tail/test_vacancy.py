"""Files whose directory is not there: what is believed of them, and when, with a clock of its own."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail.batch import Birth, Hole, Moved, Notice, Range, Sealed
from logstream.tail.identity import NO_INODE
from logstream.tail.opening import Refused
from logstream.tail.status import survey
from logstream.tail.still import is_still
from logstream.tail.turn import Pace, Turn
from logstream.tail.vacancy import EMPTY, NOT_THERE, Standing, directory_of, look_at, note_sighting, why_unknown
from tests.tail_kit import as_nobody, write
from tests.unit.tail.test_follower import Desk, kinds, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstream.tail.batch import Change

PATIENCE = Pace().vacancy_seconds


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    logs = tmp_path / "logs"
    logs.mkdir()
    desk = Desk(logs)
    yield desk
    desk.files.close()


def away(desk: Desk) -> Path:
    """Put the directory out of sight."""
    return desk.log.parent.rename(desk.log.parent.with_name("away"))


def states(changes: list[Change]) -> list[tuple[str | None, str | None]]:
    return [(one.detail.get("state"), one.detail.get("reason")) for one in changes if isinstance(one, Notice)]


def told(desk: Desk) -> list[tuple[str, str | None]]:
    *_, (source,) = survey(["app"], [desk.lineage], {})
    return [(file.state, file.reason) for file in source.files]


@pytest.mark.parametrize(
    ("standing", "dev", "was_vacant", "reason"),
    [
        (Standing(None), 1, False, NOT_THERE),
        (Standing(None), 1, True, NOT_THERE),
        (Standing(None), NO_INODE[0], False, NOT_THERE),
        # A mount point without its mount; one that was made a moment ago.
        (Standing(2, is_empty=True), 1, False, EMPTY),
        (Standing(1, is_empty=True), 1, True, EMPTY),
        # A directory whose last file was deleted.
        (Standing(1, is_empty=True), 1, False, None),
        (Standing(2, is_empty=True), NO_INODE[0], False, None),
        # It is back, and the file is not.
        (Standing(1), 1, True, None),
        (Standing(2), 1, True, None),
        (Standing(2), 1, False, None),
    ],
)
def test_what_became_of_a_file_is_unknown_as_long_as_its_directory_is_not_there(
    standing: Standing, dev: int, reason: str | None, *, was_vacant: bool
) -> None:
    assert why_unknown(standing, dev, was_vacant=was_vacant) == reason


def test_a_directory_is_there_empty_or_not_and_nothing_else_is_one(tmp_path: Path) -> None:
    dev = tmp_path.stat().st_dev
    (tmp_path / "logs").mkdir()
    assert look_at(f"{tmp_path}/logs") == Standing(dev, is_empty=True)
    assert look_at(str(tmp_path)) == Standing(dev)
    write(tmp_path / "file", b"")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "file/below", "loop", "dangling", "none", "none/below", "x" * 300):
        assert look_at(f"{tmp_path}/{name}") == Standing(None), name


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_directory_that_cannot_be_seen_is_not_known_to_be_gone(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    (shut / "logs").mkdir(parents=True)
    shut.chmod(0o700)
    with as_nobody(), pytest.raises(PermissionError):
        look_at(f"{shut}/logs")
    shut.chmod(0o711)
    (shut / "logs").chmod(0o711)
    for parent in shut.parents[:3]:
        parent.chmod(0o755)
    with as_nobody():
        assert look_at(f"{shut}/logs") == Standing(shut.stat().st_dev)  # nobody can tell whether it is empty


def test_behind_a_link_a_file_stands_where_that_leads(tmp_path: Path) -> None:
    (tmp_path / "app.log").symlink_to(tmp_path / "mount" / "app.log")
    assert directory_of(f"{tmp_path}/app.log") == f"{tmp_path}/mount"
    assert directory_of(f"{tmp_path}/mount/app.log") == f"{tmp_path}/mount"


def test_a_file_is_waited_for_while_its_directory_is_not_there_and_goes_on_when_both_are_back(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    hidden = away(desk)
    desk.restart(100)
    assert states(desk.look(100)) == [("unreadable", NOT_THERE)]
    for now in (100.5, 101, 110, 100 + PATIENCE - 1):
        assert desk.look(now) == []
    assert told(desk) == [("unreadable", NOT_THERE)]
    write(hidden / "app.log", b"two\n")
    hidden.rename(desk.log.parent)
    changes = desk.look(100 + PATIENCE - 0.5)
    assert states(changes) == [("readable", None)]
    assert texts(changes) == [b"two\n"]
    assert not {Birth, Hole, Sealed} & set(kinds(changes))
    assert told(desk) == [("following", None)]


def test_a_file_whose_directory_never_comes_back_is_a_gap_once_patience_is_over(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    away(desk)
    desk.restart(100)
    desk.look(100)
    assert desk.look(100 + PATIENCE - 0.1) == []
    assert desk.look(100 + PATIENCE) == []
    changes = desk.look(101 + PATIENCE)
    assert kinds(changes) == [Hole, Sealed]
    assert [(one.start, one.end, one.reason) for one in changes if isinstance(one, Hole)] == [
        (4, None, GapReason.DELETED)
    ]
    assert states(desk.look(102 + PATIENCE)) == [("vanished", None)]
    assert not desk.lineage.is_awaited


def test_a_directory_that_comes_back_without_the_file_is_the_gap(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    away(desk)
    desk.restart(100)
    desk.look(100)
    desk.log.parent.mkdir()
    # It may be made before something is mounted there.
    assert states(desk.look(200)) == [("unreadable", EMPTY)]
    assert desk.look(300) == []
    write(desk.log, b"new\n")
    assert Hole not in kinds(desk.look(400))
    assert kinds(desk.look(401))[:2] == [Hole, Sealed]
    assert [reader.committed for reader in desk.lineage.readers] == [4]


def test_an_empty_mount_point_is_no_deletion_and_an_empty_directory_is_one(desk: Desk) -> None:
    for is_mount, gaps in ((True, []), (False, [GapReason.DELETED])):
        write(desk.log, b"one\n")
        desk.look(0)
        desk.restart(100)
        desk.log.unlink()
        if is_mount:
            (reader,) = desk.lineage.readers
            desk.census.strike(reader)
            reader.inode = (reader.inode[0] + 1, reader.inode[1])
            desk.census.enrol(reader)
        changes = [change for now in (100, 101, 102) for change in desk.look(now)]
        assert [one.reason for one in changes if isinstance(one, Hole)] == gaps
        assert states(changes)[:1] == ([("unreadable", EMPTY)] if is_mount else [("vanished", None)])
        desk.files.close()
        desk.begin()


def test_a_file_whose_number_another_volume_has_by_now_is_waited_for_with_its_mount(desk: Desk) -> None:
    """Device numbers are given again, too: a file of a volume that is mounted meanwhile may have both its numbers."""
    write(desk.log, b"one\n")
    desk.look(0)
    desk.restart(100)
    desk.log.unlink()
    (reader,) = desk.lineage.readers
    desk.census.strike(reader)
    reader.inode = (reader.inode[0] + 1, reader.inode[1])
    desk.census.enrol(reader)
    desk.census.disown(reader)
    changes = [change for now in (100, 101, 102) for change in desk.look(now)]
    assert Hole not in kinds(changes)
    assert states(changes) == [("unreadable", EMPTY)]


def test_what_is_newer_does_not_wait_for_a_file_whose_directory_is_not_there(desk: Desk) -> None:
    archive = desk.log.parent.with_name("archive")
    archive.mkdir()
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.rename(archive / "app.log.1")
    desk.look(1)
    hidden = archive.rename(archive.with_name("hidden"))
    desk.restart(1)
    desk.lineage.readers[0].is_displaced = True
    write(desk.log, b"two\n")
    changes = desk.look(100)
    assert texts(changes) == [b"two\n"]
    assert states(changes) == [("unreadable", NOT_THERE)]
    assert told(desk) == [("unreadable", NOT_THERE), ("following", None)]
    write(hidden / "app.log.1", b"late\n")
    hidden.rename(archive)
    changes = desk.look(101)
    assert texts(changes) == [b"late\n"]
    assert states(changes) == []


def test_a_file_that_was_closed_for_others_is_waited_for_too_when_its_directory_goes(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    desk.files.release(desk.lineage.readers[0])
    hidden = away(desk)
    changes = [change for now in (1, 2, 3, 100) for change in desk.look(now)]
    assert states(changes) == [("unreadable", NOT_THERE)]
    assert told(desk) == [("unreadable", NOT_THERE)]
    write(hidden / "app.log", b"two\n")
    hidden.rename(desk.log.parent)
    changes = desk.look(101)
    assert states(changes) == [("readable", None)]
    assert texts(changes) == [b"two\n"]


def test_a_file_whose_number_another_volume_had_meanwhile_is_gone_on_with_when_its_directory_is_back(
    desk: Desk,
) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    hidden = away(desk)
    desk.restart(100)
    (reader,) = desk.lineage.readers
    if reader.igen is None:
        pytest.skip("this file system does not count how often it gives a number")
    desk.census.disown(reader)
    assert states(desk.look(100)) == [("unreadable", NOT_THERE)]
    write(hidden / "app.log", b"two\n")
    hidden.rename(desk.log.parent)
    changes = [change for now in (101, 102, 103) for change in desk.look(now)]
    assert texts(changes) == [b"two\n"]
    assert not {Birth, Hole, Sealed} & set(kinds(changes))
    assert desk.lineage.readers == [reader]


@pytest.mark.parametrize("is_rotated", [False, True])
def test_a_closed_file_that_is_back_as_it_was_is_waited_for_anew_the_next_time(desk: Desk, *, is_rotated: bool) -> None:
    write(desk.log, b"one\n")
    os.utime(desk.log, (1, 1))  # each later write shows in its time
    desk.look(0)
    if is_rotated:
        desk.log.rename(desk.log.with_name("app.log.1"))
        write(desk.log, b"two\n")
        os.utime(desk.log, (2, 2))
        desk.look(0.5)
    old = desk.lineage.readers[0]
    before = told(desk)
    for now in (1.0, 2 * PATIENCE):
        old.grown_at = now  # it grew a moment ago
        for reader in desk.lineage.readers:
            desk.files.release(reader)
        hidden = away(desk)
        assert ("unreadable", NOT_THERE) in states([*desk.look(now), *desk.look(now + 2)])
        hidden.rename(desk.log.parent)
        desk.look(now + 3)
        assert old.vacancy is None
        assert told(desk) == before


def test_a_file_that_is_open_when_its_directory_is_removed_is_deleted(desk: Desk) -> None:
    """Conformance: A14, A16."""
    write(desk.log, b"one\n")
    desk.look(0)
    write(desk.log, b"rest")
    desk.log.unlink()
    desk.log.parent.rmdir()
    desk.look(1)
    assert Sealed not in kinds(desk.look(10.9))
    changes = desk.look(11)
    assert texts(changes) == [b"rest"]
    assert [one.reason for one in changes if isinstance(one, Sealed)] == [GapReason.DELETED]


def moved_while_down(desk: Desk) -> Path:
    """A log whose directory was renamed, and that was written to there, while nobody looked; where it is now."""
    write(desk.log, b"one\n")
    desk.look(0)
    there = away(desk) / "app.log"
    write(there, b"two\n")
    desk.restart(100)
    desk.look(100)
    return there


def test_a_directory_that_was_renamed_is_followed_to_where_its_file_is_seen(desk: Desk) -> None:
    """Conformance: A7."""
    there = moved_while_down(desk)
    note_sighting(desk.lineage.readers[0], str(there))
    desk.look(101)
    changes = desk.look(101.5)
    assert texts(changes) == [b"two\n"]
    assert not desk.lineage.is_blocked_by(desk.lineage.readers[0])
    assert desk.lineage.readers[0].path == str(there)


@pytest.mark.parametrize("content", [b"other\n", b"o"], ids=["as much", "less"])
def test_a_file_that_was_given_the_number_of_one_that_is_waited_for_is_not_taken_for_it(
    desk: Desk, content: bytes
) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    there = away(desk) / "app.log"
    there.write_bytes(content)
    desk.restart(100)
    desk.look(100)
    (reader,) = desk.lineage.readers
    note_sighting(reader, str(there))
    changes = desk.look(101)
    assert Moved not in kinds(changes)
    assert reader.inode == NO_INODE
    assert desk.lineage.readers == [reader]
    assert (there.stat().st_dev, there.stat().st_ino) not in desk.census, "its lines are told as those of another file"
    assert desk.look(102) == []


def test_where_no_descriptor_is_left_it_is_looked_for_there_once_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = moved_while_down(desk)
    note_sighting(desk.lineage.readers[0], str(there))
    opening, refused = desk.files.open, Refused("too many open files", is_exhausted=True)
    with monkeypatch.context() as patched:
        patched.setattr(desk.files, "open", lambda path: refused if path == str(there) else opening(path))
        desk.look(101)
    desk.look(102)
    assert texts(desk.look(102.5)) == [b"two\n"]


def test_an_archive_with_the_number_of_a_file_that_is_waited_for_says_nothing_of_it(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    there = away(desk) / "app.log.1.gz"
    there.with_name("app.log").rename(there)
    there.write_bytes(gzip.compress(b"one\n"))
    desk.restart(100)
    desk.look(100)
    (reader,) = desk.lineage.readers
    note_sighting(reader, str(there))
    assert desk.look(101) == []
    assert reader.inode == (there.stat().st_dev, there.stat().st_ino), "it is not told as a file of its own meanwhile"


def test_what_waits_is_not_looked_for_again_until_something_has_happened(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    away(desk)
    desk.restart(100)
    assert not is_still(desk.lineage, Turn(100, 0, 1))
    desk.look(100)
    assert is_still(desk.lineage, Turn(101, 0, 1))
    assert not is_still(desk.lineage, Turn(100 + PATIENCE, 0, 1))
    desk.log.parent.mkdir()
    assert not is_still(desk.lineage, Turn(101, 0, 1))
    desk.look(101)
    assert is_still(desk.lineage, Turn(102, 0, 1))
    note_sighting(desk.lineage.readers[0], "/elsewhere/app.log")
    assert not is_still(desk.lineage, Turn(102, 0, 1))


def test_a_file_put_in_the_place_of_the_directory_does_not_tell_what_became_of_its_files(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    hidden = away(desk)
    write(desk.log.parent, b"no directory\n")
    desk.restart(100)
    assert states(desk.look(100)) == [("unreadable", NOT_THERE)]
    assert desk.look(150) == []
    desk.log.parent.unlink()
    hidden.rename(desk.log.parent)
    assert Range not in kinds(desk.look(200))
    write(desk.log, b"two\n")
    assert texts(desk.look(201)) == [b"two\n"]
