"""Whether nothing has happened to a path, told by one stat: nearly all looks at thousands of quiet files end here.

Owns no state, and refuses to find out what has happened: whatever is not sure is polled.
"""

# ruff: noqa: PTH116 - asked for each file in each sweep: a Path object costs more than the stat

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.vacancy import is_still_vacant

if TYPE_CHECKING:
    from logstream.tail.lineage import Lineage
    from logstream.tail.turn import Turn


def is_still(lineage: Lineage, turn: Turn) -> bool:
    """Whether the lineage's one file has its path, and is as it was when all of it had been read; or none may be there.

    That is, those that are waited for are not there, nor their directories.
    """
    live = lineage.live
    if live is None:
        return is_still_vacant(lineage, turn)
    if lineage.awaited is not None and turn.now >= lineage.awaited.next_look:
        return False
    if len(lineage.readers) > 1 or lineage.absent_since is not None or live.is_unfinished:
        return False
    try:
        seen = os.stat(lineage.path)
    except OSError:
        return False
    if (seen.st_dev, seen.st_ino) != live.inode or not live.is_settled(seen):
        return False
    live.seen_time, lineage.last_mtime_ns = turn.time, seen.st_mtime_ns
    return True
