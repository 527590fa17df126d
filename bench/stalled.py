"""Clients that stop reading: 100 of 1,000 for a minute with --full, a tenth of fewer for some seconds else.

Lines are written at an even 500/s all the time: first all clients read, then a tenth of them does not, then all do
again, until everybody has everything. Measured are the others' p99 while some stall, against the p99 before; how much
more memory the server held than just before the stall, during it and until all had caught up; and how long that took.
A server may cut who does not read for long; then the client comes back with its last id, as a browser does, and it is
told how many had to. Every client has to get every line once (bench.delivery).

What is compared has to be alike. The time before is as long as the stall, and both are parted into spans of a few
seconds: compared are the medians of the spans' p99. The p99 of a whole phase is that of its worst moments, 200 ms of
20 s or 600 ms of a minute; if the machine paused in one of them, it says nothing of the stall: with these compared the
ratio was 0.9 in one round and 1.4 in the next. It stands beside, as does the p99 of what was written while those who
had stalled caught up. A ratio below 1 is to be expected: those who wait get a frame at a pace that their number gives,
and they are fewer.
"""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.broadcasts import BATCH, LINE
from bench.crowd import crowd
from bench.delivery import check, delays_by_span, delays_ms, pace, prime, when_all_had
from bench.measured import Bound, Measured, Target
from bench.process import resident_bytes, watching
from bench.rounds import entrants, paired
from bench.statistics import weighted_percentile
from bench.workload import marked_each

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    """How many clients there are, how many of them stall, how long each phase lasts, and the spans of the first two."""

    clients: int
    stalling: int
    stalled_seconds: int
    after_seconds: int
    span_seconds: int

    @property
    def before_seconds(self) -> int:
        """As long as the stall."""
        return self.stalled_seconds


class Waited(NamedTuple):
    """The p99 of one phase: the median of its spans', and that of the whole."""

    usual_ms: float
    whole_ms: float


class Stalled(NamedTuple):
    """What one stall did."""

    before: Waited
    stalled: Waited
    stalled_mb: float
    catching_up_mb: float
    catching_up_seconds: float
    catching_up_p99_ms: float
    comebacks: int


def measure(plan: Plan) -> list[Measured]:
    """The others' p99, and memory. Raises BenchError."""
    phases = Phases(1_000, 100, 60, 20, 5) if plan.is_full else Phases(200, 20, 10, 4, 2)

    def run(broadcast: Broadcast, directory: Path) -> Stalled:
        targets = phases.clients
        with broadcast.open(directory) as stage, crowd(stage.port, [stage.target] * targets, stage.hello) as people:
            return _stall(broadcast.name, stage, people, phases)

    def tell(one: Stalled) -> str:
        return (
            f"p99 {one.before.usual_ms:.1f} ms, then {one.stalled.usual_ms:.1f} ms (of all "
            f"{one.before.whole_ms:.1f}, {one.stalled.whole_ms:.1f}); +{one.stalled_mb:.1f} MB, then "
            f"+{one.catching_up_mb:.1f} MB for {one.catching_up_seconds:.1f} s, p99 {one.catching_up_p99_ms:.1f} ms; "
            f"{one.comebacks} were cut and came back"
        )

    what = f"{phases.stalling} of {phases.clients:,} clients stop reading for {phases.stalled_seconds} s"
    found = paired(what, plan.rounds, entrants(what, CONTENDERS), run, tell)
    rows = (
        ("the others' p99 against before", "x", lambda one: one.stalled.usual_ms / one.before.usual_ms, P99_TARGETS),
        ("the others' p99", "ms", lambda one: one.stalled.usual_ms, ()),
        (
            "their p99 of the whole time against before",
            "x",
            lambda one: one.stalled.whole_ms / one.before.whole_ms,
            (),
        ),
        ("memory while stalled", "MB more", lambda one: one.stalled_mb, STALL_TARGETS),
        ("memory while catching up", "MB more", lambda one: one.catching_up_mb, CATCH_UP_TARGETS),
        ("time to catch up", "s", lambda one: one.catching_up_seconds, ()),
        ("the others' p99 meanwhile", "ms", lambda one: one.catching_up_p99_ms, ()),
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
    until = _RATE * (phases.before_seconds + phases.stalled_seconds)
    spans = delays_by_span(arrivals, written, marks, others, range(until), _RATE * phases.span_seconds)
    resumed_at = written.times[0] + turns.resumed_at
    seconds = when_all_had(arrivals, until * marks, range(phases.stalling)) - resumed_at
    meanwhile = range(until, until + max(1, round(_RATE * min(seconds, phases.after_seconds))))
    return Stalled(
        _waited(spans[: len(spans) // 2]),
        _waited(spans[len(spans) // 2 :]),
        turns.stalled_mb,
        peak.growth_mb,
        seconds,
        weighted_percentile(delays_ms(arrivals, written, marks, others, meanwhile), 99),
        people.comebacks(),
    )


def _waited(spans: Sequence[Counter[float]]) -> Waited:
    whole = sum(spans, Counter[float]())
    return Waited(median(weighted_percentile(span, 99) for span in spans), weighted_percentile(whole, 99))
