"""What all commands share: exit codes, the option for the configuration, how errors, counts and colours are put.

Owns words alone. Refuses to import anything heavy: `--help` answers at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.errors import LogstreamError

_Command = TypeVar("_Command", bound="Callable[..., Any]")

EXIT_FAILURE, EXIT_USAGE = 1, 2
EXIT_BY_SIGNAL = 128
"""Plus the signal's number, as shells have it."""

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
    """Say on stderr what is wrong; of a configuration every mistake, and how many these are."""
    from logstream.config import ConfigError  # noqa: PLC0415 - --help answers before this is imported

    told = click.style("error:", fg="red", bold=True)
    if isinstance(error, ConfigError):
        click.echo(error, err=True)
        told += f" {count(len(error.problems), 'mistake')} in the configuration; nothing was started"
    else:
        told += f" {error}"
    click.echo(told, err=True, color=colour())


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`: for nouns whose plural has an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def colour() -> bool | None:
    """False where NO_COLOR forbids colours (no-color.org), else None: click then asks whether it is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


_header_option = click.option(
    "--header", multiple=True, metavar="'NAME: VALUE'", help="Send this header too, for a proxy that asks for a login."
)
_token_option = click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    envvar="LOGSTREAM_TOKEN_FILE",
    show_envvar=True,
    metavar="PATH",
    help="Send the token that stands in this file, or in LOGSTREAM_TOKEN: for a service that asks who you are.",
)


installed_config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    envvar="LOGSTREAM_CONFIG",
    show_envvar=True,
    metavar="PATH",
    help="The configuration file; without it that of the installed service, else ./config.toml.",
)
"""For commands that speak of the installed service, where there is one."""


def asking_options(command: _Command) -> _Command:
    """The options of commands that ask a service: `header` and `token_file`, for `headers_of`."""
    return _header_option(_token_option(command))


def misuse(message: str) -> NoReturn:
    """Refuse what was typed: exit code 2, with the command's usage."""
    raise click.UsageError(message)


def is_url(text: str) -> bool:
    """Whether an argument names a service and no file."""
    return text.lower().startswith(("http://", "https://"))


def headers_of(given: tuple[str, ...], token_file: Path | None) -> dict[str, str]:
    """The headers of `--header` options, and the token's; raises click.UsageError."""
    found = {}
    for header in given:
        name, colon, value = header.partition(":")
        if not colon or not name.strip():
            misuse(f"--header {header!r}: expected 'NAME: VALUE'")
        found[name.strip()] = value.strip()
    token = _token(token_file)
    if token and not any(name.lower() == "authorization" for name in found):
        found["Authorization"] = f"Bearer {token}"
    return found


def _token(file: Path | None) -> str:
    """The token to send, or an empty string."""
    if file is None:
        token, place = os.environ.get("LOGSTREAM_TOKEN", "").strip(), "LOGSTREAM_TOKEN"
    else:
        place = str(file)
        try:
            token = file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            misuse(f"the token in {place} cannot be read: {getattr(error, 'strerror', None) or 'not UTF-8'}")
    if not (token.isascii() and token.isprintable() and " " not in token):
        misuse(f"what stands in {place} is no token: one line as `logstream token add` prints it")
    return token
