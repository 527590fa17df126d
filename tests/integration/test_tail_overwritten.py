"""Copies of a log that are made in a file that was there before: it stood empty, or had another life's lines in it.

`cp app.log app.log.1 && : > app.log` each minute, or a copy that stalls for longer than a rotated file is waited for.
"""

from __future__ import annotations

import gzip
import os
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from logstream.tail import follower
from logstream.tail.batch import Hole
from logstream.tail.discovery import find
from logstream.tail.endings import Endings
from logstream.tail.reader import sizes_newest_first
from logstream.tail.succession import Succession
from tests.tail_kit import BRISK, RecordingSink, looked_everywhere, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.tail.batch import Known, SourceSpec
    from logstream.tail.lineage import Lineage
    from logstream.tail.reader import Reader
    from logstream.tail.rotation import Sibling
    from logstream.tail.turn import Turn

PATIENT = replace(BRISK, rotate_wait_seconds=60.0)
"""What has lost its name is not finished before the tail goes."""
LONG = b"x" * 300


def rename(log: Path, name: Path) -> None:
    log.rename(name)


def copy_over(log: Path, copy: Path) -> None:
    """As cp does, into the file that is there, if one is."""
    copy.write_bytes(log.read_bytes())
    os.truncate(log, 0)


async def stood_empty(sink: RecordingSink, spec: SourceSpec, log: Path, copy: Path) -> None:
    """Two lines were read, the second one while the next copy was empty already, which was given up as nothing."""
    write(log, b"one\n")
    async with tailing(sink, spec) as supervisor:
        await sink.first(1)
        copy_over(log, copy.with_name("app.log.2"))
        await sink.until(lambda: len(sink.births) == 2)
        await looked_everywhere(supervisor)
        write(copy, b"")
        write(log, b"two\n")
        await sink.first(2)
        await sink.until(lambda: len(sink.births) == 3 and list(sink.births)[2] in sink.sealed)


