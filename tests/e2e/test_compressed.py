"""The past of a real service when logrotate has compressed it."""

from __future__ import annotations

import gzip
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.running import Service, eventually, running

if TYPE_CHECKING:
    from pathlib import Path

OLD = [f"old {number}" for number in range(3_000)]
NEW = [f"new {number}" for number in range(10)]


def rotate_and_compress(service: Service) -> None:
    """As logrotate's `create` and `compress` do, with the real gzip."""
    log, older = service.logs / "a.log", service.logs / "a.log.1"
    log.rename(older)
    service.write("a.log", *NEW)
    service.wait_until_read("a.log")
    subprocess.run(["gzip", str(older)], check=True)
    assert gzip.decompress((service.logs / "a.log.1.gz").read_bytes()).decode().splitlines() == OLD


def walked_back(service: Service) -> list[str]:
    found: list[str] = []
    target = "/api/v1/records?limit=700"
    while True:
        page = service.get(target).json()
        assert page["gaps"] == []
        found = [record["text"] for record in page["records"]] + found
        if not page["more"]:
            return found
        target = f"/api/v1/records?limit=700&before={page['scanned_to']}"


@pytest.mark.parametrize("is_killed", [False, True], ids=["running on", "killed and started"])
def test_records_ids_and_the_start_reach_into_compressed_files(tmp_path: Path, *, is_killed: bool) -> None:
    """Conformance: C1, C9."""
    with running(tmp_path) as service:
        service.write("a.log", *OLD)
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            middle = stream.records(1_000)[-1]["id"]
        rotate_and_compress(service)
        if is_killed:
            service.kill()
            service.start()
            service.wait_until_ready()
        eventually(lambda: walked_back(service) == OLD + NEW)
        with service.stream(from_="start") as stream:
            assert stream.texts(len(OLD + NEW)) == OLD + NEW
        with service.stream(last_event_id=middle) as stream:
            assert stream.texts(2_010) == OLD[1_000:] + NEW
        around = service.get(f"/api/v1/records?around={middle}&limit=3").json()
        assert [record["text"] for record in around["records"]] == OLD[998:1_001]


def test_what_was_compressed_before_it_was_read_is_streamed_on(tmp_path: Path) -> None:
    """Conformance: C2, C8, C9."""
    unread, unseen = [f"unread {number}" for number in range(5_000)], [f"unseen {number}" for number in range(4_000)]
    rest = [*OLD[1_000:], *unread, *unseen, *NEW]
    with running(tmp_path) as service:
        service.write("a.log", *OLD)
        service.wait_until_read("a.log")
        with service.stream(from_="start") as stream:
            middle = stream.records(1_000)[-1]["id"]
        service.kill()
        log = service.logs / "a.log"
        for lines, after, number in ((unread, unseen, 2), ([], NEW, 1)):
            service.write("a.log", *lines)
            older = log.rename(service.logs / f"a.log.{number}")
            service.write("a.log", *after)
            subprocess.run(["gzip", str(older)], check=True)
        service.start()
        with service.stream(last_event_id=middle) as stream:
            seen = stream.records(len(rest))
        assert [record["text"] for record in seen] == rest
        service.kill()
        service.start()
        with service.stream(last_event_id=middle) as stream:
            assert stream.records(len(rest)) == seen
        with service.stream(last_event_id=seen[8_000]["id"]) as stream:
            assert stream.records(len(rest) - 8_001) == seen[8_001:]
        assert walked_back(service) == OLD + unread + unseen + NEW
        assert "unreadable" not in service.get("/api/v1/sources").text
