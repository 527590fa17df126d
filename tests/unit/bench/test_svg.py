"""A picture is well-formed, has every point inside of its axes, and says the growth in words."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from bench.curve import Curve
from bench.svg import Axis, draw

CURVES = [
    Curve("cost-of-lines", "CPU time of <lines>", "lines", "s", (5_000, 10_000, 20_000, 40_000), (0.5, 1.0, 2.0, 4.0)),
    Curve("cost-of-files", "CPU time", "files & more", "s", (10, 100, 1_000, 10_000), (0.62, 0.63, 0.9, 3.4)),
    Curve("flat", "CPU time", "queries", "s", (1, 10, 100, 1_000), (1.0, 1.0, 1.0, 1.0)),
]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_each_point_is_drawn_inside_of_the_axes(curve: Curve) -> None:
    picture = ET.fromstring(draw(curve))  # noqa: S314 - our own
    circles = [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in picture.iter(f"{SVG}circle")]

    assert len(circles) == len(curve.sizes)
    assert all(80 <= x <= 610 and 64 <= y <= 336 for x, y in circles)
    assert circles == sorted(circles), "sizes go to the right"
    assert all(upper[1] <= lower[1] for lower, upper in pairwise(circles)), "costs go up"


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_it_says_what_it_shows(curve: Curve) -> None:
    picture = ET.fromstring(draw(curve))  # noqa: S314 - our own
    title = picture.find(f"{SVG}title")
    texts = [one.text for one in picture.iter(f"{SVG}text")]

    assert title is not None
    assert title.text == f"{curve.title}: {curve.words}"
    assert {curve.title, curve.size_unit, curve.cost_unit} <= set(texts)


def test_each_axis_has_at_least_two_round_values() -> None:
    for curve in CURVES:
        numbers = re.findall(r">([0-9.,e+-]+)</text>", draw(curve))
        assert len(numbers) >= 4, curve.name


def test_a_power_law_is_a_straight_line() -> None:
    axis = Axis(1, 1000, 0, 300)

    assert [axis.at(value) for value in (1, 10, 100, 1000)] == pytest.approx([0, 100, 200, 300])
    assert axis.ticks() == [1, 10, 100, 1000]


def test_the_growth_is_stated_over_all_and_at_the_end() -> None:
    assert CURVES[0].words == "grows with the power 1.00, 1.00 at the end"
    assert CURVES[1].words == "grows with the power 0.24, 0.58 at the end"
