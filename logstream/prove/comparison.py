"""Two readings of one stream, one of them cut many times: what each has and the other has not. Pure.

Owns that comparison, for a stream of which nobody here knows what was written. Refuses to know wires and clocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from logstream.prove.account import Account, Kind, Mistake, Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Told(NamedTuple):
    """A record by its id; or a gap, by the id behind it, of so many lines (None: nobody knows how many)."""

    id: str
    source: str | None
    file: str | None
    is_gap: bool = False
    gap_lines: int | None = None


def compare(whole: Sequence[Told], cut: Sequence[Told]) -> Account:
    """Hold a reading that was cut against one that was not. What it has beyond the other's end does not count.

    A line that only one of them has is excused by a gap in its file that only the other was told: bytes that went
    meanwhile may have been in the service's memory for the one and gone for the other.
    """
    cut = _up_to_the_end_of(whole, cut)
    strays = _disordered(whole, cut)
    files = {(told.source, told.file) for told in (*whole, *cut) if not told.is_gap}
    tallies: dict[str, Tally] = {}
    mistakes = [_place_lost(told) for told in (*whole, *cut) if told.is_gap and told.file is None]
    for source, file in sorted(files, key=str):
        mine, other = (
            [told for told in reading if (told.source, told.file) == (source, file)] for reading in (whole, cut)
        )
        tally, found = _compare_file(mine, other, [told for told in other if told in strays])
        tallies[str(source)] = tallies.get(str(source), Tally()) + tally
        mistakes += found
    return Account(tallies, mistakes)


def _up_to_the_end_of(whole: Sequence[Told], cut: Sequence[Told]) -> Sequence[Told]:
    known = {told.id for told in whole if not told.is_gap}
    ends = [place for place, told in enumerate(cut) if told.id in known]
    return cut[: ends[-1] + 1] if ends else []


def _disordered(whole: Sequence[Told], cut: Sequence[Told]) -> set[Told]:
    """What comes after something that it comes before in the other."""
    places = {told.id: place for place, told in enumerate(whole) if not told.is_gap}
    found, latest, seen = set(), -1, set()
    for told in cut:
        place = places.get(told.id)
        if told.is_gap or place is None or told.id in seen:
            continue
        seen.add(told.id)
        if place < latest:
            found.add(told)
        latest = max(latest, place)
    return found


def _compare_file(whole: Sequence[Told], cut: Sequence[Told], strays: Sequence[Told]) -> tuple[Tally, list[Mistake]]:
    lost: list[Told] = []
    doubled: list[Told] = []
    in_gaps = 0
    for mine, other in ((whole, cut), (cut, whole)):
        missing = _missing(mine, other)
        excused = _excused(len(missing), mine, other)
        in_gaps += excused
        lost += missing[excused:]
        doubled += _repeated(mine)
    written = len({told.id for told in (*whole, *cut) if not told.is_gap})
    kinds: tuple[tuple[Kind, Sequence[Told]], ...] = (("lost", lost), ("doubled", doubled), ("out of order", strays))
    mistakes = [_mistake(kind, found) for kind, found in kinds if found]
    seen = written - len(lost) - in_gaps
    return Tally(written, seen, len(lost), len(doubled), len(strays), in_gaps, in_gaps), mistakes


def _missing(mine: Sequence[Told], other: Sequence[Told]) -> list[Told]:
    """The records of the other that this one has not."""
    known = {told.id for told in mine if not told.is_gap}
    return list({told.id: told for told in other if not told.is_gap and told.id not in known}.values())


def _excused(missing: int, mine: Sequence[Told], other: Sequence[Told]) -> int:
    """How many of the `missing` lines gaps account for that only this one was told."""
    theirs = {told.id for told in other if told.is_gap}
    gaps = [told.gap_lines for told in mine if told.is_gap and told.id not in theirs]
    return missing if None in gaps else min(missing, sum(lines or 0 for lines in gaps))


def _repeated(reading: Iterable[Told]) -> list[Told]:
    seen, found = set(), []
    for told in reading:
        if told.is_gap:
            continue
        if told.id in seen:
            found.append(told)
        seen.add(told.id)
    return found


def _mistake(kind: Kind, found: Sequence[Told]) -> Mistake:
    count = f"{len(found)} of its lines, the first with" if len(found) > 1 else "the line with"
    return Mistake(kind, found[0].file or "", words=f"{count} the id {found[0].id}")


def _place_lost(gap: Told) -> Mistake:
    return Mistake("place lost", gap.file or "", words=f"the service did not know its own id any more; then {gap.id}")
