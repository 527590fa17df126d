"""What can be wrong with users, tokens and the files they are kept in. Owns the words alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


class AccessFileError(UsageError):
    """The file of users cannot be used as it is."""

    def __init__(self, path: Path, reason: str, remedy: str) -> None:
        """Remember the file, what is wrong with it, and what to do."""
        super().__init__(path, reason, remedy)
        self.path = path
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.path}: {self.reason}; {self.remedy}"


class WrongNameError(UsageError):
    """A name, or a glob over sources, holds what it must not."""

    def __init__(self, kind: str, found: str, expected: str) -> None:
        """Remember what it was to be, what it is, and what was expected."""
        super().__init__(kind, found, expected)
        self.kind = kind
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.found[:64]!r} is no {self.kind}: expected {self.expected}"


class NameTakenError(UsageError):
    """There is a user, or a token, of this name already."""

    def __init__(self, kind: str, name: str, remedy: str) -> None:
        """Remember which, and what to do instead."""
        super().__init__(kind, name, remedy)
        self.kind = kind
        self.name = name
        self.remedy = remedy

    def __str__(self) -> str:
        """One line for people."""
        return f"there is a {self.kind} {self.name} already; {self.remedy}"


class UnknownNameError(UsageError):
    """There is no user, or token, of this name."""

    def __init__(self, kind: str, name: str, known: tuple[str, ...]) -> None:
        """Remember which, and those that there are."""
        super().__init__(kind, name, known)
        self.kind = kind
        self.name = name
        self.known = known

    def __str__(self) -> str:
        """One line for people."""
        return f"there is no {self.kind} {self.name[:64]!r}; there are: {', '.join(self.known) or 'none'}"
