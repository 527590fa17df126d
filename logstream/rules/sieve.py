"""What a line must have in it for a query to select it, and where in many lines that is: asked of text as it was read.

Owns which terms a query cannot do without: of terms that must all hold the one that is likely the rarest, of
alternatives all. Refuses to decide about a line, and to tell of levels, types, fields, times and what is negated: none
of that is seen in text alone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from logstream.rules.tree import Every, Regex, Some, Text, Wild

if TYPE_CHECKING:
    from logstream.rules.literals import Literals
    from logstream.rules.patterns import PatternSet
    from logstream.rules.tree import Node

_MARK: Final = b"\xef\xbb\xbf"
_BUT_LITERALS: Final = re.compile(r"\\.|\[[^\]]*\]|\{[^}]*\}|.[*?]|[^\w\s]|[*?]")


class Sieve:
    """One query's. May be used from any thread."""

    def __init__(self, patterns: PatternSet, *, minds_ends: bool, literals: Literals | None = None) -> None:
        """`patterns`: one of them must match. `minds_ends`: they may tell CR LF from LF, or ask for a line's start.

        `literals` are the same, if all are words that bytes can be searched for.
        """
        self._patterns = patterns
        self._minds_ends = minds_ends
        self._literals = literals

    @property
    def tells_ends(self) -> bool:
        """Whether each of the stops is the line feed of a line, and no two of the same."""
        return self._literals is not None

    def __repr__(self) -> str:
        return f"<Sieve {self._patterns!r}>"

    def stops(self, content: bytes, end: int, *, only_first: bool = False) -> list[int] | None:
        r"""Ascending offsets of which each line that the query may select has one in it, or at its end.

        The lines are the first `end` bytes of `content`, each closed by `\n`; they begin where a line begins. None: it
        cannot be told, and any line may be selected. With `only_first` one is enough if there are any.
        """
        if self._literals is not None:
            return self._literals.stops(content, end, only_first=only_first)
        if self._minds_ends and (b"\r" in content or content.startswith(_MARK)):
            return None
        if not content.isascii():
            content = content[:end]
            try:
                content.decode()
            except UnicodeDecodeError:
                return None
        return self._patterns.stops(content, end, only_first=only_first)


def needed_terms(node: Node) -> tuple[Text | Wild | Regex, ...] | None:
    """Terms of which one at least holds for each line that the node holds for; None if there are no such terms."""
    match node:
        case Text() | Regex():
            return (node,)
        case Wild():
            return (node,) if _weight(node) else None
        case Every(terms):
            choices = [found for term in terms if (found := needed_terms(term)) is not None]
            return max(choices, key=_rarity, default=None)
        case Some(terms):
            needed: dict[Text | Wild | Regex, None] = {}
            for term in terms:
                found = needed_terms(term)
                if found is None:
                    return None
                needed.update(dict.fromkeys(found))
            return tuple(needed)
        case _:
            return None


def _rarity(terms: tuple[Text | Wild | Regex, ...]) -> tuple[float, int]:
    return min(map(_weight, terms), default=float("inf")), -len(terms)


def _weight(term: Text | Wild | Regex) -> int:
    """How many characters a line must have for the term to hold, roughly: what is longer is found less often."""
    match term:
        case Text(text):
            return len(text)
        case Wild(pattern):
            return len(re.sub(r"\\|[*?]", "", pattern))
        case Regex(expression):
            return max(map(len, re.split(r"\||\s", _BUT_LITERALS.sub(" ", expression))), default=0)
