"""The proof by reading alone: one stream of a running service, read twice at once, one of the times with cuts.

Owns the two readings. Writes nothing, and asks the service no more than two viewers would.
"""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from logstream.client import fetch_json
from logstream.errors import LogstreamError
from logstream.prove.comparison import Told, compare
from logstream.prove.outcome import Faults, Outcome, Row
from logstream.prove.reading import Asked, Reader, wait_until_begun
from logstream.prove.staging import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.prove.proof import Service

_PAGE_RECORDS: Final = 1000
_PAGES: Final = 3
_PAUSE_SECONDS: Final = 0.3
_EARLY_CUTS: Final = 0.9
"""The past comes at once: hardly anything of it may come over one connection."""
_LOOK_SECONDS: Final = 0.05
_CATCH_UP_SECONDS: Final = 15.0
_MOST_TOLD: Final = 1_000_000
"""Behind so many records the reading ends, however much time is left."""


class NoIdsError(LogstreamError):
    """The service sends lines without ids, so that nobody can go on anywhere."""

    def __str__(self) -> str:
        """One line for people."""
        return "the service sends lines without ids: it cannot record now; /readyz there says why"


class Listing:
    """What came, by ids."""

    def __init__(self) -> None:
        """Nothing has come."""
        self.told: list[Told] = []
        self.ids: set[str] = set()

    def record(self, told: dict[str, Any], at_seconds: float) -> None:  # noqa: ARG002 - what a reader tells
        """A line came."""
        if told["id"] is None:
            raise NoIdsError
        self.told.append(Told(told["id"], told["source"], told["file"]))
        self.ids.add(told["id"])

    def gap(self, told: dict[str, Any], place: str) -> None:
        """Bytes are reported as gone."""
        self.told.append(Told(place, told["source"], told["file"], is_gap=True, gap_lines=told["lines"]))


def prove_by_reading(service: Service, seconds: float, show: Callable[[Progress], None]) -> Outcome:
    """Compare a reading that is cut at any byte with one that is not. Raises LogstreamError."""
    show(Progress(0, "looking for where to begin"))
    asked = Asked(
        last_event_id=_place_to_begin(service),
        headers=service.headers,
        pause_seconds=_PAUSE_SECONDS,
        early_cuts=_EARLY_CUTS,
    )
    listings = Listing(), Listing()
    pick = random.Random()  # noqa: S311 - decides where connections are cut, guards nothing
    with ExitStack() as cleaning:
        whole = Reader(lambda: service.url, asked, listings[0], None)
        cleaning.callback(whole.end)
        whole.start()
        wait_until_begun(whole)
        # Without a place to begin both begin where the first one does.
        asked = asked._replace(last_event_id=asked.last_event_id or whole.first_event_id)
        cut = Reader(lambda: service.url, asked, listings[1], pick)
        cleaning.callback(cut.end)
        cut.start()
        _read(listings, (whole, cut), seconds, show)
        whole.end()
        last = next((told.id for told in reversed(listings[0].told) if not told.is_gap), None)
        deadline = time.monotonic() + _CATCH_UP_SECONDS
        while last is not None and last not in listings[1].ids and time.monotonic() < deadline:
            cut.check()
            time.sleep(_LOOK_SECONDS)
        cut.end()
    account = compare(tuple(listings[0].told), tuple(listings[1].told))
    rows = [Row(f"source {source}", None, tally) for source, tally in account.tallies.items()]
    faults = Faults(cut.cuts, cut.cuts_inside, whole.breaks + cut.breaks)
    return Outcome("read-only", rows, account.total, account.mistakes, faults)


def _read(
    listings: tuple[Listing, Listing], readers: tuple[Reader, Reader], seconds: float, show: Callable[[Progress], None]
) -> None:
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds and len(listings[0].told) < _MOST_TOLD:
        for reader in readers:
            reader.check()
        show(Progress(passed, f"reading twice, {readers[1].cuts} cuts so far"))
        time.sleep(_LOOK_SECONDS)


def _place_to_begin(service: Service) -> str:
    """The id of a record some way back, so that a quiet service proves something too; empty if it has none."""
    place = before = ""
    for _ in range(_PAGES):
        target = f"/api/v1/records?limit={_PAGE_RECORDS}" + (f"&before={before}" if before else "")
        page = fetch_json(service.url, target, service.headers)
        if page["records"]:
            place = page["records"][0]["id"]
        before = page["scanned_to"] or ""
        if not page["more"] or not before:
            break
    return place
