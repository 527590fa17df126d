"""What a proof has found: figures, mistakes and what was done meanwhile, as values.

Owns what counts as proven. Refuses to put it in words: the command does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from logstream.prove.account import Mistake, Tally
    from logstream.prove.staging import Deed

FEW_LINES: Final = 100
"""Fewer than these prove little."""


class Row(NamedTuple):
    """One line of the table: what was done to a file, how often, and its figures."""

    words: str
    rotations: int | None
    tally: Tally


class Faults(NamedTuple):
    """What was done to the connection and the server. `breaks` are ends of connections that were not our doing."""

    cuts: int
    cuts_inside: int
    breaks: int
    kills: int = 0
    longest_down_seconds: float = 0.0


class Outcome(NamedTuple):
    """All of it. `way` is whose service was read, and whether files of our own were written for it."""

    way: Literal["own", "watched", "read-only"]
    rows: Sequence[Row]
    total: Tally
    mistakes: Sequence[Mistake]
    faults: Faults
    deeds: Sequence[Deed] = ()
    began_seconds: float = 0.0
    kept: Path | None = None
    """Where the scratch files have been left, if they have."""

    @property
    def is_exact(self) -> bool:
        """Whether each line came once and in order, or was reported as gone."""
        return not self.mistakes
