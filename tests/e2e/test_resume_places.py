"""Places to come back to: ids of files that are small, truncated, deleted or not asked for, and amid a rotation."""

from __future__ import annotations

import gzip
import itertools
import os
from typing import TYPE_CHECKING

import pytest

from tests.running import SOURCES, Event, Service, Stream, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CLIENTS = 100
TWO_SOURCES = "\n".join(f'[[source]]\nname = "{name}"\npaths = ["logs/{name}.log"]' for name in ("web", "db"))


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as service:
        yield service


def test_each_piece_that_the_server_writes_ends_with_a_whole_event_whose_last_field_is_its_id(service: Service) -> None:
    """`Stream` itself asserts where the id stands. Conformance: I11."""
    service.write("a.log", *[f"line {number} {'x' * (number % 300)}" for number in range(3_000)])
    with service.stream(from_="start") as stream:
        pieces = 0
        body = b""
        while b"line 2999 " not in body:
            piece = stream._chunk()
            assert piece.endswith(b"\n\n")
            body += piece
            pieces += 1
    assert pieces > 1
    with service.stream(from_="start") as stream:
        stream.records(3_000)


def test_ids_from_when_a_file_was_tiny_lead_on_after_it_has_grown(service: Service) -> None:
    """Conformance: D6."""
    service.write("a.log", "x")
    with service.stream(from_="start") as stream:
        first = stream.records(1)[0]["id"]
    lines = [f"line {number}" for number in range(5_000)]
    service.write("a.log", *lines)
    service.wait_until_read("a.log")
    with service.stream(first) as stream:
        assert stream.event().json["resume"]["exact"]
        assert stream.texts(5_000) == lines
    service.kill()
    service.start()
    with service.stream(first) as stream:
        assert stream.event().json["resume"]["exact"]
        assert stream.texts(5_000) == lines


def test_a_line_that_was_half_read_at_a_kill_comes_once(service: Service) -> None:
    """Conformance: E3."""
    path = service.logs / "a.log"
    path.write_bytes(b"one\nhalf ")
    with service.stream(from_="start") as stream:
        cursor = stream.records(1)[0]["id"]
    service.kill()
    with path.open("ab") as file:
        file.write(b"a line\nnext\n")
    service.start()
    with service.stream(cursor) as stream:
        assert stream.texts(2) == ["half a line", "next"]
    with service.stream(from_="start") as stream:
        assert stream.texts(3) == ["one", "half a line", "next"]


def test_after_a_truncation_with_nothing_written_an_older_id_says_nothing_and_leads_on(service: Service) -> None:
    """Conformance: B14."""
    service.write("a.log", "one", "two")
    with service.stream(from_="start") as live:
        last = live.records(2)[-1]["id"]
        os.truncate(service.logs / "a.log", 0)
        service.write("marker.log", "the truncation has been seen")
        assert live.texts(1) == ["the truncation has been seen"]
        with service.stream(last) as stream:
            assert stream.event().json["resume"]["exact"]
            assert stream.texts(1) == ["the truncation has been seen"]
            service.write("a.log", "new")
            assert stream.texts(1) == live.texts(1) == ["new"]


def test_the_gap_of_a_deleted_file_has_an_id_that_leads_on_behind_it(service: Service) -> None:
    """Conformance: I4."""
    service.write("a.log", "one", "two", "three")
    with service.stream(from_="start") as stream:
        first = stream.records(3)[0]["id"]
    service.kill()
    (service.logs / "a.log").unlink()
    service.write("b.log", "other")
    service.start()
    with service.stream(first) as stream:
        gap, *rest = lines_and_gaps(stream, 3)
    assert (gap.json["from"], gap.json["to"], gap.json["lines"], gap.json["reason"]) == (4, 14, 2, "deleted")
    # What was written after the last look, and deleted, nobody can know; the other file's line may come before that.
    unknown, other = sorted(rest, key=lambda event: event.type)
    assert (unknown.json["from"], unknown.json["to"], other.json["text"]) == (14, None, "other")
    with service.stream(gap.id) as stream:
        assert stream.event().json["resume"] == {"from": gap.id, "exact": True, "reason": None}
        assert lines_and_gaps(stream, 2) == rest


