"""What the routes need from the rest of the service, handed to them by the composition root; no module globals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from logstream.errors import LogstreamError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from logstream.api.aside import Aside
    from logstream.api.gate import Gate
    from logstream.hub.hub import Hub
    from logstream.hub.traffic import Losses
    from logstream.hub.view import ViewEvidence
    from logstream.rules import Evidence, Rule
    from logstream.sse import Streams

APP_KEY = "logstream"


class FileStatus(NamedTuple):
    """One file of a source as the page shows it; `format` is the one in which most of its last lines are."""

    file: str
    state: str
    reason: str | None
    size_bytes: int | None
    read_bytes: int | None
    format: str | None


class SourceStatus(NamedTuple):
    """One source as `/api/v1/sources` tells it."""

    name: str
    state: str
    labels: Mapping[str, str]
    files: Sequence[FileStatus]
    losses: Sequence[Losses] = ()
    """What was lost unread since the start of the service."""


class Readiness(NamedTuple):
    """Whether the service does all it should; `reasons` say what it does not."""

    is_ready: bool
    reasons: tuple[str, ...]


class RulesAtWork(NamedTuple):
    """The rules in force with what each has done, in their order, and what each open view has."""

    rules: Sequence[Rule]
    evidence: Sequence[Evidence]
    views: Sequence[ViewEvidence]


class AwayError(LogstreamError):
    """The process that knows is being started again; one may come back in `retry_after_seconds`."""

    def __init__(self, retry_after_seconds: int) -> None:
        """Remember when to come back."""
        super().__init__(retry_after_seconds)
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        """One line for people."""
        return f"the process that reads the files is being started again; try again in {self.retry_after_seconds} s"


@dataclass(frozen=True, slots=True)
class ApiContext:
    """The service as seen from the routes."""

    hub: Hub
    streams: Streams
    gate: Gate
    aside: Aside
    heartbeat_seconds: float
    sources: Callable[[], Awaitable[Sequence[SourceStatus]]]
    source_names: Callable[[], tuple[str, ...]]
    readiness: Callable[[], Readiness]
    metrics: Callable[[], Awaitable[bytes]]
    rules: Callable[[], Awaitable[RulesAtWork]]
