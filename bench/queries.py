"""Many clients with as many different queries that all match: 200 with --full. In deliveries/s (lines times clients).

As in bench.fanout, lines are appended at once and the clock stops when the last client has the last of them; but each
client asks for `order -absentNNN` with a number of its own, so no two of them see the same view. Plain Quart has no
queries: its clients all get all lines, which is the same here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.broadcasts import BATCH, LINE, PLAIN_QUART
from bench.crowd import crowd
from bench.fanout import saturate
from bench.measured import OURS, Bound, Measured, Target
from bench.rounds import entrants, paired

if TYPE_CHECKING:
    from pathlib import Path

    from bench.broadcasts import Broadcast, Stage
    from bench.rounds import Plan

CONTENDERS: Final = (LINE, BATCH, PLAIN_QUART)
TARGETS: Final = tuple(Target(ours.name, (Bound(10.0, PLAIN_QUART.name),)) for ours in (LINE, BATCH))


def measure(plan: Plan) -> list[Measured]:
    """Deliveries a second at saturation. Raises BenchError."""
    clients, lines = plan.size(50, 200), plan.size(1_000, 5_000)

    def run(broadcast: Broadcast, directory: Path) -> float:
        count = round(lines * max(broadcast.share, 0.1))
        with (
            broadcast.open(directory) as stage,
            crowd(stage.port, targets(broadcast, stage, clients), stage.hello) as all_,
        ):
            return saturate(broadcast.name, stage, all_, count) * clients

    what = f"{clients} clients with different queries that all match"
    rates = paired(what, plan.rounds, entrants(what, CONTENDERS), run, lambda rate: f"{rate:,.0f} deliveries/s")
    return [Measured(what, "deliveries/s", "more", rates.found, TARGETS, rates.missing)]


def targets(broadcast: Broadcast, stage: Stage, clients: int) -> list[str]:
    """A query for each client, of which no two are the same."""
    if broadcast.name.startswith(OURS):
        return [f"{stage.target}+-absent{number:05}" for number in range(clients)]
    return [stage.target] * clients
