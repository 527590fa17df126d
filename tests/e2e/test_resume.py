"""What the product is for: cuts, kills, rotations and truncations, and each line exactly once through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.rotating import reading, writing
from tests.running import SOURCES, Service, Stream, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(name="service")
def _service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as service:
        yield service


def texts_until(stream: Stream, last: str) -> list[str]:
    """The texts up to and with `last`."""
    found: list[str] = []
    while not found or found[-1] != last:
        found.extend(stream.texts(1))
    return found


def test_nothing_is_lost_or_doubled_through_kills_and_cuts_under_load(service: Service) -> None:
    """A program writes all the while, before, during and after each kill and cut. Conformance: H1."""
    log = service.logs / "a.log"
    with writing(service, "opening") as writer, reading(service) as seen:
        for number in range(8):
            seen.until(seen.latest + 1_000)
            before = log.stat().st_size
            if number % 2:
                seen.come_back()
            else:
                with seen.killed():
                    eventually(lambda: log.stat().st_size > before + 10_000)  # noqa: B023 - called at once
        assert writer.process.poll() is None
        total = writer.stop()
        seen.until(total - 1)
    assert seen.leaps(total) == []
    assert seen.gaps == []


def test_a_quiet_filtered_stream_resumes_at_its_ping_and_sees_only_what_came_after(service: Service) -> None:
    """Conformance: I10."""
    service.write("a.log", *[f"noise {n}" for n in range(1_000)], "signal 1")
    with service.stream(from_="start", q="signal") as stream:
        stream.expect("line")
        ping = stream.expect("ping")
    service.write("a.log", "noise", "signal 2")
    with service.stream(ping.id, q="signal") as stream:
        assert stream.texts(1) == ["signal 2"]


@pytest.mark.parametrize("is_down", [False, True])
def test_rotations_by_rename_lose_nothing_and_double_nothing(service: Service, is_down: bool) -> None:  # noqa: FBT001
    """Conformance: A3, A8."""
    service.write("app.log", "one", "two")
    with service.stream(from_="start") as stream:
        assert stream.texts(2) == ["one", "two"]
        cursor = stream.last_id
    if is_down:
        service.kill()
    service.write("app.log", "three")
    for number in range(3):
        for index in range(number, -1, -1):
            source = service.logs / (f"app.log.{index}" if index else "app.log")
            source.rename(service.logs / f"app.log.{index + 1}")
        service.write("app.log", f"new {number}")
    if is_down:
        service.start()
    with service.stream(cursor) as stream:
        assert stream.texts(4) == ["three", "new 0", "new 1", "new 2"]
        service.write("app.log", "last")
        assert stream.texts(1) == ["last"]


def test_late_lines_of_a_renamed_file_are_delivered(service: Service) -> None:
    """Conformance: A1."""
    with (service.logs / "app.log").open("ab", buffering=0) as old:
        old.write(b"one\n")
        with service.stream(from_="start") as stream:
            assert stream.texts(1) == ["one"]
            (service.logs / "app.log").rename(service.directory / "away.log")
            service.write("app.log", "new")
            assert stream.texts(1) == ["new"]
            old.write(b"late\n")
            assert stream.texts(1) == ["late"]


def test_after_a_truncation_the_new_lines_come_once(service: Service) -> None:
    service.write("app.log", "old 0", "old 1")
    with service.stream(from_="start") as stream:
        assert stream.texts(2) == ["old 0", "old 1"]
        (service.logs / "app.log").write_bytes(b"")
        service.write("app.log", "new 0")
        assert stream.texts(1) == ["new 0"]
        (service.logs / "app.log").write_bytes(b"newer and longer than before\n")
        assert stream.texts(1) == ["newer and longer than before"]


def test_lines_that_a_truncation_took_from_a_lagging_client_are_an_exact_gap(service: Service) -> None:
    """Conformance: B11."""
    service.write("app.log", *[f"old {n}" for n in range(10)])
    with service.stream(from_="start") as stream:
        early = stream.records(4)[-1]["id"]
        stream.texts(6)
        (service.logs / "app.log").write_bytes(b"new 0\n")
        assert stream.texts(1) == ["new 0"]
    service.kill()  # or the server would still have the old lines in memory, and deliver them
    service.start()
    with service.stream(early) as stream:
        gap = stream.expect("gap")
        assert stream.texts(1) == ["new 0"]
    with service.stream(gap.id) as stream:
        assert stream.texts(1) == ["new 0"]

    assert (gap.json["from"], gap.json["to"], gap.json["bytes"]) == (24, 60, 36)
    assert (gap.json["lines"], gap.json["reason"]) == (6, "truncated")
    assert gap.json["file"] == str(service.logs / "app.log")


@pytest.mark.parametrize("content", [b"new\n", b"n" * 59 + b"\n", b"n" * 200 + b"\n"])
def test_a_truncation_while_down_is_found_whatever_the_new_size(service: Service, content: bytes) -> None:
    """Conformance: B15."""
    service.write("app.log", *[f"old {n}" for n in range(10)])
    with service.stream(from_="start") as stream:
        latest = stream.records(10)[-1]["id"]
    service.kill()
    service.write("app.log", "lost while nobody looked")
    (service.logs / "app.log").write_bytes(content)
    service.start()
    with service.stream(latest) as stream:
        gap = stream.expect("gap").json
        assert stream.texts(1) == [content.decode().rstrip()]

    # Nobody can know what was written after the last look and before the truncation: that much is said.
    assert (gap["from"], gap["to"], gap["lines"], gap["reason"]) == (60, None, None, "truncated")


def test_lines_of_a_deleted_file_are_a_gap_with_range_and_count(service: Service) -> None:
    """Conformance: A16."""
    service.write("app.log", *[f"old {n}" for n in range(5)])
    with service.stream(from_="start") as stream:
        first = stream.records(5)[0]["id"]
    service.kill()
    # There before the other goes, so that it cannot get that one's inode, and is not read later for it.
    service.write("other.log", "other")
    (service.logs / "app.log").unlink()
    service.start()
    with service.stream(first) as stream:
        known = stream.expect("gap").json
        assert stream.texts(1) == ["other"]
        unknown = stream.expect("gap").json

    assert (known["from"], known["to"], known["lines"], known["reason"]) == (6, 30, 4, "deleted")
    assert (unknown["from"], unknown["to"], unknown["lines"]) == (30, None, None)


def test_files_and_directories_that_appear_later_are_read_from_their_start(tmp_path: Path) -> None:
    """Conformance: F2, F3."""
    config = '[[source]]\nname = "deep"\npaths = ["logs/**/*.log"]\nstart = "end"\n'
    with running(tmp_path, config) as service:
        service.wait_until_ready()
        with service.stream() as stream:
            stream.expect("ping")
            service.write("late.log", "one")
            assert stream.texts(1) == ["one"]
            service.write("new/deeper/late.log", "two")
            assert stream.texts(1) == ["two"]


def test_start_end_passes_over_what_is_there_and_only_the_first_time(tmp_path: Path) -> None:
    config = SOURCES + 'start = "end"\n'
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_bytes(b"history\nhalf ")
    with running(tmp_path, config) as service:
        service.wait_until_ready()
        with (service.logs / "a.log").open("ab") as file:
            file.write(b"line\n")
        with service.stream(from_="start") as stream:
            assert stream.texts(1) == ["half line"]
        service.kill()
        service.write("a.log", "while down")
        service.write("b.log", "new file while down")
        service.start()
        with service.stream(from_="start") as stream:
            assert sorted(stream.texts(3)) == ["half line", "new file while down", "while down"]


def test_a_client_that_reads_nothing_delays_nobody_and_gets_every_line_later(service: Service) -> None:
    """Conformance: I8."""
    service.wait_until_ready()
    with service.stream(receive_bytes=4_096) as stuck, service.stream() as swift:
        swift.expect("ping")
        count = 60_000
        service.write("a.log", *[f"line {n:08d}" for n in range(count)])
        assert swift.texts(count)[-1] == f"line {count - 1:08d}"
        assert stuck.texts(count) == [f"line {n:08d}" for n in range(count)]


def test_the_same_lines_come_in_the_same_order_to_everyone_and_every_time(service: Service) -> None:
    """Conformance: I12."""
    for n in range(200):
        service.write(f"{n % 7}.log", f"line {n}")
    with service.stream(from_="start") as stream:
        first = [record["id"] for record in stream.records(200)]
    service.kill()
    service.start()
    with service.stream(from_="start") as stream:
        assert [record["id"] for record in stream.records(200)] == first


def test_a_disconnected_stream_leaves_nothing_behind(service: Service) -> None:
    service.write("a.log", "one")
    service.wait_until_ready()
    for _ in range(30):
        with service.stream(from_="start") as stream:
            stream.texts(1)
            stream.cut()
    eventually(lambda: service.get("/healthz").status_code == 200)

    assert service.stop() == 0
    assert "Traceback" not in service.stderr
    assert "Task was destroyed" not in service.stderr
