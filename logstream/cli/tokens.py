"""`logstream token`: which programs may ask the service, and which sources they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from logstream.cli.users import changed, globs_of, settings_of, source_option, told
from logstream.cli.words import installed_config_option

if TYPE_CHECKING:
    from pathlib import Path

_HELP = """\
Say which programs may ask the service, and which sources they see.

A token goes in the header `Authorization: Bearer TOKEN`. It is shown once, when it is made; only its hash is kept, in
the file that `logstream user` keeps, too. logstream's own commands take it from LOGSTREAM_TOKEN, or from the file that
LOGSTREAM_TOKEN_FILE or --token-file names; never from an argument or an address, which other users and logs would see.

\b
Examples:
  sudo logstream token add prometheus > prometheus.token     for all sources, as /metrics needs it
  logstream token add deploys --source 'web-*'
  logstream tail https://logs.example.org --token-file deploys.token
  curl -N -H @header-with-the-token https://logs.example.org/api/v1/stream
  sudo logstream token remove deploys && sudo systemctl reload logstream

Exit codes: 0 fine; 2 wrong usage, a name that is taken or unknown, a file of users that cannot be read or written.

Next: docs/access.md.
"""
_ADD_HELP = """\
Make a token called NAME, and print it: it cannot be shown again.

\b
Examples:
  sudo logstream token add prometheus > prometheus.token     for all sources, as /metrics needs it
  logstream token add deploys --source 'web-*' > deploys.token

Exit codes: 0 fine; 2 wrong usage, a name that is taken, a file of users that cannot be read or written.

Next: `sudo systemctl reload logstream`, then `logstream tail URL --token-file deploys.token`.
"""
_REMOVE_HELP = """\
End the token called NAME: open streams of it end at the next reload.

\b
Examples:
  sudo logstream token remove deploys && sudo systemctl reload logstream

Exit codes: 0 fine; 2 wrong usage, a name that is unknown, a file of users that cannot be read or written.

Next: `logstream token add NAME` makes another.
"""
_LIST_HELP = """\
Show the names of tokens and the sources that they see.

\b
Examples:
  sudo logstream token list

Exit codes: 0 fine; 2 wrong usage, a file of users that cannot be read.

Next: `logstream user list` for people.
"""


@click.group(help=_HELP, short_help="Say which programs may ask, and which sources they see.")
def token() -> None:
    """Hold the commands."""


@token.command("add", help=_ADD_HELP, short_help="Make a token, and show it once.")
@click.argument("name")
@source_option
@installed_config_option
def add_token(name: str, sources: tuple[str, ...], config_path: Path | None) -> None:
    """Add; the help text is for users."""
    from logstream.access import check_name, new_token  # noqa: PLC0415 - --help answers before this is imported

    made, secret = new_token(check_name(name, "name of a token"), globs_of(sources))
    changed(settings_of(config_path), lambda users: users.with_token(made))
    click.echo(secret)
    told(f"that is the token {name}, shown this once")


@token.command("remove", help=_REMOVE_HELP, short_help="End a token.")
@click.argument("name")
@installed_config_option
def remove_token(name: str, config_path: Path | None) -> None:
    """Remove; the help text is for users."""
    changed(settings_of(config_path), lambda users: users.without_token(name))
    told(f"the token {name} is removed")


@token.command("list", help=_LIST_HELP, short_help="Show which tokens there are.")
@installed_config_option
def list_tokens(config_path: Path | None) -> None:
    """List; the help text is for users."""
    from logstream.access import read_users  # noqa: PLC0415 - as above

    for one in read_users(settings_of(config_path).users_path).tokens:
        click.echo(f"{one.name}  {' '.join(one.sources)}")
