"""Draws a cost curve as an SVG of log-log axes. Pure: the same curve gives the same text, so git shows real changes.

A library would bring a hundred times more than these axes, points and a line need. The picture follows the reader's
light or dark theme, and says in words what it shows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.curve import Curve

_WIDTH: Final = 640
_HEIGHT: Final = 400
_LEFT: Final = 80
_RIGHT: Final = 610
_TOP: Final = 64
_BOTTOM: Final = 336
_STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
text[transform], .across { text-anchor: middle }
.title { font-size: 16px; font-weight: 600 }
.grid { stroke: #d1d9e0 }
.curve { fill: none; stroke: #0969da; stroke-width: 2 }
.even { fill: none; stroke: #818b98; stroke-dasharray: 4 4 }
circle { fill: #0969da }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.grid { stroke: #3d444d }
.curve { stroke: #4493f8 }
circle { fill: #4493f8 }
}
"""


class Axis(NamedTuple):
    """A logarithmic axis: values from `low` to `high` at pixels from `start` to `stop`."""

    low: float
    high: float
    start: float
    stop: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Round values on it: powers of ten, and between them 2 and 5 where there are few of them."""
        decades = range(math.floor(math.log10(self.low)) - 1, math.ceil(math.log10(self.high)) + 1)
        is_wide = self.high / self.low >= 10**3
        found = [step * 10.0**decade for decade in decades for step in ((1,) if is_wide else (1, 2, 5))]
        return [value for value in found if self.low <= value * (1 + 1e-9) and value <= self.high * (1 + 1e-9)]


def draw(curve: Curve) -> str:
    """The picture of a curve, as the text of a file."""
    across = _axis(curve.sizes, _LEFT, _RIGHT)
    up = _axis(curve.costs, _BOTTOM, _TOP)
    points = [f"{across.at(size):.1f},{up.at(cost):.1f}" for size, cost in zip(curve.sizes, curve.costs, strict=True)]
    said = f"{curve.title}: {curve.words}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(said)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="{_LEFT}" y="26">{escape(curve.title)}</text>',
        f'<text x="{_LEFT}" y="46">{escape(curve.words)}; dashed: in proportion</text>',
        *_grid(across, up),
        f'<text x="{(_LEFT + _RIGHT) / 2:.0f}" y="386" class="across">{escape(curve.size_unit)}</text>',
        f'<text transform="translate(20 {(_TOP + _BOTTOM) / 2:.0f}) rotate(-90)">{escape(curve.cost_unit)}</text>',
        _proportion(curve, across, up),
        f'<polyline class="curve" points="{" ".join(points)}"/>',
        *(f'<circle cx="{x}" cy="{y}" r="4"/>' for x, y in (point.split(",") for point in points)),
        "</svg>",
    ]
    return "\n".join(line for line in lines if line) + "\n"


def _axis(values: Sequence[float], start: float, stop: float) -> Axis:
    """An axis with a little room at both ends."""
    room = max(1.25, (max(values) / min(values)) ** 0.08)
    return Axis(min(values) / room, max(values) * room, start, stop)


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for value in across.ticks():
        x = across.at(value)
        yield f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_BOTTOM}"/>'
        yield f'<text x="{x:.1f}" y="{_BOTTOM + 20}" text-anchor="middle">{value:,g}</text>'
    for value in up.ticks():
        y = up.at(value)
        yield f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:,g}</text>'


def _proportion(curve: Curve, across: Axis, up: Axis) -> str:
    """What cost in proportion to size would be, through the last point, as far as it is in the picture."""
    size, cost = curve.sizes[-1], curve.costs[-1]
    first = max(across.low, size * up.low / cost)
    ends = ((first, cost * first / size), (size, cost))
    shown = " ".join(f"{across.at(at):.1f},{up.at(value):.1f}" for at, value in ends)
    return f'<polyline class="even" points="{shown}"/>'
