"""Parsing: what a line costs to be read, in ns a line, for lines of each format that `tests/samples` has.

Each run reads the lines of one file over and over, in this process, without a server. The peer is `orjson.loads` of
the lines of pino: the least that any reader of JSON lines does, so the ratios say the same on a slow machine and on a
fast one.
Before anything is timed each file is checked to be read in the format that it is named for.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from bench.errors import BenchError
from bench.measured import OURS, Measured
from bench.rounds import entrants, paired
from logstream.parse import detect_format, parse_line
from tests.installed import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from bench.rounds import Plan

PEER: Final = "orjson.loads"
_PEER_SAMPLE: Final = "pino"
_LINES_A_RUN: Final = 50_000
_FORMATS: Final = {
    "plain": "plain",
    "pino": "json",
    "logfmt": "logfmt",
    "access-combined": "access",
    "nginx-error": "nginx-error",
    "syslog-3164": "syslog",
    "syslog-5424": "syslog",
    "docker-json": "docker-json",
    "cri": "cri",
    "journald": "journald",
    "klog": "klog",
    "python": "python",
    "log4j": "log4j",
    "postgres": "postgres",
}


class Reader(NamedTuple):
    """Lines of one sample, read by us or by the peer."""

    name: str
    lines: tuple[str, ...]
    needs: str = ""


def measure(plan: Plan) -> list[Measured]:
    """Nanoseconds a line of each sample. Raises BenchError."""
    results = []
    peer = Reader(PEER, _sample(_PEER_SAMPLE))
    for sample, expected in _FORMATS.items():
        lines = _sample(sample)
        if detect_format(lines) != expected:
            message = f"the lines of {sample} are not read as {expected}"
            raise BenchError(message)
        contenders = (Reader(f"{OURS} parse_line", lines), peer)
        field = entrants(f"parse {sample}", contenders)
        outcomes = paired(f"parse {sample}", plan.rounds, field, _time, lambda ns: f"{ns:,.0f} ns a line")
        results.append(Measured(f"parse {sample}", "ns/line", "less", outcomes.found))
    return results


def _time(reader: Reader, _directory: Path) -> float:
    rounds = _LINES_A_RUN // len(reader.lines)
    started = time.perf_counter_ns()
    if reader.name == PEER:
        for _ in range(rounds):
            for line in reader.lines:
                orjson.loads(line)
    else:
        for _ in range(rounds):
            for line in reader.lines:
                parse_line(line, format="auto")
    return (time.perf_counter_ns() - started) / (rounds * len(reader.lines))


def _sample(name: str) -> tuple[str, ...]:
    return tuple((ROOT / "tests" / "samples" / f"{name}.log").read_text(encoding="utf-8").splitlines())
