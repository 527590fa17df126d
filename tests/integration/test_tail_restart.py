from __future__ import annotations

import bz2
import gzip
import lzma
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail import unpacking
from logstream.tail.batch import Birth, Hole, Moved, Range, Sealed
from logstream.tail.packed import FRESH_SECONDS
from tests.overlay import overlay
from tests.tail_kit import BRISK, RecordingSink, eventually, first_run, rewrite, second_run, source, tailing, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def test_a_restart_goes_on_where_it_stopped(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\ntwo\nthr")
    await first_run(sink, spec, 2)
    write(log, b"ee\nfour\n")
    assert await second_run(sink, spec, 4) == [b"one", b"two", b"three", b"four"]
    assert len(sink.births) == 1


async def test_a_restart_that_finds_nothing_new_says_nothing(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    before = list(sink.changes)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await supervisor.first_scan_done.wait()
        assert supervisor.status()[0].files[0][:5] == (str(log), "following", None, 4, 4)
    assert sink.changes == before


@pytest.mark.parametrize("forget_proofs", [True, False])
async def test_a_file_renamed_while_down_is_read_on_before_the_new_one(tmp_path: Path, *, forget_proofs: bool) -> None:
    """Conformance: A7, A8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    log.rename(tmp_path / "app.log.1")
    write(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(forget_proofs=forget_proofs), first_seen=()):
        assert await sink.first(3) == [b"one", b"two", b"three"]
        await sink.until(lambda: sink.sealed)
    assert [moved.path for moved in sink.of_kind(Moved)] == [str(tmp_path / "app.log.1")]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("greeting", [b"== app ==\n", b"\n\n\n", b"a greeting that tells no time\n" * 40])
async def test_a_life_is_told_from_the_next_one_that_greets_alike_also_after_a_crash_at_any_moment(
    tmp_path: Path, greeting: bytes
) -> None:
    """The first one is compressed by then, and the second one, which was rotated too, begins like it and is longer."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec, count = source(log), greeting.count(b"\n")
    write(log, greeting)
    async with tailing(sink, spec, pace=replace(BRISK, proof_seconds=1_000.0)) as supervisor:
        await supervisor.first_scan_done.wait()
        await sink.first(count)
        write(log, b"of the first\n")
        await sink.first(count + 1)
        known = sink.known()
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    write(tmp_path / "app.log.1", greeting + b"of the second, which is longer\n")
    write(log, greeting + b"of the third\n")
    async with tailing(sink, spec, known=known, first_seen=()):
        told = await sink.first(3 * (count + 1))
    assert [text for text in told if text.startswith(b"of")] == [
        b"of the first", b"of the second, which is longer", b"of the third"
    ]  # fmt: skip
    assert len(sink.births) == 3
    assert not sink.of_kind(Hole)


NAMES: list[Callable[[int], str]] = [
    lambda age: f"app.log.{age}",
    lambda age: f"app.log-202611{30 - age}",
    lambda age: f"app-2026-11-{30 - age}.log",
    lambda age: f"app.{age}.log",
    lambda age: f"app__2026-11-{30 - age}_00-00-00.log",
    lambda age: f"app.log.2026-11-{30 - age}T00:00:00Z",
    lambda age: f"app-2026-11-{30 - age}T00-00-00.000-size.log",
    lambda age: f"app.log-{30 - age}-11-2026",
    lambda age: f"app.log{30 - age:05}",
    lambda age: f"@40000000692{9 - age}fa0005f5e100.s",
]


@pytest.mark.parametrize("name", NAMES, ids=[name(1) for name in NAMES])
@pytest.mark.parametrize("is_glob", [False, True], ids=["one", "all"])
async def test_several_rotations_while_down_are_read_in_order(
    tmp_path: Path, name: Callable[[int], str], *, is_glob: bool
) -> None:
    """Conformance: A3, A8."""
    sink, log = RecordingSink(), tmp_path / ("current" if name(1).startswith("@") else "app.log")
    spec = source(tmp_path / "*" if is_glob else log)
    write(log, b"0\n")
    await first_run(sink, spec, 1)
    for age in range(1, 6):
        for older in range(age - 1, 0, -1):
            (tmp_path / name(older)).rename(tmp_path / name(older + 1))
        log.rename(tmp_path / name(1))
        write(log, b"%d\n" % age)
    # The oldest, where it is now, has got a line more.
    write(tmp_path / name(5), b"late\n")
    assert await second_run(sink, spec, 7) == [b"0", b"late", b"1", b"2", b"3", b"4", b"5"]
    assert not sink.of_kind(Hole)
    births = sink.of_kind(Birth)
    assert {birth.file for birth in births} == {str(log)}
    # And a third time, with everything still there, nothing comes again.
    write(log, b"6\n")
    assert (await second_run(sink, spec, 8))[7:] == [b"6"]
    assert sink.of_kind(Birth) == births


async def test_older_history_is_not_streamed_after_rotations_while_down(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(tmp_path / "app.log.1", b"history\n")
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    for older in (1, 0):
        (tmp_path / ("app.log.1" if older else "app.log")).rename(tmp_path / f"app.log.{older + 1}")
    write(log, b"two\n")
    assert await second_run(sink, spec, 2) == [b"one", b"two"]


async def test_late_lines_in_the_oldest_of_two_rotated_files_do_not_make_it_the_newest(tmp_path: Path) -> None:
    """Their times alone would be those of counts that grow with each rotation. Torture, seed 91100."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"0\n")
    await first_run(sink, spec, 1)
    log.unlink()
    for number in (1, 2):
        write(tmp_path / f"app.log.{7 - 2 * number}", b"%d\n" % number)
    write(log, b"3\n")
    write(tmp_path / "app.log.5", b"late\n")
    now_ns = time.time_ns()
    for age, name in enumerate(("app.log.5", "app.log", "app.log.3")):
        os.utime(tmp_path / name, ns=(now_ns, now_ns - age * 1_000_000))
    assert await second_run(sink, spec, 5) == [b"0", b"1", b"late", b"2", b"3"]


async def test_a_generation_whose_bytes_are_gone_is_told_and_later_ones_are_read(tmp_path: Path) -> None:
    """Conformance: A7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    # Another file takes care that the inode is not used again at once.
    log.rename(tmp_path / "elsewhere")
    write(tmp_path / "app.log.1", b"two\n")
    write(log, b"three\n")
    (tmp_path / "elsewhere").unlink()
    assert await second_run(sink, spec, 3) == [b"one", b"two", b"three"]
    (hole,), (sealed,) = sink.of_kind(Hole), sink.of_kind(Sealed)
    assert (hole.start, hole.end, hole.reason) == (4, None, GapReason.DELETED)
    assert (sealed.key, sealed.reason) == (hole.key, GapReason.DELETED)
    later = [change for change in sink.of_kind(Range) if change.key != hole.key]
    assert sink.changes.index(hole) < sink.changes.index(later[0])


async def test_history_older_than_a_vanished_generation_stays_history_if_its_time_is_known(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(tmp_path / "app.log.1", b"history\n")
    os.utime(tmp_path / "app.log.1", (1_000_000, 1_000_000))
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    known = [generation._replace(seen_time=2_000_000.0) for generation in sink.known()]
    write(tmp_path / "new", b"two\n")
    (tmp_path / "new").rename(log)
    async with tailing(sink, spec, known=known, first_seen=()):
        assert await sink.first(2) == [b"one", b"two"]


async def test_a_file_that_is_gone_after_a_restart_is_a_hole_of_unknown_length(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.unlink()
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.sealed)
    assert [(hole.start, hole.end) for hole in sink.of_kind(Hole)] == [(4, None)]


async def test_a_finished_generation_that_is_gone_is_nobody_s_loss(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        write(log, b"two\n")
        await sink.until(lambda: sink.sealed)
    (tmp_path / "app.log.1").unlink()
    write(log, b"three\n")
    assert await second_run(sink, spec, 3) == [b"one", b"two", b"three"]
    assert not sink.of_kind(Hole)


def compress_away(
    log: Path, after: bytes, *, name: str = "app.log.1.gz", packed: Callable[[bytes], bytes] = gzip.compress
) -> None:
    """Rename, write to a new file, and compress, as logrotate does while nobody looks."""
    plain = name.rpartition(".")[0]
    older = log.rename(log.with_name("older" if plain == log.name else plain))
    write(log, after)
    (log.parent / name).write_bytes(packed(older.read_bytes()))
    older.unlink()


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
@pytest.mark.parametrize("name", ["app.log.1", "app.log-20261101", "app.log"])
async def test_a_generation_compressed_before_all_was_read_is_read_on_in_its_copy(
    tmp_path: Path, name: str, packed: Callable[[bytes], bytes]
) -> None:
    """Conformance: C2."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n" * 1_000 + b"no line end")
    suffix = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz"}[packed]
    compress_away(log, b"three\n", name=f"{name}.{suffix}", packed=packed)
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: len(sink.sealed) == 1)
        assert await sink.first(1_003) == [b"one", *[b"two"] * 1_000, b"no line end", b"three"]
    (key,) = sink.sealed
    assert sink.sealed[key].reason is None
    assert sink.of_kind(Hole) == []


async def test_a_copy_is_read_on_after_another_restart(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec, lines = source(log), [b"%06d %s" % (number, b"x" * 40) for number in range(200_000)]
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"\n".join(lines) + b"\n")
    compress_away(log, b"last\n")
    restarts = 0
    while len(sink.lines) < len(lines) + 2:
        restarts += 1
        pace = replace(BRISK, turn_bytes=2 << 20)
        async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=pace):
            await sink.first(min(len(sink.lines) + 1, len(lines) + 2))
    assert restarts > 2
    assert sink.texts == [b"one", *lines, b"last"]
    assert sink.of_kind(Hole) == []


async def test_a_copy_that_stays_half_written_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    compress_away(log, b"three\n", packed=lambda content: gzip.compress(content)[:-8])
    os.utime(tmp_path / "app.log.1.gz", (time.time(), time.time() - FRESH_SECONDS))
    known = [generation._replace(written_ns=0) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.until(lambda: b"three" in sink.texts)
    assert sink.texts == [b"one", b"two", b"three"]
    assert [hole.reason for hole in sink.of_kind(Hole)] == [GapReason.CORRUPT]


@pytest.mark.parametrize("packed", [lambda content: b"\x1f\x8b" + content, lambda _: b""], ids=["damaged", "empty"])
async def test_what_is_no_copy_leaves_a_loss_that_is_told(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    compress_away(log, b"three\n", packed=packed)
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        assert await sink.first(2) == [b"one", b"three"]
    assert ("unreadable", "compressed") in sink.states()
    assert [hole.end for hole in sink.of_kind(Hole)] == [None]


async def test_of_copies_with_the_same_head_the_right_one_is_read_on(tmp_path: Path) -> None:
    """Conformance: C13."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec, head = source(log), b"# the same head in each file\n" * 20
    for number, other in enumerate([b"xxx\nwrong\n", b"one", b"two\none\n"], start=2):
        older = tmp_path / f"app.log.{number}.gz"
        older.write_bytes(gzip.compress(head + other))
        os.utime(older, (1_000_000_000, 1_000_000_000))
    write(log, head + b"one\n")
    await first_run(sink, spec, 21)
    seen_time = time.time()
    write(log, b"two\n")
    compress_away(log, b"three\n")
    known = [generation._replace(seen_time=seen_time) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.first(23)
        await sink.until(lambda: len(sink.sealed) == 1)
    assert sink.texts[20:] == [b"one", b"two", b"three"]
    assert sink.of_kind(Hole) == []


async def test_generations_that_came_and_went_compressed_while_down_are_read_in_order(tmp_path: Path) -> None:
    """Conformance: C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    (tmp_path / "app.log.9.gz").write_bytes(gzip.compress(b"history\n"))
    os.utime(tmp_path / "app.log.9.gz", (1_000_000_000, 1_000_000_000))
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    seen_time = time.time()
    write(log, b"two\n")
    compress_away(log, b"three\n", name="app.log.4.gz")
    compress_away(log, b"four\n", name="app.log.3.gz", packed=lzma.compress)
    log.rename(tmp_path / "app.log.2")
    write(log, b"five\n")
    compress_away(log, b"six\n", name="app.log.1.gz")
    for _ in range(2):
        known = [generation._replace(seen_time=seen_time) for generation in sink.known()]
        async with tailing(sink, spec, known=known, first_seen=()):
            await sink.until(lambda: sink.texts[-1:] == [b"six"])
            await sink.until(lambda: len(sink.sealed) == 4)
            seen_time = time.time()
    assert sink.texts == [b"one", b"two", b"three", b"four", b"five", b"six"]
    assert sink.of_kind(Hole) == []
    assert len(sink.births) == 5


async def test_a_copy_of_what_has_been_read_is_not_read_again(tmp_path: Path) -> None:
    """Conformance: C1, C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
        write(log, b"two\n")
        await sink.first(2)
        compress_away(log, b"three\n")
        await sink.first(3)
        (tmp_path / "app.log.1.gz").rename(tmp_path / "app.log.2.gz")
        compress_away(log, b"four\n")
        await sink.first(4)
        await sink.until(lambda: len(sink.sealed) == 2)
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    (tmp_path / "app.log.2.gz").rename(tmp_path / "app.log.3.gz")
    (tmp_path / "app.log.1.gz").rename(tmp_path / "app.log.2.gz")
    compress_away(log, b"five\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"five"])
    assert sink.texts[4:] == [b"five"]


async def test_what_is_read_anyway_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Conformance: C3."""
    monkeypatch.setattr(unpacking.Unpacking, "ask", lambda *_: pytest.fail("it was unpacked"))
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        for number in range(2, 12):
            write(log, b"more %d\n" % number)
            compress_away(log, b"next %d\n" % number, name=f"app.log-202611{number:02}.gz")
            await sink.first(2 * number - 1)
        await sink.until(lambda: len(sink.sealed) == 10)
    assert ("unreadable", "compressed") not in sink.states()
    assert sink.of_kind(Hole) == []


async def test_a_copy_in_the_making_beside_its_file_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: C4."""
    monkeypatch.setattr(unpacking.Unpacking, "ask", lambda *_: pytest.fail("it was unpacked"))
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    log.rename(tmp_path / "app.log.1")
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(b"one\ntwo\n")[:12])
    write(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        assert await sink.first(3) == [b"one", b"two", b"three"]
    assert ("unreadable", "compressed") not in sink.states()


async def test_a_log_that_repeats_itself_hides_no_generation(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"tick\n" * 200)
    async with tailing(sink, spec):
        await sink.first(200)
        log.rename(tmp_path / "app.log.1")
        write(log, b"tick\n" * 100)
        await sink.first(300)
        await sink.until(lambda: sink.sealed)
    seen_time = time.time()
    (tmp_path / "app.log.1").rename(tmp_path / "app.log.3")
    write(log, b"tick\n" * 70)
    compress_away(log, b"tick\n" * 250, name="app.log.2.gz")
    compress_away(log, b"last\n", name="app.log.1.gz")
    known = [generation._replace(seen_time=seen_time) for generation in sink.known()]
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    assert len(sink.texts) == 200 + 170 + 250 + 1
    assert sorted(sink.committed.values()) == [len("last\n"), 170 * 5, 200 * 5, 250 * 5]
    assert sink.of_kind(Hole) == []


async def test_without_room_to_unpack_nothing_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(unpacking, "_AGAIN_SECONDS", 0.1)
    sink, log, scratch = RecordingSink(), tmp_path / "app.log", tmp_path / "scratch"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    write(log, b"two\n")
    compress_away(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=(), scratch=scratch):
        await eventually(lambda: caplog.text.count("nothing can be unpacked there") > 1)
        assert sink.texts == [b"one"], "what is newer waits"
        scratch.mkdir()
        assert await sink.first(3) == [b"one", b"two", b"three"]


@pytest.mark.parametrize("after", [b"n\n", b"new\n", b"one more\nand more\n"], ids=["shorter", "same", "longer"])
async def test_a_file_rewritten_while_down_is_a_new_generation(tmp_path: Path, after: bytes) -> None:
    """Conformance: B15."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    os.truncate(log, 0)
    write(log, after)
    lines = after.splitlines()
    assert await second_run(sink, spec, 1 + len(lines)) == [b"one", *lines]
    (old, _new) = sink.of_kind(Birth)
    assert sink.sealed[old.key].reason is GapReason.TRUNCATED
    assert [(hole.key, hole.end) for hole in sink.of_kind(Hole)] == [(old.key, None)]


async def test_a_rewrite_with_the_same_first_kilobytes_is_seen(tmp_path: Path) -> None:
    """Conformance: B4."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    head = b"#" * 4000 + b"\n"
    write(log, head + b"one\n")
    await first_run(sink, spec, 2)
    os.truncate(log, 0)
    write(log, head + b"two\nthree\n")
    assert (await second_run(sink, spec, 5))[2:] == [b"#" * 4000, b"two", b"three"]


async def test_an_inode_that_is_used_again_is_not_taken_for_the_old_file(tmp_path: Path) -> None:
    """Conformance: D1, D2."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"same first line\n")
    await first_run(sink, spec, 1)
    if sink.of_kind(Birth)[0].igen is None:
        pytest.skip("this file system does not count the uses of an inode")
    for _ in range(50):
        log.unlink()
        write(log, b"same first line\nand one more\n")
        if log.stat().st_ino == sink.of_kind(Birth)[0].ino:
            break
    assert (await second_run(sink, spec, 3))[1:] == [b"same first line", b"and one more"]
    assert [hole.reason for hole in sink.of_kind(Hole)] == [GapReason.DELETED]


async def test_beneath_a_container_an_inode_that_is_used_again_is_not_taken_for_the_old_file(tmp_path: Path) -> None:
    """An overlayfs gives a deleted file's number to the next one, and does not count that. Conformance: D1, D2."""
    sink = RecordingSink()
    with overlay(tmp_path / "container") as directory:
        log = directory / "app.log"
        write(log, b"same first line\n")
        await first_run(sink, source(log), 1)
        log.unlink()
        write(log, b"same first line\nand one more\n")
        assert log.stat().st_ino == sink.of_kind(Birth)[0].ino
        assert (await second_run(sink, source(log), 3))[1:] == [b"same first line", b"and one more"]
    assert [hole.reason for hole in sink.of_kind(Hole)] == [GapReason.DELETED]


async def test_files_that_appear_while_down_are_read_from_their_start(tmp_path: Path) -> None:
    sink = RecordingSink()
    spec = source(tmp_path / "*.log", start="end")
    write(tmp_path / "a.log", b"before\n")
    await first_run(sink, spec, 0)
    write(tmp_path / "a.log", b"one\n")
    write(tmp_path / "b.log", b"two\n")
    assert sorted(await second_run(sink, spec, 2)) == [b"one", b"two"]


async def test_a_rotation_that_is_cut_off_by_a_stop_is_finished_after_it(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        write(log, b"two\n")
        await sink.first(2)
    write(tmp_path / "app.log.1", b"late")
    write(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.sealed)
        await sink.first(4)
    assert sink.texts[:2] == [b"one", b"two"]
    assert sorted(sink.texts[2:]) == [b"late", b"three"]


async def test_names_that_are_not_utf8_are_recognised_again(tmp_path: Path) -> None:
    sink = RecordingSink()
    log = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.log")
    spec = source(tmp_path / "*.log")
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    os.rename(log, log + ".1")  # noqa: PTH104 - the name is no text
    write(log + ".1", b"two\n")
    write(log, b"three\n")
    assert await second_run(sink, spec, 3) == [b"one", b"two", b"three"]


async def test_an_inode_that_is_used_again_hides_no_rotation_while_down(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    if sink.of_kind(Birth)[0].igen is None:
        pytest.skip("this file system does not count the uses of an inode")
    inode = log.stat().st_ino
    write(log, b"two\n")
    compress_away(log, b"three\n", name="app.log.2.gz")
    log.rename(tmp_path / "app.log.1")
    for number in range(1_000):
        log.touch()
        if log.stat().st_ino == inode:
            break
        log.rename(tmp_path / f"other {number}")
    write(log, b"four\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"four"])
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert sink.of_kind(Hole) == []


async def test_a_finished_generation_s_inode_that_is_used_again_hides_no_rotation_while_down(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        write(log, b"two\n")
        await sink.until(lambda: sink.sealed)
        await sink.first(2)
    birth = sink.of_kind(Birth)[0]
    if birth.igen is None:
        pytest.skip("this file system does not count the uses of an inode")
    log.rename(tmp_path / "app.log.2")
    (tmp_path / "app.log.1").unlink()
    for number in range(1_000):
        log.touch()
        if log.stat().st_ino == birth.ino:
            break
        log.rename(tmp_path / f"other {number}")
    write(log, b"three\n")
    log.rename(tmp_path / "app.log.1")
    write(log, b"four\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"four"])
    assert sink.texts == [b"one", b"two", b"three", b"four"]


async def test_a_log_that_was_given_the_inode_s_number_of_another_log_is_read_with_its_archives(tmp_path: Path) -> None:
    """Torture, seed 6615."""
    sink, other, log = RecordingSink(), tmp_path / "other.log", tmp_path / "app.log"
    write(other, b"one\n")
    spec = source(tmp_path / "*.log*")
    await first_run(sink, spec, 1)
    (birth,) = sink.of_kind(Birth)
    if birth.igen is None:
        pytest.skip("this file system does not count the uses of an inode")
    known = [generation._replace(seen_time=time.time()) for generation in sink.known()]
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(b"two\n"))
    write(tmp_path / "app.log.1", b"three\n")
    other.unlink()
    for number in range(1_000):
        log.touch()
        if log.stat().st_ino == birth.ino:
            break
        log.rename(tmp_path / f"elsewhere {number}")
    write(log, b"four\n")
    async with tailing(sink, spec, known=known, first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"four"])
    assert sink.texts == [b"one", b"two", b"three", b"four"]


async def test_a_life_that_was_noticed_after_a_rotation_keeps_its_place_over_a_restart(tmp_path: Path) -> None:
    """Torture, seed 1214."""
    sink, log, pace = RecordingSink(), tmp_path / "app.log", replace(BRISK, rotate_wait_seconds=60.0)
    older, oldest = tmp_path / "app.log.1", tmp_path / "app.log.2"
    spec = source(log)
    write(log, b"one\n")
    async with tailing(sink, spec, pace=pace):
        await sink.first(1)
        log.write_bytes(b"uno\n")
        log.rename(oldest)
        write(older, b"two\n")
        write(log, b"three\n")
        await sink.until(lambda: {b"uno", b"two", b"three"} <= set(sink.texts))
    write(older, b"late two\n")
    write(oldest, b"late uno\n")
    async with tailing(sink, spec, pace=pace, known=sink.known(), first_seen=()):
        await sink.until(lambda: {b"late uno", b"late two"} <= set(sink.texts))
    assert sink.texts == [b"one", b"uno", b"two", b"three", b"late uno", b"late two"]


async def test_a_file_written_anew_that_has_the_same_filling_before_the_place_is_read_from_its_start(
    tmp_path: Path,
) -> None:
    """Conformance: B4."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"1 first %s\n" % (b"y" * 200))
    await first_run(sink, spec, 1)
    rewrite(log, b"2 other %s\n3 more\n" % (b"y" * 200))
    assert await second_run(sink, spec, 3) == [b"1 first " + b"y" * 200, b"2 other " + b"y" * 200, b"3 more"]


async def test_the_archive_of_what_was_read_is_known_though_it_has_only_the_second_of_its_time(tmp_path: Path) -> None:
    """As bzip2 leaves it. Conformance: C1."""
    sink, log, rotated = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    write(log, b"one\n")
    os.utime(log, ns=(0, 1_800_000_000_700_000_000))
    await first_run(sink, source(log), 1)
    log.rename(rotated)
    archive = tmp_path / "app.log.1.bz2"
    archive.write_bytes(bz2.compress(rotated.read_bytes()))
    os.utime(archive, ns=(0, 1_800_000_000_000_000_000))
    rotated.unlink()
    write(log, b"two\n")
    assert await second_run(sink, source(log), 2) == [b"one", b"two"]
    assert not sink.of_kind(Hole)
