"""What whoever follows lines gets, be it from a service or from files in this process.

Owns the values alone.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

UNREADABLE: Final = frozenset(("unreadable", "untailable"))
"""States of files of which no line can be had."""


class Told(NamedTuple):
    """Records in order, each as the wire has it (docs/wire.md)."""

    records: list[dict[str, Any]]


class News(NamedTuple):
    """A `gap`, `rotated` or `source` event, or what is to be said of the connection (`lost`, `resumed`, `inexact`)."""

    kind: str
    facts: dict[str, Any]


class CaughtUp(NamedTuple):
    """All that was there has been told; what comes now is new. Told again now and then while nothing comes."""


Followed = Told | News | CaughtUp
