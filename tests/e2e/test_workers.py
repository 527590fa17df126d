"""Several processes that are one service: the same ids from each, and any of them may die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.full_disk import SmallDisk
from tests.processes import pids
from tests.running import SOURCES, Service, Stream, StreamEndedError, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_REPLACED_SECONDS = 2.0


@pytest.fixture(name="service", params=[2, 3])
def _service(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    config = f"[stream]\nheartbeat_seconds = 1\n{SOURCES}"
    with running(tmp_path, config, LOGSTREAM_SERVER__WORKERS=str(request.param)) as service:
        yield service


def count_of(service: Service) -> int:
    return int(service.environ["LOGSTREAM_SERVER__WORKERS"])


def one_of_each(service: Service, stack: ExitStack, from_: str = "now") -> dict[int, Stream]:
    """A stream from each worker; what comes from one that has served already is closed again."""
    found: dict[int, Stream] = {}
    deadline = time.monotonic() + 20
    while len(found) < count_of(service):
        assert time.monotonic() < deadline, f"only {sorted(found)} served"
        stream = service.stream(from_=from_)
        number = int(stream.headers["logstream-worker"])
        if number in found:
            stack.callback(stream.__exit__)  # stays open: the next one is then another's turn
        else:
            found[number] = stack.enter_context(stream)
    return found


def resumed_at(service: Service, number: int, last_id: str | None) -> Stream:
    """A stream from worker `number`, from after `last_id`."""
    held = []
    try:
        for _ in range(200):
            stream = service.stream(last_id)
            if stream.headers["logstream-worker"] == str(number):
                return stream
            held.append(stream)
    finally:
        for other in held:
            other.cut()
    message = f"worker {number} did not serve"
    raise AssertionError(message)


class Writer(threading.Thread):
    """Appends numbered lines to two files, evenly, until told to stop."""

    def __init__(self, service: Service) -> None:
        super().__init__(name="writer")
        self._service = service
        self._has_to_stop = threading.Event()
        self.count = 0

    def run(self) -> None:
        (self._service.logs).mkdir(exist_ok=True)
        with (
            (self._service.logs / "a.log").open("ab", buffering=0) as a,
            (self._service.logs / "b.log").open("ab", buffering=0) as b,
        ):
            while not self._has_to_stop.wait(0.002):
                for file, name in ((a, "a"), (b, "b")):
                    file.write(b"".join(b"%s %07d\n" % (name.encode(), self.count + n) for n in range(5)))
                self.count += 5

    def stop(self) -> None:
        self._has_to_stop.set()
        self.join()


def assert_each_once(texts: list[str], count: int) -> None:
    """Every line of both files, once, in its file's order."""
    for name in "ab":
        assert [text for text in texts if text.startswith(name)] == [f"{name} {n:07d}" for n in range(count)]


class Reader(threading.Thread):
    """Reads a stream and comes back with the last id whenever it ends, until it has `total()` records."""

    def __init__(self, service: Service, stream: Stream) -> None:
        super().__init__(name="reader")
        self._service = service
        self._stream = stream
        self.texts: list[str] = []
        self.ids: list[str] = []
        self.cuts = 0
        self.wanted = sys.maxsize
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while len(self.texts) < self.wanted:
                try:
                    self._read_one()
                except (StreamEndedError, ConnectionError):
                    self.cuts += 1
                    self._come_back()
        except (AssertionError, OSError) as failure:
            self.failure = failure

    def _read_one(self) -> None:
        event = self._stream.event()
        assert event.type != "gap", event
        if event.type == "hello":
            assert event.json["resume"]["exact"], event
        if event.type == "line":
            self.texts.append(event.json["text"])
            self.ids.append(event.json["id"])

    def _come_back(self) -> None:
        last_id = self._stream.last_id
        self._stream.cut()
        self._stream = self._service.stream(last_id, from_="start")

    def finish(self, wanted: int) -> None:
        self.wanted = wanted
        # What came last may have come before this was known: a line more ends the wait.
        self.join(60)
        self._stream.cut()
        if self.failure is not None:
            raise self.failure
        assert not self.is_alive(), f"{len(self.texts)} of {wanted}"


def test_each_worker_tells_the_same_lines_in_the_same_order_under_the_same_ids(service: Service) -> None:
    for number in range(300):
        service.write(f"{number % 3}.log", f"old {number}")
    service.wait_until_ready()
    with ExitStack() as stack:
        streams = one_of_each(service, stack, from_="start")
        for number in range(300):
            service.write(f"{number % 3}.log", f"new {number}")
        told = [[(record["id"], record["text"]) for record in stream.records(600)] for stream in streams.values()]
    assert len(told) == count_of(service)
    assert all(one == told[0] for one in told)
    assert len(set(told[0])) == 600


