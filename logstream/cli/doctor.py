"""`logstream doctor`: what is wrong on the machine that serves, and between a browser and the service."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from logstream.cli.words import asking_options, count, headers_of, installed_config_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from logstream.doctor import Finding

EXIT_ERRORS, EXIT_WARNINGS = 1, 3

_HELP = """\
Find out what is wrong: on this machine, or with URL between a browser and the service.

"The page loads but no lines come." With URL it asks as a browser does, through the same proxies: TLS, HTTP/2, whether
the service is reached, whether a login can work, whether lines come at once and uncompressed, whether a quiet stream
stays open, whether a client that comes back goes on where it was. That takes as long as a heartbeat (15 s). Without URL
it looks at this machine: the configuration, whether the service's user may read each file, what the unit's sandbox
hides, how files are rotated, the limits of inotify, the state directory, the disk, the clock, versions. Of each thing
it says what it saw, why that matters, and which lines put it right. It changes nothing.

\b
Examples:
  sudo logstream doctor                     on the server; as root it can ask in the place of the service's user
  logstream doctor https://logs.example.org
  logstream doctor https://logs.example.org --local         both
  logstream doctor https://example.org/logs --header 'Authorization: Basic YWxpY2U6c2VjcmV0'
  logstream doctor https://logs.example.org --token-file ~/.logstream.token
  logstream doctor https://logs.example.org --idle 300      for what cuts quiet streams later
  logstream doctor https://logs.example.org --outage 60     restart the service meanwhile: what is answered then?
  logstream doctor http://127.0.0.1:8780                    the same past the proxy, to compare

Exit codes: 0 nothing is wrong; 3 only warnings; 1 errors; 2 wrong usage.

Next: `logstream proxy nginx`, a configuration with all of it right.
"""
_COLOURS = {"ok": "green", "untried": "blue", "warning": "yellow", "error": "red"}


@click.command(help=_HELP, short_help="Say what is wrong here, or with the way to a service, and how to put it right.")
@click.argument("url", required=False)
@click.option("--local", "is_local", is_flag=True, help="Look at this machine too; without URL that is all.")
@installed_config_option
@click.option(
    "--idle", type=click.FloatRange(0, 3600), default=0, metavar="SECONDS", help="Keep a stream open so long."
)
@click.option(
    "--outage",
    type=click.FloatRange(0, 3600),
    default=0,
    metavar="SECONDS",
    help="Wait so long for you to restart the service, and say what is answered meanwhile.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@asking_options
def doctor(  # noqa: PLR0913, PLR0917 - one for each option
    url: str | None,
    config_path: Path | None,
    idle: float,
    outage: float,
    header: tuple[str, ...],
    token_file: Path | None,
    *,
    is_local: bool,
    as_json: bool,
) -> int:
    """Examine; the help text is for users."""

    def tell(what: str) -> None:
        if not as_json:
            click.echo(click.style(f"looking at {what} ...", dim=True), err=True)

    findings: tuple[Finding, ...] = ()
    if is_local or url is None:
        findings += _here(config_path, tell)
    if url is not None:
        from logstream.doctor import Address, judge, look  # noqa: PLC0415 - --help answers before this is imported

        address, headers = Address.of(url), headers_of(header, token_file)
        findings += judge(look(address, headers, tell, idle_seconds=idle, outage_seconds=outage))
    return _report(findings, as_json=as_json)


def _here(config_path: Path | None, tell: Callable[[str], None]) -> tuple[Finding, ...]:
    from logstream.doctor.host import judge_host, look_around  # noqa: PLC0415 - as above

    return judge_host(look_around(config_path, os.environ, tell))


def _report(findings: tuple[Finding, ...], *, as_json: bool) -> int:
    """Print, and answer the exit code."""
    from logstream.doctor import Severity  # noqa: PLC0415 - as above

    if as_json:
        import orjson  # noqa: PLC0415 - as above

        click.echo(orjson.dumps([finding._asdict() for finding in findings], option=orjson.OPT_INDENT_2))
    else:
        for finding in findings:
            _show(finding)
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    warnings = sum(finding.severity is Severity.WARNING for finding in findings)
    if not as_json:
        click.echo(f"{count(errors, 'error')}, {count(warnings, 'warning')}")
    return EXIT_ERRORS if errors else EXIT_WARNINGS if warnings else 0


def _show(finding: Finding) -> None:
    from logstream.doctor import Severity  # noqa: PLC0415 - as above

    name = click.style(f"{finding.severity:<8}", fg=_COLOURS[finding.severity], bold=True)
    click.echo(f"{name}{finding.check}: {finding.seen}")
    if finding.why:
        click.echo(f"        why it matters: {finding.why}")
    if finding.remedy:
        what = "how to try it" if finding.severity is Severity.UNTRIED else "what puts it right"
        click.echo(f"        {what}:\n{finding.remedy}".replace("\n", "\n        "))
