"""A verdict says whether a target was met, by what, and never calls met what was not measured."""

from __future__ import annotations

import pytest

from bench.measured import Bound, Measured, Ratio, Target, ratios
from bench.targets import number, verdict

OURS = "logstream line"
FIGURES = {OURS: [20.0, 30.0, 90.0], "peer": [10.0, 10.0, 10.0]}


def measured(better: str, *bounds: Bound, figures: dict[str, list[float]] | None = None) -> Measured:
    targets = (Target(OURS, bounds),)
    found = FIGURES if figures is None else figures
    return Measured("what", "ms", "more" if better == "more" else "less", found, targets, {"gone": "not to be had"})


def words(one: Measured) -> tuple[str, str]:
    return verdict(one, one.targets[0])[1:]


def test_the_ratio_is_the_median_of_the_rounds_ratios_and_not_the_ratio_of_medians() -> None:
    figures = {OURS: [10.0, 20.0, 30.0], "peer": [10.0, 40.0, 20.0]}

    assert ratios(measured("less", figures=figures)) == [Ratio(OURS, "peer", 1.0, 0.5, 1.5)]


@pytest.mark.parametrize(
    ("better", "bound", "state", "said"),
    [
        ("more", Bound(3.0, "peer"), "met", "met: 3x peer (>= 3x peer)"),
        ("more", Bound(4.0, "peer"), "not met", "not met: 3x peer instead of >= 4x peer"),
        ("less", Bound(3.0, "peer"), "met", "met: 3x peer (<= 3x peer)"),
        ("less", Bound(0.8, "peer"), "not met", "not met: 3x peer instead of <= 0.8x peer"),
        ("less", Bound(25.0), "not met", "not met: 30 ms instead of <= 25 ms"),
        ("less", Bound(30.0), "met", "met: 30 ms (<= 30 ms)"),
        ("less", Bound(1.0, "gone"), "unknown", "not measured: gone has no figure (<= 1x gone)"),
    ],
)
def test_a_bound_is_of_the_ratio_or_of_our_figure(better: str, bound: Bound, state: str, said: str) -> None:
    assert words(measured(better, bound)) == (state, said)


@pytest.mark.parametrize(
    ("bounds", "state", "said"),
    [
        ((Bound(1.0, "peer"), Bound(31.0)), "met", "met: 30 ms (<= 1x peer or <= 31 ms)"),
        ((Bound(1.0, "peer"), Bound(3.0)), "not met", "not met: 3x peer and 30 ms instead of <= 1x peer or <= 3 ms"),
        ((Bound(1.0, "gone"), Bound(31.0)), "met", "met: 30 ms (<= 1x gone or <= 31 ms)"),
        ((Bound(1.0, "gone"), Bound(3.0)), "unknown", "not measured: gone has no figure (<= 1x gone or <= 3 ms)"),
    ],
)
def test_one_bound_of_several_is_enough(bounds: tuple[Bound, ...], state: str, said: str) -> None:
    assert words(measured("less", *bounds)) == (state, said)


def test_a_target_of_what_was_not_measured_is_unknown() -> None:
    assert words(measured("less", Bound(1.0), figures={"peer": [1.0]})) == ("unknown", "not measured (<= 1 ms)")


@pytest.mark.parametrize(
    ("value", "shown"), [(0.01234, "0.0123"), (3.0, "3"), (999.4, "999"), (1234567.8, "1,234,568")]
)
def test_a_figure_has_three_digits_or_all_before_the_point(value: float, shown: str) -> None:
    assert number(value) == shown
