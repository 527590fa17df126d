"""A snapshot in Prometheus' text format, by its own client library.

Owns the metrics' names, types and help texts; docs/metrics.md lists them. Refuses to be imported before somebody asks:
most of what the library takes is other ways to be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client import Metric

    from logstream.metrics import ProcessFigures, RuleFigures, Snapshot, SourceFigures, ViewFigures

MOST_VIEWS: Final = 50
"""Views that are told one by one, those with most subscribers: each open query is a series of its own."""

_Counted = list[tuple[list[str], "Snapshot | ProcessFigures"]]


def render(snapshot: Snapshot) -> bytes:
    """The snapshot, with what the library tells of the process, in the text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    if not snapshot.processes:
        ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(_Collector(snapshot))
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        told = self._snapshot
        labels = ["process"] if told.processes else []
        counted: _Counted = [([one.name], one) for one in told.processes] if told.processes else [([], told)]
        yield from _service(told)
        yield from _loop(labels, counted)
        yield from _sources(told.sources)
        yield from _rules(told.rules)
        yield from _views(told.views)
        yield from _streams(labels, counted)
        yield from _processes(labels, told.processes)


def _service(told: Snapshot) -> Iterator[Metric]:
    build = GaugeMetricFamily("logstream_build", "1, with the version as a label.", labels=["version"])
    build.add_metric([told.version], 1)
    yield build
    yield GaugeMetricFamily("logstream_ready", "1 if the service does all it should, as /readyz says.", told.is_ready)
    yield GaugeMetricFamily("logstream_state_bytes", "Size of the state on its disk.", told.state_bytes)


def _loop(labels: list[str], counted: _Counted) -> Iterator[Metric]:
    reads = CounterMetricFamily("logstream_replay_reads", "Reads of files for clients that lag.", labels=labels)
    read = CounterMetricFamily("logstream_replay_bytes", "Bytes read for clients that lag.", labels=labels)
    stalls = CounterMetricFamily(
        "logstream_loop_stalls", "Turns of the event loop that were 50 ms late.", labels=labels
    )
    late = CounterMetricFamily("logstream_loop_stall_seconds", "How late they were together.", labels=labels)
    longest = GaugeMetricFamily(
        "logstream_loop_longest_stall_seconds", "How late the latest was since the start.", labels=labels
    )
    long = CounterMetricFamily(
        "logstream_loop_long_turns",
        "Turns of the event loop, looked at four times a second, that held it for 10 ms by work of its own.",
        labels=labels,
    )
    waits = CounterMetricFamily(
        "logstream_loop_core_wait_seconds", "How long the event loop's thread waited for a core.", labels=labels
    )
    for names, one in counted:
        long.add_metric(names, one.long_turns)
        waits.add_metric(names, one.core_wait_seconds)
        reads.add_metric(names, one.replay_reads)
        read.add_metric(names, one.replay_bytes)
        stalls.add_metric(names, one.stalls)
        late.add_metric(names, one.stall_seconds)
        longest.add_metric(names, one.longest_stall_seconds)
    yield from (reads, read, stalls, late, longest, long, waits)


def _sources(sources: tuple[SourceFigures, ...]) -> Iterator[Metric]:
    label = ["source"]
    files = GaugeMetricFamily("logstream_source_files", "Files of the source.", labels=label)
    lag = GaugeMetricFamily("logstream_source_lag_bytes", "Bytes in its files that are not read yet.", labels=label)
    read = CounterMetricFamily("logstream_source_read_bytes", "Bytes read since the start.", labels=label)
    lines = CounterMetricFamily("logstream_source_read_lines", "Lines read since the start.", labels=label)
    gaps = CounterMetricFamily("logstream_source_gaps", "Losses that were recorded.", labels=["source", "reason"])
    lost = CounterMetricFamily(
        "logstream_source_lost_bytes", "Bytes of those losses whose end is known.", labels=["source", "reason"]
    )
    for source in sources:
        files.add_metric([source.name], source.files)
        lag.add_metric([source.name], source.unread_bytes)
        read.add_metric([source.name], source.bytes_read)
        lines.add_metric([source.name], source.lines_read)
        for reason, count, lost_bytes in source.gaps:
            gaps.add_metric([source.name, reason], count)
            lost.add_metric([source.name, reason], lost_bytes)
    yield from (files, lag, read, lines, gaps, lost)


