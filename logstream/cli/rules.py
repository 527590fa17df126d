"""`logstream rules test`: what rules would do with lines, before they are trusted."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from logstream.cli.words import config_option, count, misuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.config import Settings
    from logstream.trial import Outcome, Trial, Verdict

_ENOUGH_LINES = 1000
"""Of fewer lines nobody can say what one costs."""
_HELP = """\
Try the rules of a configuration.

\b
Examples:
  logstream rules test --config app.toml /var/log/app.log

Exit codes: 0 fine; 2 wrong usage or configuration.

Next: `logstream rules test --help`.
"""
_TEST_HELP = """\
Put the lines of FILE (or of stdin: -) to the rules of a configuration, and say what each rule did.

For each rule: how many lines it was tried on, how many it holds for, about how many of them it decided (drop or keep),
what a line costs, and the first lines that it holds for, masked as viewers would get them. A rule that never fired, or
that costs more than its share, is pointed out. Nothing is started and nothing is written.

\b
Examples:
  logstream rules test /var/log/nginx/access.log
  logstream rules test --config new.toml --source nginx --lines access.log | grep 'drop by'
  journalctl -n 10000 | logstream rules test --format json - | jq '.rules[] | select(.hits == 0)'

Exit codes: 0 fine; 1 the file cannot be read; 2 wrong usage or configuration.

Next: `logstream serve`, or `kill -HUP` for a service that runs. docs/rules.md explains rules.
"""


@click.group(help=_HELP, short_help="Try rules on lines.")
def rules() -> None:
    """Hold the command."""


@rules.command("test", help=_TEST_HELP, short_help="Say what each rule would do with the lines of FILE.")
@config_option
@click.option("--source", metavar="NAME", help="Take the lines as of this source. Default: the one that has FILE.")
@click.option("--lines", "shows_lines", is_flag=True, help="Show each line with what became of it, and who decided.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def test(*, config_path: Path, source: str | None, shows_lines: bool, form: str, file: Path) -> None:
    """Try; the help text is for users."""
    from logstream.config import load  # noqa: PLC0415 - --help answers before this is imported
    from logstream.hub.judged_block import SourceTraits  # noqa: PLC0415 - as above
    from logstream.parts import local_zone, rule_set, traits_of  # noqa: PLC0415 - as above
    from logstream.tail.framing import MARK_BYTES, encoding_of  # noqa: PLC0415 - as above
    from logstream.trial import Trial  # noqa: PLC0415 - as above

    settings = load(config_path, os.environ)
    name = source or _source_of(settings, file)
    known = {one.name: one for one in settings.sources}
    if source is not None and name not in known:
        misuse(f"there is no source {name!r}; there are: {', '.join(known) or 'none'}")
    traits = traits_of([known[name]])[name] if name in known else SourceTraits(zone=local_zone())
    with click.open_file(str(file), "rb") as opened:
        head = opened.read(MARK_BYTES)
        trial = Trial(rule_set(settings.rules), traits, name, encoding_of(head, traits.encoding))
        for verdict in _verdicts(trial, file, opened, head):
            if shows_lines:
                click.echo(_line(verdict) if form == "text" else _json(_verdict(verdict)))
    if form == "json":
        if not shows_lines:
            told = [_outcome(outcome) for outcome in trial.outcomes()]
            click.echo(_json({"source": name, "lines": trial.lines, "dropped": trial.dropped, "rules": told}))
        return
    _summary(trial, name, is_error=shows_lines)


def _source_of(settings: Settings, file: Path) -> str:
    from logstream.tail.globs import is_matched  # noqa: PLC0415 - --help answers before this is imported

    path = str(file.absolute())
    names = [source.name for source in settings.sources]
    having = [source.name for source in settings.sources if is_matched(path, source.paths, source.exclude)]
    if not having and len(names) > 1 and any(rule.source for rule in settings.rules):
        known = ", ".join(names)
        misuse(f"no source of the configuration has {file}, and rules ask for one; name it with --source: {known}")
    return next(iter([*having, *names]), "file")


def _verdicts(trial: Trial, file: Path, opened: IO[bytes], head: bytes) -> Iterator[Verdict]:
    size = 0 if str(file) == "-" else file.stat().st_size
    bar = click.progressbar(length=size, label="trying", file=sys.stderr, hidden=not (size and sys.stderr.isatty()))
    with bar:
        for content in _blocks(opened, head, trial):
            yield from trial.put(content)
            bar.update(len(content))


def _blocks(opened: IO[bytes], head: bytes, trial: Trial) -> Iterator[bytes]:
    """Whole lines, about a block of them at a time, from `head` on; a line that never ends is cut."""
    from logstream.tail.framing import framing_of  # noqa: PLC0415 - --help answers before this is imported
    from logstream.trial import BLOCK_BYTES  # noqa: PLC0415 - as above

    framing = framing_of(trial.encoding)
    while chunk := opened.read(BLOCK_BYTES // 2):
        head += chunk
        ends = framing.cut(head, 0, trial.max_line_bytes)
        if ends:
            yield head[: ends[-1]]
            head = head[ends[-1] :]
    if head:
        yield head


def _line(verdict: Verdict) -> str:
    record = verdict.record
    if record is None:
        told = f"drop by {verdict.decided}" if verdict.decided else "drop with its first line"
    else:
        level = None if record.level is None else record.level.word
        said = [f"keep by {verdict.decided}"] if verdict.decided else []
        said += [f"event {record.event}"] if record.event != "line" else []
        said += [f"level {level}"] if level else []
        said += [f"rules {','.join(record.rules)}"] if record.rules else []
        told = "; ".join(said) or "-"
    return f"{verdict.number}: {click.style(told, fg='yellow')}: {verdict.text}"


def _verdict(verdict: Verdict) -> dict[str, Any]:
    record = verdict.record
    told: dict[str, Any] = {"line": verdict.number, "kept": record is not None, "decided": verdict.decided}
    if record is not None:
        level = None if record.level is None else record.level.word
        told |= {"event": record.event, "level": level, "rules": record.rules, "fields": record.fields}
    return told | {"text": verdict.text}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    evidence = outcome.evidence
    return {
        "name": evidence.name,
        "lines_tried": evidence.lines_tried,
        "hits": evidence.hits,
        "decided": outcome.decided,
        "ns_a_line": evidence.ns_a_line,
        "samples": outcome.samples,
        "remark": outcome.remark,
    }


def _summary(trial: Trial, source: str, *, is_error: bool) -> None:
    click.echo(f"{count(trial.lines, 'line')} of source {source}, {trial.dropped} dropped", err=is_error)
    for outcome in trial.outcomes():
        evidence = outcome.evidence
        is_measured = evidence.ns_a_line is not None and evidence.lines_tried >= _ENOUGH_LINES
        cost = f", {evidence.ns_a_line:,.0f} ns a line" if is_measured else ""
        decided = f", decided {outcome.decided}" if outcome.rule.action != "tag" else ""
        name = click.style(evidence.name, bold=True)
        told = f"{evidence.hits} of {evidence.lines_tried}{decided}{cost}"
        click.echo(f"\n{name} ({outcome.rule.action}): {told}", err=is_error)
        if outcome.remark:
            click.echo(f"  {click.style('note:', fg='yellow')} {outcome.remark}", err=is_error)
        for sample in outcome.samples:
            click.echo(f"  | {sample}", err=is_error)


def _json(told: object) -> bytes:
    import orjson  # noqa: PLC0415 - --help answers before this is imported

    return orjson.dumps(told)
