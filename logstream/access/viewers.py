"""Somebody who has come in, and what of the configured sources they see. Pure.

Owns what a list of globs means. Refuses to know how it was found out who somebody is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from logstream.access.users import EVERY_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

Way = Literal["anybody", "session", "token", "proxy"]
NO_SOURCE: Final = "-"
"""A glob that no source's name matches: names begin with a letter or digit."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks. `proof` is what it rested on that they came in, `ends_seconds` when that ends (epoch)."""

    way: Way
    name: str | None
    sources: tuple[str, ...]
    proof: str = field(default="", repr=False)
    session: str = field(default="", repr=False)
    """The session's own random name."""
    ends_seconds: float | None = None

    @property
    def sees_everything(self) -> bool:
        """Whether nothing is hidden: one glob that is met by each source there will ever be."""
        return EVERY_SOURCE[0] in self.sources


ANYBODY: Final = Viewer("anybody", None, EVERY_SOURCE)
"""Whoever comes where nobody is asked who they are."""


class SourceScope(NamedTuple):
    """The sources that somebody sees, by name. `is_whole`: none is hidden, nor will one be that is configured later."""

    names: tuple[str, ...]
    is_whole: bool

    def selected(self, globs: Sequence[str]) -> tuple[str, ...]:
        """What is looked at when `globs` are asked for (none: all): globs again, which lead to nothing that is hidden.

        Where something is hidden these are names, and never none of them: that would mean everything.
        """
        if self.is_whole:
            return tuple(sorted(set(globs)))
        named = [name for name in self.names if not globs or any(fnmatchcase(name, glob) for glob in globs)]
        return tuple(sorted(named)) or (NO_SOURCE,)


def everything(names: Sequence[str]) -> SourceScope:
    """All sources."""
    return SourceScope(tuple(names), is_whole=True)


def scope_of(viewer: Viewer, names: Sequence[str]) -> SourceScope:
    """What of the configured sources `names` the viewer sees."""
    if viewer.sees_everything:
        return everything(names)
    seen = tuple(name for name in names if any(fnmatchcase(name, glob) for glob in viewer.sources))
    return SourceScope(seen, is_whole=False)
