"""The page itself, in a headless Chromium, against frontail's: `page` reads under load, `first-line` opens it.

`page`: a log is written at an even 10,000 lines/s, for half a minute, or for ten with --full (one round then), and
the page follows it in a window of 1440 by 900. Measured in the page: tasks of 50 ms and more (PerformanceObserver),
the time between frames (requestAnimationFrame), and four times a second how old the newest line on it is, by the time
that stands in the line. Now and then the page has to collect its garbage, its heap is taken, and the browser hands over
a trace, which keeps a core busy for some seconds; what falls into that is not counted. Of the tasks between these rests
the trace has the CPU time: where the machine has more to do than cores, a task's wall time is not its own. What long
ones consisted of, and what they waited for, is said on stderr. What the heap and the process grow is the slope of the
line through its sizes from the time on at which the page is full (50,000 rows). At the end the page has to have counted
as many lines as were written, and to show the last. Frontail's page counts none, and falls behind for as long as it is
written to, so a minute is the most for it; whether it comes to show the last line is said on stderr.

`first-line`: from the beginning of the navigation until a line is on the screen, in a new context, which has no cache:
the median of five. The log holds 1,000 lines.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from playwright.sync_api import TimeoutError as TooLateError

from bench.chromium import VIEWPORT, Cost, PageProcess, chromium
from bench.errors import BenchError
from bench.measured import Bound, Measured, Target
from bench.page_feed import LINES_A_SECOND, Writer
from bench.page_tasks import LONG_MS, Task, Wait, tasks_in, told
from bench.page_watch import FIRST_LINE, FIRST_LINE_MS, LOOK, WATCH, Look, growth_percent, smoothness
from bench.peers import FRONTAIL
from bench.rounds import entrants, paired, say
from bench.servers import frontail_server, logstream_server
from bench.workload import usual

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from bench.rounds import Plan

_LOG: Final = "page.log"
_LINES_BEFORE: Final = 1_000
_PATIENCE_MS: Final = 30_000
_LAST_LINE_SECONDS: Final = 30.0
# The page is full by then, and so is what it remembers of lines that have left it.
_FULL_SECONDS: Final = 14.0
# A page that falls behind does so for as long as it is written to, and is not heard of until it has caught up.
_PEER_SECONDS: Final = 60
_STEP_SECONDS: Final = 20
_FEWEST_STEPS: Final = 6
_CONTEXTS: Final = 5
_MOST_TASKS_TOLD: Final = 8


class Site(NamedTuple):
    """A page over a file: `open` starts its server in a directory; CSS finds any line of it, and the newest one."""

    name: str
    open: Callable[[Path], AbstractContextManager[tuple[str, Path]]]
    line: str
    newest: str
    counted: str = ""
    needs: str = ""


class Reading(NamedTuple):
    """The figures of one run."""

    longest_task_ms: float
    longest_task_cpu_ms: float
    frames_per_second: float
    late_percent: float
    age_p99_ms: float
    main_thread_percent: float
    browser_percent: float
    heap_mb: float
    heap_growth_percent: float
    resident_mb: float
    resident_growth_percent: float


class Sizes(NamedTuple):
    """What the page's scripts and its process hold, so many seconds after the beginning."""

    at_seconds: float
    heap_bytes: int
    resident_bytes: int


class Watched(NamedTuple):
    """What a run has shown so far: looks and sizes, when the page rested, its tasks, and what each stretch has cost."""

    looks: list[Look]
    rests: list[tuple[float, float]]
    sizes: list[Sizes]
    tasks: list[Task]
    costs: list[Cost]


@contextmanager
def _logstream(directory: Path) -> Iterator[tuple[str, Path]]:
    with logstream_server(directory) as service:
        _begin(service.logs / _LOG)
        service.wait_until_read(_LOG)
        yield service.url, service.logs / _LOG


@contextmanager
def _frontail(directory: Path) -> Iterator[tuple[str, Path]]:
    _begin(directory / _LOG)
    with frontail_server(directory, [directory / _LOG]) as (server, _):
        yield f"http://127.0.0.1:{server.port}", directory / _LOG


