"""`python -m tests.torture --minutes 30 --seed 7`: torture the service for so long, with another seed for each round.

Prints what was done; at the first failure the seed and the steps as a script that does them again, and ends with 1. The
first round has the seed that was asked for: so with the seed of a round that failed it is done again at once.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
import traceback
from typing import TYPE_CHECKING, TextIO

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.torture.machine import Torture
from tests.torture.reach import TODAY, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES_A_ROUND = 4


def main() -> int:
    """Run until the time is over or something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--beyond", default="", help=f"what is not held yet, by commas: {', '.join(Reach._fields)}")
    asked = parser.parse_args()
    first = random.SystemRandom().randrange(1_000_000) if asked.seed is None else asked.seed
    print(f"torture: seed {first}, {asked.minutes:g} minutes", flush=True)  # noqa: T201 - what it prints is its result
    Torture.reach = TODAY._replace(**dict.fromkeys(filter(None, asked.beyond.split(",")), True))
    rounds = _rounds(first, asked.minutes * 60, asked.steps, sys.stdout)
    for name, count in sorted(Torture.counted.items()):
        print(f"{count:12,} {name}")  # noqa: T201
    print(f"torture: {'failed' if rounds < 0 else 'passed'}, seed {first}")  # noqa: T201
    return 1 if rounds < 0 else 0


def reach_of(its_seed: int, reach: Reach, *, is_root: bool) -> Reach:
    """With every fourth seed the state's disk fills up now and then, too: only root can give it one of its own."""
    return reach._replace(fills_the_disk=reach.fills_the_disk or (is_root and its_seed % 4 == 3))


def seeds_from(first: int) -> Iterator[int]:
    """`first`, and then seeds that no other first one is likely to lead to: runs beside it try something else."""
    yield first
    further = random.Random(first)
    while True:
        yield further.randrange(1 << 32)


def _rounds(first: int, seconds: float, steps: int, out: TextIO) -> int:
    """How many rounds passed; -1 after a failure, which has been told."""
    began = time.monotonic()
    number, seeds = 0, seeds_from(first)
    while (spent := time.monotonic() - began) < seconds:
        its_seed = next(seeds)
        tally = " ".join(f"{name}={Torture.counted[name]}" for name in ("examples", "steps", "lines written", "kills"))
        print(f"{spent:6.0f} s  round {number}, seed {its_seed}: {tally}", file=out, flush=True)
        if not _is_passed(its_seed, steps, out):
            return -1
        number += 1
    return number


def _is_passed(its_seed: int, steps: int, out: TextIO) -> bool:
    rules = settings(
        max_examples=EXAMPLES_A_ROUND,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=False,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )

    @seed(its_seed)
    class Seeded(Torture):
        """Counts together with all others."""

        reach = reach_of(its_seed, Torture.reach, is_root=os.geteuid() == 0)

    try:
        run_state_machine_as_test(Seeded, settings=rules)
    except Exception:  # noqa: BLE001 - whatever it is, it is told, with what led to it
        traceback.print_exc(limit=-4, file=out)
        print(f"failed with seed {its_seed} after these steps:\n\n{script(Seeded)}", file=out, flush=True)
        return False
    return True


def script(machine: type[Torture]) -> str:
    """The steps that failed as a program."""
    calls = "\n".join(f"    machine.{step}" for step in machine.failed_steps)
    return (
        "from tests.torture.machine import Torture\nfrom tests.torture.reach import Reach\n\n"
        f"Torture.reach = {machine.reach}\nmachine = Torture()\n"
        f"try:\n{calls}\nfinally:\n    machine.world.close()\n"
    )


if __name__ == "__main__":
    raise SystemExit(main())
