"""The usual look brings what the reader would, and leaves all else to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from logstream.tail.batch import Range, SourceSpec
from logstream.tail.opening import Opened, OpenFiles
from logstream.tail.quick import read_appended
from logstream.tail.reader import Reader
from tests.tail_kit import write

if TYPE_CHECKING:
    from pathlib import Path

FIRST = b"the first line\n"


def begun(log: Path, **options: Any) -> Reader:  # noqa: ANN401 - as SourceSpec has them
    """A reader of the first line of a log."""
    write(log, FIRST.decode().encode("utf-16-le") if "encoding" in options else FIRST)
    spec = SourceSpec("app", (str(log),), **options)
    opened = OpenFiles(10).open(str(log))
    assert isinstance(opened, Opened)
    reader = Reader.born(spec, str(log), opened, 0, 0.0)
    assert isinstance(reader.advance(1 << 20), Range)
    return reader


def state(reader: Reader) -> dict[str, object]:
    return {name: value for name, value in vars(reader).items() if name not in {"fd", "key"}}


@pytest.mark.parametrize("more", [b"one\n", b"one\ntwo\r\n\n", b"\xff\n", b"x" * 900 + b"\n"])
def test_whole_lines_that_were_appended_are_read_as_the_reader_reads_them(tmp_path: Path, more: bytes) -> None:
    log = tmp_path / "app.log"
    quick = begun(log)
    write(log, more)
    slow = Reader(quick.spec, quick.known(), 0.0)
    opened = OpenFiles(10).open(str(log))
    assert isinstance(opened, Opened)
    slow.examine(opened)
    slow.recent, slow.size, slow.begun_ns = quick.recent, quick.size, quick.begun_ns
    expected, found = slow.advance(1 << 20), read_appended(quick, log.stat())
    assert found == expected
    assert state(quick) == state(slow)
    quick.close()
    slow.close()


def unfinished(log: Path) -> None:
    write(log, b"one\ntwo")


def written_anew(log: Path) -> None:
    log.write_bytes(b"something quite different\n")


def much(log: Path) -> None:
    write(log, b"x\n" * 2000)


def nothing(log: Path) -> None:
    log.touch()


@pytest.mark.parametrize("change", [unfinished, written_anew, much, nothing])
def test_what_is_not_usual_is_left_to_the_reader(tmp_path: Path, change: Any) -> None:  # noqa: ANN401 - a function
    log = tmp_path / "app.log"
    reader = begun(log)
    change(log)
    before = state(reader)
    assert read_appended(reader, log.stat()) is None
    assert state(reader) == before
    reader.close()


@pytest.mark.parametrize("options", [{"encoding": "utf-16-le"}, {"max_line_bytes": 20}])
def test_lines_that_are_cut_otherwise_are_left_to_the_reader(tmp_path: Path, options: dict[str, Any]) -> None:
    log = tmp_path / "app.log"
    reader = begun(log, **options)
    write(log, b"n" * 30 + b"\n")
    assert read_appended(reader, log.stat()) is None
    reader.close()
