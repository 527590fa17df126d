"""A life that goes on in another file: replaced by more of the same, moved to another file system, mounted anew."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import time
from dataclasses import replace as replaced
from typing import TYPE_CHECKING, Any

import pytest

from logstream.records import GapReason
from logstream.tail import supervisor as tail_supervisor
from logstream.tail.batch import Birth, Hole, Moved, Range
from logstream.tail.discovery import search
from logstream.tail.lineage import Lineage
from logstream.tail.turn import Turn
from tests.tail_kit import (
    BRISK,
    PATIENCE_SECONDS,
    RecordingSink,
    eventually,
    first_run,
    looked_everywhere,
    rewrite,
    second_run,
    source,
    tailing,
    write,
)
from tests.unit.tail.test_follower import Desk

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from logstream.tail.batch import Change
    from logstream.tail.discovery import Found
    from logstream.tail.supervisor import Supervisor
    from logstream.tail.turn import Pace

MUCH = b"".join(b"line %d of many\n" % number for number in range(100))


def replace(log: Path, content: bytes) -> None:
    """As editors and `sed -i` do."""
    new = log.with_suffix(".new")
    new.write_bytes(content)
    new.rename(log)


def waiting_for_arrivals(seconds: float) -> Pace:
    """However slow the machine is: what is copied here from another file system is waited for so long."""
    return replaced(BRISK, absence_seconds=seconds, unsettled_seconds=seconds, rotate_wait_seconds=seconds)


@pytest.mark.parametrize("old", [b"one\n", b"one\ntwo\nthr", MUCH], ids=["a line", "a part of a line", "much"])
async def test_a_file_replaced_by_one_that_holds_it_and_more_goes_on(tmp_path: Path, old: bytes) -> None:
    """Conformance: A10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, old)
    whole = old + b"ee\nfour\n"
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(old.count(b"\n"))
        replace(log, whole)
        await sink.first(whole.count(b"\n"))
        write(log, b"five\n")
        assert await sink.first(whole.count(b"\n") + 1) == [*whole.splitlines(), b"five"]
    assert len(sink.births) == 1
    assert not sink.of_kind(Hole)


async def test_a_file_replaced_while_down_goes_on_where_its_bytes_tell_enough(tmp_path: Path) -> None:
    """Conformance: A10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, MUCH)
    await first_run(sink, source(log), 100)
    much = MUCH + b"much more " * 100 + b"\n"
    replace(log, much)
    assert await second_run(sink, source(log), 101) == much.splitlines()
    replace(log, much + b"last\n")
    assert (await second_run(sink, source(log), 102))[101:] == [b"last"]
    assert len(sink.births) == 1


async def test_a_file_replaced_by_more_that_got_the_number_of_another_log_s_deleted_file_goes_on_after_a_restart(
    tmp_path: Path,
) -> None:
    """Both were born before: who has the number now the file tells, not their order. Torture, seed 4232886209.

    Conformance: A10.
    """
    sink, log, other = RecordingSink(), tmp_path / "app.log", tmp_path / "other.log"
    spec = source(tmp_path / "*.log*")
    write(log, MUCH)
    await first_run(sink, spec, 100)
    write(other, b"one\n")
    await second_run(sink, spec, 101)
    replace(log, MUCH + b"two\n")
    await second_run(sink, spec, 102)
    other.unlink()
    known = {generation.file: generation for generation in sink.known()}
    now = known[str(log)]
    assert now.igen is not None
    given = known[str(other)]._replace(dev=now.dev, ino=now.ino, igen=now.igen - 1)
    write(log, b"three\n")
    async with tailing(sink, spec, known=[now, given], first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"three"] and sink.of_kind(Hole))
    assert sink.texts == [*MUCH.splitlines(), b"one", b"two", b"three"]
    assert [hole.key for hole in sink.of_kind(Hole)] == [given.key]
    assert len(sink.births) == 2


async def test_a_file_replaced_by_more_while_it_waits_for_an_older_one_that_is_nowhere_goes_on(tmp_path: Path) -> None:
    """What is nowhere is missed for a second before newer lines are read. Torture, seed 8444. Conformance: A10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        replace(log, b"two\n")
        await sink.first(2)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await supervisor.first_scan_done.wait()
        write(log, MUCH)
        replace(log, b"two\n" + MUCH + b"last\n")
        assert await sink.first(103) == [b"one", b"two", *MUCH.splitlines(), b"last"]
    first, _ = sink.births
    assert [hole.key for hole in sink.of_kind(Hole)] == [first]