def _begin(log: Path) -> None:
    log.write_bytes(usual(_LINES_BEFORE).content)


OURS: Final = Site(
    "logstream",
    _logstream,
    '[role="log"] [data-id]',
    '[role="log"] .slot:last-child .text',
    "() => Number(document.querySelector('[role=\"log\"]').dataset.lines)",
)
THEIRS: Final = Site("frontail", _frontail, ".log .line", ".log > :last-child", needs=FRONTAIL)
SITES: Final = (OURS, THEIRS)
TASK_TARGET: Final = Target(OURS.name, (Bound(50.0),))
FRAMES_TARGET: Final = Target(OURS.name, (Bound(58.0),))
GROWTH_TARGET: Final = Target(OURS.name, (Bound(10.0),))
FIRST_LINE_TARGET: Final = Target(OURS.name, (Bound(1000.0),))


def measure(plan: Plan) -> list[Measured]:
    """What it costs to follow a busy log. Raises BenchError."""
    seconds = plan.size(30, 600)
    rounds = 1 if plan.is_full else plan.rounds

    def run(site: Site, directory: Path) -> Reading:
        with site.open(directory) as (url, log), chromium() as browser:
            return _read(site, browser, url, log, seconds if site.counted else min(seconds, _PEER_SECONDS))

    what = f"a page follows {LINES_A_SECOND:,} lines/s for {seconds} s"
    outcomes = paired(what, rounds, entrants(what, SITES), run, _told)

    def row(
        of: str,
        unit: str,
        figure: Callable[[Reading], float],
        *targets: Target,
        better: Literal["more", "less"] = "less",
    ) -> Measured:
        return Measured(f"{what}: {of}", unit, better, outcomes.figures(figure), targets, outcomes.missing)

    return [
        row("longest task, wall time", "ms", lambda one: one.longest_task_ms, TASK_TARGET),
        row("longest task, CPU time", "ms", lambda one: one.longest_task_cpu_ms, TASK_TARGET),
        row("frames", "/s", lambda one: one.frames_per_second, FRAMES_TARGET, better="more"),
        row("late frames", "%", lambda one: one.late_percent),
        row("age of the newest line, p99", "ms", lambda one: one.age_p99_ms),
        row("its main thread", "% of a core", lambda one: one.main_thread_percent),
        row("all of the browser", "% of a core", lambda one: one.browser_percent),
        row("heap", "MB", lambda one: one.heap_mb),
        row("growth of the heap", "%", lambda one: one.heap_growth_percent, GROWTH_TARGET),
        row("memory of its process", "MB", lambda one: one.resident_mb),
        row("growth of its process", "%", lambda one: one.resident_growth_percent, GROWTH_TARGET),
    ]


def _read(site: Site, browser: Browser, url: str, log: Path, seconds: int) -> Reading:
    page = browser.new_page(viewport=VIEWPORT)
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(url)
    page.wait_for_selector(site.line)
    process = PageProcess(browser, page)
    before = page.evaluate(site.counted) if site.counted else 0
    page.evaluate(WATCH, site.newest)
    with Writer(log, seconds) as writer:
        began = time.monotonic()
        with process.waits() as waits:
            watched = _watched(page, process, seconds)
        _check(site, page, before, writer.wait())
    cost = Cost.sum(watched.costs)
    say(f"its main thread ran {cost.main_thread_seconds:.1f} s and waited {cost.waited_seconds:.1f} s for a core")
    seen = smoothness(watched.looks, watched.rests)
    _tell_long(watched.tasks, waits, began)
    say(f"and {seen.tasks_at_rest} while the browser handed over the trace, and the page collected its garbage")
    full = [sizes for sizes in watched.sizes if sizes.at_seconds > _FULL_SECONDS]
    return Reading(
        seen.longest_task_ms,
        max((task.span.cpu_ms for task in watched.tasks), default=0.0),
        seen.frames_per_second,
        seen.late_percent,
        seen.age_p99_ms,
        100 * cost.main_thread_seconds / cost.seconds,
        100 * cost.browser_seconds / cost.seconds,
        full[-1].heap_bytes / 1e6,
        growth_percent([sizes.heap_bytes for sizes in full]),
        full[-1].resident_bytes / 1e6,
        growth_percent([sizes.resident_bytes for sizes in full]),
    )


