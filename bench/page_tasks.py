"""The page's process and its tasks, from a trace of Chromium's: how long each took and worked, and why.

A task that takes longer than it works waits: for a core that others have, or for another thread. Which of the two says
the kernel, which counts how long a thread that could run did not; who had the cores, as far as it was the browser
itself, says the trace. Pure: bench.chromium traces and asks the kernel, bench.page tells.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from bench.errors import BenchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONG_MS: Final = 50.0
# What took less explains nothing.
_LEAST_PART_MS: Final = 1.0
_MOST_OTHERS: Final = 4

Thread = tuple[int, int]


class Span(NamedTuple):
    """What a thread did: its begin by the machine's monotonic clock, its wall time and its CPU time."""

    name: str
    began_ms: float
    wall_ms: float
    cpu_ms: float

    @property
    def until_ms(self) -> float:
        """Its end."""
        return self.began_ms + self.wall_ms


class Task(NamedTuple):
    """A task, and if it was long: what stood in it, from the outside in, and the CPU time of the browser's others."""

    span: Span
    parts: tuple[Span, ...] = ()
    others: tuple[tuple[str, float], ...] = ()


class Wait(NamedTuple):
    """How long a thread had waited for a core in all, at a moment of the machine's monotonic clock."""

    at_ms: float
    waited_ms: float


def process_in(trace: bytes) -> int:
    """The process of the page's own frame, as Chromium names it where a trace begins. Raises BenchError."""
    for event in orjson.loads(trace)["traceEvents"]:
        if event["name"] == "TracingStartedInBrowser":
            for frame in event["args"]["data"]["frames"]:
                if frame["isOutermostMainFrame"]:
                    return int(frame["processId"])
    message = "Chromium's trace does not name the page's process"
    raise BenchError(message)


def tasks_in(trace: bytes, process: int, since_ms: float, until_ms: float) -> list[Task]:
    """The tasks of a process's main thread that began in this time."""
    events: list[dict[str, Any]] = orjson.loads(trace)["traceEvents"]
    names = {_thread(event): str(event["args"]["name"]) for event in events if event["name"] == "thread_name"}
    threads: dict[Thread, list[Span]] = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            span = Span(event["name"], event["ts"] / 1000, event.get("dur", 0) / 1000, event.get("tdur", 0) / 1000)
            threads[_thread(event)].append(span)
    # The main thread's number is its process's.
    main = threads.pop((process, process), [])
    return [
        Task(span, _parts(span, main), _others(span, threads, names)) if span.wall_ms >= LONG_MS else Task(span)
        for span in main
        if _is_task(span) and since_ms <= span.began_ms < until_ms
    ]


def told(task: Task, waits: Sequence[Wait], since_ms: float) -> str:
    """A long task in words; its time is told from `since_ms` on."""
    span = task.span
    waited = (
        "" if not waits else f", at most {most_waited_ms(waits, span.began_ms, span.until_ms):.0f} ms without a core"
    )
    parts = ", ".join(f"{part.name} {part.wall_ms:.0f} ({part.cpu_ms:.0f} CPU)" for part in task.parts)
    others = ", ".join(f"{name} {cpu_ms:.0f}" for name, cpu_ms in task.others)
    return (
        f"{(span.began_ms - since_ms) / 1000:.1f} s: a task of {span.wall_ms:.0f} ms, {span.cpu_ms:.0f} ms CPU{waited}"
        f"; in it {parts or 'nothing with a name'}; CPU of the browser's other threads meanwhile: {others or 'none'}"
    )


def most_waited_ms(waits: Sequence[Wait], began_ms: float, until_ms: float) -> float:
    """What a thread can have waited for a core between two moments: looked at before the first and after the last."""
    before = max(0, bisect_right(waits, began_ms, key=lambda wait: wait.at_ms) - 1)
    after = min(len(waits) - 1, bisect_left(waits, until_ms, key=lambda wait: wait.at_ms))
    return min(until_ms - began_ms, waits[after].waited_ms - waits[before].waited_ms)


def _thread(event: Mapping[str, Any]) -> Thread:
    return event["pid"], event["tid"]


def _is_task(span: Span) -> bool:
    return span.name.endswith("RunTask")


def _parts(task: Span, spans: Sequence[Span]) -> tuple[Span, ...]:
    """The longest of what stood in it, the longest of what stood in that, and so on."""
    parts: list[Span] = []
    around = task
    left = [span for span in spans if span is not task and _is_in(span, task) and span.wall_ms >= _LEAST_PART_MS]
    while left:
        around = max(left, key=lambda span: span.wall_ms)
        parts.append(around)
        left = [span for span in left if span is not around and _is_in(span, around)]
    return tuple(parts)


def _is_in(span: Span, around: Span) -> bool:
    return span.began_ms >= around.began_ms and span.until_ms <= around.until_ms


def _others(
    task: Span, threads: Mapping[Thread, Sequence[Span]], names: Mapping[Thread, str]
) -> tuple[tuple[str, float], ...]:
    """CPU time of the tasks of other threads beside it, by their names; of those that stick out, their share."""
    sums: dict[str, float] = defaultdict(float)
    for thread, spans in threads.items():
        for span in spans:
            beside_ms = min(span.until_ms, task.until_ms) - max(span.began_ms, task.began_ms)
            if _is_task(span) and beside_ms > 0:
                sums[names.get(thread, "?")] += span.cpu_ms * beside_ms / span.wall_ms
    most = sorted(sums.items(), key=lambda one: -one[1])[:_MOST_OTHERS]
    return tuple((name, cpu_ms) for name, cpu_ms in most if cpu_ms >= _LEAST_PART_MS)