def _rules(rules: tuple[RuleFigures, ...]) -> Iterator[Metric]:
    yield from _evidence("rule", ["rule"], [([rule.name], rule) for rule in rules])


def _views(views: tuple[ViewFigures, ...]) -> Iterator[Metric]:
    yield GaugeMetricFamily("logstream_views", "Distinct selections that are looked at.", len(views))
    shown = sorted(views, key=lambda view: -view.subscribers)[:MOST_VIEWS]
    labels = ["sources", "query", "shape"]
    rows = [([view.sources, view.query, view.shape], view) for view in shown]
    subscribers = GaugeMetricFamily("logstream_view_subscribers", "Who looks at an open view.", labels=labels)
    for names, view in rows:
        subscribers.add_metric(names, view.subscribers)
    yield subscribers
    yield from _evidence("view", labels, rows)


def _evidence(
    kind: str, labels: list[str], rows: Iterable[tuple[list[str], RuleFigures | ViewFigures]]
) -> Iterator[Metric]:
    tried = CounterMetricFamily(f"logstream_{kind}_tried_lines", f"Lines that a {kind} was tried on.", labels=labels)
    hits = CounterMetricFamily(f"logstream_{kind}_hits", f"Lines for which a {kind} held.", labels=labels)
    last = GaugeMetricFamily(
        f"logstream_{kind}_last_hit_timestamp_seconds", "When the last of them was recorded.", labels=labels
    )
    cost = GaugeMetricFamily(f"logstream_{kind}_line_seconds", f"What a line costs a {kind}.", labels=labels)
    for names, one in rows:
        tried.add_metric(names, one.lines_tried)
        hits.add_metric(names, one.hits)
        if one.last_hit_seconds is not None:
            last.add_metric(names, one.last_hit_seconds)
        if one.seconds_a_line is not None:
            cost.add_metric(names, one.seconds_a_line)
    yield from (tried, hits, last, cost)


def _streams(labels: list[str], counted: _Counted) -> Iterator[Metric]:
    now = GaugeMetricFamily("logstream_streams_open", "Streams that are open.", labels=labels)
    opened = CounterMetricFamily("logstream_streams_opened", "Streams opened since the start.", labels=labels)
    refused = CounterMetricFamily(
        "logstream_streams_refused", "Streams refused because a limit was met.", labels=labels
    )
    sent = CounterMetricFamily("logstream_sent_bytes", "Bytes sent in streams.", labels=labels)
    records = CounterMetricFamily("logstream_sent_records", "Records sent in streams.", labels=labels)
    lag = GaugeMetricFamily(
        "logstream_streams_furthest_lag_bytes",
        "How many recorded bytes lie between the slowest stream and the newest line.",
        labels=labels,
    )
    for names, one in counted:
        now.add_metric(names, one.streams.open)
        opened.add_metric(names, one.streams.opened)
        refused.add_metric(names, one.streams.refused)
        sent.add_metric(names, one.streams.bytes_sent)
        records.add_metric(names, one.streams.records_sent)
        lag.add_metric(names, one.streams.furthest_lag_bytes)
    yield from (now, opened, refused, sent, records, lag)


def _processes(labels: list[str], processes: tuple[ProcessFigures, ...]) -> Iterator[Metric]:
    if not processes:
        return
    pid = GaugeMetricFamily("logstream_process_pid", "The process's number.", labels=labels)
    cpu = CounterMetricFamily("logstream_process_cpu_seconds", "CPU time that it has taken.", labels=labels)
    resident = GaugeMetricFamily("logstream_process_resident_bytes", "Memory that it holds.", labels=labels)
    for one in processes:
        pid.add_metric([one.name], one.pid)
        cpu.add_metric([one.name], one.cpu_seconds)
        resident.add_metric([one.name], one.resident_bytes)
    yield from (pid, cpu, resident)
