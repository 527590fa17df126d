"""The account: what was written against what was seen and what was reported as gone. Pure.

Owns what counts as lost, doubled, out of order, and as a report that is wrong. Refuses to know files, clocks and wires.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import groupby
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from logstream.prove.lines import Line

Kind = Literal["lost", "doubled", "out of order", "wrong gap", "damaged", "place lost"]
_SEVERAL: Final = 2
"""A count of sightings stops here: more than once is doubled, whatever the number; the tally has the number."""


class Life(NamedTuple):
    """One life of a file as it was written: where each line ends (bytes), and when it was written (seconds).

    Lines from `late_from` on were written when the next life was there already: they may come after lines of that.
    """

    file: str
    number: int
    ends: Sequence[int]
    times: Sequence[float]
    late_from: int


class Sighting(NamedTuple):
    """A line that came, and when."""

    line: Line
    at_seconds: float


class Gap(NamedTuple):
    """Bytes of a life of `file` that the service reports as gone; None for what it does not know."""

    file: str | None
    start: int | None
    end: int | None
    lines: int | None


class Heard(NamedTuple):
    """All that came, in order; `damaged` are texts that nobody wrote. During `outages` nothing could come."""

    sightings: Sequence[Sighting]
    gaps: Sequence[Gap] = ()
    damaged: Sequence[str] = ()
    outages: Sequence[tuple[float, float]] = ()


class Tally(NamedTuple):
    """The figures of one file, or of all. `reported` is how many of the lines `in_gaps` a gap has counted."""

    written: int = 0
    seen: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    in_gaps: int = 0
    reported: int = 0
    worst_delay_seconds: float | None = None

    def __add__(self, other: object) -> Tally:
        """Both together."""
        if not isinstance(other, Tally):
            return NotImplemented
        delays = [one.worst_delay_seconds for one in (self, other) if one.worst_delay_seconds is not None]
        return Tally(
            self.written + other.written,
            self.seen + other.seen,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.disordered + other.disordered,
            self.in_gaps + other.in_gaps,
            self.reported + other.reported,
            max(delays, default=None),
        )


class Mistake(NamedTuple):
    """Something that must not happen: to the lines `first` to `last` of a life, or as `words` tell."""

    kind: Kind
    file: str
    life: int | None = None
    first: int | None = None
    last: int | None = None
    written_seconds: float | None = None
    words: str = ""


class Account(NamedTuple):
    """The figures of each file, and every mistake."""

    tallies: Mapping[str, Tally]
    mistakes: Sequence[Mistake]

    @property
    def total(self) -> Tally:
        """All files together."""
        total = Tally()
        for tally in self.tallies.values():
            total += tally
        return total


def account_of(lives: Iterable[Life], heard: Heard) -> Account:
    """Hold what came against what was written."""
    pages = {(life.file, life.number): _Page(life) for life in lives}
    files: dict[str, _Book] = {}
    for page in pages.values():
        files.setdefault(page.life.file, _Book()).pages.append(page)
    mistakes = [Mistake("damaged", "", words=text[:80]) for text in heard.damaged]
    outages = Outages(heard.outages)
    for sighting in heard.sightings:
        line = sighting.line
        found = pages.get((line.file, line.life))
        if found is None or line.number >= len(found.life.ends):
            mistakes.append(Mistake("damaged", line.file, line.life, line.number, line.number, words="never written"))
        else:
            files[line.file].see(found, sighting, outages)
    for gap in heard.gaps:
        mistakes += _cover(files, gap)
    for book in files.values():
        mistakes += book.mistakes()
    return Account({name: book.tally() for name, book in files.items()}, mistakes)


class Outages:
    """Stretches of time, put in order and joined."""

    def __init__(self, stretches: Iterable[tuple[float, float]]) -> None:
        """Join those that overlap."""
        self._begins: list[float] = []
        self._ends: list[float] = []
        for begin, end in sorted(stretches):
            if self._ends and begin <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def outside_seconds(self, begin: float, end: float) -> float:
        """How much of the time from `begin` to `end` lies in none of them."""
        first = bisect_right(self._ends, begin)
        inside = zip(self._begins[first:], self._ends[first:], strict=True)
        return end - begin - sum(max(0.0, min(end, until) - max(begin, since)) for since, until in inside)


class _Page:
    """What became of the lines of one life: how often each was seen, and which are reported as gone."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.counts = bytearray(len(life.ends))
        self.gone = bytearray(len(life.ends))
        self.disordered: list[int] = []
        self.latest = -1

    def span(self, gap: Gap) -> range:
        """The lines that a gap in this life takes away whole; none if it does not begin and end as lines do."""
        ends, start = self.life.ends, gap.start or 0
        first = bisect_left(ends, start) + 1 if start else 0
        is_aligned = not start or (first <= len(ends) and ends[first - 1] == start)
        last = len(ends) if gap.end is None else bisect_right(ends, gap.end)
        is_aligned = is_aligned and (gap.end is None or (last > 0 and ends[last - 1] == gap.end))
        return range(first, last) if is_aligned else range(0)

    def missing(self, lines: Iterable[int]) -> list[int]:
        """Those that were neither seen nor reported."""
        return [number for number in lines if not self.counts[number] and not self.gone[number]]


