"""What `logstream tail` has of its options once they are read, whatever it follows: where to end, and what is shown.

Owns what both ways of following have: `following_service` and `following_files`, of which only the one that is wanted
is imported. The lines' looks are `printing`'s.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from logstream.cli.printing import Form, Look, Printer
from logstream.cli.words import misuse
from logstream.following import CaughtUp, Followed, Told
from logstream.hub.times import epoch_ms
from logstream.rules import TIME_EXPECTED, marks_of, parse_query, read_moment

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ending(NamedTuple):
    """When to end: never (`is_endless`), once all that is there has been told, or at a time (epoch milliseconds)."""

    is_endless: bool
    until_ms: int | None

    def cut(self, followed: Followed) -> Followed | None:
        """What of it is to be shown."""
        if self.until_ms is None or not isinstance(followed, Told):
            return followed
        records = [record for record in followed.records if self._is_older(record)]
        return Told(records) if records else None

    def is_reached(self, followed: Followed) -> bool:
        """Whether to end behind it."""
        if not isinstance(followed, CaughtUp):
            return False
        return not self.is_endless or (self.until_ms is not None and time.time() * 1000 >= self.until_ms)

    def _is_older(self, record: dict[str, Any]) -> bool:
        return record["time"] is None or self.until_ms is None or epoch_ms(record["time"]) < self.until_ms


class Wished(NamedTuple):
    """The options of the command that both ways have."""

    sources: tuple[str, ...]
    query: str
    begin: str
    form: Form
    ending: Ending


def moment_ms(text: str | None) -> int | None:
    """The `--until` option as epoch milliseconds; raises click.UsageError."""
    if text is None:
        return None
    moment = read_moment(text)
    if moment is None:
        misuse(f"--until {text!r}: expected {TIME_EXPECTED.partition(', or')[0]}")
    return moment.from_ms


def begin_of_service(text: str) -> str:
    """`--from` as the service takes it: people may leave parts of a time out."""
    moment = read_moment(text)
    if moment is None:
        return text
    # With it comes most of the service, which few need who follow one.
    from logstream.api.frames import utc_text  # noqa: PLC0415

    return utc_text(moment.from_ms)


def printer_of(wished: Wished, rule_colours: Mapping[str, str], *, shows_source: bool) -> Printer:
    look = Look(is_coloured=is_coloured(), marks=marks_of(parse_query(wished.query)), rule_colours=rule_colours)
    return Printer(wished.form, sys.stdout.buffer, look, shows_source=shows_source)


def is_coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