def _watched(page: Page, process: PageProcess, seconds: int) -> Watched:
    """What a run of so many seconds shows; it is stopped now and then to weigh the heap and to take the trace."""
    step_seconds = min(_STEP_SECONDS, seconds / _FEWEST_STEPS)
    watched = Watched([], [], [], [], [])
    began = time.monotonic()
    process.begin_trace()
    since = process.cost()
    # What comes too late, because the page was busy, makes fewer steps.
    while (at := time.monotonic() - began) < seconds - 1:
        page.wait_for_timeout(1000 * (step_seconds - at % step_seconds))
        until = process.cost()
        look = Look.of(page.evaluate(LOOK))
        trace = process.end_trace()
        watched.tasks.extend(tasks_in(trace, process.number, 1000 * since.seconds, 1000 * until.seconds))
        process.collect_garbage()
        watched.sizes.append(Sizes(time.monotonic() - began, process.heap_bytes(), process.resident_bytes()))
        process.begin_trace()
        rested = Look.of(page.evaluate(LOOK))
        watched.costs.append(until.since(since))
        since = process.cost()
        watched.looks.extend((look, rested._replace(gaps=[], ages=[])))
        watched.rests.append((look.now, rested.now))
    process.end_trace()
    return watched


def _check(site: Site, page: Page, before: int, written: int) -> None:
    """Raise BenchError unless our page comes to show the last line, and has counted all; of a peer's, only say so."""
    is_last = "([newest, last]) => document.querySelector(newest)?.textContent.includes(last) ?? false"
    last = [site.newest, f"n={written - 1:09}"]
    try:
        page.wait_for_function(is_last, arg=last, timeout=1000 * _LAST_LINE_SECONDS)
    except TooLateError as cause:
        message = f"the page of {site.name} does not show the last line {_LAST_LINE_SECONDS:.0f} s after it was written"
        if site.counted:
            raise BenchError(message) from cause
        say(message)
    if site.counted and (counted := page.evaluate(site.counted) - before) != written:
        message = f"the page has counted {counted:,} of {written:,} lines"
        raise BenchError(message)


def _tell_long(tasks: list[Task], waits: list[Wait], began: float) -> None:
    """Why a task was long is worth more than that it was."""
    long = sorted((task for task in tasks if task.span.wall_ms >= LONG_MS), key=lambda task: -task.span.wall_ms)
    say(f"{len(long)} of {len(tasks):,} tasks took {LONG_MS:.0f} ms and more" + (", the longest:" if long else ""))
    for task in long[:_MOST_TASKS_TOLD]:
        say(told(task, waits, 1000 * began))


def _told(reading: Reading) -> str:
    return ", ".join(f"{name} {value:.1f}" for name, value in reading._asdict().items())


def measure_first(plan: Plan) -> list[Measured]:
    """How soon there is a line. Raises BenchError."""

    def run(site: Site, directory: Path) -> float:
        with site.open(directory) as (url, _), chromium() as browser:
            return median(_first_line_ms(browser, url, site) for _ in range(_CONTEXTS))

    what = "from a cold cache to the first line on the screen"
    field = entrants(what, SITES)
    times = paired(what, plan.rounds, field, run, lambda ms: f"{ms:.0f} ms")
    return [Measured(what, "ms", "less", times.found, (FIRST_LINE_TARGET,), times.missing)]


def _first_line_ms(browser: Browser, url: str, site: Site) -> float:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_viewport_size(VIEWPORT)
        page.add_init_script(f"{FIRST_LINE}({site.line!r})")
        page.goto(url)
        page.wait_for_function(FIRST_LINE_MS, timeout=_PATIENCE_MS)
        return float(page.evaluate(FIRST_LINE_MS))
