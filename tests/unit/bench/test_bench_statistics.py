"""Percentiles are real values, weights count, and growth is the slope in log-log."""

from __future__ import annotations

import pytest

from bench.curve import Curve
from bench.statistics import growth_exponent, percentile, weighted_percentile


def test_a_percentile_is_one_of_the_values_by_the_nearest_rank() -> None:
    values = [float(value) for value in range(200, 0, -1)]

    assert [percentile(values, rank) for rank in (0, 50, 99, 100)] == [1.0, 100.0, 198.0, 200.0]
    assert percentile([7.0], 99) == 7.0


@pytest.mark.parametrize("rank", [1, 50, 90, 99, 100])
def test_a_weighted_percentile_is_that_of_the_values_written_out(rank: int) -> None:
    counts = {5.0: 3, 1.0: 90, 2.5: 6, 9.0: 1}
    written_out = [value for value, count in counts.items() for _ in range(count)]

    assert weighted_percentile(counts, rank) == percentile(written_out, rank)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        weighted_percentile({}, 50)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0])
def test_the_exponent_of_growth_is_that_of_the_power_law(exponent: float) -> None:
    sizes = [1.0, 10.0, 100.0, 1000.0]

    assert growth_exponent(sizes, [3 * size**exponent for size in sizes]) == pytest.approx(exponent)


def test_a_curve_knows_its_exponent() -> None:
    assert Curve("n", "t", "lines", "s", (1, 2, 4, 8), (5, 10, 20, 40)).exponent == pytest.approx(1)
