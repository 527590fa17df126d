"""What `logstream tail` does once its options are read: where to begin and end, and what is shown meanwhile.

Owns the two ways of following, and the bar for a long read. The lines' looks are `printing`'s.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from logstream.api.asked import read_from
from logstream.api.frames import utc_text
from logstream.api.problems import BadParameterError
from logstream.cli.printing import Form, Look, Printer
from logstream.cli.words import EXIT_BY_SIGNAL, EXIT_FAILURE, misuse
from logstream.client import Connection, Wanted, fetch_json
from logstream.config import load
from logstream.errors import LogstreamError
from logstream.following import UNREADABLE, CaughtUp, Followed, News, Told
from logstream.hub.start import From, FromId, FromStart
from logstream.hub.times import epoch_ms
from logstream.local import Progress, Selection, following_files
from logstream.parts import rule_set
from logstream.rules import TIME_EXPECTED, RuleSet, marks_of, parse_query, read_moment

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence
    from pathlib import Path

LONG_BYTES = 64 << 20
"""Files that are this large together take long enough for a bar."""


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


def follow_service(url: str, wished: Wished, headers: Mapping[str, str]) -> None:
    """Show the lines of the service at `url`. Raises UnreachableError, RefusedError, QueryError."""
    colours: dict[str, str] = {}
    if _is_coloured():
        with suppress(LogstreamError):  # an older service, or one that hides its rules: then without their colours
            rules = fetch_json(url, "/api/v1/rules", headers)["rules"]
            colours = {rule["name"]: rule["highlight"] for rule in rules if rule["highlight"]}
    is_one_source = len(wished.sources) == 1 and not set(wished.sources[0]) & set("*?[")
    printer = _printer(wished, colours, shows_source=not is_one_source)
    connection = Connection(url, Wanted(wished.sources, wished.query, _begin_of_service(wished.begin)), headers)
    for followed in connection.follow(is_endless=wished.ending.is_endless):
        shown = wished.ending.cut(followed)
        if shown is not None:
            printer.show(shown)
        if wished.ending.is_reached(followed):
            return


def follow_files(paths: Sequence[Path], wished: Wished, config_path: Path | None) -> int:
    """Show the lines of files; the exit code, which says whether all could be read. Raises QueryError, ConfigError."""
    rules = rule_set(load(config_path, os.environ).rules) if config_path else RuleSet([])
    begin = _begin_of_files(wished.begin)
    selection = Selection(wished.sources, wished.query, begin, with_unfinished=not wished.ending.is_endless)
    colours = {rule.name: rule.highlight for rule in rules.rules if rule.highlight}
    printer = _printer(wished, colours, shows_source=len(paths) > 1)
    # Lines and a bar on the same terminal would write over each other.
    is_shown = not (isinstance(selection.begin, FromStart) and sys.stdout.isatty())
    bar = Bar() if is_shown else None

    async def show_all() -> int:
        code = 0
        async with (
            following_files(paths, rules, selection, bar.show if bar else lambda _: None) as stream,
            aclosing(stream),
        ):
            async for followed in stream:
                if bar is not None:
                    bar.clear()
                if isinstance(followed, News) and followed.facts.get("state") in UNREADABLE:
                    code = EXIT_FAILURE
                shown = wished.ending.cut(followed)
                if shown is not None:
                    printer.show(shown)
                if wished.ending.is_reached(followed):
                    break
        return code

    return _run(show_all())


def _run(showing: Coroutine[Any, Any, int]) -> int:
    """As `asyncio.run`, for which Ctrl-C alone is an end in order: without one what is kept in a directory stays."""
    told_to_end: list[int] = []

    async def main() -> int:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def end(number: int) -> None:
            told_to_end.append(number)
            if task is not None:
                task.cancel()

        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` leaves it
                loop.add_signal_handler(number, end, number)
        return await showing

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        if not told_to_end:
            raise
        return EXIT_BY_SIGNAL + told_to_end[0]


class Bar:
    """A progress bar on stderr for files that take long to read; none for others, and none in a pipe."""

    def __init__(self) -> None:
        self._bar: Any = None

    def show(self, progress: Progress) -> None:
        """Draw how far reading is."""
        if self._bar is None and progress.size_bytes - progress.read_bytes >= LONG_BYTES and sys.stderr.isatty():
            self._bar = click.progressbar(length=progress.size_bytes, label="reading", file=sys.stderr)
        if self._bar is not None and progress.read_bytes > self._bar.pos:
            self._bar.update(progress.read_bytes - self._bar.pos)

    def clear(self) -> None:
        """End the bar before lines come."""
        if self._bar is not None:
            self._bar.render_finish()
            self._bar = None


def moment_ms(text: str | None) -> int | None:
    """The `--until` option as epoch milliseconds; raises click.UsageError."""
    if text is None:
        return None
    moment = read_moment(text)
    if moment is None:
        misuse(f"--until {text!r}: expected {TIME_EXPECTED.partition(', or')[0]}")
    return moment.from_ms


def _begin_of_service(text: str) -> str:
    """`--from` as the service takes it: people may leave parts of a time out."""
    moment = read_moment(text)
    return text if moment is None else utc_text(moment.from_ms)


def _begin_of_files(text: str) -> From:
    try:
        begin = read_from(_begin_of_service(text))
    except BadParameterError as error:
        misuse(f"--{error}")
    if begin is None or isinstance(begin, FromId):
        misuse("--from: an event's id leads somewhere in a service only; give a time, start or -N")
    return begin


def _printer(wished: Wished, rule_colours: Mapping[str, str], *, shows_source: bool) -> Printer:
    look = Look(is_coloured=_is_coloured(), marks=marks_of(parse_query(wished.query)), rule_colours=rule_colours)
    return Printer(wished.form, sys.stdout.buffer, look, shows_source=shows_source)


def _is_coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
