"""Files that lose their last lines and nothing else: what stands before the cut does not come again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Hole
from tests.tail_kit import RecordingSink, rewrite, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

MANY = b"".join(b"%05d is a line of many\n" % number for number in range(1000))


@pytest.mark.parametrize(
    ("old", "lines"), [(b"one\ntwo\nthree\n", 1), (MANY, 1), (MANY, 100)], ids=["few", "many", "much"]
)
async def test_lines_before_a_cut_do_not_come_again(tmp_path: Path, old: bytes, lines: int) -> None:
    """Conformance: B6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, old)
    texts = old.splitlines()
    async with tailing(sink, source(log)):
        await sink.first(len(texts))
        left = b"".join(old.splitlines(keepends=True)[:-lines])
        os.truncate(log, len(left))
        await sink.until(lambda: len(sink.births) == 2)
        write(log, b"new\n")
        await sink.first(len(texts) + 1)
        write(log, b"last\n")
        assert await sink.first(len(texts) + 2) == [*texts, b"new", b"last"]
    (cut,) = sink.cuts.values()
    assert cut.offset == len(left) == list(sink.births.values())[1].base
    assert not sink.of_kind(Hole)


async def test_a_cut_in_the_middle_of_a_line_leaves_the_lines_before_it(tmp_path: Path) -> None:
    """Conformance: B6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"one\ntwo\nthree\n")
    async with tailing(sink, source(log)):
        await sink.first(3)
        os.truncate(log, 10)
        await sink.until(lambda: len(sink.births) == 2)
        write(log, b"e other\n")
        assert await sink.first(4) == [b"one", b"two", b"three", b"the other"]


@pytest.mark.parametrize("old", [b"one\ntwo\nthree\n", MANY], ids=["few", "many"])
async def test_a_cut_is_seen_though_lines_were_written_since(tmp_path: Path, old: bytes) -> None:
    """Conformance: B6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, old)
    texts = old.splitlines()
    async with tailing(sink, source(log)):
        await sink.first(len(texts))
        # No await in between: nobody sees the file while it is shorter.
        os.truncate(log, old.rindex(b"\n", 0, -1) + 1)
        write(log, b"new one\nnew two that makes it longer than it was\n")
        new = [b"new one", b"new two that makes it longer than it was"]
        assert await sink.first(len(texts) + 2) == [*texts, *new]


@pytest.mark.parametrize("head", [b"ready\n", b"# the same banner, at each start\n" * 40], ids=["short", "long"])
@pytest.mark.parametrize("more", [b"", b"new\n", b"new and much longer than it was before\n" * 50])
async def test_a_log_that_is_begun_anew_with_the_same_lines_is_told_from_its_start(
    tmp_path: Path, head: bytes, more: bytes
) -> None:
    """Conformance: B1, B3."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    old = head + b"a line that was there before\n" * 60
    write(log, old)
    async with tailing(sink, source(log)):
        await sink.first(old.count(b"\n"))
        rewrite(log, head + more)
        await sink.first((old + head + more).count(b"\n"))
        write(log, b"last\n")
        await sink.until(lambda: sink.texts[-1:] == [b"last"])
    assert sink.texts == (old + head + more + b"last\n").splitlines()
    assert not sink.cuts
