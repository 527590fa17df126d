"""`python -m bench` (or `make bench ARGS=...`), from the repository's root: runs the benchmarks and prints the table.

Progress goes to stderr, the table to stdout. Exit code 1: a benchmark could not be completed or an answer was wrong.
Each benchmark says its method in its module's header.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Final, NoReturn

from bench import burst, latency, parse, resume
from bench.errors import BenchError
from bench.report import Machine, Measured, table, write_json
from bench.rounds import Plan, say

BENCHMARKS: Final = {
    "burst": burst.measure,
    "latency": latency.measure,
    "parse": parse.measure,
    "resume": resume.measure,
}
_NEEDED: Final = ("tail", "grep")
_QUIET_LOAD: Final = 0.5


def main() -> int:
    """Measure what the command line asks for; the exit code."""
    arguments = _parser().parse_args()
    plan = Plan(5 if arguments.full else 3, arguments.lines)
    # An ended benchmark ends what it has started: SIGTERM unwinds like Ctrl-C.
    signal.signal(signal.SIGTERM, _leave)
    missing = [program for program in _NEEDED if shutil.which(program) is None]
    if missing:
        print(f"cannot measure without {', '.join(missing)}", file=sys.stderr)
        return 1
    machine = Machine(len(os.sched_getaffinity(0)), os.getloadavg()[0])
    results: list[Measured] = []
    try:
        for name in arguments.only or BENCHMARKS:
            results += BENCHMARKS[name](plan)
    except BenchError as error:
        print("\n".join([f"not completed: {error}", *getattr(error, "__notes__", ())]), file=sys.stderr)
        return 1
    print(
        f"{plan.rounds} paired rounds, {machine.cores} cores, loopback; ours/peer is the median of the rounds' ratios"
    )
    if machine.load_before > _QUIET_LOAD:
        print(f"the machine was busy with other work: load {machine.load_before:.1f} before the first run")
    print(table(results))
    if "resume" in (arguments.only or BENCHMARKS):
        print("plain Quart cannot resume: it has neither ids nor history, what a client missed is lost")
    if arguments.json is not None:
        write_json(arguments.json, plan, machine, results)
        say(f"all figures are in {arguments.json}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure logstream against its peers.")
    parser.add_argument("--full", action="store_true", help="5 rounds instead of 3")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="this benchmark only; may be repeated")
    parser.add_argument("--lines", type=int, default=200_000, help="lines of a burst and of a resume (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    return parser


def _leave(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
