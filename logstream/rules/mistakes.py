"""What is wrong with a query, with its column and what was expected there.

Owns the error alone. Refuses to know the language.
"""

from __future__ import annotations

from typing import Final

from logstream.errors import UsageError

SHOWN_CHARACTERS: Final = 40


class QueryError(UsageError):
    """A query that cannot be read.

    `column` counts characters from 1; `expected` and `found` say what should stand there and what does; `hint`, where
    not empty, says how to write what was probably meant.
    """

    def __init__(self, column: int, expected: str, found: str, hint: str = "") -> None:
        super().__init__(column, expected, found, hint)
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
