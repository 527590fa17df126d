from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail.batch import Birth, Hole, Moved, Notice, Sealed
from tests.tail_kit import BRISK, Doors, RecordingSink, second_run, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path


BRISK_BUT_PATIENT = replace(BRISK, rotate_wait_seconds=60.0, deleted_wait_seconds=60.0)


async def test_an_old_file_is_read_to_its_end_before_the_new_one_begins(tmp_path: Path) -> None:
    """Conformance: A2, A15."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    bulk = b"".join(b"old %06d\n" % number for number in range(600_000))
    write(log, b"start\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        write(log, bulk)
        log.rename(tmp_path / "app.log.1")
        write(log, b"new\n")
        texts = await sink.first(600_002)
    assert texts == [b"start", *bulk.splitlines(), b"new"]


async def test_late_writes_to_a_rotated_file_are_delivered(tmp_path: Path) -> None:
    """Conformance: A1, A6, E2."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        with log.open("ab", buffering=0) as writer:
            log.rename(tmp_path / "app.log.1")
            write(log, b"new one\n")
            await sink.first(2)
            writer.write(b"late\n")
            await sink.first(3)
            write(log, b"new two\n")
            await sink.first(4)
            writer.write(b"unfinished")
            await sink.until(lambda: sink.of_kind(Sealed))
    old, new = sink.of_kind(Birth)
    assert sink.texts == [b"one", b"new one", b"late", b"new two", b"unfinished"]
    assert sink.paths == {old.key: str(tmp_path / "app.log.1"), new.key: str(log)}
    assert sink.sealed == {old.key: Sealed(old.key, None, 19)}
    assert sink.proofs[old.key].offset == 19
    assert old.file == new.file == str(log)
    (notice,) = sink.of_kind(Notice)
    assert (notice.kind, notice.file, notice.detail) == ("rotated", str(log), {"to": str(tmp_path / "app.log.1")})


