"""Cost curves: CPU time of the service (utime and stime, in s) at four sizes each, other things being equal.

`lines`: a burst of so many lines to one client. `clients`: a burst to so many clients of one query. `queries`: a burst
to so many clients with a different query each. `files`: from the start of the process until the line of each of so
many files has come to a client. Each point is the median of the plan's rounds, each with a fresh process that has
served a few lines first, except for `files`. CPU time depends little on what else the machine does, so there is no peer
here; the growth is the figure. It is stated over all sizes, and between the two largest, where what is paid once
matters least.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from bench.broadcasts import LINE
from bench.crowd import crowd
from bench.curve import Curve
from bench.delivery import check, prime
from bench.process import TICK_SECONDS, cpu_seconds
from bench.queries import targets
from bench.quiet_files import cpu_seconds_until_ready
from bench.rounds import say
from bench.workload import marked_each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.rounds import Plan


class Cost(NamedTuple):
    """What is asked: the curve without its costs, and what a run of one size costs."""

    name: str
    title: str
    size_unit: str
    sizes: tuple[int, ...]
    run: Callable[[Path, int], float]


def measure(plan: Plan) -> list[Curve]:
    """The four curves. Raises BenchError."""
    return [_curve(cost, plan.rounds) for cost in _costs(plan.is_full, plan.size(2_000, 5_000))]


def _costs(is_full: bool, lines: int) -> Sequence[Cost]:  # noqa: FBT001 - one of two sets of sizes
    return (
        Cost(
            "cost-of-lines",
            "A burst to one client",
            "lines",
            (50_000, 100_000, 200_000, 400_000) if is_full else (5_000, 10_000, 20_000, 40_000),
            lambda directory, size: _burst(directory, size, 1, is_alike=True),
        ),
        Cost(
            "cost-of-clients",
            f"A burst of {lines:,} lines to many clients of one query",
            "clients",
            (10, 50, 250, 1_000) if is_full else (5, 20, 80, 320),
            lambda directory, size: _burst(directory, lines, size, is_alike=True),
        ),
        Cost(
            "cost-of-queries",
            f"A burst of {lines:,} lines to clients with a query each",
            "queries",
            (5, 20, 80, 320) if is_full else (4, 12, 36, 108),
            lambda directory, size: _burst(directory, lines, size, is_alike=False),
        ),
        Cost(
            "cost-of-files",
            "The start, until all files are watched",
            "files",
            (10, 100, 1_000, 10_000) if is_full else (10, 60, 360, 2_000),
            cpu_seconds_until_ready,
        ),
    )


def _curve(cost: Cost, rounds: int) -> Curve:
    costs = []
    for size in cost.sizes:
        found = []
        for _ in range(rounds):
            with TemporaryDirectory(prefix="logstream-bench-") as directory:
                found.append(max(TICK_SECONDS, cost.run(Path(directory), size)))
        costs.append(median(found))
        say(f"{cost.name}: {size:,} {cost.size_unit} cost {costs[-1]:.2f} s")
    return Curve(cost.name, cost.title, cost.size_unit, "s of CPU time", cost.sizes, tuple(costs))


def _burst(directory: Path, count: int, clients: int, *, is_alike: bool) -> float:
    """The CPU time in which the service delivers a burst. Raises BenchError."""
    with LINE.open(directory) as stage:
        asked = [stage.target] * clients if is_alike else targets(LINE, stage, clients)
        with crowd(stage.port, asked, stage.hello) as people:
            marks = prime(stage, people)
            lines = marked_each(count)
            publish = stage.prepare(lines)
            before = cpu_seconds(stage.pid)
            publish()
            people.wait(count * marks)
            cost = cpu_seconds(stage.pid) - before
            check(LINE.name, stage, people, lines, marks)
    return cost
