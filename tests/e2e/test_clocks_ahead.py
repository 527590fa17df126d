"""Lines that tell a later time than when they are read: another zone, a clock that is ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.running import SOURCES, Service, eventually, running

if TYPE_CHECKING:
    from pathlib import Path


def written_at(moment: datetime, hours: int) -> str:
    return (moment + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def found_since(service: Service, since: str) -> list[str]:
    page = service.get(f"/api/v1/records?since={quote(since)}").json()
    return [record["text"].split(" ", 1)[1] for record in page["records"]]


@pytest.mark.parametrize("workers", [1, 2])
def test_lines_of_a_clock_that_is_ahead_are_found_by_their_own_times_also_after_a_kill(
    tmp_path: Path, workers: int
) -> None:
    now = datetime.now(UTC)
    with running(tmp_path, f"[server]\nworkers = {workers}\n{SOURCES}") as service:
        service.write("a.log", *(f"{written_at(now, 3)} ahead {number}" for number in range(3)))
        service.write("b.log", *(f"{written_at(now, 0)} punctual {number}" for number in range(3)))
        for name in ("a.log", "b.log"):
            service.wait_until_read(name)
        since = written_at(now, 2)
        ahead = ["ahead 0", "ahead 1", "ahead 2"]
        eventually(lambda: found_since(service, since) == ahead)
        service.kill()
        service.start()
        service.wait_until_ready()

        assert found_since(service, since) == ahead
        exported = service.get(f"/api/v1/export?format=text&since={quote(since)}").text
        assert [line.rpartition("Z ")[2] for line in exported.splitlines()] == ahead
        counted = service.get(
            f"/api/v1/histogram?since={quote(since)}&until={quote(written_at(now, 4))}&buckets=2"
        ).json()
        assert sum(sum(bucket["counts"].values()) for bucket in counted["buckets"]) == 3
        with service.stream(from_=since) as stream:
            assert stream.texts(1)[0].endswith("ahead 0")
