"""UTF-16 as the tail finds it: by a mark or by configuration, however it comes, and for a file's whole life."""

from __future__ import annotations

import gzip
import os
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import Range, Sealed
from tests.tail_kit import (
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

MARK = "\ufeff"
TEXTS = ["one", "\u0a0d and \u0d0a", "", "\u010a \U0001f600", "\u0a00\u0a0a", "caf\u00e9 \u4e2d\u6587"]
LINES = "".join(f"{text}\n" for text in TEXTS)
BYTES = [text.encode() for text in TEXTS]
BOTH = pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])


def marked(encoding: str, text: str = LINES) -> bytes:
    return (MARK + text).encode(encoding)


def unmarked(sink: RecordingSink) -> list[bytes]:
    return [text.removeprefix(MARK.encode()) for text in sink.texts]


@BOTH
@pytest.mark.parametrize("is_marked", [True, False], ids=["by its mark", "by configuration"])
async def test_a_file_in_utf_16_is_cut_at_its_own_line_feeds(tmp_path: Path, encoding: str, *, is_marked: bool) -> None:
    """Conformance: E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    content = marked(encoding) if is_marked else LINES.encode(encoding)
    write(log, content + "half".encode(encoding))
    async with tailing(sink, source(log) if is_marked else source(log, encoding=encoding)):
        await sink.first(len(TEXTS))
        assert list(sink.committed.values()) == [len(content)]
        write(log, " a line\r\n".encode(encoding))
        await sink.first(len(TEXTS) + 1)
    assert unmarked(sink) == [*BYTES, b"half a line"]
    assert {change.encoding for change in sink.of_kind(Range)} == {encoding}


@BOTH
@pytest.mark.parametrize("is_restarted", [False, True], ids=["in one run", "in many runs"])
async def test_a_file_that_grows_byte_by_byte_from_nothing_shows_its_encoding_in_time(
    tmp_path: Path, encoding: str, *, is_restarted: bool
) -> None:
    """Conformance: E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    content = marked(encoding, "\u0a0da\n\u010a\n")
    write(log, b"")
    if is_restarted:
        for piece in (content[at : at + 1] for at in range(len(content))):
            async with tailing(sink, source(log), known=sink.known()) as supervisor:
                await supervisor.first_scan_done.wait()
            write(log, piece)
        await second_run(sink, source(log), 2)
    else:
        async with tailing(sink, source(log)) as supervisor:
            await supervisor.first_scan_done.wait()
            for piece in (content[at : at + 1] for at in range(len(content))):
                write(log, piece)
                await eventually(lambda: supervisor.status()[0].files[0].size_bytes == log.stat().st_size)
            await sink.first(2)
    assert unmarked(sink) == ["\u0a0da".encode(), "\u010a".encode()]
    assert len(sink.births) == 1


@BOTH
async def test_what_is_known_of_a_file_is_enough_to_go_on_in_its_encoding(tmp_path: Path, encoding: str) -> None:
    """Conformance: E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    content = marked(encoding) + LINES.encode(encoding)
    for torn, (start, end) in enumerate(pairwise([0, 5, 24, 31, 60, len(content)])):
        write(log, content[start:end])
        async with tailing(sink, source(log, start="start"), known=sink.known(), first_seen=()) as supervisor:
            await supervisor.first_scan_done.wait()
            await looked_everywhere(supervisor)
        assert len(sink.births) == 1, torn
    assert unmarked(sink) == BYTES * 2


@BOTH
async def test_a_life_that_begins_without_a_mark_after_a_truncation_has_the_encoding_of_the_one_before(
    tmp_path: Path, encoding: str
) -> None:
    """A writer that goes on after `copytruncate` does not know of it. Conformance: E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, marked(encoding))
    async with tailing(sink, source(log)) as supervisor:
        await sink.first(len(TEXTS))
        os.truncate(log, 0)
        await sink.until(lambda: len(sink.births) == 2)
        write(log, LINES.encode(encoding)[:1])
        await looked_everywhere(supervisor)
    write(log, LINES.encode(encoding)[1:])
    await second_run(sink, source(log), 2 * len(TEXTS))
    assert unmarked(sink) == BYTES * 2
    assert set(sink.encodings.values()) == {encoding}


async def test_a_file_that_is_written_anew_in_utf_8_is_utf_8(tmp_path: Path) -> None:
    """Conformance: E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, marked("utf-16-le"))
    async with tailing(sink, source(log)):
        await sink.first(len(TEXTS))
        rewrite(log, b"plain\ntext\n")
        await sink.first(len(TEXTS) + 2)
    assert sink.texts[-2:] == [b"plain", b"text"]


@BOTH
async def test_the_hole_before_a_writer_that_goes_on_at_its_offset_ends_with_a_whole_unit(
    tmp_path: Path, encoding: str
) -> None:
    """Conformance: B10, E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, marked(encoding) * 20)
    async with tailing(sink, source(log)):
        await sink.first(20 * len(TEXTS))
        size = log.stat().st_size
        with log.open("r+b") as writer:
            writer.truncate(0)
            writer.seek(size)
            writer.write("\u0100 first\nsecond\n".encode(encoding))
        await sink.first(20 * len(TEXTS) + 2)
    assert sink.texts[-2:] == ["\u0100 first".encode(), b"second"]


