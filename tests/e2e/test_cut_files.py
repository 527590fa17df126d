"""A log that loses its last lines, or whose first bytes change, for those who watch, come back, or come later."""

from __future__ import annotations

import mmap
import os
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from tests.running import Service, eventually, running


def test_lines_that_were_cut_off_are_a_gap_for_those_who_come_later(tmp_path: Path) -> None:
    """The gap is exact, and ids of all lines lead on, those of the lines that are gone too. Conformance: B6, B14."""
    lines = [f"line {number}" for number in range(20)]
    with running(tmp_path) as service:
        log = service.logs / "a.log"
        service.write("a.log", *lines)
        with service.stream(from_="start") as stream:
            records = stream.records(20)
            kept_bytes = len("".join(f"{line}\n" for line in lines[:17]))
            os.truncate(log, kept_bytes)
            service.write("a.log", "new")
            assert stream.texts(1) == ["new"]
        # Until then they are in memory.
        service.kill()
        service.start()
        service.write("a.log", "last")
        with service.stream(from_="start") as stream:
            assert stream.texts(17) == lines[:17]
            gap = stream.expect("gap")
            assert gap.json["reason"] == "truncated"
            assert (gap.json["from"], gap.json["to"]) == (kept_bytes, kept_bytes + 24)
            assert gap.json["lines"] == 3
            assert stream.texts(2) == ["new", "last"]
        for number in (5, 16, 17, 19):
            with service.stream(records[number]["id"]) as stream:
                assert stream.expect("hello").json["resume"]["exact"]
                assert stream.texts(max(0, 16 - number)) == lines[number + 1 : 17]
                if number < 19:
                    rest = stream.expect("gap").json
                    assert (rest["to"], rest["lines"]) == (kept_bytes + 24, min(3, 19 - number))
                assert stream.texts(2) == ["new", "last"]
        with service.stream(gap.id) as stream:
            assert stream.texts(2) == ["new", "last"]


@pytest.mark.parametrize("count", [20, 300], ids=["less than is compared", "more"])
@pytest.mark.parametrize("is_written_to", [True, False])
def test_a_first_line_that_is_edited_in_place_costs_nobody_another_line(
    tmp_path: Path, count: int, *, is_written_to: bool
) -> None:
    """Whoever lagged was told a gap of all that was there, after the next start. Conformance: B17."""
    lines = [f"line {number} {'x' * 20}" for number in range(count)]
    with running(tmp_path) as service:
        service.write("a.log", *lines)
        with service.stream(from_="start") as stream:
            records = stream.records(count)
        with (service.logs / "a.log").open("r+b") as file:
            file.write(b"LINE 0 ")
        if is_written_to:
            service.write("a.log", "more")
            lines.append("more")
            service.wait_until_read("a.log")
        eventually(lambda: is_known_again(service))
        service.kill()  # what is in memory is told from there
        service.start()
        service.write("a.log", "last")
        for index in (5, count // 2, count - 1):
            with service.stream(records[index]["id"]) as stream:
                assert stream.expect("hello").json["resume"]["exact"]
                assert stream.texts(len(lines) - index) == [*lines[index + 1 :], "last"]
        with service.stream(from_="start") as stream:
            assert stream.texts(len(lines) + 1) == [f"LINE 0 {'x' * 20}", *lines[1:], "last"]


def test_lines_that_were_written_through_a_memory_map_are_told_again_after_a_start(tmp_path: Path) -> None:
    """The file was nothing but NULs when it was found. Conformance: G7."""
    lines = [f"line {number}" for number in range(8)]
    with running(tmp_path) as service:
        log = service.logs / "a.log"
        log.write_bytes(bytes(4096))
        service.wait_until_ready()
        with log.open("r+b") as file, mmap.mmap(file.fileno(), 4096) as mapped, service.stream() as stream:
            stream.expect("ping")
            for line in lines:
                mapped.write(f"{line}\n".encode())
                assert stream.texts(1) == [line]
        eventually(lambda: is_known_again(service))
        service.kill()  # what is in memory is told from there
        service.start()
        service.wait_until_ready()
        with service.stream(from_="start") as stream:
            assert stream.texts(8) == lines


def is_known_again(service: Service) -> bool:
    """Whether the first bytes that are recorded of the only file are those that it has."""
    with closing(sqlite3.connect(f"file:{service.directory}/state/journal.db?mode=ro", uri=True)) as connection:
        ((path, length, crc),) = connection.execute("SELECT path, head_length, head_crc FROM generation").fetchall()
    return bool(crc == zlib.crc32(Path(os.fsdecode(path)).read_bytes()[:length]))
