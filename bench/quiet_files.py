"""Quiet files (1,000 and 10,000 with --full): how soon they are all watched, and what that costs while nothing happens.

Each file holds one line. `ready` is from starting the process, whose modules are compiled as those of an installation
are, until a client has the line of every file: logstream's connects with `from=start` as soon as the service listens,
tail's (`tail -n 1 -q -F FILES`) reads its pipe. Then the client leaves, nothing is written, and after 2 s of rest the
CPU time of the process is taken over some seconds, in per cent of a core. A figure of 0 is less than one tick of the
kernel's clock (10 ms).
"""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.client import Client, http_client
from bench.errors import BenchError
from bench.measured import Bound, Measured, Target
from bench.process import cpu_seconds
from bench.rounds import entrants, paired
from bench.servers import logstream_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.rounds import Plan

OURS: Final = "logstream"
TAIL: Final = "tail -F"
_REST_SECONDS: Final = 2.0
_MARK: Final = b"the only line of file "


class Idle(NamedTuple):
    """How soon all was watched, and what watching it costs."""

    ready_seconds: float
    cpu_percent: float


class Watcher(NamedTuple):
    """What watches files: `open` starts it, waits until a client has all lines, and gives its process."""

    name: str
    open: Callable[[Path, list[Path]], AbstractContextManager[int]]
    needs: str = ""


def measure(plan: Plan) -> list[Measured]:
    """Time to ready, and idle CPU. Raises BenchError."""
    sizes = ((200, 1.0, 1.0), (1_000, 1.0, 1.0)) if not plan.is_full else ((1_000, 1.0, 1.0), (10_000, 2.0, 5.0))
    seconds = plan.size(5, 20)
    return [row for files, percent, ready in sizes for row in _measured(plan, files, seconds, (percent, ready))]


def _measured(plan: Plan, files: int, seconds: int, limits: tuple[float, float]) -> list[Measured]:
    def run(watcher: Watcher, directory: Path) -> Idle:
        return idle(watcher, directory, files, seconds)

    what = f"{files:,} quiet files"
    field = entrants(what, (Watcher(OURS, _logstream), Watcher(TAIL, _tail)))
    found = paired(what, plan.rounds, field, run, lambda one: f"{one.ready_seconds:.2f} s, {one.cpu_percent:.2f} %")
    percent, ready = (Target(OURS, (Bound(limit),)) for limit in limits)
    idles, times = found.figures(lambda one: one.cpu_percent), found.figures(lambda one: one.ready_seconds)
    return [
        Measured(f"{what}, CPU when idle", "% of a core", "less", idles, (percent,), found.missing),
        Measured(f"{what}, ready", "s", "less", times, (ready,), found.missing),
    ]


def idle(watcher: Watcher, directory: Path, files: int, seconds: float) -> Idle:
    """Start one watcher over so many files, and see what it costs."""
    paths = _written(directory, files)
    started = time.perf_counter()
    with watcher.open(directory, paths) as pid:
        ready = time.perf_counter() - started
        time.sleep(_REST_SECONDS)
        before = cpu_seconds(pid)
        time.sleep(seconds)
        return Idle(ready, (cpu_seconds(pid) - before) / seconds * 100)


def cpu_seconds_until_ready(directory: Path, files: int) -> float:
    """What it costs logstream to start and to bring a client the line of every file."""
    with _logstream(directory, _written(directory, files)) as pid:
        return cpu_seconds(pid)


def _written(directory: Path, files: int) -> list[Path]:
    (directory / "logs").mkdir()
    paths = [directory / "logs" / f"{number:05}.log" for number in range(files)]
    for number, path in enumerate(paths):
        path.write_bytes(_MARK + b"%05d\n" % number)
    return paths


@contextmanager
def _logstream(directory: Path, paths: list[Path]) -> Iterator[int]:
    with logstream_server(directory) as service:
        with http_client(service.port, "/api/v1/stream?from=start") as client:
            # A record has the text once, but what is read out of it may repeat it.
            client.until_count(b'"text":"' + _MARK, len(paths))
        yield service.process.pid if service.process is not None else 0


@contextmanager
def _tail(_directory: Path, paths: list[Path]) -> Iterator[int]:
    command = ["tail", "-n", "1", "-q", "-F", *map(str, paths)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tail:
        try:
            if tail.stdout is None:
                raise BenchError
            Client(tail.stdout.fileno(), b"\n").until_count(_MARK, len(paths))
            yield tail.pid
        finally:
            tail.kill()
