"""What a page under load is asked, and what its answers mean: long tasks, frames and how old the newest line is.

Owns the script that watches in the page, and the figures made of what it saw. Pure: who asks is bench.page's.
"""

from __future__ import annotations

from statistics import linear_regression
from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from bench.statistics import percentile

if TYPE_CHECKING:
    from collections.abc import Sequence

# Keeps no more than what came since the last look: what watches must not be what grows. The newest line is read four
# times a second, and by its text, which lays nothing out.
WATCH: Final = """newest => {
  const seen = { tasks: [], gaps: [], ages: [] };
  let last = null, looked = 0;
  const note = entries => entries.forEach(entry => seen.tasks.push([entry.startTime, entry.duration]));
  const tasks = new PerformanceObserver(list => note(list.getEntries()));
  tasks.observe({ type: "longtask" });
  const frame = now => {
    if (last !== null) seen.gaps.push(now - last);
    last = now;
    if (now - looked >= 250) {
      looked = now;
      const line = document.querySelector(newest)?.textContent ?? "";
      const written = Date.parse(line.slice(0, 24));
      if (!Number.isNaN(written)) seen.ages.push(Date.now() - written);
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.look = () => {
    note(tasks.takeRecords());
    const told = JSON.stringify({ ...seen, now: performance.now() });
    seen.tasks = []; seen.gaps = []; seen.ages = []; last = null;
    return told;
  };
}"""
LOOK: Final = "() => window.look()"

FIRST_LINE: Final = """(selector => {
  const painted = new MessageChannel();
  painted.port1.onmessage = () => { window.firstLineMs = performance.now(); };
  const look = () => {
    // What is there now is painted at the end of this frame, and the message comes after that.
    if (document.querySelector(selector) !== null) painted.port2.postMessage(null);
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})"""
FIRST_LINE_MS: Final = "() => window.firstLineMs ?? null"

FRAME_MS: Final = 1000 / 60
# A frame that came this late was not the next one.
_LATE_MS: Final = 1.5 * FRAME_MS


class Look(NamedTuple):
    """What the page has seen since the look before. Times in ms, `tasks` with their begin by the page's clock."""

    tasks: list[tuple[float, float]]
    gaps: list[float]
    ages: list[float]
    now: float

    @classmethod
    def of(cls, told: str) -> Look:
        """From what LOOK gave."""
        fields = orjson.loads(told)
        return cls(
            [(begin, length) for begin, length in fields["tasks"]], fields["gaps"], fields["ages"], fields["now"]
        )


class Smoothness(NamedTuple):
    """What a reader notices, over a whole run."""

    longest_task_ms: float
    tasks_at_rest: int
    frames_per_second: float
    late_percent: float
    age_p50_ms: float
    age_p99_ms: float


def smoothness(looks: Sequence[Look], rests: Sequence[tuple[float, float]]) -> Smoothness:
    """Of all looks; a task that lies in one of `rests`, in which the page was weighed, is no more than counted.

    PerformanceObserver tells tasks from 50 ms on: the longest of none is 0.
    """
    told = [task for look in looks for task in look.tasks]
    own = [
        length for begin, length in told if not any(begin < until and begin + length > start for start, until in rests)
    ]
    gaps = [gap for look in looks for gap in look.gaps]
    ages = [age for look in looks for age in look.ages]
    return Smoothness(
        max(own, default=0.0),
        len(told) - len(own),
        1000 * len(gaps) / sum(gaps) if gaps else 0.0,
        100 * sum(gap > _LATE_MS for gap in gaps) / len(gaps) if gaps else 100.0,
        percentile(ages, 50) if ages else float("inf"),
        percentile(ages, 99) if ages else float("inf"),
    )


def growth_percent(sizes: Sequence[float]) -> float:
    """How much the line through evenly taken sizes rises from its first to its last, in percent of the first."""
    if len(sizes) == 1:
        return 0.0
    slope, first = linear_regression(range(len(sizes)), sizes)
    return 100 * slope * (len(sizes) - 1) / first
