"""`logstream demo`: a first look in one command."""

from __future__ import annotations

import click

_HELP = """\
Write realistic logs of six formats into a temporary directory, rotate them, and serve them: a first look.

Stop with Ctrl-C; the directory is removed then.

\b
Examples:
  logstream demo
  logstream demo --rate 500 --port 9000
  logstream demo & logstream tail http://127.0.0.1:8780 --query 'level:>=warn'

Exit codes: 0 stopped on request; 1 it could not run, as when the port is taken; 2 wrong usage.

Next: open the address that it prints; then `logstream serve` with your own config.toml.
"""


@click.command(help=_HELP, short_help="Write and serve logs of six formats: a first look.")
@click.option(
    "--rate", type=click.IntRange(1, 20_000), default=20, show_default=True, metavar="LINES", help="Lines a second."
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8780, show_default=True, help="0: any free one.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
def demo(rate: int, port: int, host: str) -> int:
    """Run; the help text is for users."""
    from logstream.demo import run_demo  # noqa: PLC0415 - --help answers before this is imported

    return run_demo(rate, host, port)
