"""What the service says of itself: states, formats, and figures as Prometheus reads them."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from logstream import metrics
from logstream.api.context import FileStatus
from logstream.metrics import (
    ProcessFigures,
    RuleFigures,
    Snapshot,
    SourceFigures,
    StreamFigures,
    ViewFigures,
    exposition,
)
from logstream.metrics.exposition import MOST_VIEWS, render
from logstream.stalls import PERIOD_SECONDS, Stalls, core_wait_seconds
from logstream.status import _Asked, _sample_all, source_state
from tests import virtual_time
from tests.installed import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from prometheus_client import Metric


def file(state: str) -> FileStatus:
    return FileStatus("/app.log", state, None, 1, 1, None)


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ([], "empty"),
        (["live"], "ok"),
        (["live", "unreadable"], "unreadable"),
        (["unreadable"], "unreadable"),
    ],
)
def test_a_source_is_as_well_as_its_worst_file(states: list[str], told: str) -> None:
    assert source_state([file(state) for state in states]) == told


AUTO = _Asked("auto", "utf-8")


def formats(**files: Path) -> dict[str, str | None]:
    found = _sample_all({str(path): AUTO for path in files.values()}, {})
    return {name: found[str(path)].format if str(path) in found else None for name, path in files.items()}


def test_the_format_of_a_file_is_that_of_its_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("plain\n" * 20_000 + '{"a": 1}\n' * 3_000 + '{"unfinished')

    assert formats(a=path) == {"a": "json"}


def test_the_format_of_a_file_in_utf_16_is_that_of_its_last_lines(tmp_path: Path) -> None:
    """Conformance: E12."""
    path = tmp_path / "a.log"
    path.write_bytes(("plain\n" * 20_000 + '{"a": "\u0a0d"}\n' * 1_500 + '{"unfinished').encode("utf-16-be"))

    assert _sample_all({str(path): _Asked("auto", "utf-16-be")}, {})[str(path)].format == "json"


def test_a_file_without_a_whole_line_a_directory_and_a_missing_one_have_no_format(tmp_path: Path) -> None:
    empty = tmp_path / "empty.log"
    empty.write_text("unfinished")

    assert formats(empty=empty, directory=tmp_path, missing=tmp_path / "x") == dict.fromkeys(
        ("empty", "directory", "missing")
    )


def test_a_named_format_is_not_looked_for(tmp_path: Path) -> None:
    path = str(tmp_path / "missing.log")

    assert _sample_all({path: _Asked("logfmt", "utf-8")}, {})[path].format == "logfmt"


def test_a_file_that_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("a=1 b=2\n")
    first = _sample_all({str(path): AUTO}, {})
    known = {name: sampled._replace(format="as before") for name, sampled in first.items()}

    assert _sample_all({str(path): AUTO}, known)[str(path)].format == "as before"
    path.write_text('{"a": 1}\nxx\n{"a": 1}\n')
    assert _sample_all({str(path): AUTO}, known)[str(path)].format == "json"


VIEW = ViewFigures("app", 'say "x\\y"\n', "line", 2, 10, 4, 1_800_000_000.5, 2e-7)
SNAPSHOT = Snapshot(
    version="1.2.3",
    is_ready=True,
    sources=(SourceFigures("app", 2, 30, 400, 5, (("deleted", 1, 0), ("truncated", 6, 70))),),
    rules=(RuleFigures("slow", 100, 7, 1_800_000_000.25, 5e-8), RuleFigures("never", 100, 0, None, None)),
    views=(VIEW,),
    streams=StreamFigures(8, 9, 10, 11, 12, 13),
    replay_reads=14,
    replay_bytes=15,
    stalls=16,
    stall_seconds=1.75,
    longest_stall_seconds=0.5,
    state_bytes=18,
    long_turns=19,
    core_wait_seconds=20.5,
)


SEVERAL = SNAPSHOT._replace(
    processes=tuple(
        ProcessFigures(f"worker {number}", 100 + number, 1.5 * number, 2 * number, SNAPSHOT.streams, 3, 4, 5, 6.5, 7.5)
        for number in (1, 2)
    )
)


def families(snapshot: Snapshot) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(render(snapshot).decode())}


@pytest.mark.parametrize(
    ("sample", "labels", "value"),
    [
        ("logstream_build", {"version": "1.2.3"}, 1),
        ("logstream_ready", {}, 1),
        ("logstream_state_bytes", {}, 18),
        ("logstream_source_files", {"source": "app"}, 2),
        ("logstream_source_lag_bytes", {"source": "app"}, 30),
        ("logstream_source_read_bytes_total", {"source": "app"}, 400),
        ("logstream_source_read_lines_total", {"source": "app"}, 5),
        ("logstream_source_gaps_total", {"source": "app", "reason": "truncated"}, 6),
        ("logstream_source_lost_bytes_total", {"source": "app", "reason": "truncated"}, 70),
        ("logstream_rule_tried_lines_total", {"rule": "never"}, 100),
        ("logstream_rule_hits_total", {"rule": "slow"}, 7),
        ("logstream_rule_last_hit_timestamp_seconds", {"rule": "slow"}, 1_800_000_000.25),
        ("logstream_rule_line_seconds", {"rule": "slow"}, 5e-8),
        ("logstream_views", {}, 1),
        ("logstream_view_subscribers", {"sources": "app", "query": VIEW.query, "shape": "line"}, 2),
        ("logstream_view_hits_total", {"sources": "app", "query": VIEW.query, "shape": "line"}, 4),
        ("logstream_streams_open", {}, 8),
        ("logstream_streams_opened_total", {}, 9),
        ("logstream_streams_refused_total", {}, 10),
        ("logstream_sent_bytes_total", {}, 11),
        ("logstream_sent_records_total", {}, 12),
        ("logstream_streams_furthest_lag_bytes", {}, 13),
        ("logstream_replay_reads_total", {}, 14),
        ("logstream_replay_bytes_total", {}, 15),
        ("logstream_loop_stalls_total", {}, 16),
        ("logstream_loop_stall_seconds_total", {}, 1.75),
        ("logstream_loop_longest_stall_seconds", {}, 0.5),
        ("logstream_loop_long_turns_total", {}, 19),
        ("logstream_loop_core_wait_seconds_total", {}, 20.5),
    ],
)
def test_each_figure_is_told_under_its_name(sample: str, labels: dict[str, str], value: float) -> None:
    samples = [one for family in families(SNAPSHOT).values() for one in family.samples]

    assert [one.value for one in samples if one.name == sample and one.labels == labels] == [value]


def test_what_is_not_known_of_a_rule_is_not_told() -> None:
    told = families(SNAPSHOT)["logstream_rule_last_hit_timestamp_seconds"].samples

    assert [sample.labels["rule"] for sample in told] == ["slow"]


def test_only_the_views_with_most_subscribers_are_told_one_by_one() -> None:
    views = tuple(VIEW._replace(query=str(number), subscribers=number) for number in range(200))
    told = families(SNAPSHOT._replace(views=views))

    assert told["logstream_views"].samples[0].value == 200
    assert {sample.labels["query"] for sample in told["logstream_view_subscribers"].samples} == {
        str(number) for number in range(200 - MOST_VIEWS, 200)
    }


def test_the_page_lists_every_metric_and_no_other() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(logstream_\w+)` \|", page, re.MULTILINE)
    told = [*families(SNAPSHOT).values(), *families(SEVERAL).values()]
    samples = {sample.name for family in told for sample in family.samples}

    assert sorted(listed) == sorted(name for name in samples if name.startswith("logstream_"))


def test_of_several_processes_each_has_its_own_counts_and_the_one_that_answers_no_more() -> None:
    """A sum would fall when one of them ends, and Prometheus would take that for a restart of all."""
    told = families(SEVERAL)

    def by_process(family: str) -> dict[str, float]:
        return {sample.labels["process"]: sample.value for sample in told[family].samples}

    assert by_process("logstream_streams_open") == {"worker 1": 8, "worker 2": 8}
    assert by_process("logstream_loop_stall_seconds") == {"worker 1": 6.5, "worker 2": 6.5}
    assert by_process("logstream_process_pid") == {"worker 1": 101, "worker 2": 102}
    assert by_process("logstream_process_cpu_seconds") == {"worker 1": 1.5, "worker 2": 3}
    assert told["logstream_state_bytes"].samples[0].value == 18
    assert "process_resident_memory_bytes" not in told


async def test_figures_are_written_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    def noting(snapshot: Snapshot) -> bytes:
        threads.append(threading.get_ident())
        return render(snapshot)

    monkeypatch.setattr(exposition, "render", noting)
    assert b"logstream_ready 1.0" in await metrics.rendered(SNAPSHOT)
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


def test_the_process_is_told_of_too() -> None:
    assert families(SNAPSHOT)["process_resident_memory_bytes"].samples[0].value > 0


def test_a_turn_of_the_loop_that_comes_late_is_a_stall() -> None:
    stalls = Stalls()
    for late_seconds in (0.0, 0.04, 0.06, 0.2):
        stalls.note(late_seconds)

    assert (stalls.count, stalls.longest_seconds) == (2, 0.2)
    assert stalls.seconds == pytest.approx(0.26)


def test_a_turn_that_waited_for_a_core_is_no_long_one() -> None:
    stalls = Stalls()
    for late_seconds, waited_seconds in ((0.009, 0.0), (0.011, 0.0), (0.2, 0.195), (0.2, 0.1), (0.001, 0.05)):
        stalls.note(late_seconds, waited_seconds)

    assert stalls.long_turns == 2
    assert stalls.core_wait_seconds == pytest.approx(0.345)
    assert stalls.count == 2


def test_what_the_loop_s_thread_waited_for_a_core_is_asked_at_each_look() -> None:
    waits = iter([1.0, 1.0, 1.5, 2.25, 9.0])
    stalls = Stalls(lambda: next(waits))

    async def story() -> None:
        watching = asyncio.create_task(stalls.run(), name="watch-loop")
        await asyncio.sleep(3.5 * PERIOD_SECONDS)
        watching.cancel()

    virtual_time.run(story())
    assert stalls.core_wait_seconds == pytest.approx(1.25)
    assert stalls.long_turns == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts it")
def test_waits_for_a_core_are_those_of_the_thread_that_asks() -> None:
    found: list[float] = []
    thread = threading.Thread(target=lambda: found.append(core_wait_seconds()))
    thread.start()
    thread.join()

    assert 0 <= found[0] < 60
    assert core_wait_seconds() >= 0