async def test_a_file_replaced_by_more_beside_an_archive_that_was_read_goes_on(tmp_path: Path) -> None:
    """Conformance: A10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    await first_run(sink, source(log), 1)
    log.unlink()
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    (tmp_path / "app.log.0.gz").write_bytes(gzip.compress(b"three\n"))
    write(log, MUCH)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()):
        await sink.first(103)
        replace(log, MUCH + b"more\n")
        await sink.first(104)
        write(log, b"last\n")
        assert (await sink.first(105))[-2:] == [b"more", b"last"]
    assert sink.texts == [b"one", b"two", b"three", *MUCH.splitlines(), b"more", b"last"]


async def test_a_file_that_was_written_anew_and_replaced_before_a_look_is_told_once(tmp_path: Path) -> None:
    """Conformance: A10, B2."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"old one\nold two\n")
    async with tailing(sink, source(log)):
        await sink.first(2)
        rewrite(log, b"new one\nnew two\n")
        replace(log, b"new one\nnew two\nnew three\n")
        await sink.first(5)
        write(log, b"last\n")
        await sink.first(6)
    assert sink.texts == [b"old one", b"old two", b"new one", b"new two", b"new three", b"last"]


@pytest.mark.parametrize("is_rewritten", [False, True])
async def test_a_file_that_was_replaced_and_rotated_before_a_look_is_told_once(
    tmp_path: Path, *, is_rewritten: bool
) -> None:
    """Conformance: A3, A10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"old one\nold two\n")
    async with tailing(sink, source(tmp_path / "*.log*")):
        await sink.first(2)
        begin = b"new one\nnew two\n" if is_rewritten else b"old one\nold two\n"
        if is_rewritten:
            rewrite(log, begin)
        replace(log, begin + b"three\n")
        log.rename(tmp_path / "app.log.1")
        write(log, b"four\n")
        await sink.until(lambda: sink.texts[-1:] == [b"four"])
        write(log, b"last\n")
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    news = [b"new one", b"new two"] if is_rewritten else []
    assert sink.texts == [b"old one", b"old two", *news, b"three", b"four", b"last"]
    assert not sink.of_kind(Hole)


async def test_a_file_made_anew_with_the_same_first_lines_is_told_from_its_start(tmp_path: Path) -> None:
    """It is what a program writes at each start. Conformance: A11."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"ready\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        new = tmp_path / "new"
        write(new, b"ready\nworking\n")
        os.utime(new, (time.time() + 1,) * 2)  # written after the old file was deleted, by more than the clock's tick
        log.unlink()
        new.rename(log)
        assert await sink.first(3) == [b"ready", b"ready", b"working"]
    log.unlink()
    write(tmp_path / "other", b"takes the number of the inode")
    write(log, b"ready\nworking\nhard\n")
    assert (await second_run(sink, source(log), 6))[3:] == [b"ready", b"working", b"hard"]
    assert len(sink.births) == 3


async def test_a_file_replaced_by_its_own_beginning_is_another_one(tmp_path: Path) -> None:
    """Conformance: A11."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, MUCH)
    async with tailing(sink, source(log)):
        await sink.first(100)
        replace(log, MUCH[:-1])
        await sink.first(199)
    assert len(sink.births) == 2


@pytest.mark.parametrize("content", [b"one\ntwo\n", MUCH], ids=["little", "much"])
async def test_a_file_with_another_device_number_goes_on(tmp_path: Path, content: bytes) -> None:
    """Conformance: D12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    count = content.count(b"\n")
    write(log, content)
    spec = source(tmp_path / "*.log")
    await first_run(sink, spec, count)
    write(log, b"while down\n")
    known = [known._replace(dev=known.dev + 1) for known in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()) as supervisor:
        await sink.first(count + 1)
        await looked_everywhere(supervisor)
        write(log, b"later\n")
        await sink.first(count + 2)
    assert sink.texts == [*content.splitlines(), b"while down", b"later"]
    facts = log.stat()
    (moved,) = sink.of_kind(Moved)
    assert moved.inode[:2] == (facts.st_dev, facts.st_ino)
    assert len(sink.births) == 1


