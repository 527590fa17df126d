"""Tasks of a page, read from a trace: which count, what stood in a long one, and what it waited for."""

from __future__ import annotations

import orjson
import pytest

from bench.errors import BenchError
from bench.page_tasks import Span, Task, Wait, most_waited_ms, process_in, tasks_in, told

MAIN = 7
COMPOSITOR = 8
BROWSER = 5
TASK = "ThreadControllerImpl::RunTask"


def event(
    name: str = TASK,
    began_ms: float = 100,
    wall_ms: float = 60,
    cpu_ms: float = 20,
    thread: tuple[int, int] = (MAIN, MAIN),
) -> dict[str, object]:
    times = {"ts": 1000 * began_ms, "dur": 1000 * wall_ms, "tdur": 1000 * cpu_ms}
    return {"name": name, "ph": "X", "pid": thread[0], "tid": thread[1], **times}


def named(thread: tuple[int, int], name: str) -> dict[str, object]:
    return {"name": "thread_name", "ph": "M", "pid": thread[0], "tid": thread[1], "args": {"name": name}}


def read(*events: dict[str, object], since_ms: float = 0, until_ms: float = 1000) -> list[Task]:
    return tasks_in(orjson.dumps({"traceEvents": events}), MAIN, since_ms, until_ms)


def test_of_a_trace_the_tasks_of_the_pages_main_thread_count() -> None:
    others = [event("Layout"), event(thread=(MAIN, COMPOSITOR)), event(thread=(BROWSER, BROWSER))]

    assert read(event(wall_ms=9, cpu_ms=8), *others) == [Task(Span(TASK, 100, 9, 8))]


def test_tasks_that_began_before_the_page_was_watched_or_after_that_are_not_its_own() -> None:
    events = [event(began_ms=began, wall_ms=1, cpu_ms=1) for began in (10, 20, 30)]

    assert [task.span.began_ms for task in read(*events, since_ms=15, until_ms=30)] == [20]


def test_in_a_long_task_stands_the_longest_of_what_it_did_and_the_longest_of_that() -> None:
    script = event("FunctionCall", began_ms=110, wall_ms=40)
    garbage = event("MinorGC", began_ms=120, wall_ms=25)
    beside = [event("Layout", began_ms=101, wall_ms=5), event("Paint", began_ms=145, wall_ms=4), event("Late", 170, 30)]

    [task, *_] = read(event(), *beside, garbage, script)

    assert [part.name for part in task.parts] == ["FunctionCall", "MinorGC"]


def test_a_task_that_was_not_long_is_not_explained() -> None:
    assert read(event(wall_ms=49), event("FunctionCall", 110, 30))[0].parts == ()


def test_beside_a_long_task_stands_what_others_worked_meanwhile_the_most_first() -> None:
    half = event(began_ms=140, wall_ms=40, cpu_ms=30, thread=(MAIN, COMPOSITOR))
    within = event(began_ms=120, wall_ms=25, cpu_ms=25, thread=(BROWSER, BROWSER))
    after = event(began_ms=500, thread=(BROWSER, BROWSER))
    names = [named((MAIN, COMPOSITOR), "Compositor"), named((BROWSER, BROWSER), "CrBrowserMain")]

    [task] = read(event(), half, within, after, *names)

    assert task.others == (("CrBrowserMain", 25), ("Compositor", 15))


def test_what_a_thread_waited_for_a_core_is_that_of_the_looks_around() -> None:
    waits = [Wait(0, 0), Wait(50, 5), Wait(100, 25), Wait(150, 26), Wait(200, 90)]

    assert most_waited_ms(waits, 60, 110) == 21
    assert most_waited_ms(waits, 160, 190) == 30, "no more than there was time"
    assert most_waited_ms(waits, 190, 500) == 64, "nobody has looked after that"


def test_a_long_task_is_told_with_its_time_its_parts_and_what_it_waited_for() -> None:
    task = Task(Span(TASK, 2500, 79, 23), (Span("MinorGC", 2510, 50, 4),), (("Compositor", 12.0),))

    words = told(task, [Wait(2450, 0), Wait(2600, 41)], 1000)

    assert words.startswith("1.5 s: a task of 79 ms, 23 ms CPU, at most 41 ms without a core; in it MinorGC 50 (4 CPU)")
    assert words.endswith("meanwhile: Compositor 12")


@pytest.mark.parametrize("waits", [[], [Wait(0, 0)]])
def test_of_a_task_of_which_nothing_is_known_no_more_is_told(waits: list[Wait]) -> None:
    words = told(Task(Span(TASK, 0, 60, 20)), waits, 0)

    assert "nothing with a name" in words
    assert words.endswith("meanwhile: none")


def begun(*frames: dict[str, object]) -> dict[str, object]:
    return {"name": "TracingStartedInBrowser", "ph": "I", "args": {"data": {"frames": frames}}}


def test_a_page_is_in_the_process_that_the_beginning_of_a_trace_names() -> None:
    frames: list[dict[str, object]] = [
        {"processId": 4, "isOutermostMainFrame": False},
        {"processId": MAIN, "isOutermostMainFrame": True},
    ]

    assert process_in(orjson.dumps({"traceEvents": [event(), begun(*frames)]})) == MAIN


@pytest.mark.parametrize("events", [[], [event()], [begun()]])
def test_a_trace_that_names_no_process_is_an_error(events: list[dict[str, object]]) -> None:
    with pytest.raises(BenchError, match="does not name"):
        process_in(orjson.dumps({"traceEvents": events}))
