from __future__ import annotations

import os
import time
import zlib
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Proof, Range, SourceSpec
from logstream.tail.identity import Verdict
from logstream.tail.opening import Opened, OpenFiles
from logstream.tail.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 1 << 20


class Shelf:
    """Opens readers, and closes them in the end."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "app.log"
        self.spec = SourceSpec("app", (str(self.path),), max_line_bytes=1000)
        self.files = OpenFiles(10)

    def opened(self) -> Opened:
        opened = self.files.open(str(self.path))
        assert isinstance(opened, Opened)
        return opened

    def reader(self, base: int = 0) -> Reader:
        reader = Reader.born(self.spec, "shown", self.opened(), base, 0.0)
        self.files.admit(reader)
        return reader

    def again(self, reader: Reader, **changed: object) -> tuple[Reader, Verdict]:
        """Another reader with what is known of `reader`, as after a restart."""
        again = Reader(self.spec, reader.known()._replace(**changed), 0.0)  # type: ignore[arg-type] # fields of Known
        opened = self.opened()
        verdict = again.examine(opened)
        if again.fd is None:
            os.close(opened.fd)
        else:
            self.files.admit(again)
        return again, verdict


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.files.close()


def test_a_range_says_where_it_lies_and_what_lies_before(shelf: Shelf) -> None:
    shelf.path.write_bytes(b"x" * 99 + b"\none\r\n\ntwo")
    reader = shelf.reader(base=100)
    change = reader.advance(MIB)
    assert change == Range(reader.key, 100, 106, (5, 1), b"one\r\n\n", b"x" * 63 + b"\n")
    assert reader.advance(MIB) is Verdict.SAME
    crc = zlib.crc32((b"x" * 99 + b"\none\r\n\n")[-64:])
    assert reader.prove(1.0) == Proof(
        reader.key, 106, crc, 109, zlib.crc32(b"x" * 99 + b"\none\r\n\ntwo"), shelf.path.stat().st_mtime_ns
    )


def test_a_long_range_counts_its_lines_and_has_a_size(shelf: Shelf) -> None:
    shelf.path.write_bytes((b"x" * 99 + b"\n") * 30_000)
    reader = shelf.reader()
    ranges = []
    while isinstance(change := reader.advance(MIB), Range):
        ranges.append(change)
    assert [(change.start, change.end, change.lines) for change in ranges] == [
        (0, 1_048_500, 10_485),
        (1_048_500, 2_097_000, 10_485),
        (2_097_000, 3_000_000, 9_030),
    ]


def test_nothing_is_read_beyond_a_limit(shelf: Shelf) -> None:
    shelf.path.write_bytes(b"one\ntwo\nthree\n")
    reader = shelf.reader()
    change = reader.advance(MIB, until=6)
    assert isinstance(change, Range)
    assert change.content == b"one\n"
    assert not reader.is_drained
    assert reader.advance(MIB, until=6) is Verdict.SAME
    change = reader.advance(MIB)
    assert isinstance(change, Range)
    assert change.content == b"two\nthree\n"


def test_what_is_left_in_the_end_is_one_last_line(shelf: Shelf) -> None:
    shelf.path.write_bytes(b"one\ntw\r")
    reader = shelf.reader()
    reader.advance(MIB)
    assert reader.finish() == Range(reader.key, 4, 7, (3,), b"tw\r", b"one\n")
    assert reader.finish() is None


EDITED = b"ONE\n" + b"two %s\n" % (b"much text, " * 50)
REWRITTEN = b"ONE\n" + b"TWO %s\n" % (b"much text, " * 50)
"""Both have another head than the file had before, and the same 64 bytes at the end."""


def edited(shelf: Shelf, content: bytes) -> Reader:
    """A reader of all that was in a file, which has this instead since."""
    shelf.path.write_bytes(b"one\n" + EDITED[4:])
    reader = shelf.reader()
    reader.advance(MIB)
    reader.prove(0.0)
    with shelf.path.open("r+b") as file:
        file.write(content)
    return reader


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_a_file_is_known_by_its_first_line_as_it_was_edited(shelf: Shelf, *, is_looked_at: bool) -> None:
    """Conformance: B17."""
    reader = edited(shelf, EDITED)
    if is_looked_at:
        assert reader.advance(MIB) is Verdict.SAME
        assert reader.is_unproven
    assert reader.prove(1.0).head_crc == zlib.crc32(EDITED[:256])
    assert not reader.is_unproven


@pytest.mark.parametrize("why", ["written anew", "perhaps shredded", "while nobody looked"])
def test_a_file_is_not_known_by_other_first_bytes_that_may_be_of_another_life(shelf: Shelf, why: str) -> None:
    """Its copies would not be recognised any more."""
    reader = edited(shelf, REWRITTEN if why == "written anew" else EDITED)
    reader.is_displaced = why == "perhaps shredded"
    if why == "while nobody looked":
        reader, verdict = shelf.again(reader)
        assert verdict is Verdict.SAME
    assert reader.prove(1.0).head_crc == zlib.crc32(b"one\n" + EDITED[4:256])


@pytest.mark.parametrize(("age_seconds", "verdict"), [(-3600, Verdict.TRUNCATED), (3600, Verdict.SAME)])
def test_a_rewrite_within_the_same_tick_of_the_clock_is_seen(shelf: Shelf, age_seconds: int, verdict: Verdict) -> None:
    """Conformance: G6."""
    # A time in the future is as one of just now: another write may leave it as it is.
    then = time.time_ns() - age_seconds * 1_000_000_000
    shelf.path.write_bytes(b"one\n")
    os.utime(shelf.path, ns=(then, then))
    reader = shelf.reader()
    reader.advance(MIB)
    reader.advance(MIB)
    shelf.path.write_bytes(b"two\n")
    os.utime(shelf.path, ns=(then, then))
    assert reader.advance(MIB) is verdict


def test_after_a_restart_only_the_proven_file_is_gone_on_with(shelf: Shelf) -> None:
    shelf.path.write_bytes(b"one\ntwo\n")
    reader = shelf.reader()
    reader.advance(MIB)
    reader.prove(0.0)
    again, verdict = shelf.again(reader)
    assert (verdict, again.lead) == (Verdict.SAME, b"one\ntwo\n")
    _, verdict = shelf.again(reader, proof_crc=1)
    assert verdict is Verdict.TRUNCATED
    # A proof lags behind what was handed on; without any, the first bytes have to do.
    _, verdict = shelf.again(reader, proof_offset=4, proof_crc=zlib.crc32(b"one\n"))
    assert verdict is Verdict.SAME
    _, verdict = shelf.again(reader, proof_offset=0, proof_crc=0)
    assert verdict is Verdict.SAME
    _, verdict = shelf.again(reader, proof_offset=0, proof_crc=0, head_crc=1)
    assert verdict is Verdict.TRUNCATED
    _, verdict = shelf.again(reader, ino=1)
    assert verdict is Verdict.REPLACED


def test_a_reader_that_is_not_open_cannot_read(shelf: Shelf) -> None:
    shelf.path.write_bytes(b"one\n")
    reader = shelf.reader()
    reader.close()
    assert repr(reader) == f"<Reader {reader.key} '{shelf.path}' read=0 size=None open=False>"
    with pytest.raises(AssertionError, match="is not open"):
        reader.advance(MIB)


def test_a_proof_fills_in_the_head_of_a_file_that_was_found_empty(shelf: Shelf) -> None:
    shelf.path.write_bytes(b"")
    reader = shelf.reader()
    shelf.path.write_bytes(b"one\n" * 100)
    reader.advance(MIB)

    proof = reader.prove(1.0)
    assert (proof.head_length, proof.head_crc) == (256, zlib.crc32(b"one\n" * 64))
    assert (reader.known().head_length, reader.known().head_crc) == (256, proof.head_crc)


@pytest.mark.parametrize("after", [b"", b"another life\n" * 100], ids=["emptied", "written anew"])
def test_a_proof_learns_no_head_from_a_file_that_was_truncated_since_it_was_read(
    shelf: Shelf, tmp_path: Path, after: bytes
) -> None:
    """Copied and truncated right after it was read: by another's first bytes the copy would not be known."""
    shelf.path.write_bytes(b"file 1 begins\n")
    reader = shelf.reader()
    reader.advance(MIB)
    reader.prove(0.0)
    lines = b"".join(b"line %d\n" % number for number in range(100))
    with shelf.path.open("ab") as log:
        log.write(lines)
    reader.advance(MIB)
    copy = tmp_path / "app.log.1"
    copy.write_bytes(shelf.path.read_bytes())
    shelf.path.write_bytes(after)

    reader.prove(1.0)
    assert reader.head_length == len(b"file 1 begins\n")
    opened = shelf.files.open(str(copy))
    assert isinstance(opened, Opened)
    assert reader.is_copied_in(opened)
    os.close(opened.fd)


def test_what_was_noted_of_an_unread_file_is_not_overwritten_by_what_stands_there_after_a_truncation(
    shelf: Shelf,
) -> None:
    """It waits for an older one, and is copied, truncated and written to until it is longer than it was."""
    shelf.path.write_bytes(b"")
    reader = shelf.reader()
    reader.note_unread(shelf.opened())
    shelf.path.write_bytes(b"first\n")
    reader.note_unread(shelf.opened())
    known = reader.known()
    shelf.path.write_bytes(b"another, and a longer one\n")
    reader.note_unread(shelf.opened())

    assert (known.head_length, known.head_crc) == (6, zlib.crc32(b"first\n"))
    assert (reader.head_length, reader.head_crc) == (known.head_length, known.head_crc)
    assert reader.advance(MIB) is Verdict.TRUNCATED


def test_an_unread_file_that_was_as_it_had_been_after_a_restart_is_seen_to_be_written_anew_since(shelf: Shelf) -> None:
    shelf.path.write_bytes(b"first\n")
    again, verdict = shelf.again(shelf.reader())
    assert verdict is Verdict.GREW
    shelf.path.write_bytes(b"another, and a longer one\n")

    assert again.advance(MIB) is Verdict.TRUNCATED
