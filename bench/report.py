"""What was measured, as a table for people and as JSON for programs. Pure but for the one write.

The ratio of a row is the median of the ratios ours/peer of each round, with the least and the most of them: figures of
one round were taken under the same conditions, medians of different rounds were not.
"""

from __future__ import annotations

import platform
from statistics import median
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.rounds import Plan

OURS: Final = "logstream"
"""What the names of our own pipelines begin with."""
_HEADINGS: Final = ("what", "unit", "ours", "median", "peer", "median", "ours/peer", "least", "most")
_LEFT_ALIGNED: Final = frozenset(("what", "unit", "ours", "peer"))


class Measured(NamedTuple):
    """One benchmark: a figure a round for each pipeline, and whether more or less of the unit is better."""

    what: str
    unit: str
    better: Literal["more", "less"]
    figures: dict[str, list[float]]


class Machine(NamedTuple):
    """Where it was measured: usable cores, and how many processes wanted them on average before anything began."""

    cores: int
    load_before: float


class Ratio(NamedTuple):
    """Ours against one peer: the median, least and most of the rounds' ratios."""

    ours: str
    peer: str
    median: float
    least: float
    most: float


def ratios(measured: Measured) -> Iterator[Ratio]:
    """Each of our pipelines against each peer."""
    ours = [name for name in measured.figures if name.startswith(OURS)]
    peers = [name for name in measured.figures if not name.startswith(OURS)]
    for name in ours:
        for peer in peers:
            found = [a / b for a, b in zip(measured.figures[name], measured.figures[peer], strict=True)]
            yield Ratio(name, peer, median(found), min(found), max(found))


def table(results: Sequence[Measured]) -> str:
    """The results in columns."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for measured in results:
        what = f"{measured.what} ({measured.better} is better)"
        medians = {name: _shown(median(figures)) for name, figures in measured.figures.items()}
        for ratio in ratios(measured):
            shown = (f"{value:.3g}x" for value in ratio[2:])
            rows.append((what, measured.unit, ratio.ours, medians[ratio.ours], ratio.peer, medians[ratio.peer], *shown))
            what = ""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join("  ".join(_aligned(row, widths)).rstrip() for row in rows)


def write_json(path: Path, plan: Plan, machine: Machine, results: Sequence[Measured]) -> None:
    """Everything: each round's figures, and what the table says of them."""
    told: dict[str, Any] = {
        "version": 1,
        "rounds": plan.rounds,
        "lines": plan.lines,
        "machine": machine._asdict(),
        "python": platform.python_version(),
        "results": [
            {
                **measured._asdict(),
                "medians": {name: median(figures) for name, figures in measured.figures.items()},
                "ratios": [ratio._asdict() for ratio in ratios(measured)],
            }
            for measured in results
        ],
    }
    path.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}"  # noqa: PLR2004 - where decimals begin to matter


def _aligned(row: tuple[str, ...], widths: list[int]) -> Iterator[str]:
    for heading, cell, width in zip(_HEADINGS, row, widths, strict=True):
        yield cell.ljust(width) if heading in _LEFT_ALIGNED else cell.rjust(width)
