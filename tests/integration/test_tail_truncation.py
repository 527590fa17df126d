from __future__ import annotations

import gzip
import os
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail.batch import Birth, Hole, Sealed
from logstream.tail.reader import Reader
from tests.tail_kit import (
    BRISK,
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

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.tail.opening import Opened


@pytest.mark.parametrize(
    "after",
    [b"x\n", b"new 1\nnew 2\n", b"new 1\nnew 2\nnew 3\nnew 4\n"],
    ids=["shorter", "same size", "longer"],
)
async def test_a_rewritten_file_is_a_new_generation_from_its_start(tmp_path: Path, after: bytes) -> None:
    """Conformance: B1, B2, B3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"old 1\nold 2\n")
    async with tailing(sink, source(log)):
        await sink.first(2)
        rewrite(log, after)
        lines = after.splitlines()
        assert await sink.first(2 + len(lines)) == [b"old 1", b"old 2", *lines]
        write(log, b"more\n")
        await sink.first(3 + len(lines))
    old, new = sink.of_kind(Birth)
    assert (old.ino, old.path) == (new.ino, new.path)
    assert sink.sealed[old.key].reason is GapReason.TRUNCATED
    assert not sink.of_kind(Hole)


async def test_truncation_is_seen_without_file_events_too(tmp_path: Path) -> None:
    """Conformance: B13."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"old 1\nold 2\n")
    async with tailing(sink, source(log), uses_events=False):
        await sink.first(2)
        for number in range(10):
            rewrite(log, b"new %d\nnew 0\n" % number)
            await sink.first(4 + 2 * number)
    assert len(sink.births) == 11


async def test_a_truncated_empty_file_says_nothing_until_it_is_written(tmp_path: Path) -> None:
    """Conformance: B14."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"old\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        os.truncate(log, 0)
        await sink.until(lambda: len(sink.births) == 2)
        write(log, b"new\n")
        assert await sink.first(2) == [b"old", b"new"]


async def test_an_unfinished_line_that_is_truncated_away_is_told_as_lost(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"whole\nunfinished")
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(1)
        await eventually(lambda: supervisor.status()[0].files[0].size_bytes == 16)
        rewrite(log, b"new\n")
        assert await sink.first(2) == [b"whole", b"new"]
    (hole,), (sealed,) = sink.of_kind(Hole), sink.of_kind(Sealed)
    assert (hole.start, hole.end, hole.reason) == (6, 16, GapReason.TRUNCATED)
    assert sealed.reason is GapReason.TRUNCATED


async def test_a_cut_behind_what_was_handed_on_repeats_nothing(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\ntwo\nunfinished")
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(2)
        await eventually(lambda: supervisor.status()[0].files[0].size_bytes == 18)
        os.truncate(log, 8)
        await sink.until(lambda: len(sink.births) == 2)
        write(log, b"three\n")
        assert await sink.first(3) == [b"one", b"two", b"three"]
    old, new = sink.of_kind(Birth)
    assert (sink.sealed[old.key].reason, new.base) == (None, 8)
    assert [(hole.start, hole.end) for hole in sink.of_kind(Hole)] == [(8, 18)]


async def test_an_unread_backlog_that_is_truncated_is_told_with_its_exact_end(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    size = 30_000_000
    with log.open("wb") as file:
        file.write((b"x" * 99 + b"\n") * (size // 100))

    class Truncating(RecordingSink):
        async def accept(self, batch: object) -> None:
            await super().accept(batch)  # type: ignore[arg-type] # as the base class has it
            if len(self.births) == 1 and len(self.lines) > 1000 and log.stat().st_size == size:
                rewrite(log, b"new\n")

    sink = Truncating()
    async with tailing(sink, source(log)):
        await sink.until(lambda: sink.texts[-1:] == [b"new"])
    (hole,) = sink.of_kind(Hole)
    assert hole.end == size
    assert hole.start == 100 * (len(sink.lines) - 1)


async def test_truncation_through_a_symbolic_link_is_seen_once(tmp_path: Path) -> None:
    """Conformance: B12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"old\n")
    (tmp_path / "link.log").symlink_to(log)
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(1)
        rewrite(tmp_path / "link.log", b"n\n")
        assert await sink.first(2) == [b"old", b"n"]
    assert len(sink.births) == 2


