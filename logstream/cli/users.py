"""`logstream user`: who may log in at the page, and which sources they see."""

from __future__ import annotations

import os
import sys
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from logstream.cli.words import installed_config_option, misuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from logstream.access import Users
    from logstream.config import Settings

_HELP = """\
Say who may log in at the page, and which sources they see.

As soon as there is a file of users, the service asks everybody who they are: at the page by name and password, programs
by a token (`logstream token`). The file is users.json in the state directory, or the one that users_file in [access]
names; passwords are in it as argon2 hashes only. A running service takes it over when it is reloaded.

\b
Examples:
  sudo logstream user add alice                      of the installed service; asks for the password twice
  logstream user add bob --source 'web-*' --source db
  pwgen 20 1 | tee password | logstream user add ci --config app.toml
  sudo logstream user passwd alice                   ends her sessions, too
  sudo logstream user list
  sudo logstream user remove bob && sudo systemctl reload logstream

Exit codes: 0 fine; 2 wrong usage, a name that is taken or unknown, a file of users that cannot be read or written.

Next: docs/access.md; `logstream token --help` for programs.
"""
_CODES_AND_NEXT = """\
Exit codes: 0 fine; 2 wrong usage, a name that is taken or unknown, a file of users that cannot be read or written.

Next: `sudo systemctl reload logstream`, so that the running service takes it over; docs/access.md.
"""
_ADD_HELP = f"""\
Let NAME log in. The password is asked for twice, or read from stdin as one line.

\b
Examples:
  sudo logstream user add alice
  sudo logstream user add bob --source 'web-*' --source db
  sudo logstream user add carol --no-password --source db      whom a trusted proxy names

{_CODES_AND_NEXT}"""
_PASSWD_HELP = f"""\
Give NAME another password, asked for twice, or read from stdin; their sessions end at the next reload.

\b
Examples:
  sudo logstream user passwd alice
  pwgen 20 1 | tee password | sudo logstream user passwd ci

{_CODES_AND_NEXT}"""
_REMOVE_HELP = f"""\
Let NAME in no more: their sessions and open streams end at the next reload.

\b
Examples:
  sudo logstream user remove bob && sudo systemctl reload logstream

{_CODES_AND_NEXT}"""
_LIST_HELP = """\
Show users and the sources that they see.

\b
Examples:
  sudo logstream user list
  logstream user list --config app.toml

Exit codes: 0 fine; 2 wrong usage, a file of users that cannot be read.

Next: `logstream user add NAME`, or `logstream token list` for programs.
"""
_RELOAD = "a running service takes it over on reload: sudo systemctl reload logstream, or kill -HUP PROCESS"

source_option = click.option(
    "--source", "sources", multiple=True, metavar="GLOB", help="Only these sources; may be repeated. Default: all."
)


@click.group(help=_HELP, short_help="Say who may log in, and which sources they see.")
def user() -> None:
    """Hold the commands."""


@user.command("add", help=_ADD_HELP, short_help="Let somebody in.")
@click.argument("name")
@source_option
@click.option("--no-password", is_flag=True, help="For whom a trusted proxy names: only the list of sources is kept.")
@installed_config_option
def add_user(name: str, sources: tuple[str, ...], config_path: Path | None, *, no_password: bool) -> None:
    """Add; the help text is for users."""
    from logstream.access import User, check_name, hash_password  # noqa: PLC0415 - --help answers before this is imported

    check_name(name, "name of a user")
    settings, globs = settings_of(config_path), globs_of(sources)
    hashed = None if no_password else hash_password(_password())
    changed(settings, lambda users: users.with_user(User(name, globs, hashed)))
    told(f"{name} may log in and sees {_seen(globs, settings)}" if hashed else f"{name} sees {_seen(globs, settings)}")


@user.command("passwd", help=_PASSWD_HELP, short_help="Give somebody another password.")
@click.argument("name")
@installed_config_option
def change_password(name: str, config_path: Path | None) -> None:
    """Change; the help text is for users."""
    from logstream.access import hash_password, read_users  # noqa: PLC0415 - as above

    settings = settings_of(config_path)
    # A name that is not there is told before anybody types a password.
    read_users(settings.users_path).with_password(name, "")
    hashed = hash_password(_password())
    changed(settings, lambda users: users.with_password(name, hashed))
    told(f"{name} has another password, and their sessions end")


@user.command("remove", help=_REMOVE_HELP, short_help="Let somebody in no more.")
@click.argument("name")
@installed_config_option
def remove_user(name: str, config_path: Path | None) -> None:
    """Remove; the help text is for users."""
    settings = settings_of(config_path)
    left = changed(settings, lambda users: users.without_user(name))
    told(f"{name} is removed")
    if not left.users and not left.tokens:
        words = "that was the last: nobody gets in any more. To let everybody in again, stop the service and remove"
        click.echo(f"{words} {settings.users_path}", err=True)


@user.command("list", help=_LIST_HELP, short_help="Show who may log in.")
@installed_config_option
def list_users(config_path: Path | None) -> None:
    """List; the help text is for users."""
    from logstream.access import read_users  # noqa: PLC0415 - as above

    for one in read_users(settings_of(config_path).users_path).users:
        how = "" if one.password else "  (no password: named by a proxy)"
        click.echo(f"{one.name}  {' '.join(one.sources)}{how}")


def settings_of(config_path: Path | None) -> Settings:
    """The settings in force, without users: those may be what is to be mended. Raises ConfigError."""
    from logstream.doctor.host import settings_for  # noqa: PLC0415 - as above

    return settings_for(config_path, os.environ)


def globs_of(sources: Sequence[str]) -> tuple[str, ...]:
    """The globs of `--source`; raises WrongNameError."""
    from logstream.access import EVERY_SOURCE, check_glob  # noqa: PLC0415 - as above

    return tuple(map(check_glob, sources)) or EVERY_SOURCE


def changed(settings: Settings, change: Callable[[Users], Users]) -> Users:
    """Change the file of users, which is made if there is none."""
    from logstream.access import change_users  # noqa: PLC0415 - as above

    return change_users(settings.users_path, change)


def told(words: str) -> None:
    """Say what was done, and what is left to do; on stderr, as stdout may be for a secret."""
    click.echo(f"{words}; {_RELOAD}", err=True)


def _seen(globs: tuple[str, ...], settings: Settings) -> str:
    names = [source.name for source in settings.sources if any(fnmatchcase(source.name, glob) for glob in globs)]
    return f"{', '.join(globs)} (now: {', '.join(names) or 'no source'})"


def _password() -> str:
    """What somebody types twice, or one line of stdin; raises UsageError for one that is none."""
    from logstream.access import LEAST_PASSWORD_CHARACTERS, MOST_PASSWORD_BYTES  # noqa: PLC0415 - as above

    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt="Again", err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < LEAST_PASSWORD_CHARACTERS:
        misuse(f"a password has {LEAST_PASSWORD_CHARACTERS} characters at least")
    if len(password.encode("utf-8", "surrogateescape")) > MOST_PASSWORD_BYTES:
        misuse(f"a password has {MOST_PASSWORD_BYTES} bytes at most")
    return password
