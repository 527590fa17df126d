"""Trickling files (300 with --full): 20 lines/s each, to one client, against frontail over the same files.

A process of its own writes a line to each file in turn, evenly, each with the time just before its write. The client
notes when each read returned and looks into what came after the clock has stopped. Told are the worst file's p99, the
CPU time of the server and all that it started, in per cent of a core, and, for logstream, what its journal takes on
disk after it has ended, as a share of the logs. Every line has to come once, and each file's in order.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import time
from bisect import bisect_left
from contextlib import contextmanager
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.client import http_client
from bench.errors import BenchError
from bench.measured import Bound, Measured, Target
from bench.peers import FRONTAIL
from bench.process import cpu_seconds
from bench.rounds import entrants, paired
from bench.servers import frontail_server, logstream_server
from bench.statistics import percentile
from bench.websocket import socket_io_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from multiprocessing.context import SpawnProcess
    from pathlib import Path

    from bench.client import Client
    from bench.rounds import Plan

OURS: Final = "logstream line"
PEER: Final = "frontail"
P99_TARGET: Final = Target(OURS, (Bound(35.0),))
CPU_TARGET: Final = Target(OURS, (Bound(40.0),))
RATE: Final = 20
_WARM_UP_SECONDS: Final = 1
_LAST_WAIT_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.2
_FIRST_LINE: Final = b"the first line of the log"
_LINE: Final = "2026-03-14T09:00:00.000+01:00 INFO  [worker-3] shop.orders: order 123456 of customer 23456 took 17 ms"
_NUMBERS: Final = re.compile(rb"tick t=(\d+) f=(\d+) n=(\d+),")


class Trickle(NamedTuple):
    """What one run found; `journal_share` is 0 for who has none."""

    worst_p99_ms: float
    cpu_percent: float
    journal_share: float


class Follower(NamedTuple):
    """What follows files: `open` starts it and gives its client, its process, and how to end it cleanly."""

    name: str
    open: Callable[[Path, list[Path]], AbstractContextManager[tuple[Client, int, Callable[[], object]]]]
    needs: str = ""


def measure(plan: Plan) -> list[Measured]:
    """Delay, CPU and journal. Raises BenchError."""
    files, seconds = plan.size(100, 300), plan.size(5, 20)

    def run(follower: Follower, directory: Path) -> Trickle:
        return trickle(follower, directory, files, seconds)

    def tell(one: Trickle) -> str:
        return f"p99 {one.worst_p99_ms:.1f} ms, CPU {one.cpu_percent:.1f} %, journal {one.journal_share * 100:.1f} %"

    what = f"{files} files, {RATE} lines/s each"
    found = paired(what, plan.rounds, entrants(what, (LOGSTREAM, FRONTAIL_FOLLOWER)), run, tell)
    shares = {OURS: found.figures(lambda one: one.journal_share * 100)[OURS]}
    delays, cpu = found.figures(lambda one: one.worst_p99_ms), found.figures(lambda one: one.cpu_percent)
    return [
        Measured(f"{what}, the worst file's p99", "ms", "less", delays, (P99_TARGET,), found.missing),
        Measured(f"{what}, CPU", "% of a core", "less", cpu, (CPU_TARGET,), found.missing),
        Measured(f"{what}, journal", "% of the logs", "less", shares),
    ]


def trickle(follower: Follower, directory: Path, files: int, seconds: int) -> Trickle:
    """Write and read for so long, after a second that does not count. Raises BenchError."""
    paths = [directory / "logs" / f"{number:03}.log" for number in range(files)]
    (directory / "logs").mkdir()
    for path in paths:
        path.write_bytes(_FIRST_LINE + b"\n")
    total = files * RATE * (seconds + _WARM_UP_SECONDS)
    with follower.open(directory, paths) as (client, pid, end):
        with _writing(paths, total) as writer:
            pieces, cpu = _read(client, pid, writer)
        worst = _worst_p99_ms(pieces, files, total)
        end()
        state = directory / "state"
        kept = sum(path.stat().st_size for path in state.rglob("*") if path.is_file()) if state.exists() else 0
        written = sum(path.stat().st_size for path in paths)
    return Trickle(worst, cpu * 100, kept / written)


@contextmanager
def _writing(paths: list[Path], total: int) -> Iterator[SpawnProcess]:
    process = multiprocessing.get_context("spawn").Process(target=_write, args=(paths, total), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _write(paths: list[Path], total: int) -> None:
    """The process that writes."""
    fds = [os.open(path, os.O_WRONLY | os.O_APPEND) for path in paths]
    started = time.perf_counter()
    for number in range(total):
        due = started + number / (RATE * len(fds))
        if (early := due - time.perf_counter()) > 0:
            time.sleep(early)
        turn, file = divmod(number, len(fds))
        os.write(fds[file], f"{_LINE} tick t={time.perf_counter_ns()} f={file} n={turn},\n".encode())


def _read(client: Client, pid: int, writer: SpawnProcess) -> tuple[list[tuple[float, bytes]], float]:
    """All that came, with the times of the reads, and the CPU time a second while there was writing."""
    pieces: list[tuple[float, bytes]] = []
    while not pieces or b" n=%d," % (RATE * _WARM_UP_SECONDS) not in pieces[-1][1]:
        pieces.append((time.perf_counter(), _some(client)))
    cpu, started = cpu_seconds(pid), time.perf_counter()
    while writer.is_alive():
        piece = client.read(_LOOK_SECONDS)
        pieces.append((time.perf_counter(), piece))
    share = (cpu_seconds(pid) - cpu) / (time.perf_counter() - started)
    silent_at = time.perf_counter() + _LAST_WAIT_SECONDS
    while (now := time.perf_counter()) < silent_at:
        piece = client.read(_LOOK_SECONDS)
        pieces.append((time.perf_counter(), piece))
        # Who is behind may take its time: it shows in the delays.
        silent_at = now + _LAST_WAIT_SECONDS if b"tick" in piece else silent_at
    return pieces, share


def _some(client: Client) -> bytes:
    piece = client.read(_LAST_WAIT_SECONDS)
    if not piece:
        message = f"no line came for {_LAST_WAIT_SECONDS:.0f} s"
        raise BenchError(message)
    return piece


def _worst_p99_ms(pieces: list[tuple[float, bytes]], files: int, total: int) -> float:
    """The worst of the files' p99. Raises BenchError if a line is missing, or late within its file."""
    ends = list(accumulate(len(piece) for _, piece in pieces))
    raw = b"".join(piece for _, piece in pieces)
    delays: list[list[float]] = [[] for _ in range(files)]
    turns = [-1] * files
    for found in _NUMBERS.finditer(raw):
        file, turn = int(found[2]), int(found[3])
        # What is read out of a line repeats it: the second time is no line.
        if turn == turns[file]:
            continue
        if turn != turns[file] + 1:
            message = f"file {file}: line {turn} came behind line {turns[file]}"
            raise BenchError(message)
        turns[file] = turn
        received = pieces[bisect_left(ends, found.end())][0]
        if turn >= RATE * _WARM_UP_SECONDS:
            delays[file].append(received * 1000 - int(found[1]) / 1e6)
    came = sum(turns) + files
    if came != total:
        message = f"{came} of {total} lines came"
        raise BenchError(message)
    return max(percentile(one, 99) for one in delays)


@contextmanager
def _logstream(directory: Path, paths: list[Path]) -> Iterator[tuple[Client, int, Callable[[], object]]]:
    with logstream_server(directory) as service, http_client(service.port, "/api/v1/stream?from=start") as client:
        client.until_count(b'"text":"' + _FIRST_LINE, len(paths))
        yield client, service.process.pid if service.process is not None else 0, service.stop


@contextmanager
def _frontail(directory: Path, paths: list[Path]) -> Iterator[tuple[Client, int, Callable[[], object]]]:
    with (
        frontail_server(directory, paths) as (server, namespace),
        socket_io_client(server.port, namespace) as client,
    ):
        # It has no word for being ready: what tail tells at first has come when no more comes.
        while client.read(_LAST_WAIT_SECONDS):
            pass
        yield client, server.pid, lambda: None


LOGSTREAM: Final = Follower(OURS, _logstream)
FRONTAIL_FOLLOWER: Final = Follower(PEER, _frontail, FRONTAIL)
