"""How bytes become lines, whatever the reads that bring them: boundaries, torn writes, many writers, no line end."""

from __future__ import annotations

import os
import random
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import RANGE_BYTES, Proof
from tests.tail_kit import RecordingSink, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

EURO = "\u20ac"


@pytest.mark.parametrize("boundary", [4_096, 65_536, RANGE_BYTES], ids=["page", "first look", "range"])
async def test_a_line_end_on_both_sides_of_a_read_is_one_line_end(tmp_path: Path, boundary: int) -> None:
    """Conformance: E4."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    before = b"x" * 63 + b"\n"
    content = before * (boundary // 64 - 1) + b"y" * 63 + b"\r\nafter\r\n"
    assert content[boundary - 1 : boundary + 1] == b"\r\n"
    write(log, content)
    async with tailing(sink, source(log)):
        await sink.first(boundary // 64 + 1)
    assert sink.texts == content.replace(b"\r\n", b"\n").splitlines()


@pytest.mark.parametrize("boundary", [4_096, 65_536, RANGE_BYTES], ids=["page", "first look", "range"])
async def test_a_character_on_both_sides_of_a_read_is_not_damaged(tmp_path: Path, boundary: int) -> None:
    """Conformance: E9."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    content = b"x" * 63 + b"\n"
    content *= boundary // 64 - 1
    content += b"y" * 62 + "\U0001f600 after\n".encode()
    write(log, content)
    async with tailing(sink, source(log)):
        await sink.first(boundary // 64)
    assert sink.texts[-1].decode() == "y" * 62 + "\U0001f600 after"
    assert b"\n".join(sink.texts) + b"\n" == content


async def test_output_without_a_line_feed_takes_bounded_memory(tmp_path: Path) -> None:
    """Conformance: E5."""
    size, log = 20_000_000, tmp_path / "app.log"
    log.write_bytes(b"50%\r" * (size // 4) + b"\nafter\n")

    class Counting(RecordingSink):
        async def accept(self, batch: object) -> None:
            await super().accept(batch)  # type: ignore[arg-type] # as the base class has it
            self.lines = [("", text) for text in self.texts[-2:]]
            self.changes = [change for change in self.changes if isinstance(change, Proof)]

    sink = Counting()
    tracemalloc.start()
    try:
        async with tailing(sink, source(log)):
            await sink.until(lambda: sink.texts[-1:] == [b"after"])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert list(sink.committed.values()) == [size + len(b"\nafter\n")]
    assert set(sink.texts[0].split(b"\r")) <= {b"50%", b""}
    assert peak < size / 2


async def test_empty_lines_are_lines_and_move_the_position(tmp_path: Path) -> None:
    """Conformance: E6."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, b"\n\n\r\n")
    async with tailing(sink, source(log)):
        assert await sink.first(3) == [b"", b"", b""]
        assert list(sink.committed.values()) == [4]
        write(log, b"\n")
        assert await sink.first(4) == [b""] * 4
    assert list(sink.committed.values()) == [5]


async def test_lines_torn_at_any_byte_by_many_writers_come_once_each(tmp_path: Path) -> None:
    """Each writer has a file of its own; all tear their lines. Conformance: E17."""
    sink, count = RecordingSink(), 400
    wanted = {
        str(tmp_path / f"{name}.log"): [f"{name} {number} {EURO * (number % 9)}\r".encode() for number in range(count)]
        for name in "abcdefgh"
    }

    def tear(path: str, lines: list[bytes], chooser: random.Random) -> None:
        content = b"".join(line + b"\n" for line in lines)
        with open(path, "ab", buffering=0) as file:  # noqa: PTH123 - a plain name
            while content:
                length = chooser.randint(1, 40)
                file.write(content[:length])
                content = content[length:]

    writers = [
        threading.Thread(target=tear, args=(path, lines, random.Random(number)))
        for number, (path, lines) in enumerate(wanted.items())
    ]
    async with tailing(sink, source(tmp_path / "*.log")):
        for writer in writers:
            writer.start()
        await sink.first(count * len(wanted))
    for writer in writers:
        writer.join()
    for path, lines in wanted.items():
        assert [text for file, text in sink.lines if file == path] == [line.removesuffix(b"\r") for line in lines]


async def test_many_writers_that_append_whole_lines_to_one_file_lose_none(tmp_path: Path) -> None:
    """Conformance: E17."""
    sink, log, count = RecordingSink(), tmp_path / "app.log", 500
    log.touch()

    def append(name: int) -> None:
        fd = os.open(log, os.O_WRONLY | os.O_APPEND)
        for number in range(count):
            os.write(fd, b"%d %d\n" % (name, number))
        os.close(fd)

    writers = [threading.Thread(target=append, args=(name,)) for name in range(6)]
    async with tailing(sink, source(log)):
        for writer in writers:
            writer.start()
        await sink.first(6 * count)
    for writer in writers:
        writer.join()
    assert sink.texts == log.read_bytes().splitlines()
    assert len(set(sink.texts)) == 6 * count
