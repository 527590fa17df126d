"""What the system refuses or forgets: descriptors, file events; and very many files."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from logstream.stalls import core_wait_seconds
from tests.running import SOURCES, Service, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMITED = (
    "import resource, runpy; resource.setrlimit(resource.RLIMIT_NOFILE, ({0}, {0}));"
    " runpy.run_module('logstream', run_name='__main__', alter_sys=True)"
)
MANY = 5_000


@contextmanager
def limited(directory: Path, most_files: int) -> Iterator[Service]:
    """A service that may have so many files open and not one more."""
    (directory / "logs").mkdir()
    command = (sys.executable, "-c", LIMITED.format(most_files))
    service = Service(directory, f'[state]\ndir = "state"\n{SOURCES}', command=command)
    try:
        yield service.start()
    finally:
        if service.process is not None:
            service.kill()


def descriptors(service: Service) -> int:
    assert service.process is not None
    return len(os.listdir(f"/proc/{service.process.pid}/fd"))  # noqa: PTH208 - names of descriptors


def cpu_seconds(service: Service) -> float:
    """Processor time of the service so far, proc(5): fields 14 and 15 of stat."""
    assert service.process is not None
    with open(f"/proc/{service.process.pid}/stat") as file:  # noqa: PTH123 - proc(5)
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_with_more_files_than_descriptors_nothing_is_deleted_and_nothing_comes_again(tmp_path: Path) -> None:
    """Conformance: F8, H13."""
    names = [f"{number:03}.log" for number in range(150)]
    with limited(tmp_path, 100) as service:
        for name in names:
            service.write(name, f"{name} 1")
        with service.stream(from_="start") as stream:
            texts = stream.texts(150)
            for name in names:
                service.write(name, f"{name} 2")
            texts += stream.texts(150)
            cursor = stream.last_id
        assert descriptors(service) <= 100
        service.kill()
        for name in names:
            service.write(name, f"{name} 3")
        service.start()
        with service.stream(cursor) as stream:
            texts += stream.texts(150)
            service.write("last.log", "last")
            assert stream.texts(1) == ["last"]
        assert "deleted" not in service.get("/api/v1/sources").text
    assert sorted(texts) == sorted(f"{name} {number}" for name in names for number in (1, 2, 3))


def test_files_that_are_watched_for_late_lines_leave_descriptors_to_connections(tmp_path: Path) -> None:
    """Conformance: A16, F8."""
    names = [f"{number:03}.log" for number in range(60)]
    with limited(tmp_path, 100) as service, ExitStack() as stack:
        for name in names:
            service.write(name, f"{name} 1")
        first = stack.enter_context(service.stream(from_="start"))
        texts = first.texts(60)
        for name in names:
            (service.logs / name).rename(service.logs / f"{name}.1")
            service.write(name, f"{name} 2")
        texts += first.texts(60)
        for name in names[:30]:
            (service.logs / f"{name}.1").unlink()
        streams = [stack.enter_context(service.stream()) for _ in range(20)]
        for name in names[30:]:
            service.write(f"{name}.1", f"{name} late")
        texts += first.texts(30)
        for stream in streams:
            assert len(stream.texts(30)) == 30
    expected = [f"{name} {number}" for name in names for number in (1, 2)] + [f"{name} late" for name in names[30:]]
    assert sorted(texts) == sorted(expected)


def test_more_rotations_while_down_than_descriptors_are_all_read_in_order(tmp_path: Path) -> None:
    """Conformance: A3, F8."""
    with limited(tmp_path, 100) as service:
        service.write("a.log", "0")
        with service.stream(from_="start") as stream:
            assert stream.texts(1) == ["0"]
            cursor = stream.last_id
        service.kill()
        for number in range(1, 121):
            (service.logs / "a.log").rename(service.logs / f"a.log.{200 - number}")
            service.write("a.log", f"{number}")
        service.start()
        with service.stream(cursor) as stream:
            assert stream.texts(120) == [str(number) for number in range(1, 121)]


def test_what_was_rotated_while_down_is_read_before_what_is_newer_with_fewer_descriptors_than_logs(
    tmp_path: Path,
) -> None:
    """Conformance: A15, F8."""
    names = [f"{number:03}.log" for number in range(150)]
    with limited(tmp_path, 100) as service:
        for name in names:
            service.write(name, f"{name} 1")
        with service.stream(from_="start") as stream:
            stream.texts(150)
            cursor = stream.last_id
        service.kill()
        for name in names:
            service.write(name, f"{name} 2")
            (service.logs / name).rename(service.logs / f"{name}.1")
            service.write(name, f"{name} 3")
        service.start()
        with service.stream(cursor) as stream:
            texts = stream.texts(300)
    for name in names:
        assert [text for text in texts if text.startswith(name)] == [f"{name} 2", f"{name} 3"]


def test_an_overflow_of_the_kernel_s_event_queue_loses_nothing(tmp_path: Path) -> None:
    """While the service stands still, more happens than the queue holds. Conformance: G3."""
    with open("/proc/sys/fs/inotify/max_queued_events") as file:  # noqa: PTH123 - proc(5)
        most_events = int(file.read())
    with running(tmp_path, f"[stream]\nheartbeat_seconds = 2.5\n{SOURCES}") as service, service.stream() as stream:
        service.write("quiet.log", "begin")
        assert stream.texts(1) == ["begin"]
        for _ in range(3):
            stream.expect("ping")  # until nobody looks at the file more often than at others
        service.signal(signal.SIGSTOP)
        logs = [(service.logs / f"{name}.log").open("ab", buffering=0) for name in "ab"]
        # Equal events in a row are one: these alternate.
        for number in range(most_events // 2 + 100):
            for log in logs:
                log.write(b"%d\n" % number)
        # Of these files no event is left room for.
        service.write("quiet.log", "quiet")
        service.write("late.log", "late")
        service.signal(signal.SIGCONT)
        texts = stream.texts(2 * (most_events // 2 + 100) + 2)
        service.write("late.log", "later")
        assert stream.texts(1) == ["later"]
        for log in logs:
            log.close()
    numbers = [str(number) for number in range(most_events // 2 + 100)]
    assert sorted(texts) == sorted([*numbers, *numbers, "late", "quiet"])


def test_streams_go_on_when_the_watcher_dies(tmp_path: Path) -> None:
    """Conformance: F9, G4."""
    with running(tmp_path) as service, service.stream() as stream:
        stream.expect("ping")
        service.write("a.log", "one")
        assert stream.texts(1) == ["one"]
        (service.logs / os.fsdecode(b"\xff.log")).write_bytes(b"from a strange name\n")
        assert stream.texts(1) == ["from a strange name"]
        eventually(lambda: "file events stopped, polling instead" in service.stderr)
        service.write("a.log", "two")
        service.write("b.log", "three")
        assert sorted(stream.texts(2)) == ["three", "two"]


def test_five_thousand_files_are_all_read_within_the_limit_of_descriptors_and_cheap_when_idle(tmp_path: Path) -> None:
    """Conformance: F7, I9."""
    with limited(tmp_path, 2_000) as service:
        for number in range(MANY):
            (service.logs / f"{number:04}.log").write_bytes(b"one\n")
        with service.stream(from_="start", shape="batch") as stream:
            records = stream.records(MANY)
            assert descriptors(service) <= 2_000
            for number in range(0, MANY, 10):
                service.write(f"{number:04}.log", "two")
            records += stream.records(MANY // 10)
        # Files that have just grown are looked at more often for a while.
        eventually(lambda: idle_share(service) < 0.4)
    assert sorted(record["file"] for record in records if record["text"] == "one") == [
        str(tmp_path / "logs" / f"{number:04}.log") for number in range(MANY)
    ]
    assert len(records) == len({record["id"] for record in records}) == MANY + MANY // 10
    assert max(len(record["id"]) for record in records) <= 40


def idle_share(service: Service) -> float:
    """How much of a core the service takes, measured over a second."""
    began, before = time.monotonic(), cpu_seconds(service)
    eventually(lambda: time.monotonic() - began > 1)
    return (cpu_seconds(service) - before) / (time.monotonic() - began)


@pytest.mark.parametrize("count", [1, 300])
def test_a_line_reaches_a_client_well_within_a_second_while_others_trickle_in_without_a_pause(
    tmp_path: Path, count: int
) -> None:
    """99 of 100, each with the time of its own write; a watcher's usual debounce is 1.6 s.

    Without what the kernel says that the service and this thread have waited for a core meanwhile. Conformance: G8.
    """
    begun: list[float] = []
    delays: list[float] = []
    with running(tmp_path) as service, ExitStack() as stack:
        logs = [stack.enter_context((service.logs / f"{n}.log").open("ab", buffering=0)) for n in range(count)]
        stream = stack.enter_context(service.stream())
        stream.expect("ping")
        service.wait_until_ready()
        is_over = threading.Event()

        def trickle() -> None:
            while not is_over.wait(0.002):
                begun.append(time.monotonic() - service.core_wait_seconds())
                logs[len(begun) % count].write(b"%d\n" % (len(begun) - 1))

        writer = threading.Thread(target=trickle, name="trickle")
        writer.start()
        try:
            waited = core_wait_seconds()
            while len(delays) < 1_500:
                (text,) = stream.texts(1)
                before, waited = waited, core_wait_seconds()
                now = time.monotonic() - service.core_wait_seconds() - (waited - before)
                delays.append(now - begun[int(text)])
        finally:
            is_over.set()
            writer.join()
    assert sorted(delays)[len(delays) * 99 // 100] < 0.5
