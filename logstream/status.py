"""What the service says of itself: its sources and their files, whether it is ready, and its figures.

Owns the gathering. Refuses to decide how any of it is written down.
"""

from __future__ import annotations

import asyncio
import os
import resource
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream import __version__
from logstream.api.context import FileStatus, Readiness, RulesAtWork, SourceStatus
from logstream.metrics import ProcessFigures, RuleFigures, Snapshot, SourceFigures, StreamFigures, ViewFigures
from logstream.parse import detect_format
from logstream.tail.framing import framing_of, spoken_encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from logstream.config import SourceSettings
    from logstream.hub.hub import Hub
    from logstream.hub.view import ViewEvidence
    from logstream.rules import Evidence
    from logstream.sse import Streams
    from logstream.stalls import Stalls
    from logstream.tail.status import SourceStatus as TailedSource
    from logstream.tail.supervisor import Supervisor

_SAMPLE_BYTES: Final = 16 * 1024
_MS: Final = 1000


class _Sampled(NamedTuple):
    size_bytes: int
    changed_ns: int
    format: str | None


class _Asked(NamedTuple):
    format: str
    encoding: str


class Status:
    """Answers for one running service; `configured` gives the sources as they are now."""

    def __init__(
        self,
        hub: Hub,
        streams: Streams,
        supervisor: Supervisor,
        stalls: Stalls,
        configured: Callable[[], Sequence[SourceSettings]],
    ) -> None:
        """Nothing has been looked at."""
        self._hub = hub
        self._streams = streams
        self._supervisor = supervisor
        self._stalls = stalls
        self._configured = configured
        self._sampled: dict[str, _Sampled] = {}

    async def sources(self) -> list[SourceStatus]:
        """Every source and its files, with the format in which most of a file's last lines are."""
        found = await self._supervisor.survey_files()
        configured = {source.name: source for source in self._configured()}
        known = [status for status in found if status.name in configured]
        losses = {status.name: self._hub.traffic.losses(status.name) for status in known}
        self._sampled, told = await asyncio.to_thread(_told, known, configured, self._sampled)
        return [
            SourceStatus(name, source_state(files), configured[name].labels, files, losses[name])
            for name, files in told.items()
        ]

    def readiness(self) -> Readiness:
        """Whether the service does all it should."""
        reasons = []
        if not self._supervisor.first_scan_done.is_set():
            reasons.append("the first look at all files is not done yet")
        elif not self._supervisor.outstanding.is_over():
            reasons.append("not all that was rotated before the start has been unpacked or found yet")
        health = self._hub.journal.health
        if not health.is_ready:
            reasons.append(f"the journal cannot be written: {health.reason}")
        return Readiness(not reasons, tuple(reasons))

    async def figures(self) -> Snapshot:
        """All figures as they are now."""
        sources = await self._source_figures()
        traffic = self._hub.traffic
        return Snapshot(
            version=__version__,
            is_ready=self.readiness().is_ready,
            sources=sources,
            rules=tuple(_rule_figures(evidence) for evidence in self._hub.rule_evidence()),
            views=view_figures(self._hub.view_evidence()),
            streams=stream_figures(self._hub, self._streams),
            replay_reads=traffic.replay_reads,
            replay_bytes=traffic.replay_bytes,
            stalls=self._stalls.count,
            stall_seconds=self._stalls.seconds,
            longest_stall_seconds=self._stalls.longest_seconds,
            state_bytes=self._hub.journal.size_bytes,
            long_turns=self._stalls.long_turns,
            core_wait_seconds=self._stalls.core_wait_seconds,
        )

    def rules(self) -> RulesAtWork:
        """The rules, what each has done, and what each open view has."""
        hub = self._hub
        return RulesAtWork(hub.rules.rules, hub.rule_evidence(), hub.view_evidence())

    async def _source_figures(self) -> tuple[SourceFigures, ...]:
        traffic = self._hub.traffic
        found = []
        for status in await self._supervisor.survey_files():
            name = status.name
            unread = sum((file.size_bytes or 0) - (file.read_bytes or 0) for file in status.files)
            figures = (len(status.files), unread, traffic.bytes_in[name], traffic.lines_in[name])
            losses = tuple((loss.reason, loss.gaps, loss.bytes) for loss in traffic.losses(name))
            found.append(SourceFigures(name, *figures, losses))
        return tuple(found)


