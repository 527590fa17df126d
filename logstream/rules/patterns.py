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

from logstream.rules.fields import wildcard_expression
from logstream.rules.syntax import MAX_COST, PatternError, survey

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

MAX_PATTERNS: Final = 1000
"""How many patterns one set may hold."""
MAX_DATABASE_COST: Final = 2 * MAX_COST
"""How much one database may cost. Measured: 10 of `x.{1,200}y` compile in 1.5 s together, 20 in 12 s, 50 in 49 s."""

_CHEAP_COST: Final = 64
"""What costs no more is compiled within milliseconds, so that it may be done while lines wait."""

_OUTER_STARS: Final = re.compile(r"\A\*+|(?<!\\)\*+\Z")

_FLAGS: Final = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_ALLOWEMPTY | hyperscan.HS_FLAG_MULTILINE

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

    @classmethod
    def of_wild(cls, wild: str) -> Pattern:
        """The pattern of a word with `*` and `?` in it, in upper or lower case."""
        shape = _OUTER_STARS.sub("", wild)
        expression = wildcard_expression(
            shape, any_text=".*", any_character=".", escape=lambda text: text.translate(_ESCAPES)
        )
        return cls(expression or "^", caseless=True)


_ESCAPES: Final = str.maketrans({**{c: f"\\{c}" for c in "\\^$.[]|()?*+{}"}, "\0": "\\x00", "\n": "\\n"})


class _Form(NamedTuple):
    """How a pattern is scanned, and whether each line found must be looked at alone."""

    expression: bytes
    flags: int
    verified: bool
    cost: int


def check_pattern(pattern: str) -> None:
    """Refuse a regular expression that cannot be used; raises PatternError with its column and reason."""
    _form_of(Pattern(pattern))


def cost_of(pattern: Pattern) -> int:
    """What compiling the pattern costs, in the steps that `syntax.MAX_COST` bounds; raises PatternError."""
    return _form_of(pattern).cost


class Scanned:
    """What has been found in one block, for those who look for the same in it later."""

    def __init__(self, wanted: Container[Pattern]) -> None:
        """Nothing is known; what is found of patterns among `wanted` will be."""
        self.wanted = wanted
        self.lines: dict[Pattern, set[int]] = {}


class PatternSet:
    """Patterns compiled together; finds for each the lines of a block that match.

    Raises PatternError for the first pattern that cannot be used, and when there are too many.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        if len(patterns) > MAX_PATTERNS:
            reason = f"there are {len(patterns)} patterns, at most {MAX_PATTERNS} can be scanned together"
            raise PatternError(patterns[MAX_PATTERNS].expression, None, reason)
        self.patterns = tuple(patterns)
        self._forms = forms = [_form_of(pattern) for pattern in self.patterns]
        self._verified = [number for number, form in enumerate(forms) if form.verified]
        self._alone: dict[int, hyperscan.Database] = {}
        self._blocks = [([number for number, _ in batch], _compile(batch)) for batch in _batches(enumerate(forms))]
        self._lines = [
            ([number for number, _ in batch], _compile(batch))
            for batch in _batches((number, forms[number]) for number in self._verified)
        ]
        self._scanning = Lock()  # a scan lets go of the GIL, and Hyperscan's scratch space serves one at a time

    def __repr__(self) -> str:
        return f"<PatternSet [{len(self.patterns)} patterns, {len(self._verified)} verified line by line]>"

    def scan(self, text: bytes, ends: Sequence[int], scanned: Scanned | None = None) -> list[set[int]]:
        r"""For each pattern, the indexes of the lines of `text` that match it.

        `text` is valid UTF-8, its lines parted by single `\n` without one at the end; `ends` holds the offset of
        each line's end, so that its last is `len(text)`. May be called from any thread; with `scanned`, which is of
        the same text, from one at a time.
        """
        if not ends:
            return [set() for _ in self.patterns]
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

    def _scan_block(self, text: bytes, ends: Sequence[int], known: Container[Pattern]) -> list[set[int]]:
        stops: list[list[int]] = [[] for _ in self.patterns]

        # What this raised would be swallowed by the binding: it only appends.
        def on_match(number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            stops[number].append(stop)

        # Two line feeds close the text. `^` does not match behind one that ends it (as in PCRE), so an empty last
        # line needs the first; without the second Vectorscan 5.4.12 misses matches in the last bytes.
        for database in self._databases(known):
            database.scan(text + _CLOSING, match_event_handler=on_match)
        line_at = partial(bisect_left, ends)
        lines = [set(map(line_at, set(found))) for found in stops]
        for found in lines:
            found.discard(len(ends))
        return lines

    def _databases(self, known: Container[Pattern]) -> Iterator[hyperscan.Database]:
        """What has to be scanned: where some of a database's patterns are known, each of the others by itself."""
        for numbers, database in self._blocks:
            missing = [number for number in numbers if self.patterns[number] not in known]
            if len(missing) == len(numbers) or any(self._forms[number].cost > _CHEAP_COST for number in missing):
                yield database
                continue
            for number in missing:
                if number not in self._alone:
                    self._alone[number] = _compile([(number, self._forms[number])])
                yield self._alone[number]

    def _verify(self, text: bytes, ends: Sequence[int], found: list[set[int]], known: Container[Pattern]) -> None:
        """Replace what was found for the verified patterns by the lines that match when taken alone."""
        line = length = 0

        def on_match(number: int, _start: int, stop: int, _flags: int, _context: object) -> None:
            if stop <= length:
                found[number].add(line)

        for numbers, database in self._lines:
            if all(self.patterns[number] in known for number in numbers):
                continue
            candidates = set().union(*(found[number] for number in numbers))
            for number in numbers:
                found[number] = set()
            for line in candidates:
                start = ends[line - 1] + 1 if line else 0
                length = ends[line] - start
                database.scan(text[start : ends[line]] + _CLOSING, match_event_handler=on_match)


