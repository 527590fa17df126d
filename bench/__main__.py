"""`python -m bench` (or `make bench ARGS=...`), from the repository's root: runs the benchmarks and prints the table.

Progress goes to stderr, the table to stdout. Exit code 1: a benchmark could not be completed or an answer was wrong;
the others are run all the same. Each benchmark says its method in its module's header.
"""

from __future__ import annotations

import argparse
import compileall
import os
import resource
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import orjson

from bench import (
    burst,
    curves,
    fanout,
    idle_clients,
    latency,
    page,
    parse,
    queries,
    quiet_files,
    resume,
    scan,
    stalled,
    trickle,
)
from bench.curve import Curve
from bench.errors import BenchError
from bench.report import Machine, Report, curve_table, markdown, report_in, table, write_json
from bench.rounds import Plan, say
from bench.svg import draw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.measured import Measured

BENCHMARKS: Final[dict[str, tuple[Callable[[Plan], Sequence[Measured | Curve]], str]]] = {
    "latency": (latency.measure, "append to client on an active file, against frontail"),
    "quiet": (latency.measure_quiet, "the first line after a quiet spell"),
    "burst": (burst.measure, "many lines at once to one client"),
    "burst-rules": (burst.measure_rules, "the same with rules, a query and lines that are costly in JSON"),
    "scan": (scan.measure, "searching a file through the stream, against ripgrep"),
    "last": (scan.measure_last, "the last 200 matches in a large file"),
    "resume": (resume.measure, "coming back after many missed lines"),
    "fanout": (fanout.measure, "many clients of one query, as fast as they get it"),
    "workers": (fanout.measure_workers, "the same by one process and by two that serve"),
    "fanout-paced": (fanout.measure_paced, "the same at 2,000 lines/s: p99"),
    "overload": (fanout.measure_overload, "the same at 5,000 lines/s: memory, delay, recovery"),
    "queries": (queries.measure, "many clients with a different query each"),
    "idle-clients": (idle_clients.measure, "memory of a client that waits"),
    "stalled": (stalled.measure, "clients that stop reading and go on"),
    "quiet-files": (quiet_files.measure, "watching files to which nothing happens"),
    "trickle": (trickle.measure, "many files with a few lines a second each"),
    "curves": (curves.measure, "how the cost of lines, clients, queries and files grows"),
    "page": (page.measure, "the page itself under a busy log, in Chromium, against frontail's"),
    "first-line": (page.measure_first, "from a cold cache to a line on the screen"),
    "parse": (parse.measure, "reading a line of each format, without a server"),
}
_PROGRAM: Final = Path(__file__).parents[1] / "logstream"
_PICTURES: Final = Path(__file__).parents[1] / "docs" / "performance"
_NEEDED: Final = ("tail", "grep")
_QUIET_LOAD: Final = 0.5
_QUICK_ROUNDS: Final = 3
_FULL_ROUNDS: Final = 5
_DESCRIPTORS: Final = 65_536


def main() -> int:
    """Measure what the command line asks for; the exit code."""
    arguments = _parser().parse_args()
    if arguments.draw is not None:
        return _draw(arguments.draw)
    rounds = arguments.rounds or (_FULL_ROUNDS if arguments.full else _QUICK_ROUNDS)
    plan = Plan(rounds, arguments.full, arguments.lines)
    _prepare()
    missing = [program for program in _NEEDED if shutil.which(program) is None]
    if missing:
        print(f"cannot measure without {', '.join(missing)}", file=sys.stderr)
        return 1
    machine = Machine(len(os.sched_getaffinity(0)), os.getloadavg()[0])
    report = Report([], [], {})
    for name in arguments.only or BENCHMARKS:
        _run(name, plan, report)
        if arguments.json is not None:
            # After each: an hour's figures do not hang on the last benchmark.
            write_json(arguments.json, plan, machine, report)
    _print(plan, machine, report)
    if arguments.markdown is not None:
        arguments.markdown.write_text(_markdown(report))
    return 1 if report.failures else 0


