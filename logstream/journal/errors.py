"""What can go wrong with the state on its disk. Owns the words; who raises them knows the facts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.errors import LogstreamError, UsageError

if TYPE_CHECKING:
    from pathlib import Path


class JournalError(LogstreamError):
    """The journal could not be written or read; `cause` says why."""

    def __init__(self, path: Path, cause: Exception) -> None:
        """Remember the file and what SQLite or the system said."""
        super().__init__(path, cause)
        self.path = path
        self.cause = cause

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.path}: {self.cause}"


class StateUnusableError(UsageError):
    """The state directory cannot be used as it is."""

    def __init__(self, directory: Path, reason: str, remedy: str, *, is_passing: bool = False) -> None:
        """Remember the directory, what is wrong with it, what to do, and whether it may go away by itself."""
        super().__init__(directory, reason, remedy)
        self.is_passing = is_passing
        self.directory = directory
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        """One line for people."""
        return f"state directory {self.directory}: {self.reason}; {self.remedy}"
