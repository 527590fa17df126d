"""What continuation lines have from the line that they go on with: its level, its type, and the rules' verdict.

Owns how far back that line may lie, so that whoever begins to read in the middle of a trace finds the same one. Refuses
to know what makes a line a continuation: that is `parse.multiline`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from logstream.records import Level

TRACE_BYTES: Final = 256 * 1024
"""How far behind its first line a trace is still a part of it; what goes on longer stands for itself."""
LOOK_BACK_BYTES: Final = TRACE_BYTES + 3 * 65_536
"""What is read to find the first line of a trace: also the line before it, which may be as long as lines get."""


class TraceHead(NamedTuple):
    """The first line of a trace: where it starts in its generation, and what rules and parsing made of it."""

    start: int
    kept: bool
    level: Level | None
    event: str
    rules: tuple[str, ...]
    time_ms: int | None


class Above(NamedTuple):
    """What stands before a block in its generation: the last line, and the head that goes on there, if any."""

    head: TraceHead | None
    last: str


NOTHING_ABOVE: Final = Above(None, "")


def nearest_heads(continuations: Iterable[int]) -> Mapping[int, int | None]:
    """For each of the ascending indexes, the last line before it that is none of them; None: it stands before all."""
    heads: dict[int, int | None] = {}
    for index in continuations:
        before = index - 1
        heads[index] = heads.get(before, before if before >= 0 else None)
    return heads


def reaches(head: TraceHead, start: int) -> bool:
    """Whether a line that starts at `start` is near enough to have from `head`."""
    return start - head.start <= TRACE_BYTES


def kept_lines(kept: Sequence[int], decided: Mapping[int, bool]) -> Sequence[int]:
    """`kept` with the lines of `decided` in it or not as that says, ascending."""
    if not decided:
        return kept
    lines = {line for line in kept if decided.get(line, True)}
    lines.update(line for line, is_kept in decided.items() if is_kept)
    return sorted(lines)
