"""Fan-out: many clients (1,000 with --full) of one file with one query, all served by one process.

`fanout`, in deliveries/s (lines times clients): lines are appended at once, and the clock stops when the last client
has the last of them. The slower peers get fewer lines, enough for seconds of work. Nchan is fed the same records in
messages of a line each, or of as many lines as come in 50 ms at 2,000 lines/s; its clients get no ids of lines.

`workers`: the same, with one process and with two that serve beside one that reads (`[server] workers`). The clients
take a core themselves, so on two cores two workers have one between them. Not against a peer.

`fanout-paced`: 2,000 lines/s for some seconds, and how long each line took to each client (p99 over all deliveries).

`overload`: 5,000 lines/s for some seconds: the most memory that the process held, how far behind the last client was
when writing ended, at what rate lines were delivered, against the saturation just measured on the same server (an
overload must not make it slower), and how long a line takes once all is delivered again.

In each, every client has to get every line once (bench.delivery). The clients are one process, the server another.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.broadcasts import BATCH, LINE, NCHAN_BATCHES, NCHAN_LINES, ONE_WORKER, PLAIN_QUART, TWO_WORKERS
from bench.crowd import crowd
from bench.delivery import check, delays_ms, pace, prime
from bench.measured import Bound, Measured, Target
from bench.process import watching
from bench.rounds import entrants, paired
from bench.statistics import weighted_percentile
from bench.workload import marked_each

if TYPE_CHECKING:
    from pathlib import Path

    from bench.broadcasts import Broadcast, Stage
    from bench.crowd import Crowd
    from bench.rounds import Plan

CONTENDERS: Final = (LINE, BATCH, NCHAN_LINES, NCHAN_BATCHES, PLAIN_QUART)
OURS: Final = (LINE, BATCH)
WORKERS: Final = (ONE_WORKER, TWO_WORKERS)
SATURATION_TARGETS: Final = tuple(
    Target(ours.name, (Bound(limit, peer.name),))
    for ours in OURS
    for limit, peer in ((8.0, NCHAN_LINES), (1.0, NCHAN_BATCHES))
)
PACED_TARGETS: Final = tuple(Target(ours.name, (Bound(250.0),)) for ours in OURS)
MEMORY_TARGETS: Final = tuple(Target(ours.name, (Bound(300.0),)) for ours in OURS)
STEADY_TARGETS: Final = tuple(Target(ours.name, (Bound(0.9),)) for ours in OURS)
RECOVERY_TARGETS: Final = tuple(Target(ours.name, (Bound(250.0),)) for ours in OURS)
_PACED_RATE: Final = 2_000
_OVERLOAD_RATE: Final = 5_000
_RECOVERY_LINES: Final = 100


class Overload(NamedTuple):
    """What one overload did: memory, delay at its end, deliveries/s against saturation, and a line's p99 after it."""

    resident_mb: float
    behind_seconds: float
    share_of_saturation: float
    recovered_p99_ms: float


def measure(plan: Plan) -> list[Measured]:
    """Deliveries a second at saturation. Raises BenchError."""
    clients, lines = plan.size(200, 1_000), plan.size(4_000, 10_000)

    def run(broadcast: Broadcast, directory: Path) -> float:
        with broadcast.open(directory) as stage, crowd(stage.port, [stage.target] * clients, stage.hello) as people:
            return saturate(broadcast.name, stage, people, round(lines * broadcast.share)) * clients

    what = f"fan-out of a burst to {clients:,} clients, one query"
    rates = paired(what, plan.rounds, entrants(what, CONTENDERS), run, lambda rate: f"{rate:,.0f} deliveries/s")
    return [Measured(what, "deliveries/s", "more", rates.found, SATURATION_TARGETS, rates.missing)]


def measure_workers(plan: Plan) -> list[Measured]:
    """Deliveries a second at saturation, by one process and by two. Raises BenchError."""
    clients, lines = plan.size(200, 1_000), plan.size(4_000, 10_000)

    def run(broadcast: Broadcast, directory: Path) -> float:
        with broadcast.open(directory) as stage, crowd(stage.port, [stage.target] * clients, stage.hello) as people:
            return saturate(broadcast.name, stage, people, lines) * clients

    what = f"fan-out of a burst to {clients:,} clients, by processes"
    rates = paired(what, plan.rounds, entrants(what, WORKERS), run, lambda rate: f"{rate:,.0f} deliveries/s")
    return [Measured(what, "deliveries/s", "more", rates.found, (), rates.missing)]


