"""`logstream tail`: follows a running service, or files without one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from logstream.cli.words import asking_options, headers_of, is_url, misuse

if TYPE_CHECKING:
    from logstream.cli.printing import Form

_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+(/.*)?", re.ASCII)
_HELP = """\
Follow the lines of a running service, or of files without one, each line once.

TARGET is the address of a service, or one or more FILEs. A broken connection is taken up again exactly behind the last
line; a file is followed through rotation and truncation. Bytes that are lost are told, never skipped in silence.

\b
Examples:
  logstream tail http://127.0.0.1:8780
  logstream tail http://127.0.0.1:8780 --source nginx --query 'status:>=500 -healthcheck'
  logstream tail /var/log/syslog /var/log/nginx/*.log --query 'level:>=warn'
  logstream tail https://logs.example.org --token-file ~/.logstream.token
  logstream tail app.log --from start --no-follow --format json | jq .fields.took
  logstream tail app.log --from 2026-11-01T10:00 --until 2026-11-01T10:05 --no-follow

\b
--from: now, start, -N (the last N that the query selects, by time), a time, or (of a service) an event's id.
Times without an offset are UTC. With --format json or logfmt a loss is a line with the event "gap".

\b
Exit codes:
  0    fine
  1    there is no logstream at the address, a file cannot be read, or the reader of the output went away
  2    wrong usage, a query that cannot be read, no such file
  130  interrupted (Ctrl-C); 143 by SIGTERM, 129 as its terminal was closed

Next: docs/query.md has the query language.
"""


@click.command(help=_HELP, short_help="Follow a service, or files without one.")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only this source (a name or a glob).")
@click.option("--query", "-q", default="", help="Only lines that this query selects.")
@click.option("--from", "begin", default="-10", show_default=True, metavar="WHERE", help="Where to begin; see above.")
@click.option("--until", metavar="TIME", help="Only what is older, and end there.")
@click.option("--format", "form", type=click.Choice(["text", "json", "logfmt"]), default="text", show_default=True)
@click.option("--follow/--no-follow", default=True, show_default=True, help="Go on with new lines, or end.")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Apply the rules of this configuration to FILEs.",
)
@asking_options
def tail(  # noqa: PLR0913 - one parameter an option
    *,
    targets: tuple[str, ...],
    sources: tuple[str, ...],
    query: str,
    begin: str,
    until: str | None,
    form: Form,
    follow: bool,
    config_path: Path | None,
    header: tuple[str, ...],
    token_file: Path | None,
) -> int:
    """Follow; the help text is for users."""
    from logstream.cli.following import Ending, Wished, moment_ms  # noqa: PLC0415 - after --help

    wanted = Wished(sources, query, begin, form, Ending(follow, moment_ms(until)))
    if any(map(is_url, targets)):
        if len(targets) > 1:
            misuse("one address at a time; it may have any number of sources")
        from logstream.cli.following_service import follow_service  # noqa: PLC0415 - files need nothing of it

        follow_service(targets[0], wanted, headers_of(header, token_file))
        return 0
    from logstream.cli.following_files import follow_files  # noqa: PLC0415 - a service needs nothing of it

    paths = [_existing(target, is_needed=not follow) for target in targets]
    return follow_files(paths, wanted, config_path)


def _existing(target: str, *, is_needed: bool) -> Path:
    path = Path(target)
    if path.is_dir():
        misuse(f"{target} is a directory; name files in it, as in {target.rstrip('/')}/*.log")
    if not path.exists():
        service = f" (a service is named with http://{target})" if _HOST_AND_PORT.fullmatch(target) else ""
        if is_needed:
            misuse(f"no such file: {target}{service}")
        click.echo(f"logstream: {target} does not exist yet; waiting for it{service}", err=True)
    return path
