"""The steps of an installation as values: each says what it does, in words that follow "would" and "could not".

Owns the words. Refuses to do anything: that is `doing`.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Write(NamedTuple):
    """Write a file anew, at once for whoever reads it."""

    path: Path
    text: str

    def __str__(self) -> str:
        """What it does."""
        return f"write {self.path}"


class Keep(NamedTuple):
    """Leave a file as it is."""

    path: Path

    def __str__(self) -> str:
        """What it does."""
        return f"keep {self.path} as it is"


class Copy(NamedTuple):
    """Copy the directory `source` to `target`, which is not there, without what is called as in `leave_out`."""

    source: Path
    target: Path
    leave_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What it does."""
        return f"copy {self.source} to {self.target}"


class Link(NamedTuple):
    """Make the symbolic link `path` lead to `target`, at once for whoever follows it."""

    path: Path
    target: Path

    def __str__(self) -> str:
        """What it does."""
        return f"let {self.path} lead to {self.target}"


class Remove(NamedTuple):
    """Remove a file, or a directory with all that is in it; it may be gone already."""

    path: Path

    def __str__(self) -> str:
        """What it does."""
        return f"remove {self.path}"


class Run(NamedTuple):
    """Run a command. With `may_fail` its exit code does not matter."""

    command: tuple[str, ...]
    may_fail: bool = False

    def __str__(self) -> str:
        """What it does."""
        return f"run {shlex.join(self.command)}"


Step = Write | Keep | Copy | Link | Remove | Run
