"""One cost curve: what something costs at several sizes, and how that grows. Pure."""

from __future__ import annotations

from typing import NamedTuple

from bench.statistics import growth_exponent


class Curve(NamedTuple):
    """Costs at sizes, in rising order. `name` is that of its picture, the units are those of the axes."""

    name: str
    title: str
    size_unit: str
    cost_unit: str
    sizes: tuple[float, ...]
    costs: tuple[float, ...]

    @property
    def exponent(self) -> float:
        """How cost grows over all sizes: 1 is in proportion, 0 not at all, 2 with the square."""
        return growth_exponent(self.sizes, self.costs)

    @property
    def last_exponent(self) -> float:
        """The same between the two largest sizes, where what is paid once matters least."""
        return growth_exponent(self.sizes[-2:], self.costs[-2:])

    @property
    def words(self) -> str:
        """The growth, as a picture and a table have it."""
        return f"grows with the power {self.exponent:.2f}, {self.last_exponent:.2f} at the end"