def test_an_id_of_one_worker_goes_on_exactly_at_each_other(service: Service) -> None:
    """Also at once: the other one may not have heard of that line yet."""
    with ExitStack() as stack:
        streams = one_of_each(service, stack)
        for stream in streams.values():
            stream.expect("hello")
        for turn in range(20):
            service.write("a.log", f"line {turn}")
            for stream in streams.values():
                assert stream.texts(1) == [f"line {turn}"]
            first, *others = streams
            for other in others:
                with resumed_at(service, other, streams[first].last_id) as resumed:
                    assert resumed.expect("hello").json["resume"]["exact"]
                    service.write("a.log", f"after {turn} {other}")
                    assert resumed.texts(1) == [f"after {turn} {other}"]
                for stream in streams.values():
                    assert stream.texts(1) == [f"after {turn} {other}"]


def test_a_killed_ingester_is_replaced_in_two_seconds_and_no_stream_ends(service: Service) -> None:
    with ExitStack() as stack:
        readers = [Reader(service, stream) for stream in one_of_each(service, stack, from_="start").values()]
        writer = Writer(service)
        for thread in (writer, *readers):
            thread.start()
        took: list[float] = []
        for _ in range(3):
            before = pids(service)
            eventually(lambda: writer.count > 500)
            os.kill(before["ingester"], signal.SIGKILL)
            killed = time.monotonic()
            eventually(partial(is_replaced, service, "ingester", before))
            service.wait_until_ready()
            took.append(time.monotonic() - killed)
            assert {name: pid for name, pid in pids(service).items() if name != "ingester"} == {
                name: pid for name, pid in before.items() if name != "ingester"
            }
        writer.stop()
        assert min(took) < _REPLACED_SECONDS  # one of them may meet a busy moment of the machine
        for reader in readers:
            reader.finish(writer.count * 2)
            assert reader.cuts == 0
            assert_each_once(reader.texts, writer.count)
        assert all(reader.ids == readers[0].ids for reader in readers)


def is_replaced(service: Service, name: str, before: dict[str, int]) -> bool:
    return pids(service).get(name, before[name]) != before[name]


def test_clients_of_a_killed_worker_go_on_exactly_at_another(service: Service) -> None:
    with ExitStack() as stack:
        readers = [Reader(service, stream) for stream in one_of_each(service, stack, from_="start").values()]
        writer = Writer(service)
        for thread in (writer, *readers):
            thread.start()
        before = pids(service)
        eventually(lambda: writer.count > 500)
        os.kill(before["worker 1"], signal.SIGKILL)
        # Nobody is refused meanwhile.
        for _ in range(50):
            assert service.get("/healthz").status_code == 200
        eventually(lambda: is_replaced(service, "worker 1", before))
        writer.stop()
        for reader in readers:
            reader.finish(writer.count * 2)
            assert_each_once(reader.texts, writer.count)
        assert sum(reader.cuts for reader in readers) == 1
        assert all(reader.ids == readers[0].ids for reader in readers)


def test_sigterm_ends_each_stream_with_bye_and_then_all_processes(service: Service) -> None:
    with ExitStack() as stack:
        streams = one_of_each(service, stack)
        for stream in streams.values():
            stream.expect("hello")
        processes = pids(service)
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 5
        for stream in streams.values():
            assert stream.expect("bye").json["reason"] == "the server is going down"
            with pytest.raises(StreamEndedError):
                stream.event()
    assert not any(is_alive(pid) for pid in processes.values())
    assert "ERROR" not in service.stderr


