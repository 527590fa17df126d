"""One cost curve: what something costs at several sizes, and how that grows. Pure."""

from __future__ import annotations

from typing import NamedTuple

from bench.statistics import growth_exponent


class Curve(NamedTuple):
    """Costs at sizes. `name` is the file's, `size_unit` and `cost_unit` the axes'."""

    name: str
    title: str
    size_unit: str
    cost_unit: str
    sizes: tuple[float, ...]
    costs: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """How cost grows with size: 1 is in proportion, 0 not at all."""
        return growth_exponent(self.sizes, self.costs)
