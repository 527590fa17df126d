"""What of a line made a query select it: a pattern for whoever shows the line.

Owns the gathering. It is for the eye: what re2 cannot express is not marked.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import re2

from logstream.rules.fields import wildcard_expression
from logstream.rules.forms import Pattern
from logstream.rules.tree import Every, Regex, Some, Text, Wild

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.rules.query import Query
    from logstream.rules.tree import Node

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False


def marks_of(query: Query) -> re2._Regexp | None:
    """Finds each text that the query asks for; None if it asks for none. What is negated is not looked for."""
    expressions = [expression for expression in _expressions(query.root) if _is_usable(expression)]
    return re2.compile("|".join(expressions), _OPTIONS) if expressions else None


def _expressions(node: Node) -> Iterator[str]:
    match node:
        case Every(terms) | Some(terms):
            for term in terms:
                yield from _expressions(term)
        case Text(text):
            yield _grouped(Pattern.of_text(text))
        case Wild(wild):
            # The shortest that fits: what `*` stands for is of no interest.
            shape = wild.strip("*")
            yield f"(?i:{wildcard_expression(shape, any_text='.*?', any_character='.', escape=re2.escape)})"
        case Regex(expression, caseless):
            yield _grouped(Pattern(expression, caseless=caseless))


def _grouped(pattern: Pattern) -> str:
    return f"(?i:{pattern.expression})" if pattern.caseless else f"(?:{pattern.expression})"


def _is_usable(expression: str) -> bool:
    with suppress(re2.error):
        re2.compile(expression, _OPTIONS)
        return True
    return False
