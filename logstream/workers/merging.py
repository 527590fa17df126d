"""What several processes say of the same view, as one.

Pure; asks nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.rules import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.hub.view import ViewEvidence


def merged_views(told: Iterable[Iterable[ViewEvidence]]) -> tuple[ViewEvidence, ...]:
    """Each view once, in the order in which they were told first: subscribers, lines and hits are added up."""
    found: dict[tuple[object, ...], ViewEvidence] = {}
    for views in told:
        for view in views:
            before = found.get(view[:3])
            found[view[:3]] = view if before is None else _sum(before, view)
    return tuple(found.values())


def _sum(one: ViewEvidence, other: ViewEvidence) -> ViewEvidence:
    first, second = one.evidence, other.evidence
    costs = [(each.ns_a_line, each.lines_tried) for each in (first, second) if each.ns_a_line is not None]
    lines = sum(tried for _, tried in costs)
    evidence = Evidence(
        name=first.name,
        lines_tried=first.lines_tried + second.lines_tried,
        hits=first.hits + second.hits,
        last_hit_ms=max((hit for hit in (first.last_hit_ms, second.last_hit_ms) if hit is not None), default=None),
        ns_a_line=sum(cost * tried for cost, tried in costs) / lines if lines else None,
    )
    return one._replace(subscribers=one.subscribers + other.subscribers, evidence=evidence)
