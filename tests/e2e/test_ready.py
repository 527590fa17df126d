"""When the service says that it is ready, and how far it is behind, after rotations while it was down."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from tests.running import Service, eventually, running

if TYPE_CHECKING:
    from pathlib import Path

LINES = 20_000
ARCHIVES = 3


def rotate(service: Service, number: int, content: bytes | None = None) -> None:
    """Compress `a.log` into an archive that has its time, as gzip does; `content` stands in the archive instead."""
    log, packed = service.logs / "a.log", service.logs / f"a.log.{number}.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()) if content is None else content)
    seen = log.stat()
    os.utime(packed, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    log.unlink()
    service.write("a.log", f"begun after {number}")


def figure(service: Service, name: str, told: str = "") -> float:
    """A figure of /metrics, or of what that `told`."""
    lines = (told or service.get("/metrics").text).splitlines()
    return next(float(line.split()[-1]) for line in lines if line.startswith(f"logstream_{name}"))


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_it_is_ready_and_not_behind_only_once_archives_that_came_while_it_was_down_are_unpacked(
    tmp_path: Path, how: str
) -> None:
    with running(tmp_path) as service:
        service.write("a.log", "seen")
        service.wait_until_read("a.log")
        if how == "kill":
            service.kill()
        else:
            service.stop()
        for number in range(ARCHIVES, 0, -1):
            service.write("a.log", *(f"{number} {line} {os.urandom(8).hex()}" for line in range(LINES)))
            rotate(service, number)
        service.start()
        count = ARCHIVES * (LINES + 1)
        while (answer := service.get("/readyz")).status_code != 200:
            told = service.get("/metrics").text
            if "first look" in answer.text or figure(service, "ready", told):
                continue
            is_behind = figure(service, "source_lag_bytes{", told) > 0
            assert is_behind or figure(service, "source_read_lines_total{", told) == count
        assert service.get("/readyz").status_code == 200
        # All but the newest one have been read, as each waits for those before it.
        assert figure(service, "source_read_lines_total{") >= count - LINES - 1
        eventually(lambda: figure(service, "source_read_lines_total{") == count)
        assert figure(service, "source_lag_bytes{") == 0


@pytest.mark.parametrize(
    "content", [gzip.compress(b"")[:10] + b"noise" * 9, gzip.compress(b"x\n" * 99_999)[:-20]], ids=["noise", "cut off"]
)
def test_a_damaged_archive_keeps_nobody_from_being_ready(tmp_path: Path, content: bytes) -> None:
    with running(tmp_path) as service:
        service.write("a.log", "seen")
        service.wait_until_read("a.log")
        service.kill()
        service.write("a.log", "unread")
        rotate(service, 2)
        rotate(service, 1, content)
        service.start()
        service.wait_until_ready()
        eventually(lambda: figure(service, "source_lag_bytes{") == 0)
