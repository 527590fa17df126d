"""What a user's regular expression says, read before Hyperscan sees it.

Owns the error for a refused pattern, the constructs that are refused by name, and the facts about a pattern on which
its way of scanning rests. Refuses to check the whole grammar: what is left malformed, Hyperscan finds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PATTERN_CHARACTERS: Final = 8192  # a query's longest phrase with each character escaped
MAX_COST: Final = 4096
"""Bound of `Survey.cost`. Measured: what stays below compiles within a second or two; `(.{50,1000}b){5}` takes four."""
MAX_NESTING: Final = 12
"""Bound of groups within groups: the time to compile `(a(a(a...)*)*)*` doubles with each (30 deep: minutes)."""

_ASCII_COST: Final = 1
_CLASS_COST: Final = 4  # `.`, a class, a letter of several bytes: in UTF-8 a handful of states
_BOUNDARY_COST: Final = 20  # \b splits every state next to it
_OPTIONAL_COST: Final = 2  # times the number of optional parts so far: 31 of `.?` are allowed, and compile in 0.3 s
_PROPERTY_COST: Final = 1000  # \p{L}: several hundred ranges of one to four bytes each
_COST_CEILING: Final = 10**9  # nested repeats multiply to numbers too long to print

_SHOWN_CHARACTERS: Final = 80


class PatternError(UsageError):
    """A regular expression that cannot be used.

    `column` counts characters of `pattern` from 1, None when it is not known; `reason` is fit for people.
    """

    def __init__(self, pattern: str, column: int | None, reason: str) -> None:
        super().__init__(pattern, column, reason)
        self.pattern = pattern
        self.column = column
        self.reason = reason

    def __str__(self) -> str:
        """One line: the pattern (cut), the column where known, and the reason."""
        shown = self.pattern if len(self.pattern) <= _SHOWN_CHARACTERS else self.pattern[:_SHOWN_CHARACTERS] + "..."
        where = "" if self.column is None else f", column {self.column}"
        return f"pattern {shown!r}{where}: {self.reason}"


class Survey(NamedTuple):
    """Facts about a pattern that decide how it may be scanned."""

    line_safe: bool
    """True when no part of the pattern can match a line feed, so that a match never reaches into another line."""
    closing: str
    r"""What ends a `(?x)` comment or a `\Q` still open at the end, so that something may be appended."""
    in_block: str
    r"""The pattern for a text of many lines: `\A`, `\z` and `\Z` as `^` and `$`, no `(?-m)`, and closed."""
    cost: int
    """Steps of the automaton with all bounded repeats written out, weighted: grows with the time to compile."""


_TOKEN: Final = re.compile(
    r"""
      (?P<quote>  \\Q (?P<quoted>.*?) (?P<unquote>\\E|\Z) )
    | (?P<property> \\[pP] (?: \{\^?\w+\} | \w )? )
    | (?P<code>   \\x (?: \{(?P<long>[0-9a-fA-F]{1,8})\} | (?P<short>[0-9a-fA-F]{0,2}) ) )
    | (?P<escape> \\ (?P<escaped>.) )
    | (?P<class>  \[ (?P<negated>\^?) (?P<members> \]? (?: \[:\^?\w+:\] | \\. | [^\]\\] )* ) \] )
    | (?P<remark> \(\?\# [^)]* \) )
    | (?P<flags>  \(\? (?P<on>[imsx]*) (?: - (?P<off>[imsx]*) )? (?P<scope>[:)]) )
    | (?P<open>   \( (?: \?P?<\w+> | \?'\w+' )? )
    | (?P<close>  \) )
    | (?P<repeat> [*+?] | \{ (?P<least>\d{1,9}) (?: , (?P<most>\d{0,9}) )? \} )
    | (?P<plain>  . )
    """,
    re.VERBOSE | re.DOTALL,
)

_REFUSED: Final = tuple(
    (re.compile(construct), words)
    for construct, words in (
        (r"\(\?=", "look-ahead (?=...) is not supported: match both parts in order, or use two terms"),
        (r"\(\?!", "negative look-ahead (?!...) is not supported: use a second term with -, or a drop rule"),
        (r"\(\?<=", "look-behind (?<=...) is not supported: match what stands before as well"),
        (r"\(\?<!", "negative look-behind (?<!...) is not supported: use \\b, or a second term with -"),
        (r"\(\?>", "an atomic group (?>...) is not supported, nor needed in linear time: use (?:...)"),
        (r"\(\?P=|\\[1-9]|\\k[<{']|\\g", "a back-reference is not supported: write out what is repeated"),
        (r"\(\?(?:R|&|P>|[+-]?\d)", "a call of a group is not supported: write the group out"),
        (r"\(\?\(", "a conditional group is not supported: write both cases as (?:a|b)"),
        (r"\(\?\|", "a branch reset (?|...) is not supported: use (?:...)"),
        (r"\(\?C", "a callout is not supported: leave it out"),
        (r"\(\*", "a control verb (*...) is not supported: leave it out"),
        (r"\\G", "\\G is not supported: use ^ for the start of the line"),
        (r"\\K", "\\K is not supported: leave it out, a line matches or it does not"),
        (r"\\R", "\\R is not supported: a line holds no line end"),
        (r"\\[XCN]", "\\X, \\C and \\N are not supported: use . for a code point"),
        (r"\\[uULl]", "\\u, \\U, \\l and \\L are not supported: write a code point as \\x{20AC}"),
    )
)
_IN_BLOCK: Final = {r"\A": "^", r"\z": "$", r"\Z": "$"}
_POSSESSIVE: Final = "a possessive repeat (a++) is not supported, nor needed in linear time: leave the + out"
# Spelled in ASCII, as Hyperscan gets it, `\é` would be `\\x{e9}`: a backslash and more.
_BEYOND_ASCII: Final = "a character outside ASCII cannot be escaped or stand between \\Q and \\E: write it bare"
_ESCAPED_BEYOND_ASCII: Final = re.compile(r"\\(?:Q.*)?[^\x00-\x7f]", re.DOTALL)

_SAFE_ESCAPES: Final = frozenset("wdShbBtfrae")
_SAFE_POSIX: Final = re.compile(r"\[:(?:alnum|alpha|blank|digit|graph|lower|print|punct|upper|word|xdigit):\]")
# A range such as [\t-z] holds the line feed; one between two printable characters does not.
_SAFE_MEMBERS: Final = re.compile(r"(?: [^\\\x00-\x1f] | \\[wdSh] | \\[^\w\s] )*", re.VERBOSE)
_SAFE_MEMBERS_WITHOUT_RANGES: Final = re.compile(
    r"(?: [^\\\x00-\x08\x0a-\x1f-] | \\[wdShtr] | \\[^\w\s-] )*", re.VERBOSE
)
_EXCLUDES_LINE_FEED: Final = re.compile(r"(?: [^\\] | \\[^ns] )* \\[ns]", re.VERBOSE | re.DOTALL)


def survey(pattern: str) -> Survey:
    """Read a pattern; raises PatternError for what is unsupported or would take too long to compile."""
    _refuse_characters(pattern)
    reading = _Reading(pattern)
    reading.run()
    if reading.cost > MAX_COST:
        reason = f"its repeats and classes unfold to {reading.cost} steps, at most {MAX_COST} are allowed"
        raise PatternError(pattern, reading.steepest_column, f"{reason}: use smaller counts, or * and +")
    in_block = "".join(reading.in_block) + reading.closing
    return Survey(line_safe=reading.line_safe, closing=reading.closing, in_block=in_block, cost=reading.cost)


def _refuse_characters(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        reason = f"it has {len(pattern)} characters, at most {MAX_PATTERN_CHARACTERS} are allowed"
        raise PatternError(pattern, None, reason)
    if "\0" in pattern:
        raise PatternError(pattern, pattern.index("\0") + 1, "a NUL character cannot stand in a pattern: write \\x00")
    try:
        pattern.encode()
    except UnicodeEncodeError as error:
        raise PatternError(pattern, error.start + 1, "a lone surrogate is no character") from error


class _Reading:
    """One pass over a pattern, token by token."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.line_safe = True
        self.closing = ""
        self.in_block: list[str] = []
        self.cost = 0
        self.steepest_column: int | None = None
        self._steepest = 0
        self._atom = 0  # cost of what a repeat would multiply
        self._optional = 0
        self._flags: frozenset[str] = frozenset()
        self._open: list[tuple[int, frozenset[str]]] = []  # cost before the parenthesis, flags to return to

    def run(self) -> None:
        """Read to the end; raises PatternError for an unsupported construct."""
        at = 0
        while at < len(self.pattern):
            if "x" in self._flags and (self.pattern[at] == "#" or self.pattern[at].isspace()):
                at = self._skip_ignored(at)
                continue
            self._refuse_construct(at)
            token = _TOKEN.match(self.pattern, at)
            if token is None:
                return  # a lone backslash at the end: Hyperscan has the words for it
            self.in_block.append(_IN_BLOCK.get(token[0], token[0]))
            self._read(token)
            at = token.end()

    def _skip_ignored(self, at: int) -> int:
        end = at + 1
        if self.pattern[at] == "#":
            end = self.pattern.find("\n", at) + 1
            if not end:
                self.closing = "\n"
                end = len(self.pattern)
        self.in_block.append(self.pattern[at:end])
        return end

    def _refuse_construct(self, at: int) -> None:
        if self.pattern[at] in "\\(":
            for construct, words in _REFUSED:
                if construct.match(self.pattern, at):
                    raise PatternError(self.pattern, at + 1, words)

    def _read(self, token: re.Match[str]) -> None:
        read = _READERS.get(token.lastgroup or "")
        if read is not None:
            read(self, token)

    def read_property(self, _token: re.Match[str]) -> None:
        self.line_safe = False
        self._add(_PROPERTY_COST)

    def read_code(self, token: re.Match[str]) -> None:
        self._character(int(token["long"] or token["short"] or "0", 16))

    def read_plain(self, token: re.Match[str]) -> None:
        if token[0] != ".":
            self._character(ord(token[0]))
            return
        self.line_safe &= "s" not in self._flags
        self._add(_CLASS_COST)

    def _character(self, code: int) -> None:
        self.line_safe &= code != ord("\n")
        self._add(_ASCII_COST if code < 0x80 else _CLASS_COST)  # noqa: PLR2004 - the end of ASCII

    def _add(self, cost: int) -> None:
        self._atom = cost
        self.cost = min(self.cost + cost, _COST_CEILING)

    def read_repeat(self, token: re.Match[str]) -> None:
        if self.pattern.startswith("+", token.end()):
            raise PatternError(self.pattern, token.end() + 1, _POSSESSIVE)
        times = max(int(token["most"] or token["least"] or 1), 1)
        added = self._atom * (times - 1)
        if token[0].startswith(("?", "{0,")):
            # Each part that may be absent lets all before it meet all behind it: 100 times `.?` compiles for minutes.
            self._optional += 1
            added += _OPTIONAL_COST * self._atom * self._optional
        if added > self._steepest:
            self._steepest = added
            self.steepest_column = token.start() + 1
        self.cost = min(self.cost + added, _COST_CEILING)
        self._atom = min(self._atom * times, _COST_CEILING)

    def read_flags(self, token: re.Match[str]) -> None:
        if token["scope"] == ":":
            self.read_open(token)
        off = token["off"] or ""
        if "m" in off:
            kept = off.replace("m", "")
            self.in_block[-1] = f"(?{token['on']}{'-' if kept else ''}{kept}{token['scope']}"
        self._flags = self._flags.union(token["on"]).difference(off)

    def read_open(self, token: re.Match[str]) -> None:
        if len(self._open) == MAX_NESTING:
            raise PatternError(self.pattern, token.start() + 1, f"groups are nested deeper than {MAX_NESTING}")
        self._open.append((self.cost, self._flags))

    def read_close(self, _token: re.Match[str]) -> None:
        if self._open:
            before, self._flags = self._open.pop()
            self._atom = self.cost - before

    def read_class(self, token: re.Match[str]) -> None:
        members = token["members"]
        escaped = _ESCAPED_BEYOND_ASCII.search(members)
        if escaped:
            raise PatternError(self.pattern, token.start("members") + escaped.start() + 1, _BEYOND_ASCII)
        self._add(_PROPERTY_COST if re.search(r"\\[pP]", members) else _CLASS_COST)
        if "\\Q" in members:  # quoting turns `\n` in a class into two characters
            self.line_safe = False
        elif token["negated"]:
            self.line_safe &= _EXCLUDES_LINE_FEED.match(members) is not None
        else:
            plain = _SAFE_POSIX.sub("", members)
            listed = _SAFE_MEMBERS.fullmatch(plain) or _SAFE_MEMBERS_WITHOUT_RANGES.fullmatch(plain)
            self.line_safe &= listed is not None and "[:" not in plain

    def read_quote(self, token: re.Match[str]) -> None:
        if not token["quoted"].isascii():
            raise PatternError(self.pattern, token.start() + 1, _BEYOND_ASCII)
        if not token["unquote"]:
            self.closing = "\\E"
        self.line_safe &= "\n" not in token["quoted"]
        self._add(_ASCII_COST * len(token["quoted"]))

    def read_escape(self, token: re.Match[str]) -> None:
        escaped = token["escaped"]
        if not escaped.isascii():
            raise PatternError(self.pattern, token.start() + 1, _BEYOND_ASCII)
        self.line_safe &= escaped in _SAFE_ESCAPES or not (escaped.isalnum() or escaped == "\n")
        letters = _BOUNDARY_COST if escaped in "bB" else _CLASS_COST
        self._add(letters if escaped.isalnum() else _ASCII_COST)


# Each kind of token with what reads it; a remark (?#...) says nothing.
_READERS: Final[dict[str, Callable[[_Reading, re.Match[str]], None]]] = {
    "quote": _Reading.read_quote,
    "property": _Reading.read_property,
    "code": _Reading.read_code,
    "escape": _Reading.read_escape,
    "class": _Reading.read_class,
    "flags": _Reading.read_flags,
    "open": _Reading.read_open,
    "close": _Reading.read_close,
    "repeat": _Reading.read_repeat,
    "plain": _Reading.read_plain,
}