def test_a_deleted_file_is_closed_after_a_while_and_what_was_not_sent_of_it_is_a_gap(service: Service) -> None:
    """Its room on the disk is free then, though somebody had just read it again. Conformance: A16."""
    service.write("a.log", *(f"line {number}" for number in range(20_000)))
    service.wait_until_read("a.log")
    size = (service.logs / "a.log").stat().st_size
    service.kill()  # or all would be in memory
    service.start()
    service.wait_until_ready()
    with service.stream(from_="start") as stream:
        assert stream.texts(100)[-1] == "line 99"
        assert descriptors_on_logs(service) > 0
        (service.logs / "a.log").unlink()
        eventually(lambda: descriptors_on_logs(service) == 0, 40)
    with service.stream(stream.last_id) as later:
        gap = later.expect("gap").json
    start = sum(len(f"line {number}\n") for number in range(100))
    assert (gap["from"], gap["to"], gap["bytes"], gap["reason"]) == (start, size, size - start, "deleted")


def test_what_was_lost_unread_is_told_of_its_source_with_file_and_range(service: Service) -> None:
    path = service.logs / "a.log"
    path.write_bytes(b"one\nhalf")
    with service.stream(from_="start") as stream:
        assert stream.texts(1) == ["one"]
        service.wait_until_ready()
        path.write_bytes(b"new\n")
        gap = stream.expect("gap")
        assert stream.texts(1) == ["new"]
    (source,) = service.get("/api/v1/sources").json()["sources"]
    (losses,) = source["losses"]
    (latest,) = losses.pop("latest")

    assert losses == {"reason": "truncated", "gaps": 1, "bytes": 4}
    assert latest.pop("time").endswith("Z")
    assert latest == gap.json
    assert (latest["file"], latest["from"], latest["to"], latest["bytes"]) == (str(path), 4, 8, 4)


def lines_and_gaps(stream: Stream, count: int) -> list[Event]:
    found: list[Event] = []
    while len(found) < count:
        event = stream.event()
        found += [event] if event.type in {"line", "gap"} else []
    return found


def test_an_id_of_a_file_that_is_not_asked_for_is_a_place_all_the_same(tmp_path: Path) -> None:
    """Conformance: I5."""
    with running(tmp_path, TWO_SOURCES) as service:
        for number in range(6):
            name = ("web", "db")[number % 2]
            service.write(f"{name}.log", f"{name} {number}")
            service.wait_until_read(f"{name}.log")
        with service.stream(from_="start") as stream:
            records = stream.records(6)
        with service.stream(records[2]["id"], source="db") as stream:
            assert stream.event().json["resume"] == {"from": records[2]["id"], "exact": True, "reason": None}
            assert stream.texts(2) == ["db 3", "db 5"]


def test_a_client_that_is_cut_again_and_again_while_catching_up_gets_each_line_once(service: Service) -> None:
    """Conformance: I6."""
    lines = [f"line {number}" for number in range(12_000)]
    service.write("a.log", *lines)
    service.wait_until_read("a.log")
    seen: list[str] = []
    cursor: str | None = None
    for size in itertools.cycle([1, 700, 3_000]):
        with service.stream(cursor, from_="start") as stream:
            seen += stream.texts(min(size, len(lines) - len(seen)))
            cursor = stream.last_id
            stream.cut()
        if len(seen) == len(lines):
            break
    assert seen == lines


def test_a_client_that_comes_back_at_each_step_of_a_rotation_gets_each_line_once(service: Service) -> None:
    """Conformance: I7."""
    log = service.logs / "app.log"
    names = [log, *[log.with_name(f"app.log.{number}") for number in range(1, 6)]]
    wanted = ["begin"]
    service.write("app.log", "begin")
    with service.stream(from_="start") as stream:
        seen = stream.texts(1)
        cursor = stream.last_id

    def comes_back() -> None:
        nonlocal cursor
        with service.stream(cursor) as stream:
            assert stream.event().json["resume"]["exact"]
            seen.extend(stream.texts(len(wanted) - len(seen)))
            cursor = stream.last_id
            stream.cut()

    for number in range(5):
        with log.open("ab", buffering=0) as writer:
            for older in range(number, -1, -1):
                names[older].rename(names[older + 1])
                wanted.append(f"{number} late {older}")
                writer.write(f"{wanted[-1]}\n".encode())
                comes_back()
        service.write("app.log", f"{number} new")
        wanted.append(f"{number} new")
        comes_back()
    assert seen == wanted


