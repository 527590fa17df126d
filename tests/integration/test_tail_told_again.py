"""Copies beside a log: of what was told, of what was not read yet, plain or compressed, seen in time or not.

Each lost a line once, or told one twice.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail import follower
from logstream.tail.batch import Birth, Hole
from logstream.tail.reader import sizes_newest_first
from tests.tail_kit import (
    BRISK,
    RecordingSink,
    eventually,
    first_run,
    looked_everywhere,
    open_files_below,
    rewrite,
    source,
    tailing,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.tail.reader import Reader


async def test_rotation_with_compression_at_full_speed_doubles_nothing(tmp_path: Path) -> None:
    """Conformance: A3, C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    expected = [b"first"]
    write(log, b"first\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        for number in range(12):
            lines = [b"%03d %03d %s" % (number, line, b"y" * 50) for line in range((3, 300, 7, 1)[number % 4])]
            write(log, b"".join(line + b"\n" for line in lines))
            expected += lines
            for shift in range(number, 0, -1):
                (tmp_path / f"app.log.{shift}.gz").rename(tmp_path / f"app.log.{shift + 1}.gz")
            log.rename(tmp_path / "app.log.1")
            await asyncio.sleep(0.001 * (number % 3))
            (tmp_path / "app.log.1.gz").write_bytes(gzip.compress((tmp_path / "app.log.1").read_bytes()))
            (tmp_path / "app.log.1").unlink()
            await asyncio.sleep(0.001 * (number % 5))
        write(log, b"last\n")
        expected.append(b"last")
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    assert sink.texts == expected


async def test_what_was_not_read_before_copytruncate_is_read_in_the_compressed_copy(tmp_path: Path) -> None:
    """Conformance: B7, C2."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
    seen_time = time.time()
    write(log, b"two\nthree\n")
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    os.truncate(log, 0)
    write(log, b"four\n")
    known = [generation._replace(seen_time=seen_time) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        assert await sink.first(4) == [b"one", b"two", b"three", b"four"]


async def test_a_copied_and_truncated_log_that_is_replaced_while_down_comes_once(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
    seen_time = time.time()
    write(log, b"two\n")
    shutil.copyfile(log, tmp_path / "app.log.1")
    os.truncate(log, 0)
    log.unlink()
    write(log, b"three\n")
    known = [generation._replace(seen_time=seen_time) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        assert await sink.first(3) == [b"one", b"two", b"three"]


@pytest.mark.parametrize("known_time", [True, False])
@pytest.mark.parametrize("how", ["kept", "deleted", "rotated"])
async def test_what_was_read_as_a_rotated_file_and_compressed_since_is_not_told_again(
    tmp_path: Path, how: str, *, known_time: bool
) -> None:
    """Conformance: C1."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(tmp_path / "app.log*")
    write(tmp_path / "app.log-20260101", b"old 1\nold 2\n")
    write(log, b"one\n")
    async with tailing(sink, spec):
        assert await sink.first(3) == [b"old 1", b"old 2", b"one"]
    seen_time = time.time()
    old = tmp_path / "app.log-20260101"
    (tmp_path / "app.log-20260101.gz").write_bytes(gzip.compress(old.read_bytes()))
    os.utime(tmp_path / "app.log-20260101.gz", (old.stat().st_mtime, old.stat().st_mtime))
    old.unlink()
    if how == "deleted":
        log.unlink()
    if how == "rotated":
        log.rename(tmp_path / "app.log-20260102")
    write(log, b"two\n")
    known = [generation._replace(seen_time=seen_time if known_time else None) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.until(lambda: b"two" in sink.texts)
        write(log, b"three\n")
        await sink.until(lambda: b"three" in sink.texts)
    assert sink.texts == [b"old 1", b"old 2", b"one", b"two", b"three"]


async def test_a_copy_of_what_was_told_is_not_told_again_when_the_log_is_replaced(tmp_path: Path) -> None:
    """Conformance: B16."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        write(log, b"two\n")
        await sink.first(2)
        (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
        shutil.copyfile(log, tmp_path / "app.log.1")
        os.truncate(log, 0)
        write(log, b"three\n")
        await sink.first(3)
        log.unlink()
        write(log, b"four\n")
        assert (await sink.first(4))[3] == b"four"
    assert sink.texts == [b"one", b"two", b"three", b"four"]


@pytest.mark.parametrize("is_slow", [False, True], ids=["at once", "the copy is seen before the truncation"])
async def test_a_copy_that_the_glob_matches_is_not_told_again(tmp_path: Path, *, is_slow: bool) -> None:
    """Conformance: B7, B16."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(tmp_path / "app.log*")) as supervisor:
        await sink.first(1)
        shutil.copyfile(log, tmp_path / "app.log.1")
        if is_slow:
            write(tmp_path / "app.log.9", b"nine\n")  # once this is told, a survey has seen the copy
            await sink.until(lambda: b"nine" in sink.texts)
        os.truncate(log, 0)
        write(log, b"two\n")
        await sink.until(lambda: b"two" in sink.texts)
        write(tmp_path / "app.log.8", b"eight\n")
        await sink.until(lambda: b"eight" in sink.texts)
        await eventually(lambda: bool(supervisor.status()))
    assert sorted(set(sink.texts)) == sorted(sink.texts)


async def test_a_file_that_was_empty_when_it_went_away_takes_no_copy_of_another(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"")
    async with tailing(sink, spec):
        await sink.until(lambda: sink.births)
    log.unlink()
    write(log, b"one\n")
    log.rename(tmp_path / "app.log.2")
    write(tmp_path / "app.log.1.gz", gzip.compress(b"two\n"))
    write(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        assert await sink.first(3) == [b"one", b"two", b"three"]


async def test_the_sound_beginning_comes_and_then_one_gap(tmp_path: Path) -> None:
    """Conformance: C6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    chooser = random.Random(1)
    lines = [b"%040x" % chooser.getrandbits(160) for _ in range(20_000)]
    write(log, b"".join(line + b"\n" for line in lines))
    packed = bytearray(gzip.compress(log.read_bytes()))
    at = len(packed) * 3 // 4
    packed[at : at + 2_000] = chooser.randbytes(2_000)
    (tmp_path / "app.log.1.gz").write_bytes(packed)
    log.unlink()
    write(log, b"new\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: b"new" in sink.texts)
    sound = len(sink.texts) - 2
    assert sound > 10_000
    assert sink.texts == [b"one", *lines[:sound], b"new"]
    ((_, start, end, reason),) = sink.of_kind(Hole)
    assert (start, end, reason) == (len(b"one\n") + 41 * sound, None, GapReason.CORRUPT)


async def test_a_copy_in_the_making_is_waited_for(tmp_path: Path) -> None:
    """Conformance: C4."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1.gz"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    packed = gzip.compress(log.read_bytes())
    copy.write_bytes(packed[:5])
    log.unlink()
    write(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        for length in (10, len(packed) - 1, len(packed)):
            await looked_everywhere(supervisor)
            assert sink.texts == [b"one"]
            copy.write_bytes(packed[:length])
        await sink.until(lambda: b"three" in sink.texts)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]
    assert ("unreadable", "compressed") not in sink.states()
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("module", ["lzma", "bz2"])
def test_the_service_starts_without_the_module(module: str) -> None:
    """Conformance: C12."""
    code = f"import sys; sys.modules[{module!r}] = None; import logstream.tail.packed"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_a_life_that_begins_in_an_old_file_is_read_before_the_new_file(tmp_path: Path) -> None:
    """Copied, truncated, written again and then renamed between two looks. Found by the torture, seed 3001."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        write(log, b"two\n")
        shutil.copyfile(log, tmp_path / "app.log.2")
        os.truncate(log, 0)
        write(log, b"three\n")
        log.rename(tmp_path / "app.log.1")
        write(log, b"four\n")
        assert await sink.first(4) == [b"one", b"two", b"three", b"four"]


async def test_a_truncated_log_is_read_on_in_its_archive_though_all_that_was_seen_had_been_read(tmp_path: Path) -> None:
    """Written, archived and truncated between two looks. Found by the torture, seeds 4001 and 6001."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        write(log, b"two\n")
        (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
        os.truncate(log, 0)
        write(log, b"three\n")
        assert await sink.first(3) == [b"one", b"two", b"three"]


async def test_a_late_write_to_an_old_file_does_not_put_it_behind_newer_ones(tmp_path: Path) -> None:
    """Several rotations between two looks. Found by the torture, seed 72."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.rename(tmp_path / "app.log.3")
        write(tmp_path / "app.log.2", b"two\n")
        write(tmp_path / "app.log.1", b"four\n")
        write(tmp_path / "app.log.2", b"three\n")
        later_ns = (tmp_path / "app.log.1").stat().st_mtime_ns + 1_000_000_000
        os.utime(tmp_path / "app.log.2", ns=(later_ns, later_ns))
        write(log, b"five\n")
        assert await sink.first(5) == [b"one", b"two", b"three", b"four", b"five"]


async def test_a_file_that_was_empty_and_is_only_in_an_archive_now_is_no_gap(tmp_path: Path) -> None:
    """Found by the torture, seed 7001."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"")
    async with tailing(sink, spec):
        await sink.until(lambda: sink.births)
    write(tmp_path / "app.log.1.gz", gzip.compress(b"one\n"))
    log.unlink()
    write(log, b"two\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        assert await sink.first(2) == [b"one", b"two"]
    assert sink.of_kind(Hole) == []


async def test_an_archive_with_the_inode_number_of_a_deleted_log_is_not_told_again(tmp_path: Path) -> None:
    """The deleted log's life is not over yet. Conformance: C8, D1."""
    sink, log, other = RecordingSink(), tmp_path / "app.log", tmp_path / "other.log"
    spec = source(tmp_path / "*.log")
    write(other, b"other\n")
    write(log, b"one\n")
    await first_run(sink, spec, 2)
    write(log, b"two\n")
    log.rename(tmp_path / "app.log-20260101")
    write(log, b"three\nfour\n")
    for name in ("app.log-20260102", "app.log-20260103"):
        log.rename(tmp_path / name)
        write(log, name.encode() + b"\n")
    (tmp_path / "app.log-20260103.gz").write_bytes(gzip.compress((tmp_path / "app.log-20260103").read_bytes()))
    facts = (tmp_path / "app.log-20260103").stat()
    os.utime(tmp_path / "app.log-20260103.gz", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    (tmp_path / "app.log-20260103").unlink()
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: len(sink.lines) == 7 and sink.sealed)
    if sink.of_kind(Birth)[0].igen is None:
        pytest.skip("this file system does not count the uses of an inode")
    number = (tmp_path / "app.log-20260103.gz").stat().st_ino
    known = [one._replace(ino=number) if one.file == str(other) else one for one in sink.known()]
    other.unlink()
    log.unlink()
    async with tailing(sink, spec, known=known, first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
        write(log, b"last\n")
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    assert len(sink.texts) == len(set(sink.texts)) == 8


async def test_lines_copied_away_from_a_file_that_was_empty_at_the_last_look_are_read(tmp_path: Path) -> None:
    """Conformance: B7, B8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(1)
        shutil.copyfile(log, tmp_path / "app.log.1")
        os.truncate(log, 0)
        await sink.until(lambda: len(sink.births) == 2)
        await looked_everywhere(supervisor)
        # No await in between: for the tail all this happens at once.
        write(log, b"two\n")
        (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
        shutil.copyfile(log, tmp_path / "app.log.1")
        os.truncate(log, 0)
        write(log, b"three, and longer\n")
        await sink.first(3)
        write(log, b"four\n")
        await sink.first(4)
    assert sink.texts == [b"one", b"two", b"three, and longer", b"four"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("begun", [b"", b"tw"], ids=["empty", "an unfinished line"])
@pytest.mark.parametrize("after", [b"", b"three, and longer\n"], ids=["nothing yet", "written since"])
async def test_what_was_copied_away_from_a_file_of_which_nothing_was_read_comes_before_it_is_written_to(
    tmp_path: Path, begun: bytes, after: bytes
) -> None:
    """Conformance: B7, B8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        write(log, begun)
        await sink.until(lambda: len(sink.births) == 2)
        await looked_everywhere(supervisor)
        # No await in between: for the tail all this happens at once.
        write(log, b"two\n"[len(begun) :])
        (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
        shutil.copyfile(log, tmp_path / "app.log.1")
        rewrite(log, after)
        await sink.first(2 + len(after.splitlines()))
        write(log, b"four\n")
        await sink.until(lambda: sink.texts[-1:] == [b"four"])
    assert sink.texts == [b"one", b"two", *after.splitlines(), b"four"]
    assert not sink.of_kind(Hole)


async def test_a_file_that_is_truncated_after_its_copy_was_seen_and_before_a_line_was_read_loses_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: B7, B8."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    write(log, b"")

    def and_truncated(readers: list[Reader]) -> dict[Reader, int]:
        if log.stat().st_size and copy.exists() and not sink.lines:
            os.truncate(log, 0)
        return sizes_newest_first(readers)

    async with tailing(sink, source(log)) as supervisor:
        await sink.until(lambda: sink.births)
        await looked_everywhere(supervisor)
        monkeypatch.setattr(follower, "sizes_newest_first", and_truncated)
        # No await in between: for the tail all this happens at once.
        write(log, b"one\ntwo\n")
        shutil.copyfile(log, copy)
        await sink.first(2)
        write(log, b"three\n")
        await sink.first(3)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not sink.of_kind(Hole)


async def test_copies_of_a_file_in_which_there_is_nothing_are_no_lives_of_their_own(tmp_path: Path) -> None:
    """Logs that nobody writes to are rotated, too."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"")
    async with tailing(sink, source(log)) as supervisor:
        await sink.until(lambda: sink.births)
        for number in range(3):
            shutil.copyfile(log, tmp_path / f"app.log.{number}")
            os.utime(log)
            await looked_everywhere(supervisor)
    assert len(sink.births) == 1


@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_copy_is_not_told_again_after_a_restart_when_all_lives_of_the_log_are_over(
    tmp_path: Path, *, is_packed: bool
) -> None:
    """And nothing has the log's name, which the glob matches as it does the copy's. Found by the torture, seed 1221."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(tmp_path / "*.log*")
    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
        write(log, b"two\n")
        shutil.copyfile(log, tmp_path / "app.log-20260101")
        os.truncate(log, 0)
        write(log, b"three\n")
        await sink.first(3)
        if is_packed:
            (tmp_path / "app.log-20260102.gz").write_bytes(gzip.compress(log.read_bytes()))
        log.unlink()
        await sink.until(lambda: len(sink.sealed) == len(sink.births))
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
        write(tmp_path / "app.log-20260103", b"four\n")
        await sink.until(lambda: b"four" in sink.texts)
        write(log, b"five\n")
        await sink.until(lambda: b"five" in sink.texts)
    assert sink.texts == [b"one", b"two", b"three", b"four", b"five"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_copy_that_was_seen_before_anything_was_in_it_is_not_told_again(
    tmp_path: Path, glob: str, *, is_restarted: bool
) -> None:
    """And what was not read before the truncation is read in it. Found by the torture, seed 7709. Conformance: B7."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    spec = source(tmp_path / glob)
    pace = replace(BRISK, rotate_wait_seconds=60.0)  # the copy is not finished with before something is in it
    write(log, b"")
    async with tailing(sink, spec, pace=pace) as supervisor:
        await sink.until(lambda: sink.births)
        write(log, b"one\n")
        write(copy, b"")
        await sink.first(1)
        await looked_everywhere(supervisor)
        assert len(sink.births) == 2
        if not is_restarted:
            copy_and_truncate(log, copy)
            await sink.first(3)
    if is_restarted:
        copy_and_truncate(log, copy)
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=pace) as supervisor:
        await sink.first(3)
        await looked_everywhere(supervisor)
        write(log, b"four\n")
        await sink.first(4)
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("glob", ["*.log", "*.log*"])
async def test_a_file_replaced_by_more_goes_on_beside_a_copy_in_which_is_nothing_yet(tmp_path: Path, glob: str) -> None:
    """Found by the torture, seed 6262. Conformance: A10, B7."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    much = b"".join(b"line %d of many\n" % number for number in range(100))
    write(log, much)
    async with tailing(sink, source(tmp_path / glob)):
        await sink.first(100)
        write(tmp_path / "new", much + b"one\n")
        (tmp_path / "new").rename(log)
        write(copy, b"")
        await sink.first(101)
        copy_and_truncate(log, copy)
        await sink.first(102)
        write(log, b"three\n")
        await sink.first(103)
    assert sink.texts == [*much.splitlines(), b"one", b"two", b"three"]
    assert not sink.of_kind(Hole)


def copy_and_truncate(log: Path, copy: Path) -> None:
    """No await in between: for the tail all this happens at once."""
    write(log, b"two\n")
    write(copy, log.read_bytes())
    os.truncate(log, 0)
    write(log, b"three\n")


async def test_a_copy_in_the_making_of_a_file_that_was_closed_for_others_is_not_told_again(tmp_path: Path) -> None:
    """Conformance: B7."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    write(log, b"one\ntwo\n")
    async with tailing(sink, source(tmp_path / "*.log*"), max_open_files=1) as supervisor:
        await sink.first(2)
        write(tmp_path / "other.log", b"other\n")
        await sink.first(3)
        await eventually(lambda: open_files_below(tmp_path) == [str(tmp_path / "other.log")])
        write(copy, b"one\nt")
        await looked_everywhere(supervisor)
        write(copy, b"wo\n")
        os.truncate(log, 0)
        write(log, b"three\n")
        await sink.first(4)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"other", b"three"]