def _prepare() -> None:
    # An ended benchmark ends what it has started: SIGTERM unwinds like Ctrl-C.
    signal.signal(signal.SIGTERM, _leave)
    # A thousand clients and ten thousand files are as many descriptors, here and in what is started.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, _DESCRIPTORS) if hard >= 0 else _DESCRIPTORS, hard))
    # As an installation does it. In a clone in which Python may not write (PYTHONDONTWRITEBYTECODE), each start that is
    # measured would be a quarter of a second of compiling.
    compileall.compile_dir(_PROGRAM, quiet=1)


def _run(name: str, plan: Plan, report: Report) -> None:
    measure, what = BENCHMARKS[name]
    say(f"{name}: {what}")
    try:
        for found in measure(plan):
            if isinstance(found, Curve):
                report.curves.append(found)
            else:
                report.results.append(found)
    except (BenchError, OSError, AssertionError) as error:
        report.failures[name] = "\n".join([str(error) or repr(error), *getattr(error, "__notes__", ())])
        say(f"{name} was not completed: {report.failures[name]}")


def _draw(path: Path) -> int:
    """Print the tables of an earlier run in Markdown, and draw its curves into docs/performance."""
    report = report_in(orjson.loads(path.read_bytes()))
    print(_markdown(report), end="")
    _PICTURES.mkdir(exist_ok=True)
    for curve in report.curves:
        (_PICTURES / f"{curve.name}.svg").write_text(draw(curve))
    return 0


def _markdown(report: Report) -> str:
    tables = ([markdown(report.results)] if report.results else []) + (
        [curve_table(report.curves)] * bool(report.curves)
    )
    return "\n\n".join(tables) + "\n"


def _print(plan: Plan, machine: Machine, report: Report) -> None:
    sizes = "full" if plan.is_full else "quick"
    print(
        f"{plan.rounds} paired rounds of {sizes} size, {machine.cores} cores, loopback; "
        "ours/peer is the median of the rounds' ratios"
    )
    if machine.load_before > _QUIET_LOAD:
        print(f"the machine was busy with other work: load {machine.load_before:.1f} before the first run")
    if report.results:
        print(table(report.results))
    for curve in report.curves:
        print(f"{curve.title}: {curve.words} ({', '.join(f'{size:,g}' for size in curve.sizes)} {curve.size_unit})")
    for name, reason in report.failures.items():
        print(f"{name} was not completed: {reason.splitlines()[0]}")


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, BENCHMARKS))
    listed = "\n".join(f"  {name:<{width}}  {what}" for name, (_, what) in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure logstream against its peers: ratios of paired rounds, and whether they reach the targets.",
        epilog=f"benchmarks:\n{listed}\n\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--full", action="store_true", help="5 rounds of the sizes that the targets speak of")
    parser.add_argument(
        "--only", type=_names, metavar="NAME,...", action="extend", help="these benchmarks only; may be repeated"
    )
    parser.add_argument("--rounds", type=_positive, metavar="N", help="another number of rounds")
    parser.add_argument(
        "--lines", type=_positive, default=200_000, help="lines of a burst (%(default)s); for small runs"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to FILE")
    parser.add_argument(
        "--draw", type=Path, metavar="FILE", help="measure nothing: tables in Markdown, and pictures, of such a FILE"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table in Markdown to FILE")
    return parser


_EXAMPLES: Final = """examples:
  make bench                                              all, quickly: smaller sizes, 3 rounds
  make bench ARGS="--only latency,burst"                  two of them
  make bench ARGS="--only fanout --rounds 1"              a first look
  make bench ARGS="--full --json r.json --markdown r.md"  what docs/performance.md is made of; on a quiet machine
  make bench ARGS="--draw r.json"                         its tables again, and docs/performance/*.svg
"""


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        message = f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}"
        raise argparse.ArgumentTypeError(message)
    return names


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        message = f"{number} is less than 1"
        raise argparse.ArgumentTypeError(message)
    return number


def _leave(_number: int, _frame: object) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
