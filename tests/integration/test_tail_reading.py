from __future__ import annotations

import os
import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Birth, Proof, Range, Sealed
from logstream.tail.turn import Pace
from tests.tail_kit import RecordingSink, eventually, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path


def has_bytes(sink: RecordingSink, count: int) -> bool:
    return sum(map(len, sink.texts)) >= count


async def test_lines_that_are_there_and_lines_that_come_are_read_once(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\ntwo\n")
    async with tailing(sink, source(log)):
        await sink.first(2)
        write(log, b"three\n")
        assert await sink.first(3) == [b"one", b"two", b"three"]
    (birth,) = sink.of_kind(Birth)
    assert (birth.source, birth.file, birth.path, birth.base) == ("app", str(log), str(log), 0)
    assert (birth.dev, birth.ino) == (log.stat().st_dev, log.stat().st_ino)
    assert birth.head_length == 8
    assert sink.of_kind(Proof)[-1].offset == log.stat().st_size


@pytest.mark.parametrize("uses_events", [True, False])
async def test_a_file_is_followed_with_and_without_file_events(tmp_path: Path, *, uses_events: bool) -> None:
    """Conformance: G1."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    async with tailing(sink, source(tmp_path / "*.log"), uses_events=uses_events) as supervisor:
        await supervisor.first_scan_done.wait()
        for number in range(20):
            write(log, b"%d\n" % number)
            await sink.first(number + 1)
    assert sink.texts == [b"%d" % number for number in range(20)]


async def test_an_unfinished_line_is_one_line_once_it_is_complete(tmp_path: Path) -> None:
    """Conformance: E1."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"whole\nhal")
    async with tailing(sink, source(log)):
        await sink.first(1)
        write(log, b"f a li")
        write(tmp_path / "unrelated", b"wakes the watcher\n")
        write(log, b"ne\nnext\n")
        assert await sink.first(3) == [b"whole", b"half a line", b"next"]


async def test_a_line_end_that_arrives_in_two_writes_is_one_line_end(tmp_path: Path) -> None:
    """Conformance: E4, E6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"first\r\nsecond\r")
    async with tailing(sink, source(log)):
        await sink.first(1)
        write(log, b"\nlone\rcarriage\n\n\r\nend\n")
        assert await sink.first(6) == [b"first", b"second", b"lone\rcarriage", b"", b"", b"end"]


async def test_a_lone_carriage_return_shows_progress_and_ends_no_line(tmp_path: Path) -> None:
    """Conformance: E14."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"10%\r20%\r30%\rdone\n\xe2\x80\xa8\x0b\x0c\xc2\x85\n")
    async with tailing(sink, source(log)):
        assert await sink.first(2) == [b"10%\r20%\r30%\rdone", b"\xe2\x80\xa8\x0b\x0c\xc2\x85"]


async def test_bytes_that_are_no_utf8_and_nul_come_through_as_they_are(tmp_path: Path) -> None:
    """Conformance: E13."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"\xff\xfd\x00 raw \xc3\n\xc3\xa9\n")
    async with tailing(sink, source(log)):
        assert await sink.first(2) == [b"\xff\xfd\x00 raw \xc3", b"\xc3\xa9"]


async def test_a_line_of_fifty_megabytes_is_cut_into_fragments_in_bounded_memory(tmp_path: Path) -> None:
    log, size = tmp_path / "app.log", 50_000_000
    log.write_bytes(b"x" * size)
    write(log, b"\nafter\n")

    class CountingSink(RecordingSink):
        async def accept(self, batch: object) -> None:
            for change in batch.changes:  # type: ignore[attr-defined] # as the base class has it
                if isinstance(change, Range):
                    self.lines += [("", b"")] * (change.lines if isinstance(change.lines, int) else len(change.lines))
                    self.batch_bytes += len(change.content)
                    self.last = change.content[-6:]

    sink = CountingSink()
    tracemalloc.start()
    try:
        async with tailing(sink, source(log, max_line_bytes=65_536)):
            await eventually(lambda: sink.batch_bytes == size + 7)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(sink.lines) == -(-size // 65_536) + 1
    assert sink.last == b"after\n"
    assert peak < 16_000_000


async def test_an_over_long_line_that_grows_slowly_is_cut_as_one_that_was_there_at_once(tmp_path: Path) -> None:
    """Conformance: E7, E9."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    sink.max_line_bytes = 1000
    text = ("\u20ac" * 999).encode()
    async with tailing(sink, source(log, max_line_bytes=1000)):
        for start in range(0, len(text), 700):
            write(log, text[start : start + 700])
            handed_on = start + 700 - 1001
            await sink.until(partial(has_bytes, sink, min(handed_on, 1998)))
        write(log, b"\r\nnext\r\n")
        await sink.until(lambda: sink.texts[-1:] == [b"next"])
    assert sink.texts == [text[:999], text[999:1998], text[1998:], b"next"]


async def test_a_huge_backlog_does_not_keep_quiet_files_waiting(tmp_path: Path) -> None:
    """Conformance: F12."""
    sink, huge = RecordingSink(), tmp_path / "huge.log"
    with huge.open("wb") as file:
        file.write((b"x" * 99 + b"\n") * 400_000)
    for number in range(300):
        write(tmp_path / f"quiet-{chr(97 + number % 26)}{number}.log", b"quiet\n")
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.until(lambda: sink.texts.count(b"quiet") == 300)
        first_half = sink.texts
        await sink.first(400_300)
    assert len(first_half) < 400_000
    assert sink.batch_bytes <= 6 << 20
    # And fairness costs it little: it is read in large pieces all the same.
    pieces = [change for change in sink.of_kind(Range) if sink.births[change.key].file == str(huge)]
    assert len(pieces) < huge.stat().st_size / (256 * 1024)


async def test_a_name_that_is_not_utf8_is_served_and_told_as_text(tmp_path: Path) -> None:
    """Conformance: F9."""
    sink = RecordingSink()
    directory = os.fsencode(tmp_path)
    name = os.fsdecode(directory + b"/caf\xe9.log")
    write(name, b"one\n")
    async with tailing(sink, source(tmp_path / "*.log")):
        await sink.first(1)
        # The watcher dies of such names; the file is followed all the same.
        write(name, b"two\n")
        write(tmp_path / "other.log", b"three\n")
        await sink.first(3)
    births = {birth.path: birth for birth in sink.of_kind(Birth)}
    assert births[name].file == f"{tmp_path}/caf\ufffd.log"
    assert os.fsencode(births[name].path) == directory + b"/caf\xe9.log"
    assert sorted(sink.texts) == [b"one", b"three", b"two"]


async def test_an_empty_file_is_announced_before_it_has_a_line(tmp_path: Path) -> None:
    """Conformance: D5, F1."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    log.touch()
    async with tailing(sink, source(log)):
        await sink.until(lambda: sink.births)
        write(log, b"x\n")
        await sink.first(1)
    assert not sink.of_kind(Sealed)


async def test_touching_a_file_says_nothing(tmp_path: Path) -> None:
    """Conformance: G10."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\n")
    async with tailing(sink, source(log)):
        await sink.first(1)
        os.utime(log, ns=(0, 0))
        log.chmod(0o600)
        write(tmp_path / "app.log", b"two\n")
        await sink.first(2)
    assert [type(change) for change in sink.changes] == [Birth, Range, Proof, Range, Proof]


