"""How bytes are put to Hyperscan: closed, and with as little done for each match as can be.

Owns what stands behind the bytes in question. Refuses to know patterns.
"""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import hyperscan

if TYPE_CHECKING:
    from collections.abc import Iterable

CLOSING: Final = b"\n\n"
"""Two line feeds close a text. `^` does not match behind one that ends it (as in PCRE), so an empty last line needs the
first; without the second Vectorscan 5.4.12 misses matches in the last bytes."""
MARGIN_BYTES: Final = 64
"""Text that goes on for so long behind the lines in question needs no closing: it would be copied for that."""


def stops_in(databases: Iterable[hyperscan.Database], content: bytes, end: int, *, only_first: bool) -> list[int]:
    """Where in the first `end` bytes matches end, ascending; only one of these places with `only_first`."""
    found: list[int] = []
    append = found.append

    # What these raised would be swallowed by the binding. Of dense matches most of the price is that of the call.
    def on_match(_number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
        append(stop)

    def on_first(_number: int, _start: int, stop: int, _flags: int, _context: object) -> bool:
        if stop < end:
            append(stop)
        return stop < end

    closed = content if len(content) - end >= MARGIN_BYTES else content[:end] + CLOSING
    with suppress(hyperscan.ScanTerminated):
        for database in databases:
            database.scan(closed, match_event_handler=on_first if only_first else on_match)
    stops = sorted(set(found))
    return stops[: bisect_left(stops, end)]
