"""Idle clients (1,000 with --full): memory of the server for each, in KiB.

The server first serves 50 clients and a few lines, so that what is made once is made. Then the others connect, and when
all are past their first bytes and nothing has come for 2 s, the growth of its resident memory is divided among them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.broadcasts import LINE, PLAIN_QUART
from bench.crowd import crowd
from bench.delivery import prime
from bench.measured import Bound, Measured, Target
from bench.process import resident_bytes
from bench.rounds import entrants, paired

if TYPE_CHECKING:
    from pathlib import Path

    from bench.broadcasts import Broadcast
    from bench.rounds import Plan

CONTENDERS: Final = (LINE, PLAIN_QUART)
TARGETS: Final = (Target(LINE.name, (Bound(1.0, PLAIN_QUART.name),)), Target(LINE.name, (Bound(35.0),)))
_FIRST_CLIENTS: Final = 50
_SETTLE_SECONDS: Final = 2.0


def measure(plan: Plan) -> list[Measured]:
    """KiB a client. Raises BenchError."""
    clients = plan.size(300, 1_000)

    def run(broadcast: Broadcast, directory: Path) -> float:
        with (
            broadcast.open(directory) as stage,
            crowd(stage.port, [stage.target] * _FIRST_CLIENTS, stage.hello) as first,
        ):
            prime(stage, first)
            before = resident_bytes(stage.pid)
            with crowd(stage.port, [stage.target] * clients, stage.hello) as others:
                others.settle(_SETTLE_SECONDS)
                return (resident_bytes(stage.pid) - before) / 1024 / clients

    what = f"{clients:,} idle clients, memory each"
    sizes = paired(what, plan.rounds, entrants(what, CONTENDERS), run, lambda size: f"{size:.1f} KiB each")
    return [Measured(what, "KiB", "less", sizes.found, TARGETS, sizes.missing)]
