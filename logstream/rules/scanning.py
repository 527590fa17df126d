"""How bytes are put to Hyperscan: closed, with as little done for each match as can be, in any number of threads.

Owns what stands behind the bytes in question, and the scratch space that each scan needs for itself. Refuses to know
patterns.
"""

from __future__ import annotations

from bisect import bisect_left
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

import hyperscan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CLOSING: Final = b"\n\n"
"""Two line feeds close a text. `^` does not match behind one that ends it (as in PCRE), so an empty last line needs the
first; without the second Vectorscan 5.4.12 misses matches in the last bytes."""
MARGIN_BYTES: Final = 64
"""Text that goes on for so long behind the lines in question needs no closing: it would be copied for that."""


class Scanner:
    """Databases to be scanned one after the other. A scan lets go of the GIL, and may be made from any thread."""

    def __init__(self, databases: Sequence[hyperscan.Database]) -> None:
        """Scan `databases`, whose own scratch space is not used."""
        self._databases = tuple(databases)
        self._spare: list[list[hyperscan.Scratch]] = []
        """Scratch space that no scan has now: no more than scans were made at the same time."""

    def stops(self, content: bytes, end: int, *, only_first: bool = False, most: int | None = None) -> list[int]:
        """Where in the first `end` bytes matches end, ascending; only one of these places with `only_first`.

        With `most`, it is enough to know of so many.
        """
        found: list[int] = []
        append = found.append

        # What these raised would be swallowed by the binding. Of dense matches most of the price is that of the call.
        def on_match(_number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            append(stop)

        enough = 1 if only_first else most

        def on_some(_number: int, _start: int, stop: int, _flags: int, _context: object) -> bool:
            if stop < end:
                append(stop)
            return len(found) == enough

        closed = content if len(content) - end >= MARGIN_BYTES else content[:end] + CLOSING
        handler = on_match if enough is None else on_some
        with self._scratch() as spaces, suppress(hyperscan.ScanTerminated):
            for database, space in zip(self._databases, spaces, strict=True):
                database.scan(closed, match_event_handler=handler, scratch=space)
        stops = sorted(set(found))
        return stops[: bisect_left(stops, end)]

    @contextmanager
    def _scratch(self) -> Iterator[list[hyperscan.Scratch]]:
        try:
            spaces = self._spare.pop()
        except IndexError:
            spaces = [hyperscan.Scratch(database) for database in self._databases]
        try:
            yield spaces
        finally:
            self._spare.append(spaces)
