"""`logstream prove`: the guarantees, tried on the user's own machine."""

from __future__ import annotations

from pathlib import Path

import click

from logstream.cli.words import EXIT_FAILURE, asking_options, headers_of, is_url, misuse

_HELP = """\
Try on this machine whether any line is lost or comes twice, and print what came of it.

Numbered lines are written into scratch files and read back from a logstream server of its own, while the files are
rotated in every usual way, the server is killed (kill -9) and started again, and the connection is cut at any byte.
Each line is then accounted for: seen once, or reported as gone by the service itself. --dir names the file system to
try it on. Everything that was written is removed again.

With --url it goes through a running service and whatever proxies stand before it, without harm to either: alone, it
reads the stream twice at once, one of the times cut again and again, and compares. With --dir as well, a directory that
this service watches, it writes and rotates scratch files of its own there; nothing else is touched.

\b
Examples:
  logstream prove
  logstream prove --dir /var/log --seconds 60
  logstream prove --url https://logs.example.org --token-file ~/.logstream.token
  logstream prove --url http://127.0.0.1:8780 --dir /var/log/app

\b
The columns: lines written, seen, lost (neither seen nor reported as gone), seen twice, out of order, in gaps (reported
as gone by the service), and the longest time from writing to seeing while the server was up.

\b
Exit codes:
  0    nothing was lost, doubled or out of order
  1    something was, or the service cannot be reached
  2    wrong usage, nothing can be written in --dir, the server cannot start, --url does not watch --dir
  130  interrupted (Ctrl-C); what was written is removed

Next: README.md says what is guaranteed, and what no program that reads log files can know.
"""


@click.command(help=_HELP, short_help="Try here whether any line is lost or comes twice.")
@click.option("--url", metavar="URL", help="Go through this running service instead of a server of its own.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(exists=True, file_okay=False, writable=True, path_type=Path),
    metavar="DIR",
    help="Write the scratch files below this directory. Default: the system's for temporary files.",
)
@click.option(
    "--seconds",
    type=click.IntRange(1, 600),
    default=25,
    show_default=True,
    metavar="N",
    help="How long; at least one round of everything is done, which takes about 10.",
)
@click.option(
    "--rate", type=click.IntRange(50, 5_000), default=1_000, show_default=True, metavar="LINES", help="Lines a second."
)
@click.option("--keep", is_flag=True, help="Leave the scratch files and the server's state if something went wrong.")
@asking_options
def prove(  # noqa: PLR0913 - one parameter an option
    *,
    url: str | None,
    directory: Path | None,
    seconds: int,
    rate: int,
    keep: bool,
    header: tuple[str, ...],
    token_file: Path | None,
) -> int:
    """Prove; the help text is for users."""
    from logstream.cli import proving  # noqa: PLC0415 - --help answers before this is imported
    from logstream.prove.proof import Effort, Service, prove_here, prove_through  # noqa: PLC0415 - as above
    from logstream.prove.public import prove_by_reading  # noqa: PLC0415 - as above

    effort = Effort(seconds, rate)
    if url is not None and not is_url(url):
        misuse(f"--url {url!r} is no address such as http://127.0.0.1:8780")
    if url is None and header:
        misuse("--header goes with --url")
    if keep and url is not None:
        misuse("--keep goes with a server of its own, without --url")
    with proving.ending_on_signals(), proving.Progressing(seconds) as progressing:
        if url is None:
            outcome = prove_here(directory, effort, progressing.show, keeps=keep)
        elif directory is not None:
            outcome = prove_through(Service(url, headers_of(header, token_file)), directory, effort, progressing.show)
        else:
            outcome = prove_by_reading(Service(url, headers_of(header, token_file)), seconds, progressing.show)
    for line in proving.told(outcome):
        click.echo(line)
    return 0 if outcome.is_exact else EXIT_FAILURE