def stream_figures(hub: Hub, streams: Streams) -> StreamFigures:
    """The streams of one process."""
    stats = streams.stats
    lag = hub.furthest_lag_bytes
    return StreamFigures(stats.open, stats.opened, stats.refused, stats.bytes, hub.traffic.records_out, lag)


def view_figures(views: Iterable[ViewEvidence]) -> tuple[ViewFigures, ...]:
    """What each open view has done."""
    return tuple(
        ViewFigures(",".join(view.sources), view.query, view.shape, view.subscribers, *_figures(view.evidence))
        for view in views
    )


def process_figures(name: str, hub: Hub, streams: Streams, stalls: Stalls) -> ProcessFigures:
    """What this process counts for itself."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return ProcessFigures(
        name,
        os.getpid(),
        used.ru_utime + used.ru_stime,
        _resident_bytes(),
        stream_figures(hub, streams),
        hub.traffic.replay_reads,
        hub.traffic.replay_bytes,
        stalls.count,
        stalls.seconds,
        stalls.longest_seconds,
        stalls.long_turns,
        stalls.core_wait_seconds,
    )


def _resident_bytes() -> int:
    """Memory that this process holds; 0 where the system has no proc(5)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - no file of ours
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def source_state(files: Sequence[FileStatus]) -> str:
    """One word for a source: `empty` if no file matches, `unreadable` if some cannot be read, else `ok`."""
    if not files:
        return "empty"
    return "unreadable" if any(file.state == "unreadable" for file in files) else "ok"


def _rule_figures(evidence: Evidence) -> RuleFigures:
    return RuleFigures(evidence.name, *_figures(evidence))


def _figures(evidence: Evidence) -> tuple[int, int, float | None, float | None]:
    last = None if evidence.last_hit_ms is None else evidence.last_hit_ms / _MS
    cost = None if evidence.ns_a_line is None else evidence.ns_a_line / 1e9
    return evidence.lines_tried, evidence.hits, last, cost


def _told(
    statuses: Sequence[TailedSource], configured: Mapping[str, SourceSettings], before: dict[str, _Sampled]
) -> tuple[dict[str, _Sampled], dict[str, list[FileStatus]]]:
    """What was sampled of all files, and what is told of those of each source. For a thread."""
    asked = {
        file.file: _Asked(source.format, spoken_encoding(file.encoding, source.encoding))
        for status in statuses
        for source in (configured[status.name],)
        for file in status.files
        if file.state not in {"unreadable", "untailable", "missing"}
    }
    sampled = _sample_all(asked, before)
    formats = {file: one.format for file, one in sampled.items()}
    return sampled, {
        status.name: [
            FileStatus(file.file, file.state, file.reason, file.size_bytes, file.read_bytes, formats.get(file.file))
            for file in status.files
        ]
        for status in statuses
    }


def _sample_all(asked: dict[str, _Asked], before: dict[str, _Sampled]) -> dict[str, _Sampled]:
    """The formats of files; one that has not changed is not read again."""
    found = {}
    for file, wanted in asked.items():
        if wanted.format != "auto":
            found[file] = _Sampled(0, 0, wanted.format)
            continue
        sampled = _sample(file, wanted.encoding, before.get(file))
        if sampled is not None:
            found[file] = sampled
    return found


def _sample(file: str, encoding: str, before: _Sampled | None) -> _Sampled | None:
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None  # it was renamed meanwhile, or its name is no text
    try:
        now = os.fstat(descriptor)
        if not stat.S_ISREG(now.st_mode):
            return None
        if before is not None and before[:2] == (now.st_size, now.st_mtime_ns):
            return before
        at = max(0, now.st_size - _SAMPLE_BYTES)
        content = os.pread(descriptor, _SAMPLE_BYTES, at)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    framing = framing_of(encoding)
    whole = content[framing.first_end(content, at) if at else 0 : framing.last_end(content, at)]
    lines = whole.decode(encoding, "replace").split("\n")[:-1]
    return _Sampled(now.st_size, now.st_mtime_ns, detect_format(lines) if lines else None)
