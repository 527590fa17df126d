"""The service's figures, and how they are told at `/metrics`.

Owns what a snapshot holds; `exposition` has its text. Refuses to count: it is handed a snapshot.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class SourceFigures(NamedTuple):
    """One source: its files, what of them is not read yet, what was read since the start, and gaps by reason.

    For each reason the number of gaps, and the bytes of those whose end is known.
    """

    name: str
    files: int
    unread_bytes: int
    bytes_read: int
    lines_read: int
    gaps: tuple[tuple[str, int, int], ...]


class RuleFigures(NamedTuple):
    """What one rule has done; `last_hit_seconds` since 1970."""

    name: str
    lines_tried: int
    hits: int
    last_hit_seconds: float | None
    seconds_a_line: float | None


class ViewFigures(NamedTuple):
    """What one open view has done."""

    sources: str
    query: str
    shape: str
    subscribers: int
    lines_tried: int
    hits: int
    last_hit_seconds: float | None
    seconds_a_line: float | None


class StreamFigures(NamedTuple):
    """The streams of all clients together."""

    open: int
    opened: int
    refused: int
    bytes_sent: int
    records_sent: int
    furthest_lag_bytes: int


class ProcessFigures(NamedTuple):
    """What one process of a service with several counts for itself."""

    name: str
    pid: int
    cpu_seconds: float
    resident_bytes: int
    streams: StreamFigures
    replay_reads: int
    replay_bytes: int
    stalls: int
    stall_seconds: float
    longest_stall_seconds: float
    long_turns: int = 0
    core_wait_seconds: float = 0.0


class Snapshot(NamedTuple):
    """All figures at one moment. With `processes`, what they count is told of each, and not of the one that answers."""

    version: str
    is_ready: bool
    sources: tuple[SourceFigures, ...]
    rules: tuple[RuleFigures, ...]
    views: tuple[ViewFigures, ...]
    streams: StreamFigures
    replay_reads: int
    replay_bytes: int
    stalls: int
    stall_seconds: float
    longest_stall_seconds: float
    state_bytes: int
    processes: tuple[ProcessFigures, ...] = ()
    long_turns: int = 0
    core_wait_seconds: float = 0.0


async def rendered(snapshot: Snapshot) -> bytes:
    """The snapshot in Prometheus' text format, made in a thread.

    To count the process's descriptors, the library lists them, and there may be ten thousand.
    """
    return await asyncio.to_thread(_render, snapshot)


def _render(snapshot: Snapshot) -> bytes:
    # Not when the service starts, and not on its event loop: it takes some milliseconds.
    from logstream.metrics.exposition import render  # noqa: PLC0415

    return render(snapshot)