def test_a_killed_parent_takes_all_with_it_and_another_starts_at_once(service: Service) -> None:
    service.write("a.log", "one")
    with service.stream(from_="start") as stream:
        stream.texts(1)
        processes = pids(service)
        service.kill()
        with pytest.raises(StreamEndedError):
            stream.expect("bye")
        eventually(lambda: not any(is_alive(pid) for pid in processes.values()))
    service.start()
    with service.stream(stream.last_id) as again:
        assert again.expect("hello").json["resume"]["exact"]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_second_service_on_the_same_state_is_refused_also_while_the_ingester_is_dead(service: Service) -> None:
    os.kill(pids(service)["ingester"], signal.SIGKILL)
    refused = subprocess.run(
        [*service.command, "serve", "--config", str(service.directory / "config.toml"), "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert refused.returncode == 2
    assert service.process is not None
    assert f"another logstream (process {service.process.pid}) is using it" in refused.stderr


def test_a_worker_that_stood_still_is_waited_for_no_longer_than_need_be_and_goes_on_exactly(tmp_path: Path) -> None:
    with running(tmp_path, SOURCES, LOGSTREAM_SERVER__WORKERS="2") as service, ExitStack() as stack:
        streams = one_of_each(service, stack)
        for stream in streams.values():
            stream.expect("hello")
        stuck = pids(service)["worker 1"]
        os.kill(stuck, signal.SIGSTOP)
        lines = [f"{number:06d} {'x' * 993}" for number in range(20_000)]  # more than may wait for it
        service.write("a.log", *lines)
        assert streams[2].texts(len(lines)) == lines
        eventually(lambda: "worker 1 has taken nothing" in service.stderr)
        os.kill(stuck, signal.SIGCONT)
        assert streams[1].texts(len(lines)) == lines
        service.write("a.log", "after it")
        assert streams[1].texts(1) == streams[2].texts(1) == ["after it"]
        assert pids(service)["worker 1"] == stuck


def test_an_ingester_that_dies_while_the_state_disk_is_full_costs_doubles_and_no_line(
    tmp_path: Path, disk: SmallDisk
) -> None:
    """What it had told was in its memory alone: those who told it begin anew, and clients come back by their ids."""
    config = f"[stream]\nheartbeat_seconds = 1\nretry_ms = 100\n{SOURCES}"
    with running(tmp_path, config, LOGSTREAM_SERVER__WORKERS="2") as service, ExitStack() as stack:
        service.write("a.log", "first")
        streams = one_of_each(service, stack, from_="start")
        for stream in streams.values():
            assert stream.texts(1) == ["first"]
        before = pids(service)
        disk.fill()
        written = 0
        while service.get("/readyz").status_code == 200:
            service.write("a.log", f"full {written}")
            written += 1
            for stream in streams.values():
                assert stream.texts(1) == [f"full {written - 1}"]
        service.write("a.log", "without id")
        for stream in streams.values():
            assert [record["id"] for record in stream.records(1)] == [None]
        os.kill(before["ingester"], signal.SIGKILL)
        eventually(partial(is_replaced, service, "worker 1", before))
        eventually(partial(is_replaced, service, "worker 2", before))
        service.write("a.log", "last")
        for stream in streams.values():
            with service.stream(stream.last_id) as again:
                texts: list[str] = []
                while not texts or texts[-1] != "last":
                    texts += again.texts(1)
            assert texts[-2:] == ["without id", "last"]
        disk.free()
        service.wait_until_ready()


@pytest.fixture(name="disk")
def _disk(tmp_path: Path) -> Iterator[SmallDisk]:
    (tmp_path / "state").mkdir()
    with SmallDisk(tmp_path / "state") as small:
        yield small


def test_what_keeps_a_child_from_starting_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "journal.db").write_bytes(b"this is no database, and was never one" * 100)
    (tmp_path / "config.toml").write_text(f'[server]\nport = 0\nworkers = 2\n[state]\ndir = "state"\n{SOURCES}')
    ended = subprocess.run(
        [sys.executable, "-m", "logstream", "serve", "--config", str(tmp_path / "config.toml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert ended.returncode == 2
    assert "journal.db cannot be opened" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "listening" not in ended.stdout


def test_sighup_reaches_every_process(service: Service) -> None:
    with ExitStack() as stack:
        streams = one_of_each(service, stack)
        for stream in streams.values():
            stream.expect("hello")
        config = service.directory / "config.toml"
        config.write_text(f'{config.read_text()}[[rule]]\nname = "boom"\nmatch = "boom"\nevent = "boom"\n')
        service.signal(signal.SIGHUP)
        eventually(lambda: [rule["name"] for rule in service.get("/api/v1/rules").json()["rules"]] == ["boom"])
        service.write("a.log", "boom")
        for stream in streams.values():
            # Each process compiles the rules for itself, and judges by the old ones until it has.
            while (event := stream.event()).type != "boom":
                if event.type == "line":
                    service.write("a.log", "boom")
            assert event.json["rules"] == ["boom"]
        eventually(lambda: service.get("/api/v1/rules").json()["rules"][0]["hits"] >= 1)
        views = service.get("/api/v1/rules").json()["views"]
        assert sum(view["subscribers"] for view in views) >= count_of(service)
        assert len(views) == 1


def test_connections_are_shared_out_evenly(service: Service) -> None:
    with ExitStack() as stack:
        served = [stack.enter_context(service.stream()).headers["logstream-worker"] for _ in range(60)]
    counts = [served.count(str(number)) for number in range(1, count_of(service) + 1)]
    assert max(counts) - min(counts) <= 12, counts
