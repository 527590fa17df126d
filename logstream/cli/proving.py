"""How a proof looks: one line while it runs, then a table, what was done, and a verdict in words.

Owns the looks and the words alone.
"""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

import click

from logstream.prove.outcome import FEW_LINES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from logstream.prove.account import Mistake, Tally
    from logstream.prove.outcome import Outcome
    from logstream.prove.staging import Deed, Progress

_MOST_MISTAKES: Final = 10
_WITHOUT_A_COUNT: Final = {
    "damaged": "some came that nobody wrote",
    "place lost": "an id was not known any more",
    "wrong gap": "a gap says what is not so",
}
_COLUMNS: Final = ("rotated", "written", "seen", "lost", "twice", "disorder", "in gaps", "worst delay")
_WIDTHS: Final = (7, 8, 8, 5, 6, 8, 7, 11)


class Progressing:
    """A line on stderr that says what is being done; none where stderr is no terminal."""

    def __init__(self, seconds: float) -> None:
        """Nothing is drawn yet."""
        self._seconds = seconds
        self._bar: Any = None
        self._done = 0

    def show(self, progress: Progress) -> None:
        """Draw how far it is."""
        if self._bar is None:
            return
        done = min(int(progress.done_seconds * 10), int(self._seconds * 10))
        if done > self._done or progress.doing != self._bar.current_item:
            self._bar.update(max(0, done - self._done), progress.doing)
            self._done = max(self._done, done)

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bar = click.progressbar(
                length=int(self._seconds * 10),
                label="proving",
                item_show_func=lambda doing: doing,
                show_eta=False,
                show_percent=False,
                width=24,
                file=sys.stderr,
                update_min_steps=1,
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            click.echo("\r\x1b[2K\x1b[?25h", nl=False, err=True, color=True)


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the proof as Ctrl-C does, so that nothing is left behind."""

    def interrupt(_number: int, _frame: object) -> NoReturn:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        for number, action in before.items():
            if action is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, interrupt)
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def told(outcome: Outcome) -> Iterator[str]:
    """The whole report, line by line."""
    yield from _table(outcome)
    yield ""
    yield from _remarks(outcome)
    yield ""
    mistakes = outcome.mistakes
    yield from (_mistake(mistake, outcome) for mistake in mistakes[:_MOST_MISTAKES])
    if len(mistakes) > _MOST_MISTAKES:
        yield f"... and {len(mistakes) - _MOST_MISTAKES} more of these"
    yield click.style(verdict(outcome), fg="green" if outcome.is_exact else "red", bold=True)
    if outcome.kept is not None:
        yield f"What was written and the server's state are kept in {outcome.kept}"
    elif outcome.way == "own" and not outcome.is_exact:
        yield "Please report this; with --keep the files and the server's state stay, to go with the report."


def verdict(outcome: Outcome) -> str:
    """What was found, in a sentence."""
    total = outcome.total
    lines = f"{total.written:,} line" if total.written == 1 else f"{total.written:,} lines"
    if not outcome.is_exact:
        counts = ((total.lost, "were lost"), (total.doubled, "came twice"), (total.disordered, "came out of order"))
        words = [f"{number:,} {what}" for number, what in counts if number]
        kinds = {mistake.kind for mistake in outcome.mistakes}
        words += [what for kind, what in _WITHOUT_A_COUNT.items() if kind in kinds]
        return f"NOT exact: of {lines}, {', '.join(words)}."
    if not total.written:
        return "Nothing is proven: the service had no lines. Try again when it has, or let it watch --dir."
    if total.written < FEW_LINES:
        return f"Exact, but with {lines} alone, which proves little."
    gone = f", or was reported as gone, which {total.in_gaps:,} of them were" if total.in_gaps else ""
    cut = ", over the connection that was cut, too" if outcome.way == "read-only" else ""
    return f"Exact: each of {lines} came once and in order{cut}{gone}."


def _table(outcome: Outcome) -> Iterator[str]:
    heads = list(_COLUMNS)
    if outcome.way == "read-only":
        heads[1] = "lines"
    width = max(len(row.words) for row in outcome.rows) if outcome.rows else 5
    yield click.style(_cells("", heads, width), bold=True)
    for row in outcome.rows:
        yield _row(row.words, row.rotations, row.tally, width)
    rotations = [row.rotations for row in outcome.rows if row.rotations is not None]
    yield click.style(_row("total", sum(rotations) if rotations else None, outcome.total, width), bold=True)


def _row(words: str, rotations: int | None, tally: Tally, width: int) -> str:
    numbers = (rotations, *tally[:6])
    delay = tally.worst_delay_seconds
    cells = ["-" if number is None else f"{number:,}" for number in numbers]
    return _cells(words, [*cells, "-" if delay is None else f"{delay:.3f} s"], width)


def _cells(words: str, cells: Sequence[str], width: int) -> str:
    aligned = [f"{cell:>{cell_width}}" for cell, cell_width in zip(cells, _WIDTHS, strict=True)]
    return f"{words:<{width}}  {'  '.join(aligned)}"


def _remarks(outcome: Outcome) -> Iterator[str]:
    faults, total = outcome.faults, outcome.total
    yield f"The connection was cut {faults.cuts:,} times, {faults.cuts_inside:,} of them within an event."
    if faults.kills:
        yield (
            f"The server was killed {faults.kills:,} times (kill -9) and was back after "
            f"{faults.longest_down_seconds:.1f} s at most."
        )
    if faults.breaks and outcome.way != "own":
        how_often = "Once a connection" if faults.breaks == 1 else f"{faults.breaks:,} times connections"
        yield f"{how_often} ended without our doing."
    if total.in_gaps:
        yield f"Of the lines in gaps {total.reported:,} were reported with their exact number."
    if outcome.way != "read-only":
        yield "What a program writes between the copy and the truncation no reader can see: nothing was written then."
    else:
        yield "Whether all lines came that were written only --dir can tell: this compared what came with what came."


def _mistake(mistake: Mistake, outcome: Outcome) -> str:
    where = mistake.file
    if mistake.life is not None:
        numbers = f"line {mistake.first}" if mistake.first == mistake.last else f"lines {mistake.first}-{mistake.last}"
        where += f" (life {mistake.life}), {numbers}"
    if mistake.written_seconds is not None:
        after = _deed_before(outcome.deeds, mistake.written_seconds)
        where += f", written at {mistake.written_seconds - outcome.began_seconds:.2f} s{after}"
    return " ".join(filter(None, (click.style(f"{mistake.kind}:", fg="red"), where, mistake.words)))


def _deed_before(deeds: Sequence[Deed], at_seconds: float) -> str:
    before = [deed for deed in deeds if deed.at_seconds <= at_seconds]
    return f", {at_seconds - before[-1].at_seconds:.2f} s after {before[-1].words}" if before else ""
