"""Rotations of which each once lost a line, told one twice, or said that something was lost that was not.

Small stories against the real service. What whole tools do is in `test_logrotate` and `test_python_handlers`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.running import Service, eventually, running

if TYPE_CHECKING:
    from pathlib import Path


def rotate(service: Service) -> None:
    """As logrotate's `create` and `compress` do."""
    log = service.logs / "a.log"
    numbers = sorted((int(path.name.split(".")[2]) for path in service.logs.glob("a.log.*.gz")), reverse=True)
    for number in numbers:
        (service.logs / f"a.log.{number}.gz").rename(service.logs / f"a.log.{number + 1}.gz")
    log.rename(service.logs / "a.log.1")
    log.touch()
    subprocess.run(["gzip", str(service.logs / "a.log.1")], check=True)


def write_and_wait(service: Service, name: str, *lines: str) -> None:
    service.write(name, *lines)
    service.wait_until_read(name)


def test_what_was_read_and_compressed_long_ago_is_not_lost_after_a_restart(tmp_path: Path) -> None:
    """Conformance: C1."""
    old, new = [f"old {n}" for n in range(2_000)], [f"new {n}" for n in range(1_000)]
    with running(tmp_path) as service:
        log, older, made = service.logs / "a.log", service.logs / "a.log.1", tmp_path / "made.log"
        made.write_text("".join(f"{line}\n" for line in old))
        # Before it is looked at: what was seen to be written now is no archive of long ago.
        os.utime(made, (1_000_000_000, 1_000_000_000))
        made.rename(log)
        service.wait_until_read("a.log")
        log.rename(older)
        write_and_wait(service, "a.log", *new)
        subprocess.run(["gzip", str(older)], check=True)
        service.kill()
        service.start()
        service.write("a.log", "last")
        with service.stream(from_="start") as stream:
            assert stream.texts(3_001) == [*old, *new, "last"]


@pytest.mark.parametrize(("how", "seen", "unseen"), [("kill", 3, 1), ("kill", 2, 2), ("stop", 3, 2)])
def test_generations_of_one_length_that_were_compressed_are_told_apart(
    tmp_path: Path, how: str, seen: int, unseen: int
) -> None:
    """Conformance: C8, C13, D1."""
    total = 0

    def lines() -> list[str]:
        nonlocal total
        total += 500
        return [f"{number:07d} {'x' * (number % 50)}" for number in range(total - 500, total)]

    with running(tmp_path) as service:
        for _ in range(seen):
            write_and_wait(service, "a.log", *lines())
            rotate(service)
        write_and_wait(service, "a.log", *lines())
        if how == "kill":
            service.kill()
        else:
            service.signal(signal.SIGSTOP)
        for _ in range(unseen):
            service.write("a.log", *lines())
            rotate(service)
        service.write("a.log", *lines())
        if how == "kill":
            service.start()
        else:
            service.signal(signal.SIGCONT)
        with service.stream(from_="start") as stream:
            assert [int(text[:7]) for text in stream.texts(total)] == list(range(total))


def test_a_rotated_file_that_is_shredded_tells_no_garbage(tmp_path: Path) -> None:
    lines = [f"line {n}" for n in range(2_000)]
    with running(tmp_path) as service:
        write_and_wait(service, "a.log", *lines)
        log, older = service.logs / "a.log", service.logs / "a.log.1"
        log.rename(older)
        write_and_wait(service, "a.log", "new")
        subprocess.run(["gzip", "-k", str(older)], check=True)
        with older.open("r+b") as file:  # as `shred -u` does, once
            file.write(os.urandom(24_576))
        write_and_wait(service, "a.log", "meanwhile")
        older.unlink()
        service.write("a.log", "last")
        with service.stream(from_="start") as stream:
            assert stream.texts(2_003) == [*lines, "new", "meanwhile", "last"]


@pytest.mark.parametrize("is_truncated", [False, True], ids=["copy", "copytruncate"])
@pytest.mark.parametrize("name", ["a.1.log", "a-20261126-1795685528.log"])
def test_a_copy_whose_name_the_glob_matches_is_not_told_again(tmp_path: Path, name: str, *, is_truncated: bool) -> None:
    """Conformance: B7, B16."""
    lines = [f"line {n}" for n in range(2_000)]
    with running(tmp_path) as service:
        write_and_wait(service, "a.log", *lines)
        shutil.copyfile(service.logs / "a.log", service.logs / name)
        if is_truncated:
            os.truncate(service.logs / "a.log", 0)
        service.write("a.log", "new")
        service.kill()  # else the search for files may come later
        service.start()
        service.wait_until_ready()
        service.write("a.log", "last")
        with service.stream(from_="start") as stream:
            assert stream.texts(2_002) == [*lines, "new", "last"]


def test_a_file_that_is_rotated_before_its_first_look_is_told_from_its_start(tmp_path: Path) -> None:
    """Conformance: A3."""
    with running(tmp_path) as service:
        write_and_wait(service, "other.log", "other")
        service.signal(signal.SIGSTOP)
        service.write("a.log", "one", "two")
        (service.logs / "a.log").rename(service.logs / "a.log.1")
        service.write("a.log", "three")
        service.signal(signal.SIGCONT)
        with service.stream(from_="start") as stream:
            assert stream.texts(4) == ["other", "one", "two", "three"]


