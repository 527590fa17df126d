"""All lineages of all sources: made from what is remembered and what is found, dropped when nothing is left of them.

Owns which source has a file, and which of a source's files are older lives of another. Reads nothing and keeps no
time.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.batch import display
from logstream.tail.belated import expect_again
from logstream.tail.clocks import latest_seconds, none_later, not_later
from logstream.tail.copies import Copies
from logstream.tail.discovery import reason_of
from logstream.tail.former import path_of, places
from logstream.tail.globs import is_matched
from logstream.tail.histories import Histories
from logstream.tail.lineage import Census, Lineage
from logstream.tail.numbers import is_given_to
from logstream.tail.parked import Claim, Parked
from logstream.tail.patience import NOT_SEARCHED, Searched
from logstream.tail.reader import Reader
from logstream.tail.rotation import Sibling, oldest_first
from logstream.tail.sighted import Sighted
from logstream.tail.slices import SLICE_FILES, at_once
from logstream.tail.status import SLICE_LINEAGES, SourceStatus, survey

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from logstream.tail.batch import Known, SourceSpec
    from logstream.tail.discovery import Found, Sighting
    from logstream.tail.succession import Succession
    from logstream.tail.turn import Turn

_NS = 1_000_000_000


class Roster:
    """Who is followed, by path.

    What changes it for thousands of files at once pauses (yields) often, and nobody else may change it meanwhile.
    """

    def __init__(self, census: Census, succession: Succession) -> None:
        """Follow nobody yet."""
        self.lineages: dict[str, Lineage] = {}
        self._census = census
        self._succession = succession
        self._specs: dict[str, SourceSpec] = {}
        self._parked = Parked(census)
        self._histories = Histories()
        self._sighted = Sighted(self.lineages, self._histories, census, succession)
        self._looked_beside: set[str] = set()
        self._first_seen: set[str] = set()
        self._troubles: dict[str, dict[str, str]] = {}
        self._searched_at: dict[str, float] = {}
        """When each source was last searched; of those that were followed before the start, when that ended."""

    @property
    def specs(self) -> Iterable[SourceSpec]:
        """The sources that are followed."""
        return self._specs.values()

    def follows(self, spec: SourceSpec) -> bool:
        """Whether a source is followed, and as `spec` says."""
        return self._specs.get(spec.name) == spec

    @property
    def has_searched_all(self) -> bool:
        """Whether every source has been searched once."""
        return NOT_SEARCHED not in self._census.searches.values()

    def survey(self, names: Iterable[str]) -> Iterator[tuple[SourceStatus, ...]]:
        """What people may know of the sources `names`, at the end; before that it yields nothing, now and then."""
        return survey(names, self.lineages.values(), dict(self._troubles))

    def remember(
        self, known: Iterable[Known], watched_since: Mapping[str, float], now: float, epoch_seconds: float
    ) -> None:
        """Take over what is remembered, in the order of births; sources must have been set before."""
        generations = tuple(known)
        latest = latest_seconds(generations, watched_since.values(), epoch_seconds)
        self._searched_at |= none_later(watched_since, latest)  # what was rotated since is no history
        for generation in generations:
            dated = generation if latest is None else not_later(generation, latest)
            if dated.source not in self._first_seen and dated.seen_time is not None:
                self._searched_at[dated.source] = dated.seen_time
            if generation.is_gone or generation.sealed:
                # By its own time the file of a finished one is known again.
                self._census.retire(generation, is_gone=generation.is_gone)
                self._census.remembered.add(generation.key)
                self._histories.note(path_of(generation), dated.last_ns)
            else:
                self._parked.put(dated)
        self._parked.put_in_order(places(generations))
        at_once(self._unpark(now))

    def set_sources(
        self, specs: Sequence[SourceSpec], first_seen: Iterable[str], now: float
    ) -> Generator[None, None, None]:
        """Follow `specs` from now on: files that stay are not disturbed, others are put aside with their places."""
        self._specs = {spec.name: spec for spec in specs}
        self._census.specs = tuple(specs)
        self._first_seen = set(first_seen)
        self._looked_beside &= self._specs.keys()
        self._census.searches = {name: self._census.searches.get(name, NOT_SEARCHED) for name in self._specs}
        for number, lineage in enumerate(list(self.lineages.values()), 1):
            if number % SLICE_FILES == 0:
                yield
            spec = self._specs.get(lineage.spec.name)
            if spec is not None and is_matched(lineage.path, spec.paths, spec.exclude):
                lineage.spec = spec
                for reader in lineage.readers:
                    reader.spec = spec
            else:
                self._park(lineage)
        yield from self._unpark(now)

    def note(self, spec: SourceSpec, found: Found, turn: Turn) -> Generator[None, None, list[Lineage]]:
        """Take in what a search found: enter new paths, drop those of which nothing is left; answer what to look at."""
        is_first = self._census.searches[spec.name] is NOT_SEARCHED
        fresh = yield from self._enter(spec, found, turn, is_first=is_first)
        self._searched_at[spec.name] = found.began
        self._census.searches[spec.name] = Searched(found.began_at, turn.now)
        sighted = {sighting.path for sighting in found.sightings}
        for number, lineage in enumerate(list(self.lineages.values()), 1):
            if number % SLICE_LINEAGES == 0:
                yield
            if lineage.spec.name == spec.name and not lineage.is_awaited and lineage.path not in sighted:
                self._drop(lineage)
        self._note_troubles(spec, {trouble.path: trouble.reason for trouble in found.troubles}, turn)
        return fresh

    def recall(self, path: str) -> Lineage | None:
        """The log that is followed at a path where something happened; one of the past, too, if no search finds it."""
        lineage = self.lineages.get(path)
        if lineage is not None:
            lineage.has_more_before |= lineage.is_gone and lineage.has_history
            return lineage
        spec = next((spec for spec in self._specs.values() if self._histories.has_of(spec, path)), None)
        if spec is None or os.path.lexists(path) or self._histories.has_base_of(path, self.lineages):
            return None
        return self._found_again(spec, path)

    def close(self) -> None:
        """Give all descriptors up."""
        self._census.open_files.close()
        self._census.unpacking.close()

    def closing(self) -> Generator[None, None, None]:
        """Give all descriptors up that have been counted; what is left then is for `close`."""
        return self._census.open_files.closing()

    def _enter(
        self, spec: SourceSpec, found: Found, turn: Turn, *, is_first: bool
    ) -> Generator[None, None, list[Lineage]]:
        new = yield from self._sighted.new_among(found.sightings)
        fresh: list[Lineage] = []
        older: dict[str, list[tuple[Sibling, Sighting]]] = {}
        for number, (path, sighting) in enumerate(new.items(), 1):
            if number % SLICE_FILES == 0:
                yield
            base = self._sighted.base_of(spec, sighting, new)
            if base is None:
                fresh.append(self._found(spec, path, is_first=is_first))
            else:
                older.setdefault(base[0], []).append((base[1], sighting))
        for base_path, family in older.items():
            yield
            lineage = self.lineages.get(base_path)
            is_followed = lineage is not None
            if lineage is None and self._histories.has_of(spec, base_path):
                lineage = self._found(spec, base_path, is_first=is_first)
            if lineage is None or lineage.spec.name != spec.name:
                fresh.extend(self._found(spec, sighting.path, is_first=is_first) for _, sighting in family)
            else:
                siblings = oldest_first(sibling for sibling, _ in family)
                fresh += yield from self._join(lineage, siblings, turn, is_first=is_first)
                if not is_followed and lineage.live is None:
                    lineage.is_gone = True  # nobody need be told once more
                    lineage.has_more_before |= lineage.unsettled_since is not None
        is_done = spec.name in self._looked_beside
        return fresh if is_done else fresh + (yield from self._look_beside(spec, found.directories))

    def _look_beside(self, spec: SourceSpec, directories: Iterable[str]) -> Generator[None, None, list[Lineage]]:
        """Logs that were followed before a restart, and have no file now, but perhaps one beside them that is new.

        What came and went while nobody looked would else wait until something is written to such a log again.
        """
        try:
            yield from self._histories.note_unseen(spec, directories, self.lineages, self._searched_at.get(spec.name))
            survived = yield from self._histories.survived(spec, self.lineages)
        except OSError:
            self._census.open_files.make_room()
            return []  # the next search looks again
        self._looked_beside.add(spec.name)
        return [self._found_again(spec, path) for path in survived]

    def _found_again(self, spec: SourceSpec, path: str) -> Lineage:
        """A lineage of the past that has no file: nobody need be told once more, but there may be something to read."""
        lineage = self._found(spec, path, is_first=False)
        lineage.is_gone = lineage.has_more_before = True
        return lineage

    def _found(self, spec: SourceSpec, path: str, *, is_first: bool) -> Lineage:
        """A new lineage."""
        lineage = self.lineages[path] = Lineage(spec, path, self._census.namesakes)
        lineage.is_late = not is_first
        lineage.starts_at_end = is_first and spec.start == "end" and spec.name in self._first_seen
        lineage.has_history = path in self._histories or spec.name in self._searched_at
        if path in self._histories:
            lineage.last_mtime_ns = self._histories.take(path)
        elif lineage.has_history:
            # It was not there then: what was rotated away from it since is as new as it is.
            lineage.last_mtime_ns = int((self._searched_at[spec.name] - 1) * _NS)
        return lineage

    def _join(
        self, lineage: Lineage, siblings: list[Sibling], turn: Turn, *, is_first: bool
    ) -> Generator[None, None, list[Lineage]]:
        """Enter older lives that the globs match too. Those that were rotated just now are identified first."""
        fresh = [lineage]
        lineage.has_more_before |= lineage.is_gone and lineage.has_history
        try:
            yield from self._adopt_all(lineage, siblings, fresh, turn, is_first=is_first)
        except OSError as error:  # those that are missing are found by the next search
            lineage.obstruct("unreadable", reason_of(error), turn)
        return fresh

    def _adopt_all(
        self, lineage: Lineage, siblings: list[Sibling], fresh: list[Lineage], turn: Turn, *, is_first: bool
    ) -> Iterator[None]:
        if lineage.has_history and not self._succession.has_bound(lineage, turn):
            return  # some may be missing here, as a listing is overtaken by renames
        if lineage.has_history and Copies(self._census).is_outdated(lineage):
            return  # or be newer than what waits
        for sibling in siblings:
            yield
            if self._succession.reader_at(sibling.path, (sibling.dev, sibling.ino)) is not None:
                continue
            if not self._succession.adopt(lineage, sibling, turn):
                fresh.append(self._found(lineage.spec, sibling.path, is_first=is_first))
            elif not is_first:
                turn.tell(lineage.spec, display(sibling.path), "appeared")

    def _note_troubles(self, spec: SourceSpec, troubles: dict[str, str], turn: Turn) -> None:
        before = self._troubles.get(spec.name, {})
        for path, reason in troubles.items():
            if before.get(path) != reason:
                turn.tell(spec, display(path), "unreadable", reason)
        for path in before.keys() - troubles.keys():
            turn.tell(spec, display(path), "readable")
        self._troubles[spec.name] = troubles

    def _drop(self, lineage: Lineage) -> None:
        del self.lineages[lineage.path]
        if lineage.last_mtime_ns is not None:
            self._histories.note(lineage.path, lineage.last_mtime_ns)

    def _park(self, lineage: Lineage) -> None:
        del self.lineages[lineage.path]
        for reader in lineage.readers:
            self._census.strike(reader)
            if reader.is_packed:
                continue  # it has not begun: nobody has heard of it
            known = reader.known()
            self._parked.put(known)
            self._census.retire(known)

    def _unpark(self, now: float) -> Generator[None, None, None]:
        """Follow what is remembered of the sources there are."""
        for claim in self._parked.claims(self._specs, self.lineages):
            if claim is None:
                yield
            else:
                self._go_on_with(claim, now)

    def _go_on_with(self, claim: Claim, now: float) -> None:
        known, spec, path, has_lost_its_file = claim
        lineage = self.lineages.get(path) or self._found(spec, path, is_first=True)
        lineage.has_history = True
        if known.has_begun:
            lineage.last_mtime_ns = known.last_ns
        elif lineage.last_mtime_ns is None and known.last_ns is not None:
            lineage.last_mtime_ns = known.last_ns + 1  # what was there when it was found is older
        reader = Reader(spec, known, now)
        reader.is_displaced = known.path != path_of(known)
        reader.may_be_copy = not (known.has_begun or known.head_length or known.path == path)
        lineage.add_older(reader)
        expect_again(lineage, known, self._census, now)
        if has_lost_its_file:
            reader.lose_file(now - self._census.pace.absence_seconds)
        elif is_given_to(reader, self._census.readers.get(reader.inode), self._census.open_files):
            self._census.disown(reader)
        else:
            self._census.enrol(reader)
