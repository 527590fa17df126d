"""Lines to a crowd: warming up, writing at an even rate, how long each line took to each client, and the check.

Owns what the benchmarks of many clients share. Every line has to reach every client once: all clients have to get the
same number of marks, and the first and the last of them, which keep their bytes, the lines as written and in order.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from bench.errors import BenchError, UnequalError
from bench.workload import marked_each

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from bench.broadcasts import Stage
    from bench.crowd import Crowd
    from bench.crowd_process import Arrivals

_WARM_UP_LINES: Final = 50
_WARM_UP_SECONDS: Final = 30.0
_SETTLE_SECONDS: Final = 0.5
_TICK_SECONDS: Final = 0.01
# How exactly a delay is noted: what is counted is the deliveries of each tenth of a millisecond.
_STEPS_A_MS: Final = 10


class Written(NamedTuple):
    """When lines were written: `times` of the ticks, and how many lines had been written after each."""

    times: list[float]
    totals: list[int]


def prime(stage: Stage, crowd: Crowd) -> int:
    """Send lines that do not count; how many marks a line comes with. Raises BenchError."""
    crowd.reset()
    stage.prepare(marked_each(_WARM_UP_LINES))()
    deadline = time.perf_counter() + _WARM_UP_SECONDS
    # A busy server may need longer than a moment for the first line to everybody.
    while len(found := set(crowd.counts())) > 1 or not max(found):
        crowd.settle(_SETTLE_SECONDS)
        if time.perf_counter() > deadline:
            message = f"the {_WARM_UP_LINES} lines of the warm-up came with {sorted(found)} marks"
            raise BenchError(message)
    marks = found.pop() / _WARM_UP_LINES
    if marks != int(marks):
        message = f"the lines of the warm-up came with {marks} marks each"
        raise BenchError(message)
    crowd.reset()
    return int(marks)


def check(name: str, stage: Stage, crowd: Crowd, lines: list[str], marks: int) -> None:
    """Raise BenchError unless each client got each line once."""
    crowd.settle(_SETTLE_SECONDS)
    expected = len(lines) * marks
    wrong = [(client, count) for client, count in enumerate(crowd.counts()) if count != expected]
    if wrong:
        message = f"{name}: {len(wrong)} clients got another number of lines than {len(lines)}, such as {wrong[:3]}"
        raise BenchError(message)
    for raw in crowd.kept():
        texts = stage.texts(raw)
        if texts != lines:
            raise UnequalError(name, lines, texts)


def pace(stage: Stage, lines: list[str], rate: float, during: Callable[[float], None] = lambda _: None) -> Written:
    """Write lines at an even rate, a hundred times a second. `during` is called with the seconds since the start."""
    count = max(1, round(rate * _TICK_SECONDS))
    steps = [stage.prepare(lines[start : start + count]) for start in range(0, len(lines), count)]
    written = Written([], [])
    started = time.perf_counter()
    for number, step in enumerate(steps):
        due = started + number * count / rate
        during(time.perf_counter() - started)
        time.sleep(max(0.0, due - time.perf_counter()))
        # Before the write: the time that it takes is the pipeline's.
        written.times.append(time.perf_counter())
        step()
        written.totals.append(min(len(lines), (number + 1) * count))
    return written


def delays_ms(
    arrivals: Arrivals, written: Written, marks: int, clients: Container[int], lines: range | None = None
) -> Counter[float]:
    """How many deliveries took how many ms: to these clients, of these lines, by default all."""
    asked = range(written.totals[-1]) if lines is None else lines
    return next(iter(delays_by_span(arrivals, written, marks, clients, asked, max(1, len(asked)))), Counter())


def delays_by_span(  # noqa: PLR0913, PLR0917 - as `delays_ms`, and how they are parted
    arrivals: Arrivals, written: Written, marks: int, clients: Container[int], lines: range, span: int
) -> list[Counter[float]]:
    """The same of these lines, each so many of them apart."""
    spans: list[Counter[float]] = [Counter() for _ in range(0, len(lines), span)]
    seen: Counter[int] = Counter()
    ticks: Counter[int] = Counter()
    for time_, client, count in zip(*arrivals, strict=True):
        if client not in clients:
            continue
        begin, seen[client] = seen[client] // marks, seen[client] + count
        end = min(seen[client] // marks, lines.stop)
        while begin < end:
            tick = ticks[client]
            until = min(end, written.totals[tick])
            # A tick's lines are counted whole: which of them are asked for is a matter of seconds.
            if begin >= lines.start:
                delay = round((time_ - written.times[tick]) * 1000 * _STEPS_A_MS) / _STEPS_A_MS
                spans[(begin - lines.start) // span][delay] += until - begin
            if until == written.totals[tick]:
                ticks[client] += 1
            begin = until
    return spans


def when_all_had(arrivals: Arrivals, marks: int, clients: Container[int]) -> float:
    """The time at which the last of these clients had so many marks."""
    seen: Counter[int] = Counter()
    last = 0.0
    for time_, client, count in zip(*arrivals, strict=True):
        if client in clients and seen[client] < marks:
            seen[client] += count
            last = time_ if seen[client] >= marks else last
    return last
