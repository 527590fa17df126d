"""The commands: options in, exit codes and words for people out.

Owns exit codes, colours and help. Refuses to hold logic of other layers, which it imports only when a command needs
them, so that `--help` answers at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logstream import __version__
from logstream.errors import LogstreamError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.config.survey import Survey

EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

_config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    envvar="LOGSTREAM_CONFIG",
    default="config.toml",
    show_default=True,
    show_envvar=True,
    metavar="PATH",
    help="The configuration file.",
)

_HELP = """\
Live logs in a browser, with nothing lost and nothing shown twice.

logstream watches the files that its configuration names and serves their lines to browsers, curl and programs. Whoever
comes back after a cut goes on exactly at the line after the last one seen.

\b
Examples:
  logstream check                          what would be watched, and every mistake
  logstream serve                          watch and serve as config.toml says
  logstream serve --config app.toml --port 9000
  LOGSTREAM_SERVER__PORT=9000 logstream serve
  curl -N http://127.0.0.1:8780/api/v1/stream

\b
Exit codes:
  0    fine
  1    it could not run, or failed while running
  2    wrong usage or configuration: nothing was started
  130  interrupted (Ctrl-C); `serve`, once it runs, stops cleanly instead: 0

Next: config.toml explains each setting line by line, README.md the rest; `logstream COMMAND --help` a command.
"""

_SERVE_HELP = """\
Watch the configured files and serve their lines until stopped.

SIGHUP reads sources and rules anew without cutting a stream; a configuration with a mistake changes nothing.
SIGTERM or Ctrl-C stops cleanly.

\b
Examples:
  logstream serve
  logstream serve --host 0.0.0.0 --port 80     every interface: mind who can read your logs

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


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="logstream %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    context.color = _colour()


@cli.command(help=_SERVE_HELP, short_help="Watch the files and serve their lines.")
@_config_option
@click.option("--host", metavar="ADDRESS", help="Listen on this address instead of the configured one.")
@click.option("--port", metavar="NUMBER", help="Listen on this port instead of the configured one; 0: any free one.")
def serve(config_path: Path, host: str | None, port: str | None) -> int:
    """Run until told to stop; the help text is for users."""
    from logstream.config import Override, load  # noqa: PLC0415 - --help answers before this is imported

    given = {"host": host, "port": port}
    options = [Override(f"--{key}", "server", key, text) for key, text in given.items() if text is not None]
    settings = load(config_path, os.environ, options)
    from logstream.server import run  # noqa: PLC0415 - as above, and a bad configuration is told first

    return run(settings, lambda: load(config_path, os.environ, options))


@cli.command(help=_CHECK_HELP, short_help="Say what would be watched, and every mistake.")
@_config_option
def check(config_path: Path) -> None:
    """Report; the help text is for users."""
    from logstream.config import load  # noqa: PLC0415 - --help answers before this is imported
    from logstream.config.survey import survey_source, warnings_about  # noqa: PLC0415 - as above
    from logstream.tail.discovery import find  # noqa: PLC0415 - as above

    settings = load(config_path, os.environ)
    surveys = [survey_source(source, find) for source in settings.sources]
    warnings = warnings_about(settings, surveys)
    for warning in warnings:
        click.echo(f"{click.style('warning:', fg='yellow')} {warning}", err=True)
    counts = [_count(len(surveys), "source"), _count(len(settings.rules), "rule")]
    counts += [_count(len(warnings), "warning")] if warnings else []
    name = click.format_filename(config_path)
    click.echo(f"{name}: {click.style('ok', fg='green', bold=True)}: {', '.join(counts)}")
    for survey in surveys:
        _show_survey(survey)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code; whatever logstream raises on purpose ends as words on stderr."""
    try:
        code = cli.main(arguments, prog_name="logstream", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except LogstreamError as error:
        _complain(error)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILURE
    return code if isinstance(code, int) else 0


def _show_survey(survey: Survey) -> None:
    source = survey.source
    facts = f"{_count(survey.files, 'file')}, format {source.format}, from the {source.start}"
    click.echo(f"\nsource {click.style(source.name, bold=True)}: {facts}")
    patterns = [click.format_filename(pattern) for pattern in source.paths]
    for pattern, count in zip(patterns, survey.counts, strict=True):
        click.echo(f"  {pattern:<{max(map(len, patterns))}}  {_count(count, 'file')}")


def _complain(error: LogstreamError) -> None:
    from logstream.config import ConfigError  # noqa: PLC0415 - --help answers before this is imported

    told = click.style("error:", fg="red", bold=True)
    if isinstance(error, ConfigError):
        click.echo(error, err=True)
        told += f" {_count(len(error.problems), 'mistake')} in the configuration; nothing was started"
    else:
        told += f" {error}"
    click.echo(told, err=True, color=_colour())


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _colour() -> bool | None:
    """False where NO_COLOR forbids colours (no-color.org), else None: click then asks whether it is a terminal."""
    return False if os.environ.get("NO_COLOR") else None
