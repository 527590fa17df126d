"""The query language: from what a person typed to a frozen query.

    query = all ("OR" all)*          OR binds weaker than AND
    all   = term (["AND"] term)*     terms side by side are ANDed
    term  = "-" term | "(" query ")" | word | "phrase" | /regex/ | /regex/i | key:value

`-` binds most tightly: `-a b OR c` is `((-a) b) OR c`.

Owns the grammar, its limits, and the form by which equal queries share one view. Refuses to look at lines.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from logstream.rules.forms import Pattern, cost_of
from logstream.rules.lexer import Kind, Token, read_tokens
from logstream.rules.mistakes import Mistake, QueryError, shown
from logstream.rules.syntax import MAX_COST, PatternError, survey
from logstream.rules.tree import ANY_LINE, EVERYTHING, Leaf, Node, Regex, Text, Wild, every, negation, some, write

MAX_QUERY_CHARACTERS: Final = 4096
MAX_QUERY_NESTING: Final = 50
MAX_QUERY_TERMS: Final = 200
MAX_TERM_CHARACTERS: Final = 1024
"""Bound of one word, phrase or expression: ignoring the case of 4,000 letters in a row compiles for two seconds."""

_TERM_EXPECTED: Final = 'a term (word, "phrase", /regex/, key:value, -term or a parenthesis)'


class Query(NamedTuple):
    """A query that was understood.

    `canonical` is the same for queries that differ only in blanks, spare parentheses, repeated terms or the case of
    ASCII words; it is a query itself, empty for the one that selects everything.
    """

    root: Node
    canonical: str


def parse_query(text: str) -> Query:
    """Read a query; blank text selects everything. Raises QueryError with the column and what was expected there."""
    if len(text) > MAX_QUERY_CHARACTERS:
        expected = f"at most {MAX_QUERY_CHARACTERS} characters"
        facts = {"limit": MAX_QUERY_CHARACTERS}
        raise QueryError(Mistake.QUERY_LONG, MAX_QUERY_CHARACTERS + 1, expected, f"{len(text)}", facts=facts)
    root = EVERYTHING if not text.strip() else _Parser(text).parse()
    if root == ANY_LINE:
        root = EVERYTHING
    return Query(root, write(root))


class _Parser:
    """Recursive descent over the tokens, one ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = read_tokens(text)
        self._next = next(self._tokens)
        self._open: list[Token] = []
        self._terms = 0
        self._cost = 0

    def parse(self) -> Node:
        """The whole query; raises QueryError."""
        root = self._either()
        if self._next.kind is Kind.CLOSE:
            expected = "a term, OR or the end"
            raise QueryError(Mistake.PARENTHESIS_ALONE, self._next.column, expected, "')' that nothing opens")
        return root

    def _take(self) -> Token:
        token = self._next
        if token.kind is not Kind.END:
            self._next = next(self._tokens)
        return token

    def _either(self) -> Node:
        terms = [self._all()]
        while self._next.kind is Kind.OR:
            self._take()
            terms.append(self._all())
        return some(terms)

    def _all(self) -> Node:
        terms = [self._term()]
        while self._next.kind in {Kind.AND, Kind.LEAF, Kind.MINUS, Kind.OPEN}:
            if self._next.kind is Kind.AND:
                self._take()
            terms.append(self._term())
        return every(terms)

    def _term(self) -> Node:
        token = self._take()
        if token.kind is Kind.MINUS:
            return negation(self._term())
        if token.kind is Kind.OPEN:
            return self._parenthesis(token)
        if token.leaf is None:
            found = shown(token.written) if token.written else token.kind.value
            raise QueryError(Mistake.TERM_MISSING, token.column, _TERM_EXPECTED, found)
        self._count(token)
        return _folded(token.leaf)

    def _parenthesis(self, opening: Token) -> Node:
        if len(self._open) == MAX_QUERY_NESTING:
            expected = f"at most {MAX_QUERY_NESTING} open parentheses"
            raise QueryError(Mistake.TOO_DEEP, opening.column, expected, "one more", facts={"limit": MAX_QUERY_NESTING})
        self._open.append(opening)
        inner = self._either()
        closing = self._take()
        if closing.kind is not Kind.CLOSE:
            expected = f"a ) for the ( in column {opening.column}"
            facts = {"opened": opening.column}
            raise QueryError(Mistake.PARENTHESIS_OPEN, closing.column, expected, closing.kind.value, facts=facts)
        self._open.pop()
        return inner

    def _count(self, token: Token) -> None:
        """Hold the limits on terms and on what compiling them costs."""
        self._terms += 1
        if self._terms > MAX_QUERY_TERMS:
            expected = f"at most {MAX_QUERY_TERMS} terms"
            raise QueryError(
                Mistake.TOO_MANY_TERMS, token.column, expected, "one more", facts={"limit": MAX_QUERY_TERMS}
            )
        if len(token.written) > MAX_TERM_CHARACTERS:
            expected = f"at most {MAX_TERM_CHARACTERS} characters a term"
            facts = {"limit": MAX_TERM_CHARACTERS}
            raise QueryError(Mistake.TERM_LONG, token.column, expected, f"{len(token.written)}", facts=facts)
        match token.leaf:
            case Regex(expression, caseless):
                self._cost += cost_of(Pattern(expression, caseless=caseless))
                if self._cost > MAX_COST:
                    found = f"{self._cost} with {shown(token.written)}"
                    expected = f"expressions that unfold to at most {MAX_COST} steps"
                    raise QueryError(Mistake.REGEX_COST, token.column, expected, found, facts={"limit": MAX_COST})
            case Text(text):
                self._check(token, Pattern.of_text(text))
            case Wild(wild):
                self._check(token, Pattern.of_wild(wild))

    def _check(self, token: Token, pattern: Pattern) -> None:
        try:
            survey(pattern.expression)
        except PatternError as error:
            expected = "a text to look for"
            facts = {"reason": error.reason}
            raise QueryError(
                Mistake.TEXT_UNUSABLE, token.column, expected, shown(token.written), error.reason, facts
            ) from error


def _folded(leaf: Leaf) -> Leaf:
    # Only ASCII: folding what lies outside of it is left to Hyperscan, or two foldings would have to agree.
    return Text(leaf.text.lower()) if isinstance(leaf, Text) and leaf.text.isascii() else leaf
