"""One turn of the tail: what it found so far, how much more it may find, and the times that rule its pace.

Owns the limits of a batch. Refuses to know files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from logstream.tail.batch import Change, Notice, Range

if TYPE_CHECKING:
    from logstream.tail.batch import SourceSpec

State = Literal["appeared", "vanished", "unreadable", "untailable", "readable"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are looked at, and how long things are waited for."""

    hot_poll_seconds: float = 0.003
    """Between two looks at a file that has just grown."""
    announced_poll_seconds: float = 0.25
    """The same for one whose growth is told by events at once."""
    hot_seconds: float = 2.0
    """How long after its last growth a file counts as hot."""
    sweep_seconds: float = 1.0
    """Between two looks at every file while file events work, longer (at most 5 s) for thousands of files;
    `blind_sweep_seconds` while they do not."""
    blind_sweep_seconds: float = 0.25
    survey_seconds: float = 5.0
    """Between two searches of the directories while file events work, longer (at most 15 s) for thousands of files;
    `blind_survey_seconds` while they do not."""
    blind_survey_seconds: float = 1.0
    hinted_survey_seconds: float = 0.02
    """Between two searches when file events ask for one."""
    rotate_wait_seconds: float = 60.0
    """How long a file that has lost its name is watched for late writes after it last grew."""
    deleted_wait_seconds: float = 10.0
    """The same for one that has been deleted: each second keeps its disk space from being freed."""
    absence_seconds: float = 1.0
    """A file is gone when it was missing twice, so far apart."""
    vacancy_seconds: float = 600.0
    """How long a file is waited for whose directory is not there: it may be mounted late, or restored."""
    unsettled_seconds: float = 10.0
    """How long a path is left alone beside which files are renamed without a pause; then it is read as it looks."""
    proof_seconds: float = 1.0
    """Between two proofs of one generation."""
    turn_bytes: int = 4 << 20
    """How much one batch holds, about."""


@dataclass(slots=True)
class Turn:
    """A batch in the making. `now` is monotonic seconds, `time` epoch seconds."""

    now: float
    time: float
    bytes_left: int
    changes: list[Change] = field(default_factory=list)
    has_listed: bool = False
    """Whether a directory of thousands of names was listed: that is enough for one turn of the event loop."""

    def add(self, change: Change) -> None:
        """Append `change`."""
        self.changes.append(change)
        if isinstance(change, Range):
            self.bytes_left -= change.end - change.start

    def tell(self, spec: SourceSpec, file: str, state: State, reason: str | None = None) -> None:
        """Append a notice of kind `source`."""
        self.add(Notice("source", spec.name, file, {"state": state} | ({"reason": reason} if reason else {})))
