"""What clients get of bytes that are no plain text: marks, invalid UTF-8, a line of 100 MB, gigabytes of hole."""

from __future__ import annotations

import os
import time
from shutil import rmtree
from typing import TYPE_CHECKING, Any

import pytest

from logstream.stalls import core_wait_seconds
from tests.running import Service, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOM = b"\xef\xbb\xbf"
LONG_BYTES = 100_000_000
MOST_GROWTH_BYTES = 100_000_000
TWO_SOURCES = "\n".join(f'[[source]]\nname = "{name}"\npaths = ["logs/{name}.log"]' for name in "ab")


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as service:
        yield service


def offset_of(record: dict[str, Any]) -> int:
    return int(record["id"].split(".")[2], 36)


def test_positions_count_raw_bytes_whatever_the_text_is(service: Service) -> None:
    """Conformance: E6, E10, E13."""
    lines = [b"caf\xc3", b"\xff\xfe raw", b"", b"nul \x00 in it", b"\xed\xa0\x80", "\u20ac".encode(), b"", b"end"]
    service.write("a.log", *lines)
    with service.stream(from_="start") as stream:
        records = stream.records(len(lines))
    assert [record["text"] for record in records] == [line.decode("utf-8", "replace") for line in lines]
    assert records[1]["text"] == "\ufffd\ufffd raw"
    ends = [sum(len(line) + 1 for line in lines[: count + 1]) for count in range(len(lines))]
    assert [offset_of(record) for record in records] == ends
    assert not any("\0" in record["id"] for record in records)
    for index, record in enumerate(records[:-1]):
        with service.stream(record["id"]) as stream:
            assert stream.records(1) == [records[index + 1]]


def test_a_byte_order_mark_goes_at_the_start_of_a_file_and_nowhere_else(service: Service) -> None:
    """Conformance: E11."""
    service.write("a.log", BOM + b"first", BOM + b"second", b"third " + BOM)
    with service.stream(from_="start") as stream:
        records = stream.records(3)
    with service.stream(records[0]["id"]) as stream:
        assert stream.records(2) == records[1:]
    with service.stream(from_="start", q="/^first$/") as stream:
        assert stream.records(1) == records[:1]
    assert [record["text"] for record in records] == ["first", "\ufeffsecond", "third \ufeff"]
    assert [offset_of(record) for record in records] == [9, 19, 29]


def test_a_line_of_a_hundred_megabytes_takes_bounded_memory_keeps_nobody_waiting_and_can_be_resumed(
    tmp_path: Path,
) -> None:
    """Without what the kernel says that both processes have waited for a core. Conformance: E8."""
    with running(tmp_path, TWO_SOURCES) as service:

        def now_seconds() -> float:
            return time.monotonic() - core_wait_seconds() - service.core_wait_seconds()

        service.wait_until_ready()
        before = service.resident_bytes()
        with service.stream(source="a", shape="batch") as stream, service.stream(source="b") as other:
            stream.expect("ping")
            other.expect("ping")
            service.write("a.log", b"x" * LONG_BYTES, b"after")
            waits: list[float] = []
            lengths, fragment = 0, None
            while lengths < LONG_BYTES + len("after"):
                for record in stream.expect("batch").json:
                    lengths += len(record["text"])
                    if fragment is None and lengths > LONG_BYTES - 3_000_000:
                        fragment = record
                if len(waits) < lengths // 10_000_000:
                    began = now_seconds()
                    service.write("b.log", f"quiet {len(waits)}")
                    assert other.texts(1) == [f"quiet {len(waits)}"]
                    waits.append(now_seconds() - began)
        grown = service.resident_bytes() - before
        assert fragment is not None
        with service.stream(fragment["id"], source="a", shape="batch") as stream:
            rest = 0
            while rest < LONG_BYTES + len("after") - offset_of(fragment):
                rest += sum(len(record["text"]) for record in stream.expect("batch").json)
    assert len(waits) == 10
    assert max(waits) < 2
    assert grown < MOST_GROWTH_BYTES
    assert fragment["cont"]
    assert rest == LONG_BYTES + len("after") - offset_of(fragment)


