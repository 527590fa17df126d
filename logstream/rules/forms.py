"""Patterns, and the form in which Hyperscan finds each.

Owns what a pattern may be, what it costs, and why it is refused. Refuses to know blocks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

import hyperscan

from logstream.rules.fields import wildcard_expression
from logstream.rules.syntax import MAX_COST, PatternError, survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_DATABASE_COST: Final = 2 * MAX_COST
"""How much one database may cost. Measured: 10 of `x.{1,200}y` compile in 1.5 s together, 20 in 12 s, 50 in 49 s."""

CHEAP_COST: Final = 64
"""What costs no more is compiled within milliseconds, so that it may be done while lines wait."""

_OUTER_STARS: Final = re.compile(r"\A\*+|(?<!\\)\*+\Z")

_PLAIN: Final = re.compile(r"[\w =:/,;<>@#%&!~'\"-]*", re.ASCII)
_IN_EACH_COST: Final = 24
"""What costs no more, or is plain text, is in one state at each byte when all lines are asked at once: 0.1 us a line.
Measured: `a.{15}`, of 61, takes 1.1, and `[ab].{13}` 3.7; to be told of each line takes 0.3."""
_ANCHORS: Final = re.compile(r"[$^]|\\[bB]")
_FLAGS: Final = hyperscan.HS_FLAG_UTF8 | hyperscan.HS_FLAG_ALLOWEMPTY | hyperscan.HS_FLAG_MULTILINE

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


class Form(NamedTuple):
    """How a pattern is scanned, and whether each line found must be looked at alone."""

    expression: bytes
    flags: int
    verified: bool
    cost: int
    in_each: bytes | None = None
    """What matches a text, closed by a line feed more, if the pattern is in each of its lines; None: not asked for."""


def check_pattern(pattern: str) -> None:
    """Refuse a regular expression that cannot be used; raises PatternError with its column and reason."""
    form_of(Pattern(pattern))


def cost_of(pattern: Pattern) -> int:
    """What compiling the pattern costs, in the steps that `syntax.MAX_COST` bounds; raises PatternError."""
    return form_of(pattern).cost


def compiled(numbered: Sequence[tuple[int, Form]]) -> hyperscan.Database:
    """One database over forms and the numbers they report; raises hyperscan.error."""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[form.expression for _, form in numbered],
        ids=[number for number, _ in numbered],
        elements=len(numbered),
        flags=[form.flags for _, form in numbered],
    )
    return database


def batches(numbered: Iterable[tuple[int, Form]]) -> Iterator[list[tuple[int, Form]]]:
    """The forms in as few databases as their costs allow."""
    batch: list[tuple[int, Form]] = []
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
    sample = compiled([(0, Form(b"a", _FLAGS, verified=False, cost=0))])
    return "Version: 5.4.12" not in str(sample.info())


@lru_cache(maxsize=1024)
def form_of(pattern: Pattern) -> Form:
    """Find the fastest form that keeps the meaning; raises PatternError."""
    facts = survey(pattern.expression)
    flags = _FLAGS | hyperscan.HS_FLAG_CASELESS if pattern.caseless else _FLAGS
    # As written and first: `a)|(b` is no expression, but becomes one within the parentheses of the moved form.
    written = _spelled(pattern.expression + facts.closing)
    form = Form(written, flags, verified=not facts.line_safe, cost=facts.cost)
    is_plain = _PLAIN.fullmatch(facts.in_block) is not None
    if not is_plain:  # else it is refused in its other forms as well, if at all
        _refuse(pattern, form)
    # `[^\n]*$` moves each match to its line's end: one match a line. Where a pattern ends in `$`, nothing may follow
    # it, and its own matches tell the line.
    moved = form._replace(expression=_spelled(f"(?:{facts.in_block})[^\\n]*$"))
    if _refusal(moved) is None:
        is_small = facts.cost <= (CHEAP_COST if is_plain else _IN_EACH_COST)
        may_ask = facts.line_safe and is_small and _ANCHORS.search(facts.in_block) is None
        in_each = _spelled(rf"\A(?:[^\n]*(?:{facts.in_block})[^\n]*\n)+\n\z")
        return moved._replace(in_each=in_each) if may_ask else moved
    unmoved = form._replace(expression=_spelled(facts.in_block))
    _refuse(pattern, unmoved)
    return unmoved


def _spelled(expression: str) -> bytes:
    r"""The expression in ASCII: several releases of the binding refuse `é`, and none `\x{e9}`."""
    return "".join(map(_spelling, expression)).encode()


def _spelling(character: str) -> str:
    return character if character.isascii() else f"\\x{{{ord(character):x}}}"


def _refuse(pattern: Pattern, form: Form) -> None:
    refusal = _refusal(form)
    if refusal is not None:
        raise _explained(pattern.expression, refusal)


def _refusal(form: Form) -> str | None:
    """Hyperscan's reason not to compile the form, None when it does."""
    try:
        compiled([(0, form)])
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