async def test_rotated_files_with_another_device_number_go_on_in_their_order(tmp_path: Path) -> None:
    """Conformance: D12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, MUCH)
    spec = source(log)
    await first_run(sink, spec, 100)
    write(log, b"unread\n")
    log.rename(tmp_path / "app.log.1")
    write(log, b"new\n")
    known = [known._replace(dev=known.dev + 1) for known in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        assert (await sink.first(102))[100:] == [b"unread", b"new"]
    assert len(sink.births) == 2
    assert not sink.of_kind(Hole)


async def test_a_directory_that_is_on_another_file_system_now_goes_on(tmp_path: Path, elsewhere: Path) -> None:
    """Its files have other numbers, all of them. Conformance: D12, D13."""
    sink, logs = RecordingSink(), tmp_path / "logs"
    (tmp_path / "before").mkdir()
    logs.symlink_to("before")
    for name in ("a", "b"):
        write(logs / f"{name}.log", b"%s one\n" % name.encode())
    spec = source(logs / "*.log")
    await first_run(sink, spec, 2)
    for name in ("a", "b"):
        shutil.copy2(logs / f"{name}.log", elsewhere / f"{name}.log")
    logs.unlink()
    logs.symlink_to(elsewhere)
    write(logs / "a.log", b"a two\n")
    write(logs / "b.log", b"b two\n")
    assert sorted((await second_run(sink, spec, 4))[2:]) == [b"a two", b"b two"]
    assert len(sink.births) == 2
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("is_down", [False, True])
async def test_a_file_moved_to_another_file_system_is_the_same(
    tmp_path: Path, elsewhere: Path, *, is_down: bool
) -> None:
    """As `mv` does it there: it copies, and deletes. Conformance: D14."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(tmp_path / "*.log", elsewhere / "*.log")
    write(log, MUCH)
    there = elsewhere / "app.log"

    def move() -> None:
        shutil.copy2(log, elsewhere / "app.part")
        log.unlink()
        (elsewhere / "app.part").rename(there)

    if is_down:
        await first_run(sink, spec, 100)
        move()
        write(there, b"more\n")
        await second_run(sink, spec, 101)
    else:
        async with tailing(sink, spec):
            await sink.first(100)
            move()
            write(there, b"more\n")
            await sink.first(101)
    write(there, b"last\n")
    assert await second_run(sink, spec, 102) == [*MUCH.splitlines(), b"more", b"last"]
    assert len(sink.of_kind(Birth)) == 1
    assert not sink.of_kind(Hole)