def test_output_with_carriage_returns_alone_breaks_no_event(service: Service) -> None:
    """Conformance: E5."""
    progress = "".join(f"{percent}%\r" for percent in range(101))
    path = service.logs / "a.log"
    path.write_text(progress, newline="")
    with service.stream() as stream:
        stream.expect("ping")
        eventually(lambda: "a.log" in service.get("/api/v1/sources").text)
        with path.open("ab") as file:
            file.write(b"done\nnext\n")
        assert stream.texts(2) == [f"{progress}done", "next"]


def most_bytes_held(service: Service) -> int:
    """The most memory that it has held at a time, proc(5)."""
    assert service.process is not None
    with open(f"/proc/{service.process.pid}/status") as file:  # noqa: PTH123 - proc(5)
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) << 10


def test_eight_gigabytes_of_hole_before_a_writer_that_does_not_append_are_no_line_and_take_no_memory(
    tmp_path: Path,
) -> None:
    """Conformance: B10."""
    size = 8 << 30
    with running(tmp_path) as service, (service.logs / "a.log").open("wb", buffering=0) as writer:
        writer.write(b"old\n")
        with service.stream(from_="start") as stream:
            assert stream.texts(1) == ["old"]
            before = most_bytes_held(service)
            os.truncate(service.logs / "a.log", 0)
            writer.seek(size)
            writer.write(b"one\ntwo\n")
            new = stream.records(2)
            writer.write(b"three\n")
            new += stream.records(1)
            grown = most_bytes_held(service) - before
        service.kill()
        writer.write(b"four\n")
        service.start()
        with service.stream(new[0]["id"]) as stream:
            assert stream.records(2) == new[1:]
            new += stream.records(1)
    assert [record["text"] for record in new] == ["one", "two", "three", "four"]
    assert [offset_of(record) - size for record in new] == [4, 8, 14, 19]
    assert grown < 32 << 20


def test_ids_beyond_four_gigabytes_lead_on_exactly_through_a_kill_and_a_rotation(tmp_path: Path) -> None:
    """In a file with a hole of that size, which takes no room. Conformance: E18."""
    begin = 5 << 30
    with running(tmp_path, '[[source]]\nname = "app"\npaths = ["logs/*.log"]\nstart = "end"\n') as service:
        service.stop()
        rmtree(tmp_path / "state")
        log = service.logs / "a.log"
        with log.open("wb") as file:
            file.truncate(begin)
        service.write("a.log", "before")
        service.start()
        service.wait_until_ready()
        lines = [f"line {number}" for number in range(50)]
        with service.stream() as stream:
            stream.expect("ping")
            service.write("a.log", *lines)
            records = stream.records(50)
        ends = [begin + len("before\n") + sum(len(line) + 1 for line in lines[: count + 1]) for count in range(50)]
        assert [offset_of(record) for record in records] == ends
        assert [record["text"] for record in records] == lines
        service.kill()
        log.rename(service.logs / "a.log.1")
        service.write("a.log", "after")
        service.start()
        for index in range(0, 50, 7):
            with service.stream(records[index]["id"]) as stream:
                assert stream.expect("hello").json["resume"]["exact"]
                assert stream.records(49 - index) == records[index + 1 :]
                assert stream.texts(1) == ["after"]
        page = service.get(f"/api/v1/records?around={records[20]['id']}&limit=3").json()["records"]
        assert [record["id"] for record in page] == [record["id"] for record in records[19:22]]
        (service.logs / "a.log.1").unlink()
        service.kill()  # what is in memory is told from there
        service.start()
        with service.stream(records[0]["id"]) as stream:
            gap = stream.expect("gap").json
            assert stream.texts(1) == ["after"]
    assert (gap["from"], gap["to"], gap["lines"], gap["reason"]) == (ends[0], ends[-1], 49, "deleted")
