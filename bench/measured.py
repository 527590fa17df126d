"""What one benchmark found, and the ratios ours/peer in it. Pure; how it is shown is bench.report's.

The ratio of ours to a peer is the median of the ratios of each round, with the least and the most of them: figures of
one round were taken under the same conditions, medians of different rounds were not.
"""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OURS: Final = "logstream"
"""What the names of our own contenders begin with."""


class Bound(NamedTuple):
    """A limit of our figure, or, with a `peer`, of the ratio of our figure to the peer's."""

    limit: float
    peer: str | None = None


class Target(NamedTuple):
    """What our contender `ours` should reach: any one of `bounds` is enough."""

    ours: str
    bounds: tuple[Bound, ...]


class Measured(NamedTuple):
    """One benchmark: a figure a round for each contender, and whether more or less of the unit is better.

    `missing` has the peers without figures, with the reason.
    """

    what: str
    unit: str
    better: Literal["more", "less"]
    figures: Mapping[str, Sequence[float]]
    targets: tuple[Target, ...] = ()
    missing: Mapping[str, str] = {}

    @property
    def ours(self) -> list[str]:
        """Our contenders."""
        return [name for name in self.figures if name.startswith(OURS)]

    @property
    def peers(self) -> list[str]:
        """The others that have figures."""
        return [name for name in self.figures if not name.startswith(OURS)]


class Ratio(NamedTuple):
    """Ours against one peer: the median, least and most of the rounds' ratios."""

    ours: str
    peer: str
    median: float
    least: float
    most: float


def ratio(measured: Measured, ours: str, peer: str) -> Ratio:
    """One of our contenders against one peer, round by round."""
    pairs = zip(measured.figures[ours], measured.figures[peer], strict=True)
    found = [a / b if b else math.inf for a, b in pairs]
    return Ratio(ours, peer, median(found), min(found), max(found))


def ratios(measured: Measured) -> list[Ratio]:
    """Each of our contenders against each peer."""
    return [ratio(measured, ours, peer) for ours in measured.ours for peer in measured.peers]
