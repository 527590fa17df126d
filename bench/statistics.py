"""The few statistics that the benchmarks need. Pure, and without a library: each is a handful of lines."""

from __future__ import annotations

import math
from statistics import linear_regression
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def percentile(values: Sequence[float], rank: float) -> float:
    """The nearest-rank percentile."""
    return sorted(values)[max(0, math.ceil(len(values) * rank / 100) - 1)]


def weighted_percentile(counts: Mapping[float, int], rank: float) -> float:
    """The nearest-rank percentile of values that came so many times each."""
    place = max(1, math.ceil(sum(counts.values()) * rank / 100))
    passed = 0
    for value in sorted(counts):
        passed += counts[value]
        if passed >= place:
            return value
    message = "no values"
    raise ValueError(message)


def growth_exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """How cost grows with size: k of cost ~ size ** k, the slope of the line through the points in log-log."""
    slope, _ = linear_regression([math.log(size) for size in sizes], [math.log(cost) for cost in costs])
    return slope
