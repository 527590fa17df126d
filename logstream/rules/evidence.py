"""What rules and queries have done so far: lines tried, hits, the last of them, and what a line costs.

Owns the counts and what is worth a remark in them. Refuses to look at lines or at a clock.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from logstream.rules.judging import Rule, Spoken

ENOUGH_LINES: Final = 1000
"""How many lines a rule must have been tried on before it is worth saying that none was a hit."""
_DEAR_NS: Final = 200
_DEAR_TIMES: Final = 4
"""A rule is dear that costs this much a line, and so many times what the others cost."""


class Evidence(NamedTuple):
    """What a rule or a query has done so far.

    `last_hit_ms` is in epoch milliseconds, `ns_a_line` what it costs when scanned alone; None where nothing is known.
    """

    name: str
    lines_tried: int
    hits: int
    last_hit_ms: int | None
    ns_a_line: float | None


class Count:
    """One rule's or query's counts as they grow."""

    def __init__(self) -> None:
        self.lines_tried = 0
        self.hits = 0
        self.last_hit_ms: int | None = None
        self.measured_lines = 0
        """The lines from which the cost was sampled."""
        self._measured_ns = 0

    def add(self, lines_tried: int, hits: int, time_ms: int) -> None:
        """Count lines that were recorded at `time_ms`."""
        self.lines_tried += lines_tried
        self.hits += hits
        if hits:
            self.last_hit_ms = max(time_ms, self.last_hit_ms or 0)

    def measured(self, lines: int, ns: int) -> None:
        """Take `ns` nanoseconds for `lines` lines as a sample of the cost."""
        self.measured_lines += lines
        self._measured_ns += ns

    def told(self, name: str) -> Evidence:
        """The counts as they are now."""
        cost = self._measured_ns / self.measured_lines if self.measured_lines else None
        return Evidence(name, self.lines_tried, self.hits, self.last_hit_ms, cost)


class Tally:
    """The counts of a rule set. A rule that stands unchanged in the set before it keeps its own."""

    def __init__(self, rules: Iterable[Rule], before: Tally | None = None) -> None:
        known: dict[Rule, Count] = before.counts if before else {}
        self.counts: dict[Rule, Count] = {rule: known.get(rule) or Count() for rule in rules}
        self._in_order = tuple(self.counts.items())

    def add(self, spoken: Iterable[Spoken], time_ms: int) -> None:
        """Count what the rules said of a block that was recorded at `time_ms`."""
        for number, lines_tried, hits in spoken:
            self._in_order[number][1].add(lines_tried, hits, time_ms)

    def evidence(self) -> tuple[Evidence, ...]:
        """What each rule has done, in the order of the rules."""
        return tuple(count.told(rule.name) for rule, count in self._in_order)


def remarks(evidence: Sequence[Evidence]) -> dict[str, str]:
    """What is worth saying of rules, by their name: that one never fired, or costs more than its share."""
    found: dict[str, list[str]] = {}
    for one in evidence:
        if not one.hits and one.lines_tried >= ENOUGH_LINES:
            found.setdefault(one.name, []).append(f"never fired in {one.lines_tried:,} lines: does it still fit?")
        others = [other.ns_a_line for other in evidence if other is not one and other.ns_a_line is not None]
        # What a few lines cost is what it costs to begin.
        if one.ns_a_line is None or one.lines_tried < ENOUGH_LINES or not others:
            continue
        if one.ns_a_line >= max(_DEAR_NS, _DEAR_TIMES * median(others)):
            times = one.ns_a_line / max(median(others), 1)
            found.setdefault(one.name, []).append(
                f"takes {one.ns_a_line:,.0f} ns a line, {times:,.0f} times as much as the other rules"
            )
    return {name: "; ".join(told) for name, told in found.items()}
