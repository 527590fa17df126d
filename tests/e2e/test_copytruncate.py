"""Rotation by copying and truncating, as logrotate's `copytruncate` does, against the real service."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.running import Service, running

if TYPE_CHECKING:
    from pathlib import Path


def rotate(service: Service, keep: int) -> None:
    """Shift the copies, copy the log, and truncate it: the writer has nothing under way meanwhile."""
    log = service.logs / "a.log"
    for number in range(keep - 1, 0, -1):
        older = log.with_name(f"a.log.{number}")
        if older.exists():
            older.rename(log.with_name(f"a.log.{number + 1}"))
    shutil.copyfile(log, log.with_name("a.log.1"))
    os.truncate(log, 0)


@pytest.mark.parametrize("kills", [(), (3, 4, 7)], ids=["running on", "killed now and then"])
def test_each_line_comes_once_and_can_be_told_again_from_the_copies(tmp_path: Path, kills: tuple[int, ...]) -> None:
    """Conformance: B7."""
    told: list[str] = []
    with running(tmp_path) as service:
        for number in range(10):
            head = f"file {number} begins"
            service.write("a.log", head)
            service.wait_until_read("a.log")
            if number in kills:
                service.kill()
            lines = [f"{number} {line} {'x' * (line % 90)}" for line in range(3_000)]
            service.write("a.log", *lines)
            rotate(service, keep=12)
            told += [head, *lines]
            if number in kills:
                service.start()
                service.wait_until_ready()
        service.write("a.log", "the last")
        told.append("the last")
        with service.stream(from_="start") as stream:
            seen = stream.records(len(told))
        assert [record["text"] for record in seen] == told
        with service.stream(last_event_id=seen[4_321]["id"]) as stream:
            assert stream.records(len(told) - 4_322) == seen[4_322:]