@BOTH
async def test_a_file_that_starts_at_its_end_starts_at_a_whole_unit(tmp_path: Path, encoding: str) -> None:
    """Conformance: E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, marked(encoding) + "\u0a0a unfinished \u0a0d".encode(encoding))
    async with tailing(sink, source(log, start="end")) as supervisor:
        await supervisor.first_scan_done.wait()
        write(log, " line\nnext\n".encode(encoding))
        await sink.first(2)
    assert sink.texts == ["\u0a0a unfinished \u0a0d line".encode(), b"next"]


@BOTH
async def test_over_long_lines_of_utf_16_are_cut_between_characters_however_they_grow(
    tmp_path: Path, encoding: str
) -> None:
    """Conformance: E7, E9, E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    sink.max_line_bytes = 257
    content = ("x" + "\U0001f600" * 200 + "\n" + "y" * 128 + "\r\nend\n").encode(encoding)
    async with tailing(sink, source(log, encoding=encoding, max_line_bytes=257)) as supervisor:
        for start in range(0, len(content), 101):
            write(log, content[start : start + 101])
            await eventually(lambda: [file.size_bytes for file in supervisor.status()[0].files] == [log.stat().st_size])
        await sink.first(6)
    assert [text.decode() for text in sink.texts] == [
        "x" + "\U0001f600" * 63,
        *["\U0001f600" * 64] * 2,
        "\U0001f600" * 9,
        "y" * 128,
        "end",
    ]


@BOTH
async def test_what_a_finished_file_in_utf_16_has_left_comes_with_half_a_unit(tmp_path: Path, encoding: str) -> None:
    """Conformance: E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, marked(encoding, "one\ntwo \u0a0d and \u0d0a") + b"\x0a")
    async with tailing(sink, source(log)):
        await sink.first(1)
        log.unlink()
        await sink.until(lambda: sink.sealed)
    assert unmarked(sink) == [b"one", "two \u0a0d and \u0d0a\ufffd".encode()]


@BOTH
async def test_a_rotated_and_a_compressed_file_keep_their_encoding(tmp_path: Path, encoding: str) -> None:
    """Conformance: C2, E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    write(log, marked(encoding))
    await first_run(sink, source(log), len(TEXTS))
    write(log, LINES.encode(encoding))
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    (tmp_path / "app.log.1.gz").write_bytes(gzip.compress(marked(encoding, "unseen\n")))
    write(log, b"in utf-8\n")
    await second_run(sink, source(log), 2 * len(TEXTS) + 2)
    assert unmarked(sink) == [*BYTES, *BYTES, b"unseen", b"in utf-8"]


@pytest.mark.parametrize(("encoding", "other"), [("utf-16-le", "utf-16-be"), ("utf-16-be", "utf-8")])
async def test_a_file_that_was_read_in_the_wrong_encoding_goes_on_in_the_right_one(
    tmp_path: Path, encoding: str, other: str
) -> None:
    """Conformance: E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    # Enough to be cut in any encoding: who names the wrong one finds no line ends.
    write(log, ("first" + "." * 40_000 + "\n").encode(encoding))
    await first_run(sink, source(log, encoding=other), 1)
    write(log, LINES.encode(encoding))
    async with tailing(sink, source(log, encoding=encoding), known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.texts[-len(TEXTS) :] == BYTES)
    assert len(sink.births) == 2
    assert [sealed.reason for sealed in sink.of_kind(Sealed)] == [None]
    first, second = sink.births.values()
    assert second.base - sink.committed[first.key] in {0, 1}, "half a line feed may be left over"
    assert sink.committed[second.key] == log.stat().st_size


@BOTH
async def test_a_file_in_utf_16_that_only_lost_its_last_lines_goes_on_behind_the_cut(
    tmp_path: Path, encoding: str
) -> None:
    """Conformance: B6, E12."""
    sink, log = RecordingSink(), tmp_path / "app.log"
    content = marked(encoding, LINES * 3)
    write(log, content)
    async with tailing(sink, source(log)):
        await sink.first(3 * len(TEXTS))
        # Within the second line of the last six, behind a 0x0A that is half of a character.
        os.truncate(log, len(marked(encoding, LINES * 2 + "one\n\u0a0d")))
        await sink.until(lambda: len(sink.births) == 2)
        write(log, " new\n".encode(encoding))
        await sink.first(3 * len(TEXTS) + 1)
    assert unmarked(sink) == [*BYTES * 3, "\u0a0d new".encode()]
    assert [cut.offset for cut in sink.cuts.values()] == [len(marked(encoding, LINES * 2 + "one\n"))]
