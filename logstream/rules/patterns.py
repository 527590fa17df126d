r"""Many patterns in one Hyperscan database, scanned over whole blocks of lines.

Owns the meaning of "this line matches": the pattern is found in that line taken alone. `^` and `$` are the line's start
and end, `.` is any code point; `\w`, `\d`, `\s` and `\b` know ASCII only. Refuses to know what a match is good for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from logstream.rules.bitmaps import all_lines, bitmap, bitmap_of_places, indexes_of
from logstream.rules.everywhere import Everywhere
from logstream.rules.forms import CHEAP_COST, batches, compiled, form_of
from logstream.rules.scanning import CLOSING, Scanner
from logstream.rules.syntax import PatternError

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    import hyperscan

    from logstream.rules.bitmaps import Lines
    from logstream.rules.forms import Pattern

MAX_PATTERNS: Final = 1000
"""How many patterns one set may hold."""
_FEW_STOPS: Final = 32
"""So many are looked up one by one in less time than it takes to make an array of all line ends."""


Ends = Sequence[int] | NDArray[np.integer]
"""Where the lines of a text end."""


class Scanned:
    """What has been found in one block, for those who look for the same in it later."""

    def __init__(self, wanted: Container[Pattern]) -> None:
        """Nothing is known; what is found of patterns among `wanted` will be."""
        self.wanted = wanted
        self.lines: dict[Pattern, Lines] = {}


class PatternSet:
    """Patterns compiled together; finds for each the lines of a block that match.

    Raises PatternError for the first pattern that cannot be used, and when there are too many.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        if len(patterns) > MAX_PATTERNS:
            reason = f"there are {len(patterns)} patterns, at most {MAX_PATTERNS} can be scanned together"
            raise PatternError(patterns[MAX_PATTERNS].expression, None, reason)
        self.patterns = tuple(patterns)
        self._forms = forms = [form_of(pattern) for pattern in self.patterns]
        self._verified = [number for number, form in enumerate(forms) if form.verified]
        self._alone: dict[int, hyperscan.Database] = {}
        self._blocks = [([number for number, _ in batch], compiled(batch)) for batch in batches(enumerate(forms))]
        self._everywhere = Everywhere(forms)
        self._scanner = Scanner([database for _, database in self._blocks])
        self._lines = [
            ([number for number, _ in batch], compiled(batch))
            for batch in batches((number, forms[number]) for number in self._verified)
        ]
        self._scanning = Lock()  # a scan lets go of the GIL, and Hyperscan's scratch space serves one at a time

    def __repr__(self) -> str:
        return f"<PatternSet [{len(self.patterns)} patterns, {len(self._verified)} verified line by line]>"

    @property
    def are_exact(self) -> bool:
        """Whether each line that has a stop matches."""
        return not self._verified

    def scan(self, text: bytes, ends: Ends, scanned: Scanned | None = None) -> list[Lines]:
        r"""For each pattern, the lines of `text` that match it.

        `text` is valid UTF-8, its lines parted by single `\n` without one at the end; `ends` holds the offset of
        each line's end, so that its last is `len(text)`. May be called from any thread; with `scanned`, which is of
        the same text, from one at a time.
        """
        if not len(ends):
            return [0] * len(self.patterns)
        known = {} if scanned is None else scanned.lines
        if self.patterns and all(pattern in known for pattern in self.patterns):
            return [known[pattern] for pattern in self.patterns]
        with self._scanning:
            found = self._scan_block(text, ends, known)
            if self._verified:
                self._verify(text, ends, found, known)
        if scanned is None:
            return found
        for pattern, lines in zip(self.patterns, found, strict=True):
            if pattern in scanned.wanted:
                known.setdefault(pattern, lines)
        return [known.get(pattern, lines) for pattern, lines in zip(self.patterns, found, strict=True)]

    def stops(self, content: bytes, end: int, *, only_first: bool = False) -> list[int]:
        r"""Ascending offsets in the first `end` bytes of `content`, which are whole lines with their `\n`.

        Each line that matches one of the patterns has one of them in it or at its end; a line that has one need not
        match. `content` is valid UTF-8. With `only_first` it is enough to know of one. May be called from any thread.
        """
        return self._scanner.stops(content, end, only_first=only_first)

    def _scan_block(self, text: bytes, ends: Ends, known: Container[Pattern]) -> list[Lines]:
        stops: list[list[int]] = [[] for _ in self.patterns]
        appends = [found.append for found in stops]

        # What this raised would be swallowed by the binding: it only appends.
        def on_match(number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            appends[number](stop)

        closed = text + CLOSING
        everywhere: set[int] = set()
        for database in self._databases(known, closed, len(ends), everywhere):
            database.scan(closed, match_event_handler=on_match)
        lines = _lines_at(stops, ends)
        for number in everywhere:
            lines[number] = all_lines(len(ends))
        self._everywhere.note(lines, len(ends))
        return lines

    def _databases(
        self, known: Container[Pattern], closed: bytes, line_count: int, everywhere: set[int]
    ) -> Iterator[hyperscan.Database]:
        """What has to be scanned: where some of a database's patterns are known, each of the others by itself.

        Those that are seen at once to be in each line are added to `everywhere`.
        """
        for numbers, database in self._blocks:
            missing = [number for number in numbers if self.patterns[number] not in known]
            everywhere |= self._everywhere.among(missing, closed, line_count)
            missing = [number for number in missing if number not in everywhere]
            if len(missing) == len(numbers) or any(self._forms[number].cost > CHEAP_COST for number in missing):
                yield database
                continue
            for number in missing:
                if number not in self._alone:
                    self._alone[number] = compiled([(number, self._forms[number])])
                yield self._alone[number]

    def _verify(self, text: bytes, ends: Ends, found: list[Lines], known: Container[Pattern]) -> None:
        """Replace what was found for the verified patterns by the lines that match when taken alone."""
        length = 0
        matched: set[int] = set()

        def on_match(number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            if stop <= length:
                matched.add(number)

        for numbers, database in self._lines:
            if all(self.patterns[number] in known for number in numbers):
                continue
            candidates = 0
            for number in numbers:
                candidates |= found[number]
            verified: dict[int, list[int]] = {number: [] for number in numbers}
            for line in indexes_of(candidates):
                start = ends[line - 1] + 1 if line else 0
                length = ends[line] - start
                matched.clear()
                database.scan(text[start : ends[line]] + CLOSING, match_event_handler=on_match)
                for number in matched:
                    verified[number].append(line)
            for number in numbers:
                found[number] = bitmap_of_places(verified[number], len(ends))


def _lines_at(stops: Sequence[Sequence[int]], ends: Ends) -> list[Lines]:
    """In which lines the stops of each pattern lie, of lines that end at `ends`; what is behind them lies in none."""
    count = len(ends)
    within = all_lines(count)
    if not isinstance(ends, np.ndarray):
        if sum(map(len, stops)) <= _FEW_STOPS:
            return [bitmap({bisect_left(ends, stop) for stop in found}) & within for found in stops]
        ends = np.array(ends)
    return [bitmap_of_places(ends.searchsorted(found), count + 1) & within if found else 0 for found in stops]
