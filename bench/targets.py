"""Whether what was measured reaches its target, in words. Pure. The targets themselves stand beside each benchmark."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple

from bench.measured import ratio

if TYPE_CHECKING:
    from bench.measured import Bound, Measured, Target

_SIGNIFICANT_DIGITS = 3


class Verdict(NamedTuple):
    """A target, and what became of it."""

    ours: str
    state: Literal["met", "not met", "unknown"]
    words: str


def verdict(measured: Measured, target: Target) -> Verdict:
    """Met if one bound is; unknown if none is and one cannot be told, because its peer has no figure."""
    if target.ours not in measured.figures:
        return Verdict(target.ours, "unknown", f"not measured ({_asked(measured, target)})")
    told = [(bound, _reached(measured, target.ours, bound)) for bound in target.bounds]
    for bound, reached in told:
        if reached is not None and _is_within(measured, reached, bound.limit):
            return Verdict(target.ours, "met", f"met: {_shown(measured, bound, reached)} ({_asked(measured, target)})")
    unknown = [bound.peer for bound, reached in told if reached is None]
    if unknown:
        return Verdict(target.ours, "unknown", f"not measured: {unknown[0]} has no figure ({_asked(measured, target)})")
    reached_words = " and ".join(_shown(measured, bound, reached) for bound, reached in told if reached is not None)
    return Verdict(target.ours, "not met", f"not met: {reached_words} instead of {_asked(measured, target)}")


def number(value: float) -> str:
    """A figure with as many digits as it is worth."""
    return f"{value:,.0f}" if abs(value) >= 10**_SIGNIFICANT_DIGITS else f"{value:.{_SIGNIFICANT_DIGITS}g}"


def _reached(measured: Measured, ours: str, bound: Bound) -> float | None:
    if bound.peer is None:
        return median(measured.figures[ours])
    return ratio(measured, ours, bound.peer).median if bound.peer in measured.figures else None


def _is_within(measured: Measured, reached: float, limit: float) -> bool:
    return reached >= limit if measured.better == "more" else reached <= limit


def _asked(measured: Measured, target: Target) -> str:
    sign = ">=" if measured.better == "more" else "<="
    return " or ".join(f"{sign} {_shown(measured, bound, bound.limit)}" for bound in target.bounds)


def _shown(measured: Measured, bound: Bound, value: float) -> str:
    return f"{number(value)} {measured.unit}" if bound.peer is None else f"{number(value)}x {bound.peer}"
