"""`logstream sources`: the sources of a running service and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from logstream.cli.words import asking_options, count, headers_of, is_url, misuse

if TYPE_CHECKING:
    from pathlib import Path

_HELP = """\
Show the sources of a running service: their files, the format found in each, and how much of them is not read yet.

\b
Examples:
  logstream sources http://127.0.0.1:8780
  logstream sources http://127.0.0.1:8780 --format json | jq '.sources[].files[].file'

Exit codes: 0 fine; 1 there is no logstream at URL; 2 wrong usage.

Next: `logstream tail URL --source NAME`.
"""
_COLOURS = {"ok": "green", "empty": "yellow", "unreadable": "red", "untailable": "red", "missing": "yellow"}


@click.command(help=_HELP, short_help="Show the sources of a running service.")
@click.argument("url")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@asking_options
def sources(url: str, form: str, header: tuple[str, ...], token_file: Path | None) -> None:
    """Show; the help text is for users."""
    from logstream.client import fetch_json  # noqa: PLC0415 - --help answers before this is imported

    if not is_url(url):
        misuse(f"{url!r} is no address such as http://127.0.0.1:8780")
    told = fetch_json(url, "/api/v1/sources", headers_of(header, token_file))
    if form == "json":
        import orjson  # noqa: PLC0415 - as above

        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))
        return
    for source in told["sources"]:
        _show(source)


def _show(source: dict[str, Any]) -> None:
    files = source["files"]
    lag = sum((file["size_bytes"] or 0) - (file["read_bytes"] or 0) for file in files)
    behind = f", {lag:,} bytes not read yet" if lag else ""
    state = click.style(source["state"], fg=_COLOURS.get(source["state"]))
    click.echo(f"{click.style(source['name'], bold=True)}: {state}, {count(len(files), 'file')}{behind}")
    width = max((len(file["file"]) for file in files), default=0)
    for file in files:
        size = "" if file["size_bytes"] is None else f"{file['size_bytes']:,} bytes"
        state = click.style(f"{file['state']:<12}", fg=_COLOURS.get(file["state"]))
        reason = f"  {file['reason']}" if file["reason"] else ""
        click.echo(f"  {file['file']:<{width}}  {state}  {file['format'] or '-':<12}  {size:>20}{reason}".rstrip())
