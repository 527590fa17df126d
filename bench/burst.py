"""Burst: many lines appended at once to one file, and how fast one client has them all. In lines/s.

Each run starts its pipeline anew, connects the client, and sends 10,000 lines that do not count. Then the clock starts,
all lines are appended in one go (some 22 MB, about 10 ms of the time, the same for all), and the clock stops when the
client holds the last byte of the last line's event. The client decodes after that: each run's lines are compared with
those written, and before the first round each pipeline has to bring some thousand awkward lines unchanged.
`tail -F | grep --line-buffered ''` is the ceiling: C programs that do nothing with a line.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench.pipelines import BATCH, LINE, PLAIN_QUART, TAIL_AND_GREP, send, warm_up
from bench.report import Measured
from bench.rounds import check_answers, paired
from bench.workload import awkward, usual

if TYPE_CHECKING:
    from pathlib import Path

    from bench.pipelines import Pipeline
    from bench.rounds import Plan

CONTENDERS: Final = (LINE, BATCH, PLAIN_QUART, TAIL_AND_GREP)
_CHECKED_LINES: Final = 2_000


def measure(plan: Plan) -> list[Measured]:
    """Lines a second of each pipeline. Raises BenchError."""

    def check(pipeline: Pipeline, directory: Path) -> None:
        with pipeline.open(directory) as feed:
            send(feed, usual(1))
            load = awkward(_CHECKED_LINES)
            load.check(pipeline.name, pipeline.texts(send(feed, load)))

    def burst(pipeline: Pipeline, directory: Path) -> float:
        load = usual(plan.lines)
        with pipeline.open(directory) as feed:
            warm_up(feed)
            started = time.perf_counter()
            received = send(feed, load)
            seconds = time.perf_counter() - started
        load.check(pipeline.name, pipeline.texts(received))
        return len(load.lines) / seconds

    check_answers("burst", CONTENDERS, check)
    outcomes = paired("burst", plan.rounds, CONTENDERS, burst, lambda rate: f"{rate:,.0f} lines/s")
    return [Measured(f"burst of {plan.lines:,} lines", "lines/s", "more", outcomes)]
