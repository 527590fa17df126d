"""Copies of files, compressed or not: which are waited for, read, shown, or left alone."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest

from logstream.errors import LogstreamError
from logstream.records import GapReason
from logstream.tail import unpacking
from logstream.tail.batch import Birth, Hole, Sealed
from logstream.tail.discovery import find
from logstream.tail.identity import TICK_NS
from logstream.tail.likeness import Likeness
from logstream.tail.packed import FRESH_SECONDS, Unpacked, unpack, unpack_file
from tests.tail_kit import RecordingSink, eventually, first_run, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

MEMBERS = gzip.compress(b"one\ntw") + gzip.compress(b"o\nthree\n") + gzip.compress(b"") + gzip.compress(b"four\n")


async def test_a_copy_that_was_read_is_known_in_its_archive_though_that_has_the_older_time_of_the_log(
    tmp_path: Path,
) -> None:
    """As logrotate's `copytruncate` and `compress` leave them. Conformance: B7, C2."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    spec, now = source(log), time.time()
    lives = [b"".join(b"%d of life %d\n" % (line, life) for line in range(3)) for life in range(3)]

    def put(path: Path, content: bytes, ago: int) -> None:
        path.write_bytes(content)
        os.utime(path, (now - ago, now - ago))

    put(log, lives[0], 100)
    await first_run(sink, spec, 3)
    put(tmp_path / "app.log.2.gz", gzip.compress(lives[0]), 100)
    put(copy, lives[1], 40)
    put(log, lives[2], 20)
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.first(9)
    (tmp_path / "app.log.2.gz").rename(tmp_path / "app.log.3.gz")
    put(tmp_path / "app.log.2.gz", gzip.compress(lives[1]), 60)
    copy.unlink()
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.until(lambda: len(sink.sealed) == 2)
        await looked_everywhere(supervisor)
    assert sink.texts == b"".join(lives).splitlines()
    assert not sink.of_kind(Hole)


async def test_lines_between_a_copy_and_the_truncation_are_lost_and_nothing_else(tmp_path: Path) -> None:
    """Conformance: B8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        # No await in between: for the tail all this happens at once.
        write(log, b"before the copy\n")
        (tmp_path / "app.log.1").write_bytes(log.read_bytes())
        write(log, b"between\n")
        os.truncate(log, 0)
        write(log, b"new\n")
        await sink.first(3)
        write(log, b"newer\n")
        assert await sink.first(4) == [b"one", b"before the copy", b"new", b"newer"]


@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize(
    "packed", [(), (3,), (2, 3), (1, 2, 3)], ids=["plain", "oldest packed", "two packed", "packed"]
)
@pytest.mark.parametrize("last", [b"", b"last\n"], ids=["empty", "written since"])
async def test_of_several_rotations_by_copying_between_two_looks_all_copies_are_read(
    tmp_path: Path, packed: tuple[int, ...], last: bytes, *, is_down: bool
) -> None:
    """Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")

    def rotate_often() -> None:
        for text in (b"two", b"three", b"four"):
            write(log, text + b"\n")
            for number in (2, 1):
                if (older := tmp_path / f"app.log.{number}").exists():
                    older.rename(tmp_path / f"app.log.{number + 1}")
            shutil.copyfile(log, tmp_path / "app.log.1")
            os.truncate(log, 0)
        write(log, last)
        for number in packed:
            compress(tmp_path / f"app.log.{number}")

    async with tailing(sink, spec):
        await sink.first(1)
        # Not within the same tick of the clock as the write that was seen.
        await eventually(lambda: time.time_ns() - log.stat().st_mtime_ns > TICK_NS)
        if not is_down:
            rotate_often()
            await sink.first(4 + len(last.splitlines()))
    if is_down:
        rotate_often()
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(4 + len(last.splitlines()))
        await looked_everywhere(supervisor)
        write(log, b"more\n")
        await sink.until(lambda: sink.texts[-1:] == [b"more"])
    assert sink.texts == [b"one", b"two", b"three", b"four", *last.splitlines(), b"more"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "packed"])