def _compile(numbered: Sequence[tuple[int, _Form]]) -> hyperscan.Database:
    """One database over forms and the numbers they report; raises hyperscan.error."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[form.expression for _, form in numbered],
        ids=[number for number, _ in numbered],
        elements=len(numbered),
        flags=[form.flags for _, form in numbered],
    )
    return database


def _batches(numbered: Iterable[tuple[int, _Form]]) -> Iterator[list[tuple[int, _Form]]]:
    """The forms in as few databases as their costs allow."""
    batch: list[tuple[int, _Form]] = []
    cost = 0
    for number, form in numbered:
        if batch and (cost + form.cost > MAX_DATABASE_COST or not _may_share_a_database()):
            yield batch
            batch, cost = [], 0
        batch.append((number, form))
        cost += form.cost
    if batch:
        yield batch


@lru_cache(maxsize=1)
def _may_share_a_database() -> bool:
    r"""Whether the engine finds with many patterns in one database what it finds with each in its own.

    Vectorscan 5.4.12 (in hyperscan 0.7.9 to 0.9.1) does not: where several patterns match at one offset it loses some,
    as `Ä{0,2}\d$` beside `Äb`. Measured against `re`: 5 verdicts in some 16 million are lost; 5.4.11: none in 44.
    """
    sample = _compile([(0, _Form(b"a", _FLAGS, verified=False, cost=0))])
    return "Version: 5.4.12" not in str(sample.info())


@lru_cache(maxsize=1024)
def _form_of(pattern: Pattern) -> _Form:
    """Find the fastest form that keeps the meaning; raises PatternError."""
    facts = survey(pattern.expression)
    flags = _FLAGS | hyperscan.HS_FLAG_CASELESS if pattern.caseless else _FLAGS
    # As written and first: `a)|(b` is no expression, but becomes one within the parentheses of the moved form.
    written = _spelled(pattern.expression + facts.closing)
    form = _Form(written, flags, verified=not facts.line_safe, cost=facts.cost)
    _refuse(pattern, form)
    # `[^\n]*$` moves each match to its line's end: one match a line. Where a pattern ends in `$`, nothing may follow
    # it, and its own matches tell the line.
    moved = form._replace(expression=_spelled(f"(?:{facts.in_block})[^\\n]*$"))
    if _refusal(moved) is None:
        return moved
    unmoved = form._replace(expression=_spelled(facts.in_block))
    _refuse(pattern, unmoved)
    return unmoved


def _spelled(expression: str) -> bytes:
    r"""The expression in ASCII: several releases of the binding refuse `é`, and none `\x{e9}`."""
    return "".join(map(_spelling, expression)).encode()


def _spelling(character: str) -> str:
    return character if character.isascii() else f"\\x{{{ord(character):x}}}"


def _refuse(pattern: Pattern, form: _Form) -> None:
    refusal = _refusal(form)
    if refusal is not None:
        raise _explained(pattern.expression, refusal)


def _refusal(form: _Form) -> str | None:
    """Hyperscan's reason not to compile the form, None when it does."""
    try:
        _compile([(0, form)])
    except hyperscan.error as error:
        return str(error)
    return None


def _explained(expression: str, refusal: str) -> PatternError:
    """Hyperscan's words, its index turned into a column."""
    place = _INDEX.search(refusal)
    column = None
    if place is not None:
        column = _column_at(expression, int(place[1]))
    reason = _INDEX.sub("", refusal).strip().rstrip(".")
    return PatternError(expression, column, _PLAINER.get(reason, reason[:1].lower() + reason[1:]))


def _column_at(expression: str, index: int) -> int:
    """The column of an index into the expression as it was spelled for Hyperscan."""
    for column, character in enumerate(expression, start=1):
        index -= len(_spelling(character))
        if index < 0:
            return column
    return len(expression) + 1
