"""What is wrong with a query, with its column and what was expected there.

Owns the error alone. Refuses to know the language.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from logstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN_CHARACTERS: Final = 40


class Mistake(StrEnum):
    """What is wrong, for programs: they find their own words for it."""

    DASH_ALONE = "dash_alone"
    DASH_TWICE = "dash_twice"
    QUOTE_OPEN = "quote_open"
    QUOTE_EMPTY = "quote_empty"
    REGEX_OPEN = "regex_open"
    REGEX_EMPTY = "regex_empty"
    REGEX_FLAGS = "regex_flags"
    REGEX_UNUSABLE = "regex_unusable"
    REGEX_COST = "regex_cost"
    VALUE_MISSING = "value_missing"
    NOT_TEXT = "not_text"
    TEXT_UNUSABLE = "text_unusable"
    LEVEL = "level"
    TIME = "time"
    NUMBER = "number"
    PATH_LONG = "path_long"
    QUERY_LONG = "query_long"
    TERM_LONG = "term_long"
    TERM_MISSING = "term_missing"
    TOO_MANY_TERMS = "too_many_terms"
    TOO_DEEP = "too_deep"
    PARENTHESIS_OPEN = "parenthesis_open"
    PARENTHESIS_ALONE = "parenthesis_alone"


class QueryError(UsageError):
    """A query that cannot be read.

    `column` counts characters from 1; `expected` and `found` say what should stand there and what does; `hint`, where
    not empty, says how to write what was probably meant. `code` and `facts` say the same to programs.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - all of it is what is wrong
        self, code: Mistake, column: int, expected: str, found: str, hint: str = "",
        facts: Mapping[str, str | int] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(code, column, expected, found, hint, facts)
        self.code = code
        self.facts = dict(facts or {})
        self.column = column
        self.expected = expected
        self.found = found
        self.hint = hint

    def __str__(self) -> str:
        """One sentence, with the column first."""
        hint = f"; {self.hint}" if self.hint else ""
        return f"column {self.column}: expected {self.expected}, found {self.found}{hint}"


def shown(text: str) -> str:
    """What was found, cut to a length that fits into an error."""
    return repr(text) if len(text) <= SHOWN_CHARACTERS else repr(text[:SHOWN_CHARACTERS] + "...")
