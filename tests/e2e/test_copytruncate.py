"""Rotation by copying and truncating, as logrotate's `copytruncate` does, against the real service."""

from __future__ import annotations

import gzip
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


def test_of_a_log_that_was_read_on_before_its_truncation_those_who_come_later_are_told_what_its_archive_has(
    tmp_path: Path,
) -> None:
    """And a gap of just the rest, which those who were there have got. Conformance: B7."""
    lives = [[f"{number} of life {life}" for number in range(200)] for life in range(2)]
    between = ["between 1", "between 2"]
    with running(tmp_path) as service:
        log = service.logs / "a.log"
        with service.stream(from_="start") as stream:
            for life in lives:
                service.write("a.log", *life)
                told = stream.texts(200)
                assert told == life
                for older in sorted(service.logs.glob("a.log.*.gz"), reverse=True):
                    older.rename(log.with_name("a.log.2.gz"))
                packed, facts = gzip.compress(log.read_bytes()), log.stat()
                if life is lives[-1]:
                    service.write("a.log", *between)
                    assert stream.texts(2) == between
                os.truncate(log, 0)
                archive = log.with_name("a.log.1.gz")
                archive.write_bytes(packed)
                os.utime(archive, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            service.write("a.log", "new")
            told_last = stream.last_id
            assert stream.texts(1) == ["new"]
        service.kill()
        service.start()
        service.wait_until_ready()
        with service.stream(last_event_id=told_last) as stream:
            assert stream.expect("hello").json["resume"]["exact"], (
                "what was read of a log and is in no copy has ids, too"
            )
            assert stream.texts(1) == ["new"]
        with service.stream(from_="start") as stream:
            assert stream.texts(400) == [*lives[0], *lives[1]]
            gap = stream.expect("gap").json
            assert (gap["reason"], gap["lines"], gap["bytes"]) == ("truncated", 2, len("between 1\nbetween 2\n"))
            assert stream.texts(1) == ["new"]
