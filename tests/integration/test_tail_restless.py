"""Files that another process renames without a pause, while their directory is listed."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from logstream.tail import packed, unpacking
from logstream.tail.batch import Hole
from logstream.tail.roster import Roster
from tests.tail_kit import BRISK, Doors, RecordingSink, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from logstream.tail.batch import SourceSpec
    from logstream.tail.discovery import Found
    from logstream.tail.lineage import Lineage
    from logstream.tail.packed import Unpacked
    from logstream.tail.turn import Turn

ROTATIONS = 250
CASCADE = """
import os, sys
path = sys.argv[1]
for number in range(int(sys.argv[2])):
    for suffix in range(number, 0, -1):
        os.rename(f"{path}.{suffix}", f"{path}.{suffix + 1}")
    os.rename(path, path + ".1")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    os.write(descriptor, b"%d one\\n%d two\\n" % (number, number))
    os.close(descriptor)
"""


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
async def test_a_cascade_of_renames_without_a_pause_loses_and_doubles_nothing(tmp_path: Path, glob: str) -> None:
    """Conformance: A3, A5."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"first\n")
    async with tailing(sink, source(tmp_path / glob)):
        await sink.first(1)
        writer = await asyncio.create_subprocess_exec(sys.executable, "-c", CASCADE, log, str(ROTATIONS))
        assert await writer.wait() == 0
        expected = [b"first", *(b"%d %s" % (n, word) for n in range(ROTATIONS) for word in (b"one", b"two"))]
        assert await sink.first(len(expected)) == expected
        write(log, b"last\n")
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    assert sink.texts == [*expected, b"last"]
    assert not sink.of_kind(Hole)


async def test_lives_that_wait_for_descriptors_are_not_overtaken_by_those_that_a_glob_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More were rotated than are opened at once, and a listing that renames overtook lacks some. Conformance: A5."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    note = Roster.note

    def note_some(roster: Roster, spec: SourceSpec, found: Found, turn: Turn) -> Generator[None, None, list[Lineage]]:
        some = tuple(one for one in found.sightings if not one.path.endswith(("1", "3", "5", "7", "9")))
        return note(roster, spec, found._replace(sightings=some), turn)

    monkeypatch.setattr(Roster, "note", note_some)
    write(log, b"first\n")
    async with tailing(sink, source(tmp_path / "app.log*")):
        await sink.first(1)
        # No await in between: for the tail all this happens at once.
        log.rename(tmp_path / "app.log.200")
        for number in range(199, 0, -1):
            write(tmp_path / f"app.log.{number}", b"%d\n" % number)
        write(log, b"last\n")
        expected = [b"first", *(b"%d" % number for number in range(199, 0, -1)), b"last"]
        assert await sink.first(len(expected)) == expected
    assert not sink.of_kind(Hole)


async def test_a_directory_that_never_comes_to_rest_is_read_all_the_same(tmp_path: Path) -> None:
    """Conformance: A3."""
    sink, log, restless = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.7"
    write(log, b"one\n")
    write(restless, b"history\n")
    os.utime(restless, (0, 0))
    async with tailing(sink, source(log), pace=replace(BRISK, unsettled_seconds=0.2)) as supervisor:
        await sink.first(1)
        looking = supervisor._follower.succession.looking
        look = looking.look

        def overtaken(lineage: Lineage, *, is_bounded: bool) -> object:
            return look(lineage, is_bounded=is_bounded)._replace(is_consistent=False)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(looking, "look", overtaken)
            log.rename(tmp_path / "app.log.1")
            write(log, b"two\n")
            assert await sink.first(2) == [b"one", b"two"]


async def test_a_copy_that_is_renamed_while_it_is_looked_for_is_found(tmp_path: Path) -> None:
    """Conformance: B7."""
    sink, doors, log = RecordingSink(), Doors(), tmp_path / "app.log"
    copy = tmp_path / "app.log.1"
    write(log, b"one\n")
    async with tailing(sink, source(log), opener=doors.open):
        await sink.first(1)
        doors.upon[copy.name] = lambda: copy.rename(tmp_path / "app.log.2")
        write(log, b"two\nthree\n")
        shutil.copy(log, copy)
        os.truncate(log, 0)
        write(log, b"four\n")
        await sink.until(lambda: sink.texts[-1:] == [b"four"])
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert not copy.exists()


async def test_an_archive_that_is_renamed_before_it_is_unpacked_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: C8."""
    sink, log, archive = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1.gz"

    def unpack(*arguments: Any, **options: Any) -> Unpacked | None:  # noqa: ANN401 - as the real one has them
        if archive.exists():
            archive.rename(tmp_path / "app.log.2.gz")
        return packed.unpack(*arguments, **options)

    monkeypatch.setattr(unpacking, "unpack", unpack)
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        write(log, b"two\nthree\n")
        archive.write_bytes(gzip.compress(log.read_bytes()))
        os.truncate(log, 0)
        write(log, b"four\n")
        await sink.until(lambda: sink.texts[-1:] == [b"four"])
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert not archive.exists()


async def test_a_copy_that_is_renamed_before_it_is_opened_stands_for_no_log_of_its_own(tmp_path: Path) -> None:
    """Else what comes to have its name later would be told as new, copies too. Conformance: A5, B7."""
    sink, doors, log = RecordingSink(), Doors(), tmp_path / "app.log"
    copy = tmp_path / "app.log.1"
    write(log, b"one\n")
    async with tailing(sink, source(tmp_path / "app.log*"), opener=doors.open) as supervisor:
        await sink.first(1)
        doors.upon[copy.name] = lambda: copy.rename(tmp_path / "app.log.2")
        shutil.copy(log, tmp_path / "app.log.part")
        (tmp_path / "app.log.part").rename(copy)
        await looked_everywhere(supervisor)
        assert not copy.exists()
        os.truncate(log, 0)
        write(log, b"two\n")
        await sink.first(2)
        shutil.copy(log, copy)
        await looked_everywhere(supervisor)
        write(log, b"three\n")
        await sink.until(lambda: sink.texts[-1:] == [b"three"])
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]
