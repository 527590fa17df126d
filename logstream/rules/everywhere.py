"""Patterns that are in each line of a block: told at once, where Hyperscan would make a call of Python for each line.

`order`, in a log of orders, is found as often as there are lines, and to be told so costs more than to search. Instead
a block is asked as a whole whether it is lines with a match throughout: that is one answer, or none as soon as a line
comes that has no match. Owns when this is tried. Refuses to know which lines match where not all do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import hyperscan

from logstream.rules.forms import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.rules.bitmaps import Lines
    from logstream.rules.forms import Form

MOST_OTHERS: Final = 2
"""Where more patterns are left, of which none is in each line, nothing is tried: each would be looked for by itself."""
FEWEST_LINES: Final = 32
"""Of fewer lines it is as quick to be told of each."""
PAUSE: Final = 64
"""So many scans the pattern is not tried again after it was not in each line."""


class Everywhere:
    """What is known of some patterns. Used by one thread at a time."""

    def __init__(self, forms: Sequence[Form]) -> None:
        """No pattern has been seen yet."""
        self._forms = forms
        self._databases: dict[int, hyperscan.Database | None] = {}
        self._due: set[int] = set()
        self._pauses: dict[int, int] = {}

    def among(self, numbers: Sequence[int], closed: bytes, line_count: int) -> set[int]:
        """Those of the patterns that are known to be in each of the lines, which stand closed in `closed`."""
        due = self._due.intersection(numbers)
        if line_count < FEWEST_LINES or not due or len(numbers) - len(due) > MOST_OTHERS:
            return set()
        found = {number for number in due if self._is_in_each(number, closed)}
        for number in due - found:
            self._due.discard(number)
            self._pauses[number] = PAUSE
        return found

    def note(self, found: Sequence[Lines], line_count: int) -> None:
        """Take note of the lines in which each pattern was found."""
        if line_count < FEWEST_LINES:
            return
        for number, lines in enumerate(found):
            if number in self._pauses:
                self._pauses[number] -= 1
                if not self._pauses[number]:
                    del self._pauses[number]
            elif lines.bit_count() == line_count and self._forms[number].in_each is not None:
                self._due.add(number)

    def _is_in_each(self, number: int, closed: bytes) -> bool:
        database = self._database(number)
        if database is None:
            return False
        stops: list[int] = []

        def on_match(_number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            stops.append(stop)

        database.scan(closed, match_event_handler=on_match)
        return bool(stops)

    def _database(self, number: int) -> hyperscan.Database | None:
        if number not in self._databases:
            form = self._forms[number]
            try:
                expression = form.in_each or b""
                self._databases[number] = compiled([(0, form._replace(expression=expression))])
            except hyperscan.error:
                self._databases[number] = None  # asked about each line, then, as before
        return self._databases[number]