def test_the_id_of_a_gap_without_an_end_leads_behind_it(tmp_path: Path) -> None:
    """Conformance: I4."""
    with running(tmp_path) as service:
        write_and_wait(service, "gone.log", "gone 0", "gone 1")
        write_and_wait(service, "other.log", *(f"other {n}" for n in range(5)))
        with service.stream(from_="start") as stream:
            seen = stream.records(7)
        service.kill()
        (service.logs / "gone.log").unlink()
        service.start()
        with service.stream(last_event_id=seen[-1]["id"]) as stream:
            gap = stream.expect("gap")
        assert gap.json["to"] is None
        with service.stream(last_event_id=gap.id) as stream:
            assert stream.expect("hello").json["resume"]["exact"]
            service.write("other.log", "other 5")
            assert stream.texts(1) == ["other 5"]
        # What was read before is one gap with an end, and another id: behind it all that came since is still to come.
        with service.stream(last_event_id=seen[0]["id"]) as stream:
            first = stream.expect("gap")
            assert first.id != gap.id
        with service.stream(last_event_id=first.id) as stream:
            assert stream.texts(5) == [f"other {n}" for n in range(5)]
            assert stream.expect("gap").id == gap.id


def test_logs_that_all_begin_with_the_same_lines_are_told_under_their_own_names(tmp_path: Path) -> None:
    """Killed before the last line of one was proven, which is rotated and compressed then. Conformance: C2, D3."""
    header = [f"starting module {number} of a program that runs many times" for number in range(30)]
    names = ("here/app.log", "there/app.log")
    with running(tmp_path, '[[source]]\nname = "app"\npaths = ["logs/*/app.log"]\n') as service:
        with service.stream() as stream:
            service.write("here/app.log", *header)
            assert stream.texts(30) == header
            service.write("here/app.log", "here 1")
            assert stream.texts(1) == ["here 1"]
            service.kill()
        rotated = service.logs / "here" / "app.log.1"
        service.write("here/app.log", "here 2")
        (service.logs / "here/app.log").rename(rotated)
        for name in names:
            service.write(name, *header, f"{name} 3", f"{name} 4")
        subprocess.run(["gzip", str(rotated)], check=True)
        service.start()
        with service.stream(from_="start") as stream:
            records = stream.records(3 * 32)
    told = {name: [one["text"] for one in records if one["file"].endswith(f"/{name}")] for name in names}
    assert told["there/app.log"] == [*header, "there/app.log 3", "there/app.log 4"]
    assert told["here/app.log"] == [*header, "here 1", "here 2", *header, "here/app.log 3", "here/app.log 4"]


@pytest.mark.parametrize("unread", [0, 3])
@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_an_archive_that_gets_a_member_with_each_rotation_is_read_on_after_a_kill(
    tmp_path: Path, rounds: int, unread: int
) -> None:
    """Conformance: C2, C5."""
    lines: list[str] = []

    def write(service: Service, count: int) -> None:
        new = [f"line {len(lines) + n} {'x' * (len(lines) % 30)}" for n in range(count)]
        lines.extend(new)
        service.write("a.log", *new)

    def rotate(service: Service) -> None:
        log = service.logs / "a.log"
        subprocess.run(f"gzip -c {log} >> {log}.gz; : > {log}", shell=True, check=True)  # noqa: S602 - as people do

    with running(tmp_path) as service:
        with service.stream() as stream:
            for _ in range(2):
                write(service, 500)
                assert stream.texts(500) == lines[-500:]
                service.wait_until_read("a.log")
                rotate(service)
            write(service, 100)
            assert stream.texts(100) == lines[-100:]
            last = stream.last_id
        service.kill()
        for number in range(rounds):
            write(service, 50 if number else unread)
            rotate(service)
        write(service, 20)
        service.start()
        with service.stream(last) as stream:
            assert stream.texts(len(lines) - 1_100) == lines[1_100:]
            last = stream.last_id
        service.kill()
        service.start()
        write(service, 1)
        with service.stream(last) as stream:
            assert stream.texts(1) == lines[-1:]


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_the_first_files_of_a_source_that_had_none_before_are_no_history(tmp_path: Path, how: str) -> None:
    """They came, and were rotated, while the service was down: it had looked before, and they were not there."""
    with running(tmp_path) as service:
        with closing(sqlite3.connect(f"file:{tmp_path}/state/journal.db?mode=ro", uri=True)) as state:
            eventually(lambda: state.execute("SELECT name FROM source").fetchall() == [("app",)])
        getattr(service, how)()
        for number in range(3):
            service.write("a.log", f"line {number}")
            if number < 2:
                rotate(service)
        service.start()
        with service.stream(from_="start") as stream:
            assert stream.texts(3) == ["line 0", "line 1", "line 2"]
