"""The state directory on a disk that is full or read-only: lines go on, and what cannot be promised is not.

Real tmpfs mounts, the real service, real clients.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.full_disk import SmallDisk
from tests.running import SOURCES, Service, Stream, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with SmallDisk(tmp_path / "state") as mounted:
        yield mounted


def is_degraded(service: Service) -> bool:
    answer = service.get("/readyz")
    return answer.status_code == 503 and answer.json()["status"] == "degraded"


def write_until_degraded(service: Service, stream: Stream) -> list[str]:
    """Lines, one after the other, until one comes without an id; all of them, in the order in which they came."""
    came: list[str] = []
    while not is_degraded(service):
        service.write("a.log", f"line {len(came)}")
        came += stream.texts(1)
    return came


def texts_to(stream: Stream, last: str) -> list[str]:
    """The texts that come, up to `last`."""
    texts = stream.texts(1)
    while texts[-1] != last:
        texts += stream.texts(1)
    return texts


def test_lines_go_on_without_ids_while_the_state_disk_is_full_and_have_them_again_afterwards(
    tmp_path: Path, disk: SmallDisk
) -> None:
    """Conformance: H4."""
    with running(tmp_path) as service, service.stream() as stream:
        service.write("a.log", "before")
        assert stream.records(1)[0]["id"] == stream.last_id is not None
        disk.fill()
        came = write_until_degraded(service, stream)
        assert came == [f"line {number}" for number in range(len(came))]
        kept = stream.last_id

        service.write("a.log", *(f"without {number}" for number in range(500)))
        without = stream.records(500)
        assert [record["text"] for record in without] == [f"without {number}" for number in range(500)]
        assert {record["id"] for record in without} == {None}
        assert stream.last_id == kept
        assert service.get("/readyz").json()["reasons"][0].startswith("the journal cannot be written: ")
        assert "lines go on without ids" in service.stderr

        disk.free()
        service.wait_until_ready()
        service.write("a.log", "after")
        (after,) = stream.records(1)
        assert after["text"] == "after"
        assert after["id"] == stream.last_id != kept
        # What was held is recorded in the order in which it was told.
        with service.stream(last_event_id=kept) as again:
            assert texts_to(again, "after")[-501:] == [*(one["text"] for one in without), "after"]


def test_who_comes_back_while_the_state_disk_is_full_misses_nothing(tmp_path: Path, disk: SmallDisk) -> None:
    with running(tmp_path) as service, service.stream() as stream:
        service.write("a.log", "before")
        stream.records(1)
        disk.fill()
        write_until_degraded(service, stream)
        service.write("a.log", "one", "two")
        assert stream.texts(2) == ["one", "two"]
        with service.stream(last_event_id=stream.last_id) as again:
            assert again.expect("hello").json["resume"]["exact"]
            assert texts_to(again, "two")[-2:] == ["one", "two"]
        # Who never had an id is told where to come back to.
        with service.stream() as fresh:
            assert fresh.expect("hello").json["resume"]["from"] == stream.last_id


def test_a_kill_while_the_state_disk_is_full_costs_doubles_and_no_line(tmp_path: Path, disk: SmallDisk) -> None:
    """Conformance: H4."""
    with running(tmp_path) as service, service.stream() as stream:
        service.write("a.log", "before")
        stream.records(1)
        disk.fill()
        write_until_degraded(service, stream)
        service.write("a.log", "one", "two")
        stream.texts(2)
        service.kill()
        service.start()  # on the full disk: with what it finds there
        service.write("a.log", "three")
        with service.stream(last_event_id=stream.last_id) as again:
            assert texts_to(again, "three")[-3:] == ["one", "two", "three"]
        assert is_degraded(service)

        disk.free()
        service.wait_until_ready()
        service.write("a.log", "four")
        with service.stream(last_event_id=stream.last_id) as again:
            assert texts_to(again, "four")[-4:] == ["one", "two", "three", "four"]
        service.stop()
        service.start()
        service.wait_until_ready()
        with service.stream(last_event_id=again.last_id) as last:
            service.write("a.log", "five")
            assert last.texts(1) == ["five"]


def test_a_read_only_state_is_gone_on_with_and_kept_once_it_is_writable(tmp_path: Path, disk: SmallDisk) -> None:
    """Conformance: H5."""
    with running(tmp_path) as service:
        with service.stream() as stream:
            service.write("a.log", "before")
            stream.records(1)
        service.stop()
        disk.remount("ro")
        service.write("a.log", "meanwhile")
        service.start()
        with service.stream(last_event_id=stream.last_id) as again:
            assert again.expect("hello").json["resume"]["exact"]
            (record,) = again.records(1)
        assert (record["text"], record["id"]) == ("meanwhile", None)
        assert is_degraded(service)

        disk.remount("rw")
        service.wait_until_ready()
        with service.stream(last_event_id=stream.last_id) as again:
            (record,) = again.records(1)
        assert record["text"] == "meanwhile"
        assert record["id"] is not None


def test_a_service_that_never_had_a_state_it_could_write_is_degraded_from_the_start(
    tmp_path: Path, disk: SmallDisk
) -> None:
    """Conformance: H5."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").write_text("before\n")
    disk.remount("ro")
    with running(tmp_path) as service:
        assert is_degraded(service)
        with service.stream(from_="start") as stream:
            (record,) = stream.records(1)
            assert (record["text"], record["id"], stream.last_id) == ("before", None, None)
        disk.remount("rw")
        service.wait_until_ready()
        with service.stream(from_="start") as stream:
            (record,) = stream.records(1)
        assert (record["text"], record["id"]) == ("before", stream.last_id)
        service.kill()
        service.start()
        service.write("a.log", "after")
        with service.stream(stream.last_id) as stream:
            assert stream.expect("hello").json["resume"]["exact"]
            assert stream.texts(1) == ["after"]


def test_a_slow_client_reads_what_is_held_from_the_files(tmp_path: Path, disk: SmallDisk) -> None:
    with running(tmp_path) as service, service.stream() as stream:
        service.write("a.log", "before")
        stream.records(1)
        disk.fill()
        write_until_degraded(service, stream)
        lines = [f"{number} {'x' * 400}" for number in range(40_000)]  # more than is kept in memory
        service.write("a.log", *lines)
        service.wait_until_read("a.log")
        assert is_degraded(service)
        assert stream.texts(40_000) == lines
        assert service.get("/api/v1/records?limit=1").json()["records"][0]["id"] is not None

        disk.free()
        eventually(lambda: service.get("/readyz").status_code == 200)
        with service.stream(last_event_id=stream.last_id) as again:
            assert texts_to(again, lines[-1])[-40_000:] == lines


def test_a_quiet_client_has_its_position_once_the_disk_takes_it(tmp_path: Path, disk: SmallDisk) -> None:
    config = f"{SOURCES}\n[stream]\nheartbeat_seconds = 1\n"
    with running(tmp_path, config) as service, service.stream() as stream:
        service.write("a.log", "before")
        stream.records(1)
        kept = stream.last_id
        disk.fill()
        write_until_degraded(service, stream)
        disk.free()
        service.wait_until_ready()
        while stream.last_id == kept:
            stream.expect("ping")
        with service.stream(last_event_id=stream.last_id) as again:
            service.write("a.log", "after")
            assert again.texts(1) == ["after"]
