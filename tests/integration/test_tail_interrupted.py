"""The tail goes while an older life is read on beside the newer one in its file, and comes back."""

from __future__ import annotations

import gzip
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from logstream.tail import unpacking
from logstream.tail.batch import Hole
from logstream.tail.packed import unpack_file
from tests.tail_kit import (
    BRISK,
    PATIENCE_SECONDS,
    RecordingSink,
    eventually,
    first_run,
    looked_everywhere,
    source,
    tailing,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.tail.packed import Unpacked

LINES = [b"%07d %s" % (number, b"x" * 90) for number in range(80_000)]
SHORT_TURNS = replace(BRISK, turn_bytes=(1 << 20) + 1)


async def stop_in_a_copy(sink: RecordingSink, log: Path, *, is_packed: bool = False) -> None:
    """Stop while the unread rest of a truncated `log` is read in its copy, and `new` waits behind that."""
    copy, unread = log.with_name(f"{log.name}.1"), b"".join(line + b"\n" for line in LINES)
    write(log, b"one\n")
    async with tailing(sink, source(log), pace=SHORT_TURNS):
        await sink.first(1)
        # No await in between: for the tail all this happens at once.
        write(log, unread)
        if is_packed:
            write(copy.with_name(f"{copy.name}.gz"), gzip.compress(b"one\n" + unread, compresslevel=1))
        else:
            write(copy, b"one\n" + unread)
        os.truncate(log, 0)
        write(log, b"new\n")
        await sink.until(lambda: len(sink.births) == 2)


@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_copy_that_was_not_read_to_its_end_before_a_restart_is_read_on_and_nothing_comes_twice(
    tmp_path: Path, *, is_packed: bool
) -> None:
    """Both lives had the same file. Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(log)
    await stop_in_a_copy(sink, log, is_packed=is_packed)
    assert not sink.sealed
    assert len(sink.lines) < len(LINES)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(2 + len(LINES))
        await looked_everywhere(supervisor)
        write(log, b"newer\n")
        await sink.first(3 + len(LINES))
    assert sink.texts == [b"one", *LINES, b"new", b"newer"]
    assert not sink.of_kind(Hole)


async def test_a_life_whose_copy_went_while_nobody_looked_is_a_gap_and_the_newer_one_comes_once(tmp_path: Path) -> None:
    """Conformance: B9."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    spec = source(log)
    await stop_in_a_copy(sink, log)
    count, (old, _) = len(sink.lines), sink.births
    copy.unlink()
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(count + 1)
        await looked_everywhere(supervisor)
    assert sink.texts[count:] == [b"new"]
    (hole,) = sink.of_kind(Hole)
    assert (hole.key, hole.start, hole.end) == (old, len(b"".join(sink.texts[:count])) + count, None)


async def test_a_source_that_goes_while_an_archive_waits_and_comes_back_has_all_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the archive has not begun, and nobody remembers it."""
    sink, log, may_go_on = RecordingSink(), tmp_path / "app.log", threading.Event()
    spec = source(log)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.rename(tmp_path / "app.log.2")
    write(tmp_path / "app.log.1.gz", gzip.compress(b"two\n"))
    write(log, b"three\n")

    def unpack_slowly(*arguments: Any, **options: Any) -> Unpacked | None:  # noqa: ANN401 - as unpack_file has them
        assert may_go_on.wait(PATIENCE_SECONDS)
        return unpack_file(*arguments, **options)

    monkeypatch.setattr(unpacking, "unpack_file", unpack_slowly)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.until(lambda: len(sink.births) == 2)
        supervisor.reconfigure([])
        await eventually(lambda: not supervisor._roster.lineages)
        supervisor.reconfigure([spec])
        may_go_on.set()
        await sink.first(3)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("name", ["app.log.{}", "app.log-2026010{}"])
async def test_late_lines_put_no_life_behind_a_newer_one_that_had_not_begun_either(tmp_path: Path, name: str) -> None:
    """Both waited for one that is nowhere when the tail went. Torture, seed 12511. Conformance: A3, A8."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    older, newer = (tmp_path / name.format(number) for number in ((2, 1) if name.endswith("g.{}") else (1, 2)))
    spec = source(tmp_path / "*.log*")
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.rename(tmp_path.with_name(f"{tmp_path.name} elsewhere"))
    write(older, b"two\n")
    write(newer, b"three\n")
    write(log, b"four\n")
    write(older, b"late\n")
    os.utime(newer, (time.time() - 60, time.time() - 60))
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=replace(BRISK, absence_seconds=60.0)):
        await sink.until(lambda: len(sink.births) == 4)
    assert sink.texts == [b"one"]
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.first(5)
    assert sink.texts == [b"one", b"two", b"late", b"three", b"four"]


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
async def test_a_life_of_which_nothing_was_read_before_a_restart_is_not_taken_for_what_is_in_its_file_now(
    tmp_path: Path, pattern: str
) -> None:
    """Its file has other bytes, and a copy those that it had. Torture, seed 8222. Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec = source(tmp_path / pattern)
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.rename(tmp_path.with_name(f"{tmp_path.name} elsewhere"))
    write(log, b"two is a longer line than three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=replace(BRISK, absence_seconds=60.0)):
        await sink.until(lambda: len(sink.births) == 2)
    assert sink.texts == [b"one"]
    (tmp_path / "app.log.1").write_bytes(log.read_bytes())
    os.truncate(log, 0)
    write(log, b"three\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(3)
        await looked_everywhere(supervisor)
        (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
        (tmp_path / "app.log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        await looked_everywhere(supervisor)
        write(log, b"four\n")
        await sink.first(4)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two is a longer line than three", b"three", b"four"]
    (hole,) = sink.of_kind(Hole)
    assert hole.key == next(iter(sink.births))  # the one that is elsewhere


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("new", [b"three\n", b"three, and it is longer than all that stood there\n"])
async def test_a_life_of_which_nothing_was_read_yet_is_not_taken_for_what_is_in_its_file_by_its_turn(
    tmp_path: Path, pattern: str, new: bytes, *, is_packed: bool
) -> None:
    """It waits for an older one that is gone, and is copied and truncated meanwhile. Conformance: B7."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec, two = source(tmp_path / pattern), b"two is a longer line than three\n"
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.rename(tmp_path.with_name(f"{tmp_path.name} elsewhere"))
    write(log, two)
    slow = replace(BRISK, absence_seconds=0.5)
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=slow) as supervisor:
        await sink.until(lambda: len(sink.births) == 2)
        # No await in between: for the tail all this happens at once.
        if is_packed:
            (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(two))
        else:
            (tmp_path / "app.log.1").write_bytes(two)
        os.truncate(log, 0)
        write(log, new)
        await sink.first(3)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", two.rstrip(), new.rstrip()]
    (hole,) = sink.of_kind(Hole)
    assert hole.key == next(iter(sink.births))  # the one that is elsewhere


async def test_of_a_file_of_which_nothing_was_read_a_later_one_that_begins_alike_counts_as_it(tmp_path: Path) -> None:
    """Its first 256 bytes are all that is known: nobody can tell the two apart. Torture, seed 62727."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    spec, head = source(log), b"z" * 300
    write(log, b"one\n")
    await first_run(sink, spec, 1)
    log.rename(tmp_path.with_name(f"{tmp_path.name} elsewhere"))
    write(log, head + b" gone\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=replace(BRISK, absence_seconds=60.0)):
        await sink.until(lambda: len(sink.births) == 2)
    with log.open():  # its inode's number is not given again
        log.unlink()
        write(tmp_path / "app.log.2.gz", gzip.compress(b"two\n"))
        write(tmp_path / "app.log.1.gz", gzip.compress(head + b" three\n"))
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await sink.first(3)
            await looked_everywhere(supervisor)
    assert sink.texts == [b"one", head + b" three", b"two"]
    (hole,) = sink.of_kind(Hole)
    assert hole.key == next(iter(sink.births))  # the one that is elsewhere