def saturate(name: str, stage: Stage, people: Crowd, count: int) -> float:
    """How many lines a second reach everybody. Raises BenchError."""
    marks = prime(stage, people)
    lines = marked_each(count)
    publish = stage.prepare(lines)
    started = time.perf_counter()
    publish()
    ended = people.wait(count * marks)
    check(name, stage, people, lines, marks)
    return count / (ended - started)


def measure_paced(plan: Plan) -> list[Measured]:
    """The p99 of all deliveries at an even rate. Raises BenchError."""
    clients, seconds = plan.size(200, 1_000), plan.size(5, 20)

    def run(broadcast: Broadcast, directory: Path) -> float:
        with broadcast.open(directory) as stage, crowd(stage.port, [stage.target] * clients, stage.hello) as people:
            return _p99_ms(broadcast.name, stage, people, seconds * _PACED_RATE)

    what = f"{_PACED_RATE:,} lines/s to {clients:,} clients, p99"
    delays = paired(what, plan.rounds, entrants(what, OURS), run, lambda delay: f"{delay:.1f} ms")
    return [Measured(what, "ms", "less", delays.found, PACED_TARGETS, delays.missing)]


def measure_overload(plan: Plan) -> list[Measured]:
    """More lines than can be delivered. Raises BenchError."""
    clients, seconds = plan.size(200, 1_000), plan.size(4, 20)

    def run(broadcast: Broadcast, directory: Path) -> Overload:
        with broadcast.open(directory) as stage, crowd(stage.port, [stage.target] * clients, stage.hello) as people:
            saturation = saturate(broadcast.name, stage, people, _OVERLOAD_RATE)
            return _overload(broadcast.name, stage, people, seconds, saturation)

    def tell(overload: Overload) -> str:
        return (
            f"{overload.resident_mb:.0f} MB, {overload.behind_seconds:.2f} s behind at its end, "
            f"{overload.share_of_saturation:.2f} of saturation, then p99 {overload.recovered_p99_ms:.0f} ms"
        )

    what = f"{_OVERLOAD_RATE:,} lines/s to {clients:,} clients"
    found = paired(what, plan.rounds, entrants(what, OURS), run, tell)
    rows = (
        ("most memory", "MB", "less", lambda one: one.resident_mb, MEMORY_TARGETS),
        ("delay when writing ends", "s", "less", lambda one: one.behind_seconds, ()),
        ("rate, or all of it, against saturation", "x", "more", lambda one: one.share_of_saturation, STEADY_TARGETS),
        ("p99 after it", "ms", "less", lambda one: one.recovered_p99_ms, RECOVERY_TARGETS),
    )
    return [
        Measured(f"{what}: {which}", unit, "more" if better == "more" else "less", found.figures(figure), targets)
        for which, unit, better, figure, targets in rows
    ]


def _p99_ms(name: str, stage: Stage, people: Crowd, count: int) -> float:
    marks = prime(stage, people)
    lines = marked_each(count)
    written = pace(stage, lines, _PACED_RATE)
    people.wait(count * marks)
    check(name, stage, people, lines, marks)
    return weighted_percentile(delays_ms(people.arrivals(), written, marks, range(len(people.counts()))), 99)


def _overload(name: str, stage: Stage, people: Crowd, seconds: int, saturation: float) -> Overload:
    marks = prime(stage, people)
    lines = marked_each(seconds * _OVERLOAD_RATE)
    with watching(stage.pid) as peak:
        written = pace(stage, lines, _OVERLOAD_RATE)
        ended = people.wait(len(lines) * marks)
    behind = ended - written.times[-1]
    rate = len(lines) / (ended - written.times[0])
    check(name, stage, people, lines, marks)
    people.reset()
    again = marked_each(_RECOVERY_LINES)
    written = pace(stage, again, _PACED_RATE)
    people.wait(len(again) * marks)
    recovered = delays_ms(people.arrivals(), written, marks, range(len(people.counts())))
    # Below saturation there is no overload: then all that was written is the most that could be delivered.
    share = rate / min(saturation, _OVERLOAD_RATE)
    return Overload(peak.most_bytes / 1e6, behind, share, weighted_percentile(recovered, 99))