async def test_a_file_that_is_copied_and_truncated_while_it_waits_for_older_lives_is_read_in_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_packed: bool
) -> None:
    """Its first bytes are known by then: the copy is its own, and in its file is another life. Conformance: B7."""
    sink, log, loop = RecordingSink(), tmp_path / "app.log", asyncio.get_running_loop()
    spec, waiting, is_rotated = source(log), asyncio.Event(), asyncio.Event()

    def slow(*arguments: object, **options: object) -> Unpacked | None:
        loop.call_soon_threadsafe(waiting.set)
        asyncio.run_coroutine_threadsafe(is_rotated.wait(), loop).result()
        return unpack_file(*arguments, **options)  # type: ignore[arg-type]

    def rotate(*, is_packed: bool) -> None:
        if (older := tmp_path / "app.log.1.gz").exists():
            older.rename(tmp_path / "app.log.2.gz")
        shutil.copy2(log, tmp_path / "app.log.1")
        os.truncate(log, 0)
        if is_packed:
            compress(tmp_path / "app.log.1")

    monkeypatch.setattr(unpacking, "unpack_file", slow)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    rotate(is_packed=True)
    write(log, b"two\n")
    rotate(is_packed=True)
    write(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await waiting.wait()
        await looked_everywhere(supervisor)
        write(log, b"four\n")
        rotate(is_packed=is_packed)
        write(log, b"five, and more than stood there before\n")
        await looked_everywhere(supervisor)
        is_rotated.set()
        await sink.first(5)
        await looked_everywhere(supervisor)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three", b"four", b"five, and more than stood there before"]
    assert not sink.of_kind(Hole)


async def test_what_is_rotated_while_the_archive_of_a_file_begun_anew_is_unpacked_is_no_part_of_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was found and not read before a restart, and its own archive is recognised at once. Conformance: B7."""
    sink, log, loop = RecordingSink(), tmp_path / "app.log", asyncio.get_running_loop()
    spec, waiting, may_go_on = source(log), asyncio.Event(), asyncio.Event()

    def slow(*arguments: object, **options: object) -> Unpacked | None:
        loop.call_soon_threadsafe(waiting.set)
        asyncio.run_coroutine_threadsafe(may_go_on.wait(), loop).result()
        return unpack_file(*arguments, **options)  # type: ignore[arg-type]

    def rotate(text: bytes) -> None:
        for number in range(9, 0, -1):
            if (older := tmp_path / f"app.log.{number}.gz").exists():
                older.rename(tmp_path / f"app.log.{number + 1}.gz")
        shutil.copy2(log, tmp_path / "app.log.1")
        os.truncate(log, 0)
        compress(tmp_path / "app.log.1")
        write(log, text)

    monkeypatch.setattr(unpacking, "unpack_file", slow)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    rotate(b"two\n")
    rotate(b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await waiting.wait()
        await looked_everywhere(supervisor)
        sink.refusals = [LogstreamError()] * 1_000  # as if it was killed here
        may_go_on.set()
    sink.refusals = []
    waiting.clear()
    may_go_on.clear()
    rotate(b"four\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await waiting.wait()
        await looked_everywhere(supervisor)
        rotate(b"five\n")
        rotate(b"six\n")
        may_go_on.set()
        await sink.first(6)
        await looked_everywhere(supervisor)
    assert sorted(sink.texts) == sorted([b"one", b"two", b"three", b"four", b"five", b"six"])
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("times", [2, 3])
@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
async def test_archives_behind_that_of_a_log_that_was_read_to_its_end_are_read(
    tmp_path: Path, times: int, *, is_down: bool
) -> None:
    """Conformance: B7."""
    # Its own archive has the time of its last write: logrotate and gzip keep it.
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"0\n")

    def rotate_often() -> None:
        for number in range(1, times + 1):
            for older in range(times, 0, -1):
                if (archive := tmp_path / f"app.log.{older}.gz").exists():
                    archive.rename(tmp_path / f"app.log.{older + 1}.gz")
            shutil.copy2(log, tmp_path / "app.log.1")
            os.truncate(log, 0)
            compress(tmp_path / "app.log.1")
            write(log, b"%d\n" % number)

    async with tailing(sink, spec):
        await sink.first(1)
        # Not within the same tick of the clock as the write that was seen.
        await eventually(lambda: time.time_ns() - log.stat().st_mtime_ns > TICK_NS)
        if not is_down:
            rotate_often()
            await sink.first(times + 1)
    if is_down:
        rotate_often()
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(times + 1)
        await looked_everywhere(supervisor)
        write(log, b"more\n")
        await sink.until(lambda: sink.texts[-1:] == [b"more"])
    assert sink.texts == [*(b"%d" % number for number in range(times + 1)), b"more"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("grown", [b"5\n", b"last %s\n" % (b"x" * 200)], ids=["shorter", "longer than what was read"])
async def test_copies_that_a_search_finds_before_the_truncation_is_noticed_come_behind_what_was_not_read(
    tmp_path: Path, grown: bytes
) -> None:
    """The globs match the copies, too, of which the oldest has the rest of what was being read. Conformance: B7."""
    sink, log, spec = RecordingSink(), tmp_path / "app.log", source(tmp_path / "app.log*")
    write(log, b"one\n")
    async with tailing(sink, spec) as supervisor:
        await sink.first(1)
        await looked_everywhere(supervisor)
        # No await in between: for the tail all this happens at once, and then it hears of the search first.
        for text in (b"two\n", b"three\n", b"four\n"):
            write(log, text)
            for number in (2, 1):
                if (older := tmp_path / f"app.log.{number}").exists():
                    older.rename(tmp_path / f"app.log.{number + 1}")
            shutil.copyfile(log, tmp_path / "app.log.1")
            os.truncate(log, 0)
        write(log, grown)
        supervisor._found.append((spec, find(spec.paths)))
        await sink.first(5)
        await looked_everywhere(supervisor)
        write(log, b"more\n")
        await sink.first(6)
    assert sink.texts == [b"one", b"two", b"three", b"four", grown.rstrip(), b"more"]
    assert not sink.of_kind(Hole)


def compress(path: Path) -> None:
    """As gzip does: the file's time is that of what is in it."""
    facts, archive = path.stat(), path.with_name(f"{path.name}.gz")
    archive.write_bytes(gzip.compress(path.read_bytes()))
    os.utime(archive, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    path.unlink()


@pytest.mark.parametrize("is_down", [True, False], ids=["down", "up"])
async def test_a_copy_that_went_elsewhere_leaves_a_gap_from_the_offset_on_and_then_the_new_bytes(
    tmp_path: Path, *, is_down: bool
) -> None:
    """While up, of as much as was seen to be there when the file was looked at last: half a line. Conformance: B9."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)

    def copy_elsewhere_and_truncate() -> None:
        (tmp_path / "archive").mkdir()
        (tmp_path / "archive" / "app.log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        write(log, b"new\n")

    write(log, b"one\nhalf")
    if is_down:
        await first_run(sink, spec, 1)
        write(log, b" of it\n")
        copy_elsewhere_and_truncate()
        async with tailing(sink, spec, known=sink.known(), first_seen=()):
            await sink.first(2)
    else:
        async with tailing(sink, spec) as supervisor:
            await sink.first(1)
            await looked_everywhere(supervisor)
            copy_elsewhere_and_truncate()
            await sink.first(2)
    assert sink.texts == [b"one", b"new"]
    (hole,) = sink.of_kind(Hole)
    old, new = sink.of_kind(Birth)
    end = None if is_down else len(b"one\nhalf")
    assert (hole.key, hole.start, hole.end, hole.reason) == (old.key, 4, end, GapReason.TRUNCATED)
    assert sink.changes.index(hole) < sink.changes.index(new)


async def test_a_copy_that_stands_beside_its_file_for_a_while_before_the_truncation_is_one_generation(
    tmp_path: Path,
) -> None:
    """Conformance: B16."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(1)
        (tmp_path / "app.log.1").write_bytes(log.read_bytes())
        await looked_everywhere(supervisor)
        assert len(sink.births) == 1
        os.truncate(log, 0)
        write(log, b"new\n")
        assert await sink.first(2) == [b"one", b"new"]
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"new"]
    assert len(sink.births) == 2
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("count", [3, 200])
async def test_a_copy_in_the_making_of_a_file_that_is_not_open_says_nothing_where_a_path_matches_it(
    tmp_path: Path, count: int
) -> None:
    """As where more files are there than may be open, or at a start. Torture, seed 1594508113. Conformance: B16."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    lines = [b"%04d of the lines that are copied" % number for number in range(count)]
    content = b"\n".join([*lines, b""])
    write(log, content)
    async with tailing(sink, source(tmp_path / "*.log*"), max_open_files=1) as supervisor:
        await sink.first(count)
        for begin, end in ((0, 0), (0, len(content) // 2), (len(content) // 2, len(content))):
            write(copy, content[begin:end])
            await looked_everywhere(supervisor)
        os.truncate(log, 0)
        write(log, b"new\n")
        await sink.until(lambda: sink.texts[-1:] == [b"new"])
        await looked_everywhere(supervisor)
    assert sink.texts == [*lines, b"new"]
    assert not sink.of_kind(Hole)


async def test_a_copy_in_the_making_says_nothing_until_it_is_done_and_all_comes_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file itself stands beside its copy until that is whole, as gzip leaves it. Conformance: C4."""
    monkeypatch.setattr(unpacking.Unpacking, "ask", lambda *_: pytest.fail("it was unpacked"))
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    older, copy = log.rename(tmp_path / "app.log.1"), tmp_path / "app.log.1.gz"
    packed = gzip.compress(older.read_bytes())
    copy.write_bytes(packed[:5])
    write(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(3)
        for length in (10, len(packed) - 1, len(packed)):
            copy.write_bytes(packed[:length])
            await looked_everywhere(supervisor)
        older.unlink()
        await sink.until(lambda: sink.of_kind(Sealed))
        write(log, b"four\n")
        assert await sink.first(4) == [b"one", b"two", b"three", b"four"]
    assert ("unreadable", "compressed") not in sink.states()
    assert not sink.of_kind(Hole)


async def test_a_gzip_of_several_members_is_read_on_to_its_end(tmp_path: Path) -> None:
    """Conformance: C5."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.unlink()
    (tmp_path / "app.log.1.gz").write_bytes(MEMBERS)
    write(log, b"new\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        assert await sink.first(5) == [b"one", b"two", b"three", b"four", b"new"]
    assert not sink.of_kind(Hole)


async def test_a_damaged_copy_is_one_gap_and_not_tried_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: C6."""
    tries: list[object] = []

    def counted(*arguments: object, **options: object) -> Unpacked | None:
        tries.append(arguments)
        return unpack(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(unpacking, "unpack", counted)
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(tmp_path / "*")
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.unlink()
    damaged = tmp_path / "app.log.1.gz"
    damaged.write_bytes(gzip.compress(b"one\n" + b"two\n" * 3 + os.urandom(200_000).replace(b"\n", b"x"))[:-2_000])
    os.utime(damaged, (time.time(), time.time() - FRESH_SECONDS))
    write(log, b"new\n")
    known = [generation._replace(written_ns=0) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()) as supervisor:
        await sink.until(lambda: b"new" in sink.texts)
        for _ in range(3):
            await looked_everywhere(supervisor)
    assert [text for text in sink.texts if len(text) < 10] == [b"one", b"two", b"two", b"two", b"new"]
    assert [hole.reason for hole in sink.of_kind(Hole)] == [GapReason.CORRUPT]
    assert len(tries) <= 2, "as the rest of one file, and as a file of its own"


async def test_plain_text_is_read_whatever_its_name_and_gzip_under_no_name(tmp_path: Path) -> None:
    """Conformance: C7."""
    sink = RecordingSink()
    write(tmp_path / "plain.gz", b"plain text with an odd name\n")
    write(tmp_path / "packed.log", gzip.compress(b"packed with an odd name\n", compresslevel=0))
    async with tailing(sink, source(tmp_path / "*")) as supervisor:
        await supervisor.first_scan_done.wait()
        write(tmp_path / "plain.gz", b"more\n")
        await sink.first(2)
        states = {file.file: (file.state, file.reason) for file in supervisor.status()[0].files}
    assert sink.texts == [b"plain text with an odd name", b"more"]
    assert states == {
        str(tmp_path / "plain.gz"): ("following", None),
        str(tmp_path / "packed.log"): ("unreadable", "compressed"),
    }


ZSTD = bytes.fromhex("28b52ffd24") + b"\x0dnot for reading\nlines of garbage\n"
LZ4 = bytes.fromhex("04224d18") + b"\x64\x40\xa7not for reading\nlines of garbage\n"
ZIP = b"PK\x03\x04" + b"\x14\0\0\0not for reading\nlines of garbage\n"


@pytest.mark.parametrize(("suffix", "content"), [("zst", ZSTD), ("lz4", LZ4), ("zip", ZIP)], ids=["zst", "lz4", "zip"])
async def test_what_nobody_here_can_unpack_is_shown_and_never_read_as_lines(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    """Conformance: C12."""
    sink = RecordingSink()
    write(tmp_path / "app.log", b"one\n")
    write(tmp_path / f"app.log.1.{suffix}", content)
    async with tailing(sink, source(tmp_path / "*")) as supervisor:
        await sink.first(1)
        await sink.until(lambda: ("unreadable", "compressed") in sink.states())
        await looked_everywhere(supervisor)
        shown = {file.file.rpartition("/")[2]: file.state for file in supervisor.status()[0].files}
    assert sink.texts == [b"one"]
    assert shown[f"app.log.1.{suffix}"] == "unreadable"


def bomb(head: bytes, size: int) -> bytes:
    """Little that unpacks to very much."""
    packer = zlib.compressobj(9, wbits=31)
    chunk = b"\n" * (1 << 20)
    return packer.compress(head) + b"".join(packer.compress(chunk) for _ in range(size >> 20)) + packer.flush()


def test_what_unpacks_to_very_much_takes_little_memory_and_no_more_room_than_it_may(tmp_path: Path) -> None:
    """Conformance: C11."""
    (tmp_path / "app.log.1.gz").write_bytes(bomb(b"one\n", 100 << 20))
    crc = zlib.crc32(b"one\n")
    likeness = Likeness(4, 4, crc, 4, crc)
    tracemalloc.start()
    try:
        unpacked = unpack(likeness, [tmp_path / "app.log.1.gz"], tmp_path, most_bytes=32 << 20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert unpacked is not None
    size = os.fstat(unpacked.descriptor).st_size
    os.close(unpacked.descriptor)
    assert size == 32 << 20
    assert peak < 16 << 20


async def test_while_a_file_is_unpacked_others_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conformance: C11."""
    sink, log, loop = RecordingSink(), tmp_path / "app.log", asyncio.get_running_loop()
    spec, waiting, others_were_read = source(tmp_path / "*.log"), asyncio.Event(), asyncio.Event()

    def slow(*arguments: object, **options: object) -> Unpacked | None:
        loop.call_soon_threadsafe(waiting.set)
        asyncio.run_coroutine_threadsafe(others_were_read.wait(), loop).result()
        return unpack(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(unpacking, "unpack", slow)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.unlink()
    (tmp_path / "app.log.1.gz").write_bytes(MEMBERS)
    write(log, b"new\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await waiting.wait()
        for number in range(20):
            write(tmp_path / "other.log", b"%d\n" % number)
            await sink.first(2 + number)
        others_were_read.set()
        await sink.first(25)
    assert sink.texts == [b"one", *[b"%d" % number for number in range(20)], b"two", b"three", b"four", b"new"]
