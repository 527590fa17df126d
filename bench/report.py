"""What was measured, as a table for people, as Markdown for docs/performance.md, and as JSON for programs.

Pure but for the one write. The JSON holds all that the other two say, so they can be made from it later.
"""

from __future__ import annotations

import math
import platform
from statistics import median
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from bench.curve import Curve
from bench.measured import Bound, Measured, Target, ratio, ratios
from bench.targets import number, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.rounds import Plan

_HEADINGS: Final = ("what", "unit", "ours", "median", "peer", "median", "ours/peer", "least", "most", "target")
_LEFT_ALIGNED: Final = frozenset(("what", "unit", "ours", "peer", "target"))
_NOTHING: Final = "-"
_VERSION: Final = 2
_REASON_CHARACTERS: Final = 100


class Machine(NamedTuple):
    """Where it was measured: usable cores, and how many processes wanted them on average before anything began."""

    cores: int
    load_before: float


class Report(NamedTuple):
    """All that one run found: benchmarks, cost curves, and the benchmarks that could not be completed, with reasons."""

    results: list[Measured]
    curves: list[Curve]
    failures: dict[str, str]


def table(results: Sequence[Measured]) -> str:
    """The results in columns."""
    rows = [_HEADINGS, *_rows(results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(_aligned(row, widths)).rstrip() for row in rows)


def markdown(results: Sequence[Measured]) -> str:
    """The same as a table in Markdown."""
    marks = tuple("---" if heading in _LEFT_ALIGNED else "---:" for heading in _HEADINGS)
    rows = [_HEADINGS, marks, *(tuple(cell.replace("|", "\\|") for cell in row) for row in _rows(results))]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def curve_table(curves: Sequence[Curve]) -> str:
    """The cost curves as a table in Markdown."""
    lines = ["| what | sizes | s of CPU time | growth |", "|---|---:|---:|---|"]
    for curve in curves:
        sizes = ", ".join(f"{size:,g}" for size in curve.sizes)
        costs = ", ".join(number(cost) for cost in curve.costs)
        lines.append(f"| {curve.title} | {sizes} {curve.size_unit} | {costs} | {curve.words} |")
    return "\n".join(lines)


def write_json(path: Path, plan: Plan, machine: Machine, report: Report) -> None:
    """Everything: each round's figures, and what the table says of them."""
    told: dict[str, Any] = {
        "version": _VERSION,
        "plan": plan._asdict(),
        "machine": machine._asdict(),
        "python": platform.python_version(),
        "results": [_told(measured) for measured in report.results],
        "curves": [
            curve._asdict() | {"exponent": curve.exponent, "last_exponent": curve.last_exponent}
            for curve in report.curves
        ],
        "failures": report.failures,
    }
    path.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2, default=_plain) + b"\n")


def report_in(told: dict[str, Any]) -> Report:
    """What `write_json` was given, from what it wrote."""
    curves = [Curve(*(one[field] for field in Curve._fields)) for one in told["curves"]]
    return Report(_results_in(told), curves, told["failures"])


def _results_in(told: dict[str, Any]) -> list[Measured]:
    return [
        Measured(
            one["what"],
            one["unit"],
            one["better"],
            one["figures"],
            tuple(Target(ours, tuple(Bound(*bound) for bound in bounds)) for ours, bounds in one["targets"]),
            one["missing"],
        )
        for one in told["results"]
    ]


def _plain(value: object) -> object:
    """A named tuple as what orjson knows."""
    if isinstance(value, tuple):
        return list(value)
    raise TypeError


def _told(measured: Measured) -> dict[str, Any]:
    return {
        **measured._asdict(),
        "medians": {name: median(figures) for name, figures in measured.figures.items()},
        "ratios": [ratio._asdict() for ratio in ratios(measured)],
        "verdicts": [verdict(measured, target)._asdict() for target in measured.targets],
    }


def _rows(results: Sequence[Measured]) -> Iterator[tuple[str, ...]]:
    for measured in results:
        what = f"{measured.what} ({measured.better} is better)"
        for ours in measured.ours:
            for row in _rows_of(measured, ours):
                yield (what, measured.unit, ours, number(median(measured.figures[ours])), *row)
                what = ""


def _rows_of(measured: Measured, ours: str) -> Iterator[tuple[str, ...]]:
    """Peer, its median, three ratios and the targets of each row of one contender."""
    targets = [target for target in measured.targets if target.ours == ours]
    alone = [target for target in targets if all(bound.peer is None for bound in target.bounds)]
    rivals = [*measured.peers, *measured.missing]
    if alone or not rivals:
        words = "; ".join(verdict(measured, target).words for target in alone)
        yield (_NOTHING, _NOTHING, _NOTHING, _NOTHING, _NOTHING, words)
    for peer in rivals:
        against = [target for target in targets if any(bound.peer == peer for bound in target.bounds)]
        words = "; ".join(verdict(measured, target).words for target in against)
        if peer in measured.figures:
            found = ratio(measured, ours, peer)
            shown = [_times(value) for value in (found.median, found.least, found.most)]
            yield (peer, number(median(measured.figures[peer])), *shown, words)
        else:
            why = shorten(measured.missing[peer], _REASON_CHARACTERS)
            yield (peer, "not measured", _NOTHING, _NOTHING, _NOTHING, "; ".join(filter(None, (words, why))))


def _times(ratio: float) -> str:
    """A ratio; none to a peer whose figure is 0."""
    return f"{number(ratio)}x" if math.isfinite(ratio) else _NOTHING


def _aligned(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    for heading, cell, width in zip(_HEADINGS, row, widths, strict=True):
        yield cell.ljust(width) if heading in _LEFT_ALIGNED else cell.rjust(width)