@pytest.mark.parametrize("is_killed", [False, True], ids=["up", "killed at each step"])
def test_a_client_that_comes_back_at_each_step_of_a_copy_and_its_compression_gets_each_line_once(
    service: Service, *, is_killed: bool
) -> None:
    """One with the last id that it got, and one with the first, who is told all of it again. Conformance: I7."""
    log, copy, packed = (service.logs / f"app.log{mark}" for mark in ("", ".1", ".1.gz"))
    wanted = ["begin"]
    service.write("app.log", "begin")
    with service.stream(from_="start") as stream:
        seen = stream.texts(1)
        first = cursor = stream.last_id

    def come_back() -> None:
        nonlocal cursor
        if is_killed:
            service.kill()
            service.start()
        with service.stream(cursor) as stream, service.stream(first) as again:
            for one in (stream, again):
                assert one.expect("hello").json["resume"]["exact"]
            seen.extend(stream.texts(len(wanted) - len(seen)))
            cursor = stream.last_id
            assert again.texts(len(wanted) - 1) == wanted[1:]
            stream.cut()

    def write(*lines: str) -> None:
        service.write("app.log", *lines)
        wanted.extend(lines)

    for number in range(2):
        write(*(f"{number} {line} {'x' * (line % 90)}" for line in range(200)))
        come_back()
        if packed.exists():
            packed.rename(log.with_name(f"app.log.{number + 1}.gz"))
        content = log.read_bytes()
        for length in (0, len(content) // 2, len(content)):
            copy.write_bytes(content[:length])
            come_back()
        os.truncate(log, 0)
        come_back()
        write(f"{number} new")
        come_back()
        archive = gzip.compress(content)
        for length in (5, len(archive) - 1, len(archive)):
            packed.write_bytes(archive[:length])
            come_back()
        copy.unlink()
        come_back()
    assert seen == wanted


def descriptors_on_logs(service: Service) -> int:
    """How many descriptors the service has open on log files."""
    assert service.process is not None
    directory, found = f"/proc/{service.process.pid}/fd", 0
    for name in os.listdir(directory):  # noqa: PTH208 - names of descriptors
        try:
            found += os.readlink(f"{directory}/{name}").startswith(str(service.logs))  # noqa: PTH115 - may be no path
        except FileNotFoundError:
            continue
    return found


def read_bytes(service: Service) -> int:
    """How much the service has read so far, proc(5)."""
    assert service.process is not None
    with open(f"/proc/{service.process.pid}/io") as file:  # noqa: PTH123 - proc(5)
        return int(file.readline().split()[1])


def test_a_hundred_clients_at_different_places_read_little_and_share_what_is_open(tmp_path: Path) -> None:
    """Of files alone: the service was started anew. Conformance: I13."""
    with running(tmp_path, f"[stream]\nmax_connections_per_client = 200\n{SOURCES}") as service:
        for number in range(5):
            service.write(f"{number}.log", *[f"{number} {line} {'x' * 120}" for line in range(40_000)])
            service.wait_until_read(f"{number}.log")
        with service.stream(from_="start", shape="batch") as stream:
            ids = [record["id"] for record in stream.records(200_000)]
        service.kill()
        service.start()
        service.wait_until_ready()
        step = len(ids) // CLIENTS
        before = read_bytes(service)
        streams = [service.stream(ids[number * step], receive_bytes=4_096) for number in range(CLIENTS)]
        firsts = [stream.records(1)[0]["id"] for stream in streams]
        held = descriptors_on_logs(service)
        read = read_bytes(service) - before
        size = sum(path.stat().st_size for path in service.logs.iterdir())
        for stream in streams:
            stream.cut()
    assert firsts == [ids[number * step + 1] for number in range(CLIENTS)]
    assert held <= 2 * 5, "one to follow each file, and one for all who read its past"
    assert read < size, "a little for each, and nothing that is far behind its place"
