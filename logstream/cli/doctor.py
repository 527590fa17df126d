"""`logstream doctor`: what is wrong between a browser and the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from logstream.cli.words import count, header_option, headers_of

if TYPE_CHECKING:
    from logstream.doctor import Finding

EXIT_ERRORS, EXIT_WARNINGS = 1, 3

_HELP = """\
Find out what is wrong between a browser and the service at URL: "the page loads but no lines come".

It asks as a browser does, through the same proxies, and says of each thing what it saw, why that matters, and which
lines put it right for the proxy that it recognised: TLS, HTTP/2, whether the service is reached, whether lines come at
once and uncompressed, whether a quiet stream stays open, whether a client that comes back goes on where it was. It
takes as long as a heartbeat (15 s), and changes nothing.

\b
Examples:
  logstream doctor https://logs.example.org
  logstream doctor https://example.org/logs --header 'Authorization: Basic YWxpY2U6c2VjcmV0'
  logstream doctor https://logs.example.org --idle 300      for what cuts quiet streams later
  logstream doctor http://127.0.0.1:8780                    the same past the proxy, to compare

Exit codes: 0 nothing is wrong; 3 only warnings; 1 errors; 2 wrong usage.

Next: `logstream proxy nginx`, a configuration with all of it right.
"""
_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command(help=_HELP, short_help="Say what is wrong with the way to a service, and how to put it right.")
@click.argument("url")
@click.option(
    "--idle", type=click.FloatRange(0, 3600), default=0, metavar="SECONDS", help="Keep a stream open so long."
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@header_option
def doctor(url: str, idle: float, header: tuple[str, ...], *, as_json: bool) -> int:
    """Examine; the help text is for users."""
    from logstream.doctor import Address, Severity, judge, look  # noqa: PLC0415 - --help answers before this is imported

    def tell(what: str) -> None:
        if not as_json:
            click.echo(click.style(f"looking at {what} ...", dim=True), err=True)

    findings = judge(look(Address.of(url), headers_of(header), idle, tell))
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
    name = click.style(f"{finding.severity:<8}", fg=_COLOURS[finding.severity], bold=True)
    click.echo(f"{name}{finding.check}: {finding.seen}")
    if finding.why:
        click.echo(f"        why it matters: {finding.why}")
    if finding.remedy:
        click.echo(f"        what puts it right:\n{finding.remedy}".replace("\n", "\n        "))