def looks_at(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> list[Lineage]:
    """Grows by one with each look at a lineage."""
    looks: list[Lineage] = []
    poll = supervisor._follower.poll

    def counted(lineage: Lineage, turn: Turn, most_bytes: int) -> bool:
        looks.append(lineage)
        return poll(lineage, turn, most_bytes)

    monkeypatch.setattr(supervisor._follower, "poll", counted)
    return looks


async def test_a_file_moved_to_another_file_system_is_the_same_though_nobody_searches_for_a_while(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as that a deleted file would not be waited for any more. Conformance: D14."""
    sink, log, there = RecordingSink(), tmp_path / "app.log", elsewhere / "app.log"
    spec = source(tmp_path / "*.log", elsewhere / "*.log")
    pace = replaced(BRISK, deleted_wait_seconds=0.0, blind_survey_seconds=3600.0)
    write(log, MUCH)
    async with tailing(sink, spec, pace=pace, uses_events=False) as supervisor:
        await supervisor.first_scan_done.wait()
        await sink.first(100)
        shutil.copy2(log, there)
        log.unlink()
        looks = looks_at(supervisor, monkeypatch)
        await eventually(lambda: len(looks) > 5)
        supervisor._look_everywhere()
        write(there, b"more\n")
        await sink.until(lambda: sink.texts[-1:] == [b"more"])
        write(there, b"last\n")
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    assert sink.texts == [*MUCH.splitlines(), b"more", b"last"]
    assert len(sink.births) == 1
    assert not sink.of_kind(Hole)


async def test_a_file_moved_to_another_file_system_while_down_is_the_same_though_the_first_search_takes_long(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than a file has to be missing that is taken to be deleted. Conformance: D14."""
    sink, log, there = RecordingSink(), tmp_path / "app.log", elsewhere / "app.log"
    spec = source(tmp_path / "*.log", elsewhere / "*.log")
    write(log, MUCH)
    await first_run(sink, spec, 100)
    shutil.copy2(log, there)
    log.unlink()
    write(there, b"more\n")
    is_held = True

    def search_late(*globs: Any) -> Generator[None, None, Found]:  # noqa: ANN401 - as search has them
        while is_held:
            yield
        return (yield from search(*globs))

    monkeypatch.setattr(tail_supervisor, "search", search_late)
    pace = replaced(BRISK, absence_seconds=0.0)
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=pace) as supervisor:
        looks = looks_at(supervisor, monkeypatch)
        await eventually(lambda: len(looks) > 5)
        is_held = False
        await sink.until(lambda: sink.texts[-1:] == [b"more"])
    assert sink.texts == [*MUCH.splitlines(), b"more"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("is_down", [False, True])
async def test_a_file_that_is_found_while_it_is_moved_to_another_file_system_is_the_same(
    tmp_path: Path, elsewhere: Path, *, is_down: bool
) -> None:
    """Until all is copied both are there, and for a moment after that. Conformance: D14."""
    sink, log, there = RecordingSink(), tmp_path / "app.log", elsewhere / "app.log"
    spec = source(tmp_path / "*.log", elsewhere / "*.log")
    write(log, MUCH)
    if is_down:
        await first_run(sink, spec, 100)
        write(there, b"")
    pace = waiting_for_arrivals(PATIENCE_SECONDS)
    async with tailing(sink, spec, known=sink.known(), pace=pace) as supervisor:
        await sink.first(100)
        for part in (MUCH[:0], MUCH[:700], MUCH[700:]):
            write(there, part)
            await looked_everywhere(supervisor)
        log.unlink()
        write(there, b"more\n")
        await sink.until(lambda: sink.texts[-1:] == [b"more"])
        write(there, b"last\n")
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    assert sink.texts == [*MUCH.splitlines(), b"more", b"last"]
    assert len(sink.births) == 1
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("is_seen_to_go", [False, True])
def test_another_attempt_to_move_a_file_to_another_file_system_is_waited_for_as_the_first_was(
    tmp_path: Path, elsewhere: Path, *, is_seen_to_go: bool
) -> None:
    """As where mv(1) found no room, deleted what it had copied, and is run again. Conformance: D14."""
    desk, there = Desk(elsewhere), tmp_path / "app.log"
    write(desk.log, MUCH)
    desk.look(0)
    lineage = Lineage(desk.spec, str(there), desk.census.namesakes)

    def look_there(now: float) -> list[Change]:
        turn = Turn(now, 1_000_000 + now, 4 << 20)
        desk.follower.poll(lineage, turn, 1 << 20)
        return turn.changes

    write(there, MUCH[:700])
    changes = look_there(10)
    there.unlink()
    if is_seen_to_go:
        changes += look_there(11)
    write(there, MUCH[:300])
    changes += look_there(100)
    write(there, MUCH[300:])
    changes += look_there(101)
    desk.log.unlink()
    write(there, b"more\n")
    changes += look_there(101.5) + desk.look(102)
    desk.files.close()
    assert [type(change) for change in changes if isinstance(change, Birth | Moved | Range)] == [Moved, Range]
    assert [change.content for change in changes if isinstance(change, Range)] == [b"more\n"]


async def test_what_mv_moves_to_another_file_system_is_the_same(tmp_path: Path, elsewhere: Path) -> None:
    """The real one, and enough that it is found in the middle. Conformance: D14."""
    sink, log, there = RecordingSink(), tmp_path / "app.log", elsewhere / "app.log"
    spec = source(tmp_path / "*.log", elsewhere / "*.log")
    lines = [b"%d %s" % (number, b"x" * 1000) for number in range(24_000)]
    write(log, b"".join(line + b"\n" for line in lines))
    async with tailing(sink, spec, pace=waiting_for_arrivals(PATIENCE_SECONDS)):
        await sink.first(len(lines))
        mv = await asyncio.create_subprocess_exec("mv", log, there)
        assert await mv.wait() == 0
        write(there, b"more\n")
        await sink.until(lambda: sink.texts[-1:] == [b"more"])
    assert sink.texts == [*lines, b"more"]
    assert len(sink.births) == 1


async def test_a_file_of_the_same_name_in_another_file_system_waits_for_nothing_once_it_has_other_bytes(
    tmp_path: Path, elsewhere: Path
) -> None:
    """Conformance: D4."""
    sink, log, there = RecordingSink(), tmp_path / "app.log", elsewhere / "app.log"
    spec = source(tmp_path / "*.log", elsewhere / "*.log")
    pace = waiting_for_arrivals(3600.0)
    write(log, MUCH)
    async with tailing(sink, spec, pace=pace) as supervisor:
        await sink.first(100)
        write(there, MUCH[:700])
        await looked_everywhere(supervisor)
        assert len(sink.births) == 1
        write(there, b"\nother\n")
        await sink.until(lambda: sink.texts[-1:] == [b"other"])
    assert len(sink.births) == 2


async def test_a_copy_beside_a_file_that_is_still_there_is_a_file_of_its_own(tmp_path: Path, elsewhere: Path) -> None:
    """Conformance: D4."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(tmp_path / "*.log", elsewhere / "*.log")
    write(log, MUCH)
    async with tailing(sink, spec):
        await sink.first(100)
        shutil.copy2(log, elsewhere / "app.log")
        await sink.first(200)
        os.utime(log)
        write(log, b"here\n")
        await sink.first(201)
    assert len(sink.births) == 2


async def test_a_log_that_repeats_itself_and_is_replaced_by_more_while_down_comes_twice_and_misses_nothing(
    tmp_path: Path,
) -> None:
    """It may as well be a new file that begins alike. Torture, seed 33333."""
    sink, log, lines = RecordingSink(), tmp_path / "app.log", [b"%d%s" % (number, b"-" * 2000) for number in range(50)]
    content = b"".join(line + b"\n" for line in lines)
    write(log, content)
    await first_run(sink, source(log), 50)
    write(tmp_path / "made", content + b"more\n")
    (tmp_path / "made").rename(log)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"more"])
    assert sink.texts == [*lines, *lines, b"more"]
    (hole,) = sink.of_kind(Hole)
    assert (hole.start, hole.end, hole.reason) == (len(content), None, GapReason.DELETED)


async def test_a_log_of_lines_that_are_all_the_same_is_another_one_after_a_rotation(tmp_path: Path) -> None:
    """Each file begins like the one before it. Conformance: A8, C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"still alive\n" * 100)
    await first_run(sink, source(log), 100)
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    write(tmp_path / "other", b"takes the number of the inode")
    write(log, b"still alive\n" * 150)
    await second_run(sink, source(log), 250)
    assert len(sink.births) == 2


async def test_a_file_replaced_by_more_beside_an_archive_of_what_was_read_goes_on(tmp_path: Path) -> None:
    """Conformance: A10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"older\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        write(log, MUCH)
        await sink.first(101)
        await sink.until(lambda: sink.sealed)
        (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(b"older\n"))
        (tmp_path / "app.log.1").unlink()
        replace(log, MUCH + b"more\n")
        await sink.first(102)
    replace(log, MUCH + b"more\nand more\n")
    await second_run(sink, source(log), 103)
    write(log, b"last\n")
    assert await second_run(sink, source(log), 104) == [b"older", *MUCH.splitlines(), b"more", b"and more", b"last"]
