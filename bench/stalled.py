"""Clients that stop reading: 100 of 1,000 for a minute with --full, a tenth of fewer for some seconds else.

Lines are written at an even 500/s all the time: first all clients read, then a tenth of them does not, then all do
again, until everybody has everything. Measured are the others' p99 while some stall, against the p99 before; how much
more memory the server held than just before the stall, during it and until all had caught up; and how long that took.
A server may cut who does not read for long; then the client comes back with its last id, as a browser does, and it is
told how many had to. Every client has to get every line once (bench.delivery).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from bench.broadcasts import BATCH, LINE
from bench.crowd import crowd
from bench.delivery import check, delays_ms, pace, prime, when_all_had
from bench.measured import Bound, Measured, Target
from bench.process import resident_bytes, watching
from bench.rounds import entrants, paired
from bench.statistics import weighted_percentile
from bench.workload import marked_each

if TYPE_CHECKING:
    from pathlib import Path

    from bench.broadcasts import Broadcast, Stage
    from bench.crowd import Crowd
    from bench.process import Peak
    from bench.rounds import Plan

CONTENDERS: Final = (LINE, BATCH)
P99_TARGETS: Final = tuple(Target(ours.name, (Bound(1.1),)) for ours in CONTENDERS)
STALL_TARGETS: Final = tuple(Target(ours.name, (Bound(20.0),)) for ours in CONTENDERS)
CATCH_UP_TARGETS: Final = tuple(Target(ours.name, (Bound(60.0),)) for ours in CONTENDERS)
_RATE: Final = 500


class Phases(NamedTuple):
    """How many clients there are, how many of them stall, and how long each phase lasts."""

    clients: int
    stalling: int
    before_seconds: int
    stalled_seconds: int
    after_seconds: int


class Stalled(NamedTuple):
    """What one stall did."""

    p99_before_ms: float
    p99_stalled_ms: float
    stalled_mb: float
    catching_up_mb: float
    catching_up_seconds: float
    comebacks: int


def measure(plan: Plan) -> list[Measured]:
    """The others' p99, and memory. Raises BenchError."""
    phases = Phases(1_000, 100, 20, 60, 20) if plan.is_full else Phases(200, 20, 4, 10, 4)

    def run(broadcast: Broadcast, directory: Path) -> Stalled:
        targets = phases.clients
        with broadcast.open(directory) as stage, crowd(stage.port, [stage.target] * targets, stage.hello) as people:
            return _stall(broadcast.name, stage, people, phases)

    def tell(one: Stalled) -> str:
        return (
            f"p99 {one.p99_before_ms:.1f} ms, then {one.p99_stalled_ms:.1f} ms; +{one.stalled_mb:.1f} MB, then "
            f"+{one.catching_up_mb:.1f} MB for {one.catching_up_seconds:.1f} s; "
            f"{one.comebacks} were cut and came back"
        )

    what = f"{phases.stalling} of {phases.clients:,} clients stop reading for {phases.stalled_seconds} s"
    found = paired(what, plan.rounds, entrants(what, CONTENDERS), run, tell)
    rows = (
        ("the others' p99 against before", "x", lambda one: one.p99_stalled_ms / one.p99_before_ms, P99_TARGETS),
        ("the others' p99", "ms", lambda one: one.p99_stalled_ms, ()),
        ("memory while stalled", "MB more", lambda one: one.stalled_mb, STALL_TARGETS),
        ("memory while catching up", "MB more", lambda one: one.catching_up_mb, CATCH_UP_TARGETS),
        ("time to catch up", "s", lambda one: one.catching_up_seconds, ()),
        ("cut and come back", "clients", lambda one: one.comebacks, ()),
    )
    return [
        Measured(f"{what}: {which}", unit, "less", found.figures(figure), targets)
        for which, unit, figure, targets in rows
    ]


class _Turns:
    """Stops and starts the reading of some clients when it is time, and notes the memory of each phase."""

    def __init__(self, stage: Stage, people: Crowd, phases: Phases, peak: Peak) -> None:
        self._stage, self._people, self._phases, self._peak = stage, people, phases, peak
        self.stalled_mb = 0.0
        self.resumed_at = 0.0
        self._is_paused = False

    def turn(self, seconds: float) -> None:
        stall_at = self._phases.before_seconds
        if not self._is_paused and not self.resumed_at and seconds >= stall_at:
            self._people.pause(self._phases.stalling)
            self._is_paused = True
            self._peak.first_bytes = resident_bytes(self._stage.pid)
            self._peak.begin_again()
        elif self._is_paused and seconds >= stall_at + self._phases.stalled_seconds:
            self.stalled_mb = self._peak.growth_mb
            self._peak.begin_again()
            self._people.resume()
            self._is_paused = False
            self.resumed_at = seconds


def _stall(name: str, stage: Stage, people: Crowd, phases: Phases) -> Stalled:
    marks = prime(stage, people)
    lines = marked_each(_RATE * (phases.before_seconds + phases.stalled_seconds + phases.after_seconds))
    with watching(stage.pid) as peak:
        turns = _Turns(stage, people, phases, peak)
        written = pace(stage, lines, _RATE, turns.turn)
        people.wait(len(lines) * marks)
    check(name, stage, people, lines, marks)
    arrivals = people.arrivals()
    others = range(phases.stalling, phases.clients)
    stall_from = _RATE * phases.before_seconds
    before = delays_ms(arrivals, written, marks, others, range(stall_from))
    stall = range(stall_from, stall_from + _RATE * phases.stalled_seconds)
    during = delays_ms(arrivals, written, marks, others, stall)
    resumed_at = written.times[0] + turns.resumed_at
    caught_up = when_all_had(arrivals, stall.stop * marks, range(phases.stalling))
    return Stalled(
        weighted_percentile(before, 99),
        weighted_percentile(during, 99),
        turns.stalled_mb,
        peak.growth_mb,
        caught_up - resumed_at,
        people.comebacks(),
    )
