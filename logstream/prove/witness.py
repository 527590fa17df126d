"""Takes down the numbered lines that come, and the gaps in their files.

Owns which records and gaps are ours. Refuses to judge them: see `account`.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, Final

from logstream.prove.account import Gap, Heard, Sighting
from logstream.prove.lines import line_of

_MOST_DAMAGED: Final = 20


class Witness:
    """All that came of the files whose names begin with `prefix`."""

    def __init__(self, prefix: str) -> None:
        """Nothing has come."""
        self._prefix = prefix
        self._sightings: list[Sighting] = []
        self._gaps: list[Gap] = []
        self._damaged: list[str] = []
        self._of_file: Counter[str] = Counter()
        self._of_life: Counter[tuple[str, int]] = Counter()
        self.last_at_seconds = time.monotonic()

    def record(self, told: dict[str, Any], at_seconds: float) -> None:
        """A line came."""
        if not _name(told["file"]).startswith(self._prefix):
            return
        self.last_at_seconds = at_seconds
        line = line_of(told["text"])
        if line is not None:
            self._sightings.append(Sighting(line, at_seconds))
            self._of_file[line.file] += 1
            self._of_life[line.file, line.life] += 1
        elif len(self._damaged) < _MOST_DAMAGED:
            self._damaged.append(told["text"])

    def gap(self, told: dict[str, Any], place: str) -> None:  # noqa: ARG002 - what a reader tells
        """Bytes are reported as gone."""
        name = None if told["file"] is None else _name(told["file"])
        if name is None or name.startswith(self._prefix):
            self.last_at_seconds = time.monotonic()
            self._gaps.append(Gap(name, told["from"], told["to"], told["lines"]))

    def seen_of_file(self, name: str) -> int:
        """How many lines of a file came, or were reported as gone."""
        return self._of_file[name] + sum(gap.lines or 0 for gap in list(self._gaps) if gap.file == name)

    def seen_of_life(self, name: str, life: int) -> int:
        """How many lines of one life of a file came."""
        return self._of_life[name, life]

    def seen(self) -> int:
        """How many lines came, or were reported as gone."""
        return len(self._sightings) + sum(gap.lines or 0 for gap in list(self._gaps))

    def heard(self, outages: list[tuple[float, float]]) -> Heard:
        """All of it, frozen."""
        return Heard(tuple(self._sightings), tuple(self._gaps), tuple(self._damaged), tuple(outages))


def _name(path: str) -> str:
    return path.rpartition("/")[2]
