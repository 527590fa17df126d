"""`logstream tail FILE...`: the lines of files, without a service.

Owns the bar for a long read, and how a signal ends it. Refuses to read: that is `local`'s.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import click

from logstream.api.asked import read_from
from logstream.api.problems import BadParameterError
from logstream.cli.following import Wished, begin_of_service, printer_of
from logstream.cli.words import EXIT_BY_SIGNAL, EXIT_FAILURE, misuse
from logstream.config import load
from logstream.following import UNREADABLE, News
from logstream.hub.start import From, FromId, FromStart
from logstream.local import Progress, Selection, following_files
from logstream.parts import rule_set
from logstream.rules import RuleSet

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from pathlib import Path

LONG_BYTES = 64 << 20
"""Files that are this large together take long enough for a bar."""


def follow_files(paths: Sequence[Path], wished: Wished, config_path: Path | None) -> int:
    """Show the lines of files; the exit code, which says whether all could be read. Raises QueryError, ConfigError."""
    rules = rule_set(load(config_path, os.environ).rules) if config_path else RuleSet([])
    begin = _begin_of_files(wished.begin)
    selection = Selection(wished.sources, wished.query, begin, with_unfinished=not wished.ending.is_endless)
    colours = {rule.name: rule.highlight for rule in rules.rules if rule.highlight}
    printer = printer_of(wished, colours, shows_source=len(paths) > 1)
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


def _begin_of_files(text: str) -> From:
    try:
        begin = read_from(begin_of_service(text))
    except BadParameterError as error:
        misuse(f"--{error}")
    if begin is None or isinstance(begin, FromId):
        misuse("--from: an event's id leads somewhere in a service only; give a time, start or -N")
    return begin
