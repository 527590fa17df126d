"""`logstream install`, `upgrade` and `uninstall`: the service under systemd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from logstream import __version__
from logstream.cli.words import dry_run_option, misuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logstream.installing import Step

_INSTALL_HELP = """\
Install this logstream as a service of systemd, and start it.

It writes two units to /etc/systemd/system and, if there is none, /etc/logstream/config.toml; if the service could
not read the environment in which this command is (a home directory), it copies that to /opt/logstream. Then it
starts the service, waits until it is ready, and prints where it is. The service runs as a user of its own without
any right but to read what the groups adm and systemd-journal may read; systemd holds its sockets, so that a restart
refuses nobody. Installing again is safe: an existing configuration stays as it is.

\b
Examples:
  logstream install --dry-run              what it would do, and nothing else
  sudo "$(command -v logstream)" install

Exit codes: 0 it runs; 1 something failed, and it says which step; 2 wrong usage.

Next: edit /etc/logstream/config.toml, then `logstream check --config /etc/logstream/config.toml &&
systemctl reload logstream`.
"""
_UPGRADE_HELP = """\
Put this logstream in the place of the installed one, and restart the service.

Streams end with a word of when to come back, and go on at the line after the last one seen; meanwhile systemd holds
the sockets, so nobody is refused. If the new one does not become ready, the one before runs again. Units are written
anew; what you changed with `systemctl edit` stays.

\b
Examples:
  pipx upgrade logstream-live && sudo "$(command -v logstream)" upgrade
  logstream upgrade --dry-run

Exit codes: 0 the new one runs; 1 something failed; 2 wrong usage, as when nothing is installed.

Next: `sudo logstream doctor`, if anything is not as before.
"""
_UNINSTALL_HELP = """\
Stop the service, and remove its units and its copy of logstream.

The configuration and the state (where each viewer goes on) stay, unless --purge removes them. The environment from
which it was installed, and the log files, are never touched.

\b
Examples:
  logstream uninstall --purge --dry-run
  sudo "$(command -v logstream)" uninstall

Exit codes: 0 it is gone; 1 something failed; 2 wrong usage.

Next: remove the environment that it was installed from, and the proxy's configuration if there is one.
"""


@click.command(help=_INSTALL_HELP, short_help="Install as a service of systemd and start it.")
@dry_run_option
def install(*, dry_run: bool) -> None:
    """Install; the help text is for users."""
    from logstream import installing  # noqa: PLC0415 - --help answers before this is imported

    if not dry_run:
        installing.require_systemd()
    machine = installing.machine()
    steps = installing.install_plan(installing.this_program(__version__), installing.shipped(), machine)
    if dry_run:
        _tell_all([*steps, *installing.clearing_plan(machine)])
        return
    _tell_addresses(installing.install(steps, machine, _tell))
    click.echo("its log: journalctl -u logstream    its configuration: /etc/logstream/config.toml")


@click.command(help=_UPGRADE_HELP, short_help="Put this version in the place of the installed one.")
@dry_run_option
def upgrade(*, dry_run: bool) -> None:
    """Upgrade; the help text is for users."""
    from logstream import installing  # noqa: PLC0415 - as above
    from logstream.installing.plans import CURRENT  # noqa: PLC0415 - as above

    if not dry_run:
        installing.require_systemd()
        if not CURRENT.is_symlink():
            misuse("there is no installed service to upgrade: use `logstream install`")
    machine = installing.machine()
    steps = installing.upgrade_plan(installing.this_program(__version__), installing.shipped(), machine)
    if dry_run:
        _tell_all([*steps, *installing.clearing_plan(machine)])
        return
    _tell_addresses(installing.upgrade(steps, machine, _tell))


@click.command(help=_UNINSTALL_HELP, short_help="Remove the service.")
@click.option("--purge", is_flag=True, help="Remove the configuration and the state, too.")
@dry_run_option
def uninstall(*, purge: bool, dry_run: bool) -> None:
    """Remove; the help text is for users."""
    from logstream import installing  # noqa: PLC0415 - as above

    steps = installing.uninstall_plan(purge=purge)
    if dry_run:
        _tell_all(steps)
        return
    installing.require_systemd()
    installing.uninstall(steps, _tell)
    click.echo("logstream is gone" if purge else "logstream is gone; its configuration and state are kept")


def _tell(step: Step) -> None:
    click.echo(f"- {step}")


def _tell_all(steps: Iterable[Step]) -> None:
    for step in steps:
        click.echo(f"would {step}")


def _tell_addresses(addresses: Sequence[str]) -> None:
    click.echo(f"logstream {__version__} is ready at {click.style(addresses[0], bold=True)}")