class _Book:
    """One file."""

    def __init__(self) -> None:
        self.pages: list[_Page] = []
        self._doubled = 0
        self._reported = 0
        self._newest_life = 0
        self._worst_delay_seconds: float | None = None

    def see(self, page: _Page, sighting: Sighting, outages: Outages) -> None:
        """A line of a page came."""
        life, number = page.life, sighting.line.number
        if page.counts[number]:
            self._doubled += 1
            page.counts[number] = _SEVERAL
            return
        page.counts[number] = 1
        is_overtaken = life.number < self._newest_life and number < life.late_from
        if number < page.latest or is_overtaken:
            page.disordered.append(number)
        page.latest = max(page.latest, number)
        self._newest_life = max(self._newest_life, life.number)
        written = life.times[number]
        if sighting.at_seconds - written > (self._worst_delay_seconds or 0.0):
            delay = outages.outside_seconds(written, sighting.at_seconds)
            self._worst_delay_seconds = max(self._worst_delay_seconds or 0.0, delay)

    def cover(self, gap: Gap) -> Mistake | None:
        """Lines of one of the lives are reported as gone: of the oldest in which just these are missing."""
        told = f"gap {gap.start}-{gap.end}, lines {gap.lines}"
        for page in self.pages:
            span = page.span(gap)
            if not span or len(page.missing(span)) < len(span):
                continue
            for number in span:
                page.gone[number] = 1
            if gap.lines is not None:
                self._reported += gap.lines
                if gap.lines != len(span):
                    return _mistake("wrong gap", page, span, f"{told}, but {len(span)} are missing")
            return None
        # Of bytes that nobody has looked at, nobody can say that there were none.
        return Mistake("wrong gap", gap.file or "", words=f"{told}, but they are not missing") if gap.lines else None

    def mistakes(self) -> list[Mistake]:
        """What went wrong with lines, a stretch of them in one."""
        found = []
        for page in self.pages:
            doubled = [number for number, count in enumerate(page.counts) if count == _SEVERAL]
            for kind, numbers in (
                ("lost", page.missing(range(len(page.counts)))),
                ("doubled", doubled),
                ("out of order", sorted(page.disordered)),
            ):
                found += [_mistake(kind, page, stretch) for stretch in _stretches(numbers)]  # type: ignore[arg-type]
        return found

    def tally(self) -> Tally:
        """The figures."""
        counts = [count for page in self.pages for count in page.counts]
        seen = len(counts) - counts.count(0)
        return Tally(
            written=len(counts),
            seen=seen,
            lost=sum(len(page.missing(range(len(page.counts)))) for page in self.pages),
            doubled=self._doubled,
            disordered=sum(len(page.disordered) for page in self.pages),
            in_gaps=sum(sum(page.gone) for page in self.pages),
            reported=self._reported,
            worst_delay_seconds=self._worst_delay_seconds,
        )


def _cover(files: Mapping[str, _Book], gap: Gap) -> list[Mistake]:
    if gap.file is None or gap.file not in files:
        return [Mistake("place lost", gap.file or "", words="the service did not know its own id any more")]
    mistake = files[gap.file].cover(gap)
    return [] if mistake is None else [mistake]


def _stretches(numbers: Sequence[int]) -> list[list[int]]:
    """Numbers that follow one another, together."""
    places = enumerate(numbers)
    return [[number for _, number in run] for _, run in groupby(places, key=lambda place: place[1] - place[0])]


def _mistake(kind: Kind, page: _Page, numbers: Sequence[int], words: str = "") -> Mistake:
    life = page.life
    return Mistake(kind, life.file, life.number, numbers[0], numbers[-1], life.times[numbers[0]], words)