def fill(log: Path, copy: Path, how: str) -> None:
    """Write the rest of a line to the log, copy all of it, and truncate it; the copy may be compressed then."""
    write(log, b"three\n")
    content = log.read_bytes()
    for chunk in (content[:6], content[6:]) if how == "in chunks" else (content,):
        write(copy, chunk)
    os.truncate(log, 0)
    if how == "compressed":
        facts, archive = copy.stat(), copy.with_name("app.log.1.gz")
        archive.write_bytes(gzip.compress(content))
        os.utime(archive, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        copy.unlink()
    if how == "twice":
        write(log, b"three and a half\n")
        copy.rename(copy.with_name("app.log.3"))
        copy_over(log, copy)
    write(log, b"four\n")


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.parametrize("how", ["at once", "in chunks", "compressed", "twice"])
@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
async def test_a_copy_that_was_given_up_while_it_was_empty_has_what_was_not_read(
    tmp_path: Path, glob: str, how: str, *, is_down: bool
) -> None:
    """Conformance: B7."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    spec = source(tmp_path / glob)
    await stood_empty(sink, spec, log, copy)
    expected = [b"one", b"two", b"three", *[b"three and a half"] * (how == "twice"), b"four"]
    if is_down:
        fill(log, copy, how)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        if not is_down:
            await looked_everywhere(supervisor)
            # No await in between: for the tail all this happens at once.
            fill(log, copy, how)
        await sink.first(len(expected))
        await looked_everywhere(supervisor)
        write(log, b"five\n")
        await sink.first(len(expected) + 1)
    assert sink.texts == [*expected, b"five"]
    assert not sink.of_kind(Hole)


async def test_new_lines_in_a_rotated_file_that_was_given_up_while_it_was_empty_are_told(tmp_path: Path) -> None:
    """It is no copy, and the glob matches it."""
    sink, log, late = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    spec = source(tmp_path / "app.log*")
    await stood_empty(sink, spec, log, late)
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        write(late, b"late\n")
        await sink.first(3)
        write(log, b"three\n")
        await sink.first(4)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"one", b"two", b"late", b"three"]


async def was_a_life(sink: RecordingSink, spec: SourceSpec, log: Path, how: str, pad: bytes) -> None:
    """The file of the copies has lines that were told as a life of the log of their own."""
    copy = log.with_name("app.log.1")
    write(log, b"one %s\n" % pad)
    if how == "rotated":
        async with tailing(sink, spec, pace=PATIENT):
            await sink.first(1)
            rename(log, copy)
            write(log, b"two\n")
            await sink.first(2)
        return
    if how == "matched":
        write(copy, b"zero %s\n" % pad)
    async with tailing(sink, spec, pace=PATIENT):
        await sink.until(lambda: b"one %s" % pad in sink.texts)
    if how == "copied twice":
        copy_over(log, copy)
        write(log, b"one and a half\n")
        copy_over(log, copy)
        write(log, b"two\n")
        async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=PATIENT):
            await sink.first(3)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.parametrize("how", ["rotated", "copied twice", "matched"])
@pytest.mark.parametrize("is_finished", [False, True], ids=["waited for", "finished"])
@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
async def test_a_log_that_is_copied_over_a_life_that_was_told_comes_once(
    tmp_path: Path, glob: str, how: str, *, is_finished: bool, is_down: bool
) -> None:
    """Conformance: B7, B16."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    spec = source(tmp_path / glob)
    await was_a_life(sink, spec, log, how, LONG if glob == "app.log" else b"")
    before, births = sink.texts, len(sink.births)
    if is_finished:
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            is_alone = how == "matched"  # a file of its own, as its name says: it is not waited for
            await sink.until(lambda: is_alone or len(sink.births) - len(sink.sealed) == 1)
            await looked_everywhere(supervisor)
    if is_down:
        write(log, b"three\n")
        copy_over(log, copy)
        write(log, b"four\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=(), pace=PATIENT) as supervisor:
        if not is_down:
            await looked_everywhere(supervisor)
            write(log, b"three\n")
            copy_over(log, copy)
            write(log, b"four\n")
        await sink.until(lambda: b"four" in sink.texts)
        await looked_everywhere(supervisor)
        write(log, b"five\n")
        await sink.until(lambda: b"five" in sink.texts)
        await looked_everywhere(supervisor)
    assert sink.texts == [*before, b"three", b"four", b"five"]
    assert len(sink.births) > births
    if not (is_down or how == "copied twice"):
        assert not sink.of_kind(Hole)


async def test_a_copy_of_a_log_of_which_nothing_was_read_is_read_though_that_is_truncated_once_it_was_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file of a life that is waited for, so that nobody has to search for it. Conformance: B7."""
    sink, log, copy = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1"
    end_copy, todo = Endings.end_copy, ["write", "truncate"]

    def and_copied(readers: list[Reader]) -> dict[Reader, int]:
        """What stands beside the log has been looked at by now."""
        if todo == ["write", "truncate"]:
            todo.remove("write")
            write(log, b"two\nthree\n")
            copy.write_bytes(log.read_bytes())
        return sizes_newest_first(readers)

    def and_truncated(endings: Endings, lineage: Lineage, reader: Reader, turn: Turn) -> bool:
        is_over = end_copy(endings, lineage, reader, turn)
        if is_over and todo == ["truncate"]:
            todo.remove("truncate")
            os.truncate(log, 0)
        return is_over

    write(log, b"one\n")
    async with tailing(sink, source(log), pace=PATIENT) as supervisor:
        await sink.first(1)
        rename(log, copy)
        write(log, b"")
        await sink.until(lambda: len(sink.births) == 2)
        await looked_everywhere(supervisor)
        monkeypatch.setattr(Endings, "end_copy", and_truncated)
        monkeypatch.setattr(follower, "sizes_newest_first", and_copied)
        await sink.first(3)
        write(log, b"four\n")
        await sink.first(4)
    assert not todo
    assert sink.texts == [b"one", b"two", b"three", b"four"]
    assert not sink.of_kind(Hole)


async def test_a_copy_that_a_search_recognised_is_read_though_its_log_is_truncated_before_a_line_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: B7."""
    sink, log, copy, spec = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1", source(tmp_path / "app.log*")
    adopt = Succession.adopt

    def and_truncated(succession: Succession, lineage: Lineage, sibling: Sibling, turn: Turn) -> bool:
        is_entered = adopt(succession, lineage, sibling, turn)
        if not sink.lines:
            os.truncate(log, 0)
        return is_entered

    write(log, b"")
    async with tailing(sink, spec) as supervisor:
        await sink.until(lambda: sink.births)
        await looked_everywhere(supervisor)
        monkeypatch.setattr(Succession, "adopt", and_truncated)
        # No await in between: for the tail all this happens at once, and then it hears of the search first.
        write(log, b"one\ntwo\n")
        copy.write_bytes(log.read_bytes())
        supervisor._found.append((spec, find(spec.paths)))
        await sink.first(2)
        write(log, b"three\n")
        await sink.first(3)
    assert sink.texts == [b"one", b"two", b"three"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.parametrize("pad", [b"", LONG, b"x" * 9_000], ids=["tiny", "short", "long"])
@pytest.mark.parametrize("is_old", [False, True], ids=["a new file", "over one that was told"])
@pytest.mark.parametrize("is_empty", [False, True], ids=["written at once", "seen empty"])
async def test_a_copy_that_holds_less_than_was_read_since_is_not_told_again(
    tmp_path: Path, glob: str, pad: bytes, *, is_old: bool, is_empty: bool
) -> None:
    """What was written between the copy and the truncation was read in time, for once. Conformance: B7, B8, B16."""
    sink, log, copy, spec = RecordingSink(), tmp_path / "app.log", tmp_path / "app.log.1", source(tmp_path / glob)
    lines = [b"%d %s" % (number, pad) for number in range(4)]
    if is_old:
        write(copy, b"old\n")
    write(log, b"\n".join(lines[:3]) + b"\n")
    async with tailing(sink, spec) as supervisor:
        await sink.until(lambda: lines[2] in sink.texts)
        content, made_ns = log.read_bytes(), log.stat().st_mtime_ns
        write(log, lines[3] + b"\n")
        await sink.until(lambda: lines[3] in sink.texts)
        before, births = sink.texts, len(sink.births)
        # As if the copy had been made before that, and nobody had looked since.
        copy.write_bytes(content)
        os.utime(copy, ns=(made_ns, made_ns))
        os.truncate(log, 0)
        if is_empty:
            await sink.until(lambda: len(sink.births) > births)
            await looked_everywhere(supervisor)
        for text in (b"five", b"six"):
            write(log, text + b"\n")
            await sink.until(lambda text=text: text in sink.texts)  # type: ignore[misc]
            await looked_everywhere(supervisor)
    if pad:
        async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
            await looked_everywhere(supervisor)
    assert sink.texts == [*before, b"five", b"six"]
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
async def test_a_rotated_file_that_begins_as_the_log_does_is_no_part_of_it(tmp_path: Path, glob: str) -> None:
    """Programs that greet. It was written to the end before the log was begun. Conformance: A3."""
    sink, log, spec = RecordingSink(), tmp_path / "app.log", source(tmp_path / glob)
    greeting = b"hello %s\n" % LONG
    write(log, greeting + b"one\n")
    async with tailing(sink, spec):
        await sink.first(2)
    rename(log, tmp_path / "app.log.2")
    write(log, greeting + b"two\n")
    rename(log, tmp_path / "app.log.1")
    write(log, greeting + b"three\n" + b"x" * 99 + b"\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(7)
        await looked_everywhere(supervisor)
    hello = greeting.rstrip()
    assert sink.texts == [hello, b"one", hello, b"two", hello, b"three", b"x" * 99]


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_log_that_is_copied_into_the_same_file_each_time_comes_once_with_restarts_in_between(
    tmp_path: Path, glob: str, seed: int
) -> None:
    """As from cron, once between two looks. Conformance: B7, B16."""
    chance, sink = random.Random(seed), RecordingSink()
    log, copy, spec = tmp_path / "app.log", tmp_path / "app.log.1", source(tmp_path / glob)
    written: list[bytes] = []

    def grow() -> None:
        for _ in range(chance.randrange(4)):
            lines = [b"%d %s" % (len(written) + more, b"y" * chance.choice((0, 9, 200))) for more in range(20)]
            write(log, b"".join(line + b"\n" for line in lines))
            written.extend(lines)

    def rotate() -> None:
        grow()
        copy_over(log, copy)
        grow()

    write(log, b"")
    known: list[Known] = []
    first_seen = {spec.name}
    for number in range(5):
        async with tailing(sink, spec, known=known, first_seen=first_seen) as supervisor:
            await supervisor.first_scan_done.wait()
            for _ in range(4):
                rotate()
                await sink.first(len(written))
                await looked_everywhere(supervisor)
        assert sink.texts == written
        known, first_seen = sink.known(), set()
        if number % 2:
            rotate()
    assert sink.texts == written
