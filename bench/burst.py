"""Burst: many lines appended at once to one file, and how fast one client has them all. In lines/s.

Each run starts its pipeline anew, connects the client, and sends 10,000 lines that do not count. Then the clock starts,
all lines are appended in one go (some 22 MB, about 10 ms of the time, the same for all), and the clock stops when the
client holds the last byte of the last line's event. The client decodes after that: each run's lines are compared with
those written, and before the first round each pipeline has to bring some thousand awkward lines unchanged.
`tail -F | grep --line-buffered ''` is the ceiling: C programs that do nothing with a line.

`burst-rules` is the same with lines full of quotes, backslashes, umlauts and colour escapes, which cost more in JSON,
and, for logstream, with five rules (two of patterns that match some lines, one of fields, one of a level, one that
drops what never comes) and a query of a word, an excluded phrase and a regular expression that all lines match. The
peers have neither rules nor a query on the server, and bring the lines as they are.

Frontail splits lines at form feeds, U+2028 and their like, so its check leaves these lines out; and it decodes each
piece that it reads by itself, so a letter at a piece's edge becomes U+FFFD, which is forgiven it here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.measured import Bound, Measured, Target
from bench.pipelines import (
    BATCH,
    FRONTAIL_PIPELINE,
    LINE,
    PLAIN_QUART,
    TAIL_AND_GREP,
    logstream_pipeline,
    send,
    warm_up,
)
from bench.rounds import entrants, paired
from bench.workload import awkward, rich, usual
from tests.running import SOURCES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.pipelines import Pipeline
    from bench.rounds import Plan
    from bench.workload import Workload

PEERS: Final = (FRONTAIL_PIPELINE, PLAIN_QUART, TAIL_AND_GREP)
TARGETS: Final = (
    Target(LINE.name, (Bound(4.0, FRONTAIL_PIPELINE.name),)),
    Target(BATCH.name, (Bound(6.0, FRONTAIL_PIPELINE.name),)),
)
RULES: Final = """
[[rule]]
name = "no-probes"
match = 'GET /(healthz|readyz)'
action = "drop"

[[rule]]
name = "failed"
match = 'failed|refused|ERROR'
event = "failed"
set_level = "error"

[[rule]]
name = "many"
match = 'qty=[789]'
highlight = "orange"

[[rule]]
name = "worker-3"
where = "thread:worker-3"

[[rule]]
name = "noisy"
level = "debug"
set_level = "trace"
"""
QUERY: Final = r'order -"health check" /took \d+ ms/'
RULED: Final = tuple(
    logstream_pipeline(f"logstream {shape}, rules, q", shape, config=SOURCES + RULES, query=QUERY)
    for shape in ("line", "batch")
)
RULED_TARGETS: Final = tuple(Target(pipeline.name, (Bound(2.0, FRONTAIL_PIPELINE.name),)) for pipeline in RULED)
_CHECKED_LINES: Final = 2_000


class Contest(NamedTuple):
    """One kind of lines: who takes part, what is written, what the check writes, and the targets."""

    what: str
    contenders: tuple[Pipeline, ...]
    timed: Callable[[int], Workload]
    checked: Callable[[int], Workload]
    targets: tuple[Target, ...]


def measure(plan: Plan) -> list[Measured]:
    """Lines a second of each pipeline. Raises BenchError."""
    return _measure(plan, Contest(f"burst of {plan.lines:,} lines", (LINE, BATCH, *PEERS), usual, awkward, TARGETS))


def measure_rules(plan: Plan) -> list[Measured]:
    """The same with rules, a query and rich lines. Raises BenchError."""
    what = f"burst of {plan.lines:,} rich lines, 5 rules, a query"
    return _measure(plan, Contest(what, (*RULED, *PEERS), rich, rich, RULED_TARGETS))


def _measure(plan: Plan, contest: Contest) -> list[Measured]:
    def check(pipeline: Pipeline, directory: Path) -> None:
        with pipeline.open(directory) as feed:
            send(feed, usual(1))
            load = contest.checked(_CHECKED_LINES).without(pipeline.splits)
            pipeline.check(load, send(feed, load))

    def burst(pipeline: Pipeline, directory: Path) -> float:
        load = contest.timed(plan.lines)
        with pipeline.open(directory) as feed:
            warm_up(feed)
            started = time.perf_counter()
            received = send(feed, load)
            seconds = time.perf_counter() - started
        pipeline.check(load, received)
        return len(load.lines) / seconds

    field = entrants(contest.what, contest.contenders, check)
    rates = paired(contest.what, plan.rounds, field, burst, lambda rate: f"{rate:,.0f} lines/s")
    return [Measured(contest.what, "lines/s", "more", rates.found, contest.targets, rates.missing)]
