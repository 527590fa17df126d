"""Latency on an active file: from just before a line is appended until the client holds it. p50 and p99, in ms.

Each run starts its pipeline anew, connects the client and sends 10,000 lines that do not count, then lines at an even
50/s: 20 that do not count (the file is active), then the 200 that do. Writer and client are one thread that waits in
one poll(2) for the next due time or the next bytes, so no lock and no second process adds to the time. A line is
counted when the read that brought it returned. Lines that came twice, late or out of order fail the run.
p99 of 200 lines is the second worst but one (nearest rank): one hiccup of the machine moves it, hence the rounds.

`quiet` is the same for the first line after nothing was written for a while (a minute with --full, else a few seconds),
one line a run: what sleeps has to wake up. Frontail's client sends its pings meanwhile, as a browser's does.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import BenchError
from bench.measured import Bound, Measured, Target
from bench.pipelines import FRONTAIL_PIPELINE, LINE, PLAIN_QUART, TAIL_AND_GREP, append, warm_up
from bench.rounds import entrants, paired
from bench.statistics import percentile
from bench.workload import numbered

if TYPE_CHECKING:
    from pathlib import Path

    from bench.pipelines import Feed, Pipeline
    from bench.rounds import Plan

CONTENDERS: Final = (LINE, FRONTAIL_PIPELINE, PLAIN_QUART, TAIL_AND_GREP)
QUIET_CONTENDERS: Final = (LINE, FRONTAIL_PIPELINE)
P50_TARGET: Final = Target(LINE.name, (Bound(0.8, FRONTAIL_PIPELINE.name),))
P99_TARGET: Final = Target(LINE.name, (Bound(1.0, FRONTAIL_PIPELINE.name), Bound(3.0)))
QUIET_TARGET: Final = Target(LINE.name, (Bound(25.0),))
LINES: Final = 200
_UNCOUNTED_LINES: Final = 20
_INTERVAL_SECONDS: Final = 0.02
_LAST_WAIT_SECONDS: Final = 10.0
# Not the one at the end of `fields`: what parsing finds in a line says the number a second time.
_NUMBER: Final = re.compile(rb' n=(\d{6});(?!"\})')
_LONGEST_NUMBER_BYTES: Final = 10


class Latency(NamedTuple):
    """Percentiles over the lines of one run, in milliseconds."""

    p50_ms: float
    p99_ms: float


def measure(plan: Plan) -> list[Measured]:
    """Percentiles of each pipeline. Raises BenchError."""

    def run(pipeline: Pipeline, directory: Path) -> Latency:
        with pipeline.open(directory) as feed:
            warm_up(feed)
            delays = _delays_ms(feed, pipeline.name, _UNCOUNTED_LINES + LINES)[_UNCOUNTED_LINES:]
        return Latency(percentile(delays, 50), percentile(delays, 99))

    def tell(latency: Latency) -> str:
        return f"p50 {latency.p50_ms:.2f} ms, p99 {latency.p99_ms:.2f} ms"

    outcomes = paired("latency", plan.rounds, entrants("latency", CONTENDERS), run, tell)
    halves = outcomes.figures(lambda latency: latency.p50_ms)
    tails = outcomes.figures(lambda latency: latency.p99_ms)
    what = f"append to client, {LINES} lines at {1 / _INTERVAL_SECONDS:.0f}/s"
    return [
        Measured(f"{what}, p50", "ms", "less", halves, (P50_TARGET,), outcomes.missing),
        Measured(f"{what}, p99", "ms", "less", tails, (P99_TARGET,), outcomes.missing),
    ]


def measure_quiet(plan: Plan) -> list[Measured]:
    """The first line after a quiet spell. Raises BenchError."""
    quiet_seconds = plan.size(5, 60)

    def run(pipeline: Pipeline, directory: Path) -> float:
        with pipeline.open(directory) as feed:
            warm_up(feed)
            until = time.monotonic() + quiet_seconds
            while time.monotonic() < until:
                feed.client.read(until - time.monotonic())
            return _delays_ms(feed, pipeline.name, 1)[0]

    what = f"first line after {quiet_seconds} s without one"
    field = entrants(what, QUIET_CONTENDERS)
    delays = paired(what, plan.rounds, field, run, lambda delay: f"{delay:.2f} ms")
    return [Measured(what, "ms", "less", delays.found, (QUIET_TARGET,), delays.missing)]


def _delays_ms(feed: Feed, name: str, lines: int) -> list[float]:
    written: list[float] = []
    delays: list[float] = []
    edge = b""
    due = time.perf_counter()
    while len(delays) < lines:
        now = time.perf_counter()
        if len(written) < lines and now >= due:
            due += _INTERVAL_SECONDS
            written.append(now)
            append(feed.log, numbered(len(written) - 1))
        if len(written) == lines and now > due + _LAST_WAIT_SECONDS:
            message = f"{name}: {lines - len(delays)} of {lines} lines did not come"
            raise BenchError(message)
        patience = due - time.perf_counter() if len(written) < lines else _LAST_WAIT_SECONDS
        piece = edge + feed.client.read(patience)
        received = time.perf_counter()
        end = 0
        for found in _NUMBER.finditer(piece):
            if int(found[1]) != len(delays):
                message = f"{name}: line {int(found[1])} came in the place of line {len(delays)}"
                raise BenchError(message)
            delays.append((received - written[len(delays)]) * 1000)
            end = found.end()
        edge = piece[end:][-_LONGEST_NUMBER_BYTES:]
    return delays