async def test_many_rotations_at_full_speed_lose_nothing(tmp_path: Path) -> None:
    """Conformance: A3, A5."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    expected = []
    async with tailing(sink, source(log)):
        for number in range(60):
            for suffix in range(number - 1, 0, -1):
                (tmp_path / f"app.log.{suffix}").rename(tmp_path / f"app.log.{suffix + 1}")
            if number:
                log.rename(tmp_path / "app.log.1")
            for line in range(3):
                text = b"%d-%d" % (number, line)
                write(log, text + b"\n")
                expected.append(text)
            if number % 7 == 0:
                await sink.first(len(expected))
        assert await sink.first(len(expected)) == expected
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("is_down", [False, True])
async def test_what_a_writer_made_while_logrotate_rotated_is_read(tmp_path: Path, *, is_down: bool) -> None:
    """logrotate found a file where it meant to create one, and calls it a backup. Conformance: A3."""
    sink, log = RecordingSink(), tmp_path / "app.log"

    def rotate() -> None:
        # No await in between: for the tail all this happens at once.
        log.rename(tmp_path / "app.log.1")
        write(log, b"two\n")
        log.rename(tmp_path / "app.log-2026112806.backup")
        write(log, b"three\n")

    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        if not is_down:
            rotate()
            await sink.first(3)
    if is_down:
        rotate()
    assert await second_run(sink, source(log), 3) == [b"one", b"two", b"three"]


async def test_two_rotations_between_two_looks_are_both_read_in_order(tmp_path: Path) -> None:
    """Conformance: A3, A15."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"a\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        # No await in between: for the tail all this happens at once.
        write(log, b"b\n")
        log.rename(tmp_path / "app.log.1")
        write(log, b"c\n")
        (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
        log.rename(tmp_path / "app.log.1")
        write(log, b"d\n")
        assert await sink.first(4) == [b"a", b"b", b"c", b"d"]
    assert [birth.path for birth in sink.of_kind(Birth)] == [str(log), str(tmp_path / "app.log.1"), str(log)]


async def test_a_file_that_came_and_went_unseen_is_read_though_nothing_has_the_name_now(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"a\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.rename(tmp_path / "app.log.2")
        write(log, b"b\n")
        log.rename(tmp_path / "app.log.1")
        assert await sink.first(2) == [b"a", b"b"]


async def test_a_glob_that_matches_rotated_names_too_reads_nothing_twice(tmp_path: Path) -> None:
    """Conformance: A5."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(tmp_path / "app.log.2", b"oldest\n")
    write(tmp_path / "app.log.1", b"older\n")
    write(log, b"old\n")
    async with tailing(sink, source(tmp_path / "app.log*")):
        assert await sink.first(3) == [b"oldest", b"older", b"old"]
        for suffix in (2, 1):
            (tmp_path / f"app.log.{suffix}").rename(tmp_path / f"app.log.{suffix + 1}")
        log.rename(tmp_path / "app.log.1")
        write(log, b"new\n")
        assert await sink.first(4) == [b"oldest", b"older", b"old", b"new"]
        await sink.until(lambda: len(sink.sealed) == 3)
        assert [*sink.paths.values()] == [str(tmp_path / f"app.log{mark}") for mark in (".3", ".2", ".1", "")]
        write(tmp_path / "app.log.1", b"much later\n")
        assert (await sink.first(5))[4] == b"much later"
    assert len(sink.births) == 5
    assert sink.of_kind(Birth)[-1].base == 4
    assert len(sink.of_kind(Moved)) == 3


async def test_siblings_from_before_the_first_start_are_history(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(tmp_path / "app.log.1", b"history\n")
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
        log.rename(tmp_path / "app.log.1")
        write(log, b"two\n")
        assert await sink.first(2) == [b"one", b"two"]


async def test_a_file_out_of_the_glob_is_read_on_wherever_it_went(tmp_path: Path) -> None:
    """Conformance: A6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    (tmp_path / "archive").mkdir()
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        with log.open("ab", buffering=0) as writer:
            log.rename(tmp_path / "archive" / "whatever")
            writer.write(b"two\n")
            await sink.first(2)
            write(log, b"three\n")
            await sink.first(3)
            writer.write(b"four\n")
            await sink.first(4)
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert sink.of_kind(Moved)[0].path == str(tmp_path / "archive" / "whatever")


async def test_a_file_renamed_away_and_back_is_the_same_generation(tmp_path: Path) -> None:
    """Conformance: A9."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.rename(tmp_path / "away")
        await sink.until(lambda: sink.of_kind(Moved))
        (tmp_path / "away").rename(log)
        write(log, b"two\n")
        await sink.first(2)
    assert len(sink.births) == 1
    assert sink.texts == [b"one", b"two"]
    assert not sink.sealed


async def test_a_deleted_file_is_read_to_its_end_and_then_sealed(tmp_path: Path) -> None:
    """Conformance: E2, F10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        with log.open("ab", buffering=0) as writer:
            writer.write(b"two\n")
            log.unlink()
            writer.write(b"three\nrest")
            await sink.until(lambda: sink.sealed)
        await sink.until(lambda: ("vanished", None) in sink.states())
    (sealed,) = sink.of_kind(Sealed)
    assert (sealed.reason, sealed.end) == (GapReason.DELETED, 18)
    assert sink.texts == [b"one", b"two", b"three", b"rest"]
    assert not sink.of_kind(Hole)


async def test_a_file_deleted_and_created_again_at_once_is_a_new_generation(tmp_path: Path) -> None:
    """Conformance: F11."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        for number in range(10):
            await sink.first(number + 1)
            log.unlink()
            write(log, b"one\n")
        await sink.first(11)
    assert sink.texts == [b"one"] * 11
    assert len(sink.births) == 11


async def test_a_path_that_is_absent_for_a_while_is_told_when_it_goes_and_comes(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        await sink.until(lambda: ("vanished", None) in sink.states())
        write(log, b"two\n")
        await sink.first(2)
    assert sink.states() == [("rotated", None), ("vanished", None), ("appeared", None)]


async def test_a_directory_that_is_replaced_is_followed(tmp_path: Path) -> None:
    """Conformance: A14."""
    sink, directory = RecordingSink(), tmp_path / "logs"
    directory.mkdir()
    write(directory / "app.log", b"one\n")
    async with tailing(sink, source(directory / "*.log")):
        await sink.first(1)
        with (directory / "app.log").open("ab", buffering=0) as writer:
            directory.rename(tmp_path / "logs.old")
            directory.mkdir()
            writer.write(b"two\n")
            write(directory / "app.log", b"three\n")
            await sink.first(3)
            write(directory / "more.log", b"four\n")
            await sink.first(4)
    assert sink.texts == [b"one", b"two", b"three", b"four"]


async def test_a_symbolic_link_that_turns_to_another_file_drains_the_old_one_first(tmp_path: Path) -> None:
    """Conformance: D10."""
    sink, link = RecordingSink(), tmp_path / "current"
    write(tmp_path / "a", b"a1\n")
    write(tmp_path / "b", b"b1\n")
    link.symlink_to("a")
    async with tailing(sink, source(link)):
        await sink.first(1)
        write(tmp_path / "a", b"a2\n")
        (tmp_path / "new").symlink_to("b")
        (tmp_path / "new").rename(link)
        assert await sink.first(3) == [b"a1", b"a2", b"b1"]
        write(tmp_path / "b", b"b2\n")
        await sink.first(4)
    assert {birth.path for birth in sink.of_kind(Birth)} == {str(link)}


async def test_a_compressed_sibling_is_told_and_never_read_as_lines(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(tmp_path / "app.log*")):
        await sink.first(1)
        log.rename(tmp_path / "app.log.2")
        write(tmp_path / "app.log.1.gz", b"\x1f\x8b\x08\x00garbage\n")
        write(log, b"two\n")
        assert await sink.first(2) == [b"one", b"two"]
        await sink.until(lambda: ("unreadable", "compressed") in sink.states())
    assert sink.texts == [b"one", b"two"]


async def test_an_open_file_that_is_compressed_away_has_been_read_to_its_end(tmp_path: Path) -> None:
    """Conformance: C3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        write(log, b"two\n")
        log.rename(tmp_path / "app.log.1")
        os.unlink(tmp_path / "app.log.1")  # noqa: PTH108 - what gzip does last
        write(log, b"three\n")
        assert await sink.first(3) == [b"one", b"two", b"three"]


async def test_a_rotation_in_the_middle_of_looking_is_looked_at_again(tmp_path: Path) -> None:
    """Conformance: A3, A12."""
    sink, doors, log = RecordingSink(), Doors(), tmp_path / "app.log"

    def rotate(text: bytes) -> None:
        for number in range(8, 0, -1):
            if (older := tmp_path / f"app.log.{number}").exists():
                older.rename(tmp_path / f"app.log.{number + 1}")
        log.rename(tmp_path / "app.log.1")
        write(log, text)

    write(log, b"a\n")
    async with tailing(sink, source(log), opener=doors.open):
        await sink.first(1)
        # Siblings are listed, then app.log is opened: which is another file by then. The next time, a sibling is.
        doors.upon["app.log"] = lambda: rotate(b"d\n")
        doors.upon["app.log.1"] = lambda: rotate(b"e\n")
        rotate(b"b\n")
        rotate(b"c\n")
        assert await sink.first(5) == [b"a", b"b", b"c", b"d", b"e"]
    assert len(sink.births) == 5


async def test_the_states_of_files_have_words(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log), pace=BRISK_BUT_PATIENT) as supervisor:
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        write(log, b"two\n")
        await sink.first(2)
        log.unlink()
        write(log, b"three\n")
        await sink.first(3)
        files = supervisor.status()[0].files
    assert [(file.state, file.size_bytes, file.read_bytes) for file in files] == [
        ("rotated", 4, 4),
        ("deleted", 4, 4),
        ("following", 6, 6),
    ]
    assert [file.key for file in files] == list(sink.births)
