"""What all commands share: exit codes, the option for the configuration, how errors, counts and colours are put.

Owns words alone. Refuses to import anything heavy: `--help` answers at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from logstream.errors import LogstreamError

EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

config_option = click.option(
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

dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")


def complain(error: LogstreamError) -> None:
    from logstream.config import ConfigError  # noqa: PLC0415 - --help answers before this is imported

    told = click.style("error:", fg="red", bold=True)
    if isinstance(error, ConfigError):
        click.echo(error, err=True)
        told += f" {count(len(error.problems), 'mistake')} in the configuration; nothing was started"
    else:
        told += f" {error}"
    click.echo(told, err=True, color=colour())


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def colour() -> bool | None:
    """False where NO_COLOR forbids colours (no-color.org), else None: click then asks whether it is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


header_option = click.option(
    "--header", multiple=True, metavar="'NAME: VALUE'", help="Send this header too, for a proxy that asks for a login."
)


def misuse(message: str) -> NoReturn:
    """Refuse what was typed: exit code 2, with the command's usage."""
    raise click.UsageError(message)


def headers_of(given: tuple[str, ...]) -> dict[str, str]:
    """The headers of `--header` options; raises click.UsageError."""
    found = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            misuse(f"--header {header!r}: expected 'NAME: VALUE'")
        found[name.strip()] = value.strip()
    return found
