"""How long what has lost its name is waited for: late lines, and a file elsewhere in which it goes on.

Owns the times, and whether a search could have found such a file by now. What ends then is for `endings`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.reader import Reader
    from logstream.tail.turn import Turn


class Searched(NamedTuple):
    """When a search began, and the turn in which what it found was taken in; monotonic seconds."""

    began: float
    taken_in: float


NOT_SEARCHED: Final = Searched(-math.inf, math.inf)
_NEVER_SEARCHED: Final = Searched(math.inf, -math.inf)
_LONELY_WAITS = 10
"""A file that lost its name to no other is watched so many times as long: its writer may not know of the move."""


def is_past_waiting(lineage: Lineage, reader: Reader, census: Census, turn: Turn) -> bool:
    """Whether no more lines are waited for: it has been without its name, and quiet, for long enough."""
    if not (reader.is_displaced and reader.is_drained):
        return False
    if reader.is_copy:
        return True
    quiet_seconds = turn.now - reader.grown_at
    if reader.is_deleted:
        # It may have been moved to another file system, where it would be read as a file of its own.
        is_sought = not has_been_searched(reader, census, turn, since=reader.grown_at)
        return quiet_seconds >= census.pace.deleted_wait_seconds and not is_sought
    waits = _LONELY_WAITS if lineage.live is None else 1
    return quiet_seconds >= waits * census.pace.rotate_wait_seconds


def has_been_searched(reader: Reader, census: Census, turn: Turn, since: float = -math.inf) -> bool:
    """Whether what a search of its source found, begun `since` then, has been looked at: it may have moved there."""
    searched = census.searches.get(reader.spec.name, _NEVER_SEARCHED)
    return searched.began >= since and searched.taken_in < turn.now
