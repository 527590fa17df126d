"""The commands: options in, exit codes and words for people out.

Owns exit codes, colours and help. Refuses to hold logic of other layers, which it imports only when a command needs
them, so that `--help` answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from logstream import __version__
from logstream.cli.completion import completion
from logstream.cli.demo import demo
from logstream.cli.doctor import doctor
from logstream.cli.install import install, uninstall, upgrade
from logstream.cli.output import standard_output
from logstream.cli.prove import prove
from logstream.cli.proxy import proxy, web_root
from logstream.cli.rules import rules
from logstream.cli.service import check, serve
from logstream.cli.sources import sources
from logstream.cli.tail import tail
from logstream.cli.tokens import token
from logstream.cli.users import user
from logstream.cli.words import EXIT_FAILURE, EXIT_USAGE, colour, complain
from logstream.errors import LogstreamError, UsageError
from logstream.interruption import EXIT_INTERRUPTED, release_hangup

if TYPE_CHECKING:
    from collections.abc import Sequence

_HELP = """\
Live logs in a browser, with nothing lost and nothing shown twice.

logstream watches the files that its configuration names and serves their lines to browsers, curl and programs. Whoever
comes back after a cut goes on exactly at the line after the last one seen.

\b
Examples:
  logstream demo                           a first look: logs of six formats, written and served
  logstream check                          what would be watched, and every mistake
  logstream serve                          watch and serve as config.toml says
  logstream serve --config app.toml --port 9000
  LOGSTREAM_SERVER__PORT=9000 logstream serve
  logstream tail http://127.0.0.1:8780 --query 'level:>=warn'
  logstream tail /var/log/syslog           the same without a server
  logstream prove                          try here whether any line is lost or comes twice
  logstream doctor https://logs.example.org what is wrong with the way to a service
  sudo logstream user add alice            ask everybody who they are; `token add` for programs
  logstream install --dry-run              what it takes to run as a service of systemd

\b
Exit codes:
  0    fine
  1    it could not run, or failed while running
  2    wrong usage or configuration: nothing was started
  130  interrupted (Ctrl-C); `serve`, once it runs, stops cleanly instead: 0

Next: config.toml explains each setting line by line, README.md the rest; `logstream COMMAND --help` a command.
"""


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="logstream %(version)s")
@click.pass_context
def cli(context: click.Context) -> None:
    context.color = colour()
    if context.invoked_subcommand != serve.name:
        release_hangup()


for _command in (
    serve,
    check,
    tail,
    sources,
    rules,
    demo,
    prove,
    doctor,
    user,
    token,
    install,
    upgrade,
    uninstall,
    proxy,
    web_root,
    completion,
):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line and returns its exit code; whatever logstream raises on purpose ends as words on stderr."""
    try:
        with standard_output():
            code = cli.main(arguments, prog_name="logstream", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return EXIT_INTERRUPTED
    except LogstreamError as error:
        complain(error)
        return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILURE
    return code if isinstance(code, int) else 0