async def test_an_old_file_truncated_after_its_rotation_is_followed(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.rename(tmp_path / "app.log.1")
        write(log, b"two\n")
        await sink.first(2)
        rewrite(tmp_path / "app.log.1", b"x\n")
        assert await sink.first(3) == [b"one", b"two", b"x"]


def copy_and_truncate(log: Path, name: str = "app.log.1") -> Path:
    """As logrotate's `copytruncate` does."""
    copy = log.with_name(name)
    copy.write_bytes(log.read_bytes())
    os.truncate(log, 0)
    return copy


SLOW = replace(BRISK, hot_poll_seconds=0.2, hot_seconds=0.0, blind_sweep_seconds=0.2)


async def test_what_was_not_read_before_a_copy_and_truncation_is_read_in_the_copy(tmp_path: Path) -> None:
    """Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log), pace=SLOW, uses_events=False):
        await sink.first(1)
        for number in range(5):
            write(log, b"".join(b"unread %d %d\n" % (number, line) for line in range(1_000)) + b"half a li")
            for shift in range(number, 0, -1):
                (tmp_path / f"app.log.{shift}").rename(tmp_path / f"app.log.{shift + 1}")
            copy_and_truncate(log)
            write(log, b"new %d\n" % number)
            await sink.first(1 + (number + 1) * 1_002)
    expected = [b"one"]
    for number in range(5):
        expected += [b"unread %d %d" % (number, line) for line in range(1_000)]
        expected += [b"half a li", b"new %d" % number]
    assert sink.texts == expected
    assert sink.of_kind(Hole) == []
    assert {sealed.reason for sealed in sink.sealed.values()} == {GapReason.TRUNCATED}


async def test_a_copy_and_truncation_while_down_loses_nothing(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    write(log, b"one\n")
    async with tailing(sink, spec):
        await sink.first(1)
    seen_time = time.time()
    write(log, b"two\nthree\n")
    copy_and_truncate(log)
    write(log, b"four\n")
    for _ in range(2):
        known = [generation._replace(seen_time=seen_time) for generation in sink.known()]
        async with tailing(sink, spec, known=known, first_seen=()):
            await sink.first(4)
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert sink.of_kind(Hole) == []


async def test_an_older_file_that_begins_alike_is_no_copy(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(tmp_path / "app.log.1", b"tick\n" * 500)
    os.utime(tmp_path / "app.log.1", (1_000_000_000, 1_000_000_000))
    write(log, b"tick\n" * 100)
    async with tailing(sink, source(log)):
        await sink.first(100)
        os.truncate(log, 0)
        write(log, b"new\n")
        await sink.first(101)
    assert sink.texts == [b"tick"] * 100 + [b"new"]


async def test_a_copy_that_was_made_before_the_last_write_leaves_a_loss_with_its_range(tmp_path: Path) -> None:
    """Conformance: B8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        (tmp_path / "app.log.1").write_bytes(log.read_bytes())
        write(log, b"after the copy\nhalf")
        await sink.first(2)
        os.truncate(log, 0)
        write(log, b"new\n")
        await sink.first(3)
    assert sink.texts == [b"one", b"after the copy", b"new"]
    (hole,) = sink.of_kind(Hole)
    start = len(b"one\nafter the copy\n")
    assert (hole.start, hole.end, hole.reason) == (start, start + len(b"half"), GapReason.TRUNCATED)
    (sealed,) = sink.sealed.values()
    assert sealed.reason is GapReason.TRUNCATED


@pytest.mark.parametrize("line", [b"old", b"before it was truncated", b"x" * 99])
async def test_what_a_writer_leaves_empty_who_does_not_append_is_no_line_however_short(
    tmp_path: Path, line: bytes
) -> None:
    """Conformance: B10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    with log.open("wb", buffering=0) as writer:
        writer.write(line + b"\n")
        async with tailing(sink, source(log)):
            await sink.first(1)
            os.truncate(log, 0)
            writer.write(b"new\n")
            await sink.first(2)
    assert sink.texts == [line, b"new"]


async def test_the_hole_that_a_writer_leaves_who_does_not_append_is_no_line(tmp_path: Path) -> None:
    """Conformance: B10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    with log.open("wb", buffering=0) as writer:
        writer.write(b"x" * 99_999 + b"\n")
        async with tailing(sink, source(log)):
            await sink.first(2)  # fragments of 65,536 bytes
            os.truncate(log, 0)
            writer.write(b"new\n")
            await sink.until(lambda: sink.texts[-1].endswith(b"new"))
    assert sink.texts[2:] == [b"new"]


async def test_a_hole_tells_no_life_from_the_next_one_after_a_crash(tmp_path: Path) -> None:
    """Each life but the first of a writer that does not append begins with one. Conformance: B7, B10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    with log.open("wb", buffering=0) as writer:
        writer.write(b"x" * 9_999 + b"\n")
        async with tailing(sink, source(log), pace=replace(BRISK, proof_seconds=60.0)):
            await sink.first(1)
            os.truncate(log, 0)
            writer.write(b"new\n")
            await sink.first(2)
            known = sink.known()  # what is proven later, a crash loses
        writer.write(b"unread\n")
        log.with_name("app.log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        writer.write(b"newest\n")
        async with tailing(sink, source(log), known=known, first_seen=()):
            await sink.until(lambda: sink.texts[-1].endswith(b"newest"))
    assert sink.texts[1:] == [b"new", b"unread", b"newest"]


async def test_the_hole_at_the_start_of_what_was_compressed_is_no_line(tmp_path: Path) -> None:
    """It was copied, truncated and compressed twice while nobody looked. Conformance: B10, C8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    with log.open("wb", buffering=0) as writer:
        writer.write(b"one\n")
        await first_run(sink, source(log), 1)
        for line, archive in ((b"two\n", "app.log.2.gz"), (b"three\n", "app.log.1.gz")):
            writer.write(line)
            log.with_name(archive).write_bytes(gzip.compress(log.read_bytes()))
            os.truncate(log, 0)
        writer.write(b"four\n")
        assert await second_run(sink, source(log), 4) == [b"one", b"two", b"three", b"four"]


@pytest.mark.parametrize("is_restarted", [False, True])
async def test_a_rewrite_of_the_same_length_with_the_same_last_line_is_seen(
    tmp_path: Path, *, is_restarted: bool
) -> None:
    """As jobs do whose output ends alike each time. Conformance: B2."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    foot = b"=" * 80 + b"\n"
    write(log, b"first run\nall well\n" + foot)
    if is_restarted:
        await first_run(sink, source(log), 3)
    async with tailing(sink, source(log), known=sink.known(), first_seen=()) as supervisor:
        await sink.first(3)
        await looked_everywhere(supervisor)
        rewrite(log, b"other run\nall fine\n" + foot)
        await sink.first(6)
    assert sink.texts == [b"first run", b"all well", foot[:-1], b"other run", b"all fine", foot[:-1]]


async def test_what_is_copied_and_truncated_while_it_is_looked_at_for_the_first_time_is_read_in_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file was empty when it was looked at before. Conformance: B7."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    note_unread, truncated = Reader.note_unread, list[int]()

    def truncated_before(reader: Reader, opened: Opened) -> None:
        if opened.facts.size and not truncated:
            truncated.append(opened.facts.size)
            os.truncate(log, 0)
        note_unread(reader, opened)

    write(log, b"one\n")
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(1)
        shutil.copy2(log, copy)
        os.truncate(log, 0)
        await looked_everywhere(supervisor)
        monkeypatch.setattr(Reader, "note_unread", truncated_before)
        copy.rename(tmp_path / "app.log.2")
        write(log, b"two\nthree\n")
        shutil.copy2(log, copy)
        await sink.first(3)
        write(log, b"four\n")
        await sink.first(4)
        await looked_everywhere(supervisor)
    assert truncated == [10]
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert not sink.of_kind(Hole)
