"""Logs of one name in many directories, all of which begin with the same lines: whose life a file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.tail_kit import RecordingSink, first_run, source, tailing, write

if TYPE_CHECKING:
    from pathlib import Path

HEADER = b"".join(b"starting module %d of a program that runs many times\n" % number for number in range(30))


def log_in(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    return directory / "app.log"


async def test_a_rotated_file_is_no_copy_of_that_of_a_log_in_another_directory_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    """Conformance: D4."""
    sink, here, there = RecordingSink(), log_in(tmp_path / "here"), log_in(tmp_path / "there")
    spec = source(tmp_path / "*" / "app.log*")
    write(here.with_name("app.log.1"), HEADER + b"ended\n")
    write(here, b"here\n")
    write(there, b"there\n")
    await first_run(sink, spec, 33)
    there.rename(there.with_name("app.log.2"))
    write(there.with_name("app.log.1"), HEADER + b"ended\n")
    write(there, b"new\n")
    async with tailing(sink, spec, known=sink.known(), first_seen=()):
        await sink.until(lambda: sink.texts[-1:] == [b"new"])
    texts = [text for file, text in sink.lines if file.startswith(str(there))]
    assert texts == [b"there", *HEADER.splitlines(), b"ended", b"new"]
