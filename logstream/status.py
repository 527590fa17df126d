"""What the service says of itself: its sources and their files, whether it is ready, and its figures.

Owns the gathering. Refuses to decide how any of it is written down.
"""

from __future__ import annotations

import asyncio
import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream import __version__
from logstream.api.context import FileStatus, Readiness, SourceStatus
from logstream.metrics import RuleFigures, Snapshot, SourceFigures, StreamFigures, ViewFigures
from logstream.parse import detect_format
from logstream.tail.framing import framing_of, spoken_encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from logstream.config import SourceSettings
    from logstream.hub.hub import Hub
    from logstream.rules import Evidence
    from logstream.sse import Streams
    from logstream.stalls import Stalls
    from logstream.tail.status import FileStatus as TailedFile
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
        configured = {source.name: source for source in self._configured()}
        statuses = [status for status in self._supervisor.status() if status.name in configured]
        asked = {
            file.file: _Asked(source.format, spoken_encoding(file.encoding, source.encoding))
            for status in statuses
            for source in (configured[status.name],)
            for file in status.files
            if file.state not in {"unreadable", "untailable", "missing"}
        }
        self._sampled = await asyncio.to_thread(_sample_all, asked, self._sampled)
        told = []
        for status in statuses:
            files = [self._told(file) for file in status.files]
            losses = self._hub.flow.losses(status.name)
            told.append(SourceStatus(status.name, source_state(files), configured[status.name].labels, files, losses))
        return told

    def _told(self, file: TailedFile) -> FileStatus:
        sampled = self._sampled.get(file.file)
        format_name = None if sampled is None else sampled.format
        return FileStatus(file.file, file.state, file.reason, file.size_bytes, file.read_bytes, format_name)

    def readiness(self) -> Readiness:
        """Whether the service does all it should."""
        reasons = []
        if not self._supervisor.first_scan_done.is_set():
            reasons.append("the first look at all files is not done yet")
        health = self._hub.journal.health
        if not health.is_ready:
            reasons.append(f"the journal cannot be written: {health.reason}")
        return Readiness(not reasons, tuple(reasons))

    def figures(self) -> Snapshot:
        """All figures as they are now."""
        flow, streams = self._hub.flow, self._streams.stats
        return Snapshot(
            version=__version__,
            is_ready=self.readiness().is_ready,
            sources=self._source_figures(),
            rules=tuple(_rule_figures(evidence) for evidence in self._hub.rule_evidence()),
            views=tuple(
                ViewFigures(",".join(view.sources), view.query, view.shape, view.subscribers, *_figures(view.evidence))
                for view in self._hub.view_evidence()
            ),
            streams=StreamFigures(
                streams.open,
                streams.opened,
                streams.refused,
                streams.bytes,
                flow.records_out,
                self._hub.furthest_lag_bytes,
            ),
            replay_reads=flow.replay_reads,
            replay_bytes=flow.replay_bytes,
            stalls=self._stalls.count,
            stall_seconds=self._stalls.seconds,
            longest_stall_seconds=self._stalls.longest_seconds,
            state_bytes=self._hub.journal.size_bytes,
        )

    def _source_figures(self) -> tuple[SourceFigures, ...]:
        flow = self._hub.flow
        found = []
        for status in self._supervisor.status():
            name = status.name
            unread = sum((file.size_bytes or 0) - (file.read_bytes or 0) for file in status.files)
            figures = (len(status.files), unread, flow.bytes_in[name], flow.lines_in[name])
            losses = tuple((loss.reason, loss.gaps, loss.bytes) for loss in flow.losses(name))
            found.append(SourceFigures(name, *figures, losses))
        return tuple(found)


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
