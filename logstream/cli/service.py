"""`logstream serve` and `logstream check`."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import click

from logstream.cli.words import config_option, count
from logstream.interruption import interruption_ends_at_once

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.config.survey import Survey

_SERVE_HELP = """\
Watch the configured files and serve their lines until stopped.

SIGHUP reads sources, rules and users anew without cutting a stream of who may still have it; a configuration with a
mistake changes nothing. SIGTERM or Ctrl-C stops cleanly.

\b
Examples:
  logstream serve
  logstream serve --port 9000
  LOGSTREAM_SERVER__ALLOW_ANONYMOUS=true logstream serve --host 0.0.0.0    for everybody who reaches it
  logstream serve --workers 2                  more viewers than one processor core can serve

Exit codes: 0 stopped on request; 1 it could not run, as when the port is taken; 2 wrong usage or
configuration.

Next: open the address that it prints.
"""
_CHECK_HELP = """\
Read the configuration as `serve` would, and say everything that is wrong with it at once.

Each mistake is told with its line, its key and what was expected. Without a mistake: the sources, their globs and
how many files each finds now. Nothing is started, no log file is opened.

\b
Examples:
  logstream check
  logstream check --config /etc/logstream/config.toml && systemctl reload logstream

Exit codes: 0 fine, perhaps with warnings; 2 mistakes.

Next: `logstream serve`.
"""


@click.command(help=_SERVE_HELP, short_help="Watch the files and serve their lines.")
@config_option
@click.option("--host", metavar="ADDRESS", help="Listen on this address instead of the configured one.")
@click.option("--port", metavar="NUMBER", help="Listen on this port instead of the configured one; 0: any free one.")
@click.option("--workers", metavar="NUMBER", help="Serve in this many processes instead of the configured number.")
def serve(config_path: Path, host: str | None, port: str | None, workers: str | None) -> int:
    """Run until told to stop; the help text is for users."""
    given = {"host": host, "port": port, "workers": workers}
    gc.disable()
    try:
        with interruption_ends_at_once():
            from logstream.config import Override, load  # noqa: PLC0415 - --help answers before this is imported
            from logstream.garbage import set_aside  # noqa: PLC0415 - as above

            options = [Override(f"--{key}", "server", key, text) for key, text in given.items() if text is not None]
            settings = load(config_path, os.environ, options)
            # As above, and a bad configuration is told first.
            if settings.server.workers > 1:
                from logstream.workers import run  # noqa: PLC0415
            else:
                from logstream.server import run  # noqa: PLC0415
        # What is here now stays, also in processes forked from this one: to look through all of it for garbage took
        # the event loop 30 ms, time and again.
        set_aside()
    finally:
        gc.enable()
    return run(settings, lambda: load(config_path, os.environ, options))


@click.command(help=_CHECK_HELP, short_help="Say what would be watched, and every mistake.")
@config_option
def check(config_path: Path) -> None:
    """Report; the help text is for users."""
    from logstream.config import load  # noqa: PLC0415 - --help answers before this is imported
    from logstream.config.survey import survey_source, warnings_about  # noqa: PLC0415 - as above
    from logstream.tail.discovery import find  # noqa: PLC0415 - as above

    settings = load(config_path, os.environ, users="try")
    surveys = [survey_source(source, find) for source in settings.sources]
    warnings = warnings_about(settings, surveys)
    for warning in warnings:
        click.echo(f"{click.style('warning:', fg='yellow')} {warning}", err=True)
    counts = [count(len(surveys), "source"), count(len(settings.rules), "rule")]
    counts += [count(len(warnings), "warning")] if warnings else []
    name = click.format_filename(config_path)
    click.echo(f"{name}: {click.style('ok', fg='green', bold=True)}: {', '.join(counts)}")
    for survey in surveys:
        _show_survey(survey)


def _show_survey(survey: Survey) -> None:
    source = survey.source
    facts = f"{count(survey.files, 'file')}, format {source.format}, from the {source.start}"
    click.echo(f"\nsource {click.style(source.name, bold=True)}: {facts}")
    patterns = [click.format_filename(pattern) for pattern in source.paths]
    for pattern, files in zip(patterns, survey.counts, strict=True):
        click.echo(f"  {pattern:<{max(map(len, patterns))}}  {count(files, 'file')}")