async def test_offsets_beyond_four_gigabytes_are_no_trouble(tmp_path: Path) -> None:
    """Conformance: E18."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    with log.open("wb") as file:
        file.truncate(5 << 30)
    write(log, b"\nlast line\nunfinished")
    async with tailing(sink, source(log, start="end")):
        await sink.until(lambda: sink.births)
        write(log, b" line\n")
        assert await sink.first(1) == [b"unfinished line"]
    (birth,) = sink.of_kind(Birth)
    assert birth.base == (5 << 30) + 11


async def test_a_source_that_starts_at_the_end_reads_only_what_comes(tmp_path: Path) -> None:
    """Conformance: F3."""
    sink = RecordingSink()
    write(tmp_path / "old.log", b"before\nhalf")
    write(tmp_path / "old.log.1", b"long before\n")
    async with tailing(sink, source(tmp_path / "*.log", start="end")) as supervisor:
        await supervisor.first_scan_done.wait()
        write(tmp_path / "old.log", b" a line\n")
        await sink.first(1)
        write(tmp_path / "late.log", b"from its start\n")
        assert await sink.first(2) == [b"half a line", b"from its start"]
        (tmp_path / "old.log").rename(tmp_path / "old.log.1")
        write(tmp_path / "old.log", b"new\nfile\n")
        assert (await sink.first(4))[2:] == [b"new", b"file"]
    # A proof comes with the first offset that is not zero.
    assert [type(change) for change in sink.changes[:2]] == [Birth, Proof]


async def test_start_counts_only_when_a_source_is_first_seen(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"before\n")
    async with tailing(sink, source(log, start="end"), first_seen=()):
        assert await sink.first(1) == [b"before"]


async def test_a_file_that_has_just_grown_is_looked_at_again_without_event_and_sweep(tmp_path: Path) -> None:
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"0\n")
    pace = Pace(hot_seconds=1000.0, blind_sweep_seconds=1000.0, blind_survey_seconds=1000.0)
    async with tailing(sink, source(log), uses_events=False, pace=pace):
        for number in range(1, 5):
            await sink.first(number)
            write(log, b"%d\n" % number)
        await sink.first(5)
