"""One archive for all of a log, to which each rotation adds a member: `gzip -c app.log >> app.log.gz; : > app.log`."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from logstream.records import GapReason
from logstream.tail.batch import Birth, Hole
from tests.tail_kit import RecordingSink, first_run, looked_everywhere, second_run, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path


class Log:
    """A log, what was written to it, and its archive."""

    def __init__(self, directory: Path) -> None:
        self.path, self.archive = directory / "app.log", directory / "app.log.gz"
        self.texts: list[bytes] = []

    def write(self, count: int = 3) -> None:
        texts = [b"line %d %s" % (len(self.texts) + n, b"x" * (len(self.texts) % 40)) for n in range(count)]
        self.texts += texts
        write(self.path, b"".join(text + b"\n" for text in texts))

    def rotate(self) -> None:
        write(self.archive, gzip.compress(self.path.read_bytes()))
        os.truncate(self.path, 0)


@pytest.mark.parametrize("unread", [0, 2])
@pytest.mark.parametrize("rounds", [1, 2, 3])
@pytest.mark.parametrize("history", [0, 1, 2])
async def test_members_that_were_added_while_down_are_read_once(
    tmp_path: Path, history: int, rounds: int, unread: int
) -> None:
    """Conformance: C10."""
    sink, log = RecordingSink(), Log(tmp_path)
    spec = source(log.path)
    for _ in range(history):
        log.write()
        log.rotate()
    del log.texts[:]
    log.write(4)
    await first_run(sink, spec, 4)
    for number in range(rounds):
        if number or unread:
            log.write(2)
        log.rotate()
    log.write()
    assert await second_run(sink, spec, len(log.texts)) == log.texts
    log.write()
    births = len(sink.of_kind(Birth))
    assert await second_run(sink, spec, len(log.texts)) == log.texts
    assert len(sink.of_kind(Birth)) == births
    assert not sink.of_kind(Hole)


@pytest.mark.parametrize("content", [b"", b"other line\n", b"first\nsecond\n"])
@pytest.mark.parametrize("is_one", [True, False])
async def test_an_archive_in_which_no_life_of_the_log_stands_is_left_alone(
    tmp_path: Path, content: bytes, *, is_one: bool
) -> None:
    sink, log = RecordingSink(), Log(tmp_path)
    spec = source(log.path)
    write(log.path, b"first\nsecond\nthird\n")
    await first_run(sink, spec, 3)
    for part in [content] if is_one else [content, content]:
        write(log.archive, gzip.compress(part))
    os.truncate(log.path, 0)
    write(log.path, b"last\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()) as supervisor:
        await sink.first(4)
        await sink.until(lambda: sink.sealed)
        await looked_everywhere(supervisor)
    assert sink.texts == [b"first", b"second", b"third", b"last"]
    assert [(hole.start, hole.end, hole.reason) for hole in sink.of_kind(Hole)] == [(19, None, GapReason.TRUNCATED)]
    assert len(sink.of_kind(Birth)) == 2


@pytest.mark.parametrize("is_blank", [True, False])
async def test_members_that_are_added_now_and_then_are_read_once(tmp_path: Path, *, is_blank: bool) -> None:
    sink, log = RecordingSink(), Log(tmp_path)
    spec = source(log.path)
    log.write(4)
    await first_run(sink, spec, 4)
    for _ in range(4):
        async with tailing(sink, spec, known=sink.known(), first_seen=()):
            await sink.first(len(log.texts))
            log.rotate()
            log.write()
            await sink.first(len(log.texts))
            if is_blank:
                log.rotate()
        log.write()
        log.rotate()
        log.write()
    assert await second_run(sink, spec, len(log.texts)) == log.texts
    assert not sink.of_kind(Hole)


async def test_members_that_begin_alike_are_told_apart(tmp_path: Path) -> None:
    sink, log = RecordingSink(), Log(tmp_path)
    spec = source(log.path)
    header = b"#Fields: " + b"date time " * 60
    for text in (b"history", b"zero"):
        write(log.path, header + b"\n" + text + b"\n")
        if text == b"history":
            log.rotate()
    await first_run(sink, spec, 2)
    for text in (b"one", b"two", b"three"):
        log.rotate()
        write(log.path, header + b"\n" + text + b"\n")
    texts = [header, b"zero", header, b"one", header, b"two", header, b"three"]
    assert await second_run(sink, spec, len(texts)) == texts
    assert not sink.of_kind(Hole)
