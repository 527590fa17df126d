"""Which lines of a block a query selects.

Owns the order of work: what needs no look at the text first, then one scan for all text terms, and what callers must
compute (levels, event types) last and only for lines still in question. Refuses to compute those itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from weakref import WeakValueDictionary

from logstream.rules.bitmaps import bitmap, bitmap_of_places, indexes_of
from logstream.rules.conditions import glob_matches
from logstream.rules.forms import Pattern
from logstream.rules.literals import Literals, may_be_literal
from logstream.rules.patterns import PatternSet, Scanned
from logstream.rules.sieve import Sieve, needed_terms
from logstream.rules.tree import (
    EVERYTHING,
    NOTHING,
    EventIs,
    Every,
    FieldIs,
    LevelIs,
    Node,
    Not,
    Regex,
    Some,
    SourceIs,
    Text,
    TimeIs,
    Wild,
    every,
    negation,
    some,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logstream.rules.bitmaps import Lines
    from logstream.rules.facts import LineFacts
    from logstream.rules.patterns import Ends
    from logstream.rules.query import Query

_MAX_SOURCES_KEPT: Final = 1024  # specialised trees; beyond it all are made anew


_in_use: Final[WeakValueDictionary[Query, CompiledQuery]] = WeakValueDictionary()


def compile_query(query: Query) -> CompiledQuery:
    """Make a query ready to select lines; its text terms become one Hyperscan database.

    Who asks for what somebody has already gets the same: a thousand clients with one query hold one database.
    """
    compiled = _in_use.get(query)
    if compiled is None:
        compiled = _in_use[query] = CompiledQuery(query)
    return compiled


class CompiledQuery:
    """A query over blocks of lines. Selecting may be done from any thread."""

    def __init__(self, query: Query) -> None:
        self.query = query
        terms = dict.fromkeys(_text_terms(query.root))
        self._numbers = {term: number for number, term in enumerate(terms)}
        self._patterns = PatternSet([_pattern(term) for term in terms])
        self.sieve = self._sieve(needed_terms(query.root))
        """What tells of many lines at once which can be selected; None where only a look at each tells."""
        self.is_decided_by_sieve = self.sieve is not None and _is_of_terms(query.root) and self._patterns.are_exact
        """True when each line that the sieve does not hold back is selected, of those without a return."""
        self._by_source: dict[str, Node] = {}
        self.everything = query.root == EVERYTHING
        """True when each line of each source is selected without a look at it."""

    def _sieve(self, needed: tuple[Text | Wild | Regex, ...] | None) -> Sieve | None:
        if needed is None:
            return None
        is_all = set(needed) == set(self._numbers)
        patterns = self._patterns if is_all else PatternSet([_pattern(term) for term in needed])
        words = [term.text for term in needed if isinstance(term, Text) and may_be_literal(term.text)]
        literals = Literals(words) if len(words) == len(needed) else None
        return Sieve(patterns, minds_ends=any(isinstance(term, Regex) for term in needed), literals=literals)

    def __repr__(self) -> str:
        return f"<CompiledQuery {self.query.canonical!r}>"

    def select(  # noqa: PLR0913 - what is known of one block
        self,
        text: bytes,
        ends: Ends,
        *,
        source: str,
        facts: LineFacts,
        universe: Sequence[int],
        scanned: Scanned | None = None,
    ) -> list[int]:
        """The lines of `universe` (indexes, ascending) that the query selects, ascending.

        `text` and `ends` are as `PatternSet.scan` has them. `facts` are asked only when nothing cheaper has decided.
        """
        lines = bitmap_of_places(universe, len(ends))
        return list(indexes_of(self.lines(text, ends, source=source, facts=facts, universe=lines, scanned=scanned)))

    def lines(  # noqa: PLR0913 - what is known of one block
        self,
        text: bytes,
        ends: Ends,
        *,
        source: str,
        facts: LineFacts,
        universe: Lines,
        scanned: Scanned | None = None,
    ) -> Lines:
        """The same for lines as bits."""
        root = self._for_source(source)
        if root == EVERYTHING:
            return universe
        if root == NOTHING or not universe:
            return 0
        found = self._patterns.scan(text, ends, scanned) if self._numbers else []
        return _Block(self._numbers, found, facts).select(root, universe)

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """What the query looks for in the text of lines."""
        return self._patterns.patterns

    def _for_source(self, source: str) -> Node:
        root = self._by_source.get(source)
        if root is None:
            if len(self._by_source) >= _MAX_SOURCES_KEPT:
                self._by_source.clear()
            root = self._by_source[source] = _specialised(self.query.root, source)
        return root


class _Block(NamedTuple):
    """What is known of one block's lines while one query looks at them."""

    numbers: dict[Text | Wild | Regex, int]
    found: Sequence[Lines]
    facts: LineFacts

    def select(self, node: Node, lines: Lines) -> Lines:
        """Those of `lines` for which `node` holds."""
        match node:
            case Text() | Wild() | Regex():
                return lines & self.found[self.numbers[node]]
            case Not(term):
                return lines & ~self.select(term, lines)
            case Every(terms):
                for term in sorted(terms, key=_cost):
                    lines = self.select(term, lines) if lines else lines
                return lines
            case Some(terms):
                selected = 0
                for term in sorted(terms, key=_cost):
                    selected |= self.select(term, lines & ~selected)
                return selected
            case _:
                return self._known(node, lines)

    def _known(self, leaf: Node, lines: Lines) -> Lines:
        """Those of `lines` for which a term holds that callers know the answer to."""
        match leaf:
            case LevelIs(condition):
                return self.facts.level_lines(lines, condition)
            case EventIs(glob):
                return self.facts.event_lines(lines, glob)
            case FieldIs(path, test):
                return self.facts.field_lines(lines, path, test)
            case TimeIs(moment):
                return bitmap(line for line in indexes_of(lines) if moment.holds(self.facts.time_ms_of(line)))
        message = "all other terms are decided before"
        raise AssertionError(message)


def _pattern(term: Text | Wild | Regex) -> Pattern:
    match term:
        case Text(text):
            return Pattern.of_text(text)
        case Wild(wild):
            return Pattern.of_wild(wild)
        case Regex(expression, caseless):
            return Pattern(expression, caseless=caseless)


def _text_terms(node: Node) -> Iterator[Text | Wild | Regex]:
    match node:
        case Text() | Wild() | Regex():
            yield node
        case Not(term):
            yield from _text_terms(term)
        case Every(terms) | Some(terms):
            for term in terms:
                yield from _text_terms(term)


def _is_of_terms(node: Node) -> bool:
    """Whether a line is selected for one of the terms that must be in it, and for nothing else."""
    match node:
        case Text() | Wild() | Regex():
            return True
        case Some(terms):
            return all(map(_is_of_terms, terms))
        case _:
            return False


def _cost(node: Node) -> int:
    """What deciding a node asks for: sets alone, levels and types, or what a line has to be parsed for."""
    match node:
        case LevelIs() | EventIs():
            return 1
        case FieldIs() | TimeIs():
            return 2
        case Not(term):
            return _cost(term)
        case Every(terms) | Some(terms):
            return max(map(_cost, terms), default=0)
        case _:
            return 0


def _specialised(node: Node, source: str) -> Node:
    """The node with its source terms decided for one source."""
    match node:
        case SourceIs(glob):
            return EVERYTHING if glob_matches(glob, source) else NOTHING
        case Not(term):
            return negation(_specialised(term, source))
        case Every(terms):
            return every(_specialised(term, source) for term in terms)
        case Some(terms):
            return some(_specialised(term, source) for term in terms)
        case _:
            return node
