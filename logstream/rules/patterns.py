r"""Many patterns in one Hyperscan database, scanned over whole blocks of lines.

Owns the meaning of "this line matches": the pattern is found in that line taken alone. `^` and `$` are the line's start
and end, `.` is any code point; `\w`, `\d`, `\s` and `\b` know ASCII only. Refuses to know what a match is good for.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Final, NamedTuple

import hyperscan

from logstream.rules.syntax import MAX_COST, PatternError, survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_PATTERNS: Final = 1000
"""How many patterns one set may hold."""
MAX_DATABASE_COST: Final = 2 * MAX_COST
"""How much one database may cost. Measured: 10 of `x.{1,200}y` compile in 1.5 s together, 20 in 12 s, 50 in 49 s."""

_LINE_FLAGS: Final = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_ALLOWEMPTY
_BLOCK_FLAGS: Final = _LINE_FLAGS | hyperscan.HS_FLAG_MULTILINE

_CLOSING: Final = b"\n\n"

_INDEX: Final = re.compile(r",?(?: starting)?(?: at)? index (\d+)")
_PLAINER: Final = {
    "Embedded end anchors not supported": "$ can only stand at the end of the pattern or of an alternative",
    "Embedded start anchors not supported": "^ can only stand at the start of the pattern or of an alternative",
    "Pattern is too large": "the pattern is too large: use smaller counts, or * and +",
    "Pattern too large": "the pattern is too large: use smaller counts, or * and +",
}


class Pattern(NamedTuple):
    """A regular expression (Hyperscan's part of the PCRE syntax) to be found somewhere in a line."""

    expression: str
    caseless: bool = False

    @classmethod
    def of_text(cls, text: str) -> Pattern:
        """The pattern that finds exactly `text`, in upper or lower case, also of letters outside ASCII."""
        return cls(text.translate(_ESCAPES), caseless=True)


_ESCAPES: Final = str.maketrans({**{c: f"\\{c}" for c in "\\^$.[]|()?*+{}"}, "\0": "\\x00", "\n": "\\n"})


class _Form(NamedTuple):
    """How a pattern is scanned. `block` is None when only one line at a time gives the right answer."""

    block: bytes | None
    line: bytes
    caseless: bool
    verified: bool
    cost: int


def check_pattern(pattern: str) -> None:
    """Refuse a regular expression that cannot be used; raises PatternError with its column and reason."""
    _form_of(Pattern(pattern))


def cost_of(pattern: Pattern) -> int:
    """What compiling the pattern costs, in the steps that `syntax.MAX_COST` bounds; raises PatternError."""
    return _form_of(pattern).cost


class PatternSet:
    """Patterns compiled together; finds for each the lines of a block that match.

    Raises PatternError for the first pattern that cannot be used, and when there are too many.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        if len(patterns) > MAX_PATTERNS:
            reason = f"there are {len(patterns)} patterns, at most {MAX_PATTERNS} can be scanned together"
            raise PatternError(patterns[MAX_PATTERNS].expression, None, reason)
        self.patterns = tuple(patterns)
        forms = [_form_of(pattern) for pattern in self.patterns]
        self._verified = [number for number, form in enumerate(forms) if form.verified]
        self._every_line_is_verified = any(form.block is None for form in forms)
        self._blocks: list[hyperscan.Database] = []
        self._lines: list[hyperscan.Database] = []
        for batch in _batches(forms):
            self._compile_batch([(number, forms[number]) for number in batch])
        self._scanning = Lock()  # a scan lets go of the GIL, and Hyperscan's scratch space serves one at a time

    def _compile_batch(self, numbered: Sequence[tuple[int, _Form]]) -> None:
        blocks = [
            (n, form.block, _flags(_BLOCK_FLAGS, form.caseless)) for n, form in numbered if form.block is not None
        ]
        once = _LINE_FLAGS | hyperscan.HS_FLAG_SINGLEMATCH
        lines = [(n, form.line, _flags(once, form.caseless)) for n, form in numbered if form.verified]
        if blocks:
            self._blocks.append(_compile(blocks))
        if lines:
            self._lines.append(_compile(lines))

    def __repr__(self) -> str:
        return f"<PatternSet [{len(self.patterns)} patterns, {len(self._verified)} verified line by line]>"

    def scan(self, text: bytes, ends: Sequence[int]) -> list[set[int]]:
        r"""For each pattern, the indexes of the lines of `text` that match it.

        `text` is valid UTF-8, its lines parted by single `\n` without one at the end; `ends` holds the offset of
        each line's end, so that its last is `len(text)`. May be called from any thread.
        """
        if not ends:
            return [set() for _ in self.patterns]
        with self._scanning:
            found = self._scan_block(text, ends)
            if self._verified:
                self._verify(text, ends, found)
        return found

    def _scan_block(self, text: bytes, ends: Sequence[int]) -> list[set[int]]:
        stops: list[list[int]] = [[] for _ in self.patterns]

        # What this raised would be swallowed by the binding: it only appends.
        def on_match(number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            stops[number].append(stop)

        # Two line feeds close the text. `^` does not match behind one that ends it (as in PCRE), so an empty last
        # line needs the first; without the second Hyperscan 5.4 misses matches in the last bytes, such as
        # `^a?b` in a last line `b` after 40 others.
        for database in self._blocks:
            database.scan(text + _CLOSING, match_event_handler=on_match)
        line_at = partial(bisect_left, ends)
        lines = [set(map(line_at, set(found))) for found in stops]
        for found in lines:
            found.discard(len(ends))
        return lines

    def _verify(self, text: bytes, ends: Sequence[int], found: list[set[int]]) -> None:
        """Replace what was found for the verified patterns by the lines that match when taken alone."""
        candidates: Iterable[int] = range(len(ends))
        if not self._every_line_is_verified:
            candidates = set().union(*(found[number] for number in self._verified))
        for number in self._verified:
            found[number] = set()
        line = 0

        def on_match(number: int, _start: int, _stop: int, _flags: int, _context: object) -> None:
            found[number].add(line)

        for line in candidates:
            start = ends[line - 1] + 1 if line else 0
            for database in self._lines:
                database.scan(text[start : ends[line]], match_event_handler=on_match)


def _flags(base: int, caseless: bool) -> int:  # noqa: FBT001 - a pattern's own field
    return base | hyperscan.HS_FLAG_CASELESS if caseless else base


def _compile(expressions: Sequence[tuple[int, bytes, int]]) -> hyperscan.Database:
    """One database over (number, expression, flags); raises hyperscan.error."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    numbers, sources, flags = zip(*expressions, strict=True)
    database.compile(expressions=sources, ids=numbers, elements=len(numbers), flags=flags)
    return database


def _batches(forms: Sequence[_Form]) -> Iterator[list[int]]:
    """The numbers of the forms, in as few batches as keep to the cost of one database."""
    batch: list[int] = []
    cost = 0
    for number, form in enumerate(forms):
        if batch and cost + form.cost > MAX_DATABASE_COST:
            yield batch
            batch, cost = [], 0
        batch.append(number)
        cost += form.cost
    if batch:
        yield batch


@lru_cache(maxsize=1024)
def _form_of(pattern: Pattern) -> _Form:
    """Find the fastest form that keeps the meaning; raises PatternError."""
    facts = survey(pattern.expression)
    line = (pattern.expression + facts.closing).encode()
    # Alone and first: `a)|(b` is no expression, but becomes one within the parentheses of the block form.
    refusal = _refusal(line, _flags(_LINE_FLAGS, pattern.caseless))
    if refusal is not None:
        raise _explained(pattern.expression, refusal)
    if not facts.alone:
        # `[^\n]*$` moves each match to its line's end: one match a line. Where a pattern ends in `$`, nothing may
        # follow it, and its own matches tell the line.
        for block in (b"(?:" + line + b")[^\\n]*$", line):
            if _refusal(block, _flags(_BLOCK_FLAGS, pattern.caseless)) is None:
                return _Form(block, line, pattern.caseless, not facts.line_safe, facts.cost)
    return _Form(None, line, pattern.caseless, verified=True, cost=facts.cost)


def _refusal(expression: bytes, flags: int) -> str | None:
    """Hyperscan's reason not to compile `expression`, None when it does."""
    try:
        _compile([(0, expression, flags)])
    except hyperscan.error as error:
        return str(error)
    return None


def _explained(expression: str, refusal: str) -> PatternError:
    """Hyperscan's words, its byte index turned into a column of characters."""
    place = _INDEX.search(refusal)
    column = None
    if place is not None:
        column = _column_at(expression, int(place[1]))
    reason = _INDEX.sub("", refusal).strip().rstrip(".")
    return PatternError(expression, column, _PLAINER.get(reason, reason[:1].lower() + reason[1:]))


def _column_at(expression: str, index: int) -> int:
    r"""The column of an index into what Hyperscan reads, which has each character outside ASCII as `\x{e9}`."""
    for column, character in enumerate(expression, start=1):
        index -= 1 if character.isascii() else len(f"\\x{{{ord(character):x}}}")
        if index < 0:
            return column
    return len(expression) + 1
