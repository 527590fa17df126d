"""The tail's tasks: turn after turn, the searches beside them, and handing what they bring to the sink.

Owns the only tasks of this package. Whose turn it is, and when, is for `schedule`; what a turn does to a file, for
`follower`; which files there are, for `roster`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING

from logstream.errors import LogstreamError
from logstream.tail.alarm import Alarm
from logstream.tail.batch import Batch
from logstream.tail.discovery import search
from logstream.tail.follower import Follower
from logstream.tail.hints import Hints
from logstream.tail.lineage import Census
from logstream.tail.opening import OpenFiles
from logstream.tail.outstanding import Outstanding
from logstream.tail.roster import Roster
from logstream.tail.schedule import Schedule
from logstream.tail.slices import at_once, with_pauses
from logstream.tail.status import is_catching_up
from logstream.tail.turn import Pace, Turn
from logstream.tail.unpacking import Unpacking
from logstream.tail.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

    from logstream.tail.batch import Known, Sink, SourceSpec
    from logstream.tail.discovery import Found
    from logstream.tail.opening import Opener
    from logstream.tail.status import SourceStatus
    from logstream.tail.watcher import Hint

_LOG = logging.getLogger(__name__)
_SURVEY_PAUSES = 20
"""A search that took c seconds is followed by a pause of at least so many c."""
_UNHINTED_SURVEY_PAUSES = 200
"""The same where file events work and have told of nothing: half a per cent of a core."""
_LONGEST_SURVEY_PAUSE_SECONDS = 15.0
_GROWTH_PAUSES = 8
"""A turn that took c seconds is followed by at least so many c in which no file's growth begins the next."""
_LONGEST_REST_SECONDS = 0.012
_SHORTEST_REST_SECONDS = 0.001
"""What timers can measure: a turn that was so short that its rest is shorter has none."""
_LONG_TURN_SECONDS = 0.002
_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 5.0


class Supervisor:
    """Follows the files of all sources and hands what they bring to a sink, in order."""

    def __init__(  # noqa: PLR0913 - the composition of the whole package
        self,
        sources: Sequence[SourceSpec],
        known: Sequence[Known],
        first_seen: Iterable[str],
        sink: Sink,
        *,
        watched_since: Mapping[str, float] | None = None,
        pace: Pace | None = None,
        max_open_files: int = 1024,
        opener: Opener = os.open,
        uses_events: bool = True,
        scratch: Path | None = None,
    ) -> None:
        """Follow `sources` from where `known` says; `first_seen` names those for which `start` counts.

        `watched_since` says when the others were looked through for the first time, in epoch seconds.
        `uses_events` off leaves all to polling, as on a network file system. Compressed files are unpacked in
        `scratch`, without a name there; None: where the system has temporary files.
        """
        self.pace = pace or Pace()
        self._sources = tuple(sources)
        self._is_asked = False
        """Whether the sources are others than those that are followed."""
        self._first_seen: set[str] = set()
        """Which of them are new, as far as that was told since."""
        self._sink = sink
        unpacking = Unpacking(scratch or Path(gettempdir()))
        census = Census(self.pace, OpenFiles(max_open_files, opener), unpacking)
        self._follower = Follower(census)
        self._roster = Roster(census, self._follower.succession)
        at_once(self._roster.set_sources(self._sources, first_seen, time.monotonic()))
        self._roster.remember(known, watched_since or {}, time.monotonic(), time.time())
        self._schedule = Schedule(self._roster, self._follower, self.pace)
        self._hints = Hints(self._heed_hints, self._look_everywhere)
        self._watcher = Watcher(self._hints.take, self._look_everywhere) if uses_events else None
        self._found: list[tuple[SourceSpec, Found]] = []
        self._alarm = Alarm()
        self._survey_alarm = Alarm()
        self._is_refused = False
        self.outstanding = Outstanding(self._roster.lineages)
        self.first_scan_done = asyncio.Event()
        """Set once every file that was there has been looked at and announced to the sink."""

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set; whatever has been handed to the sink by then is proven."""
        try:
            async with asyncio.TaskGroup() as group:
                others = [
                    group.create_task(self._survey(), name="tail-survey"),
                    group.create_task(self._ring_at(stop), name="tail-stop"),
                ]
                if self._watcher is not None:
                    others.append(group.create_task(self._watcher.run(), name="tail-watch"))
                await self._read(stop)
                for task in others:
                    task.cancel()
        finally:
            self._schedule.growth.close()
            try:
                await with_pauses(self._roster.closing())
            finally:
                self._roster.close()

    def reconfigure(self, sources: Sequence[SourceSpec], first_seen: Iterable[str] = ()) -> None:
        """Follow `sources` from the next turn on; files that stay are not disturbed. `first_seen` names those new."""
        self._sources = tuple(sources)
        self._first_seen |= set(first_seen)
        self._is_asked = True
        self._look_everywhere()

    @property
    def path_count(self) -> int:
        """How many paths are followed."""
        return len(self._roster.lineages)

    @property
    def is_catching_up(self) -> bool:
        """Whether there are files that have not been read to their end once."""
        return any(map(is_catching_up, self._roster.lineages.values()))

    def status(self) -> tuple[SourceStatus, ...]:
        """Every file of every source, in the order of the sources."""
        *_, found = self._roster.survey(self._source_names)
        return found

    async def survey_files(self) -> tuple[SourceStatus, ...]:
        """As `status`, while others have their turn: of some files it is how they were a moment ago."""
        found: tuple[SourceStatus, ...] = ()
        for found in self._roster.survey(self._source_names):  # noqa: B007 - the last one is meant
            await asyncio.sleep(0)
        return found

    @property
    def _source_names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self._sources)

    async def _read(self, stop: asyncio.Event) -> None:
        if self._watcher is not None:
            self._schedule.growth.open()
        self._schedule.look_everywhere()
        while not stop.is_set():
            turn = self._new_turn()
            await self._take_in(turn)
            pause_seconds, _ = await with_pauses(self._schedule.take_turn(turn, is_blind=self._is_blind))
            await self._deliver(turn, stop)
            if self._roster.has_searched_all and not self._schedule.has_unseen and not self._is_refused:
                if not self.outstanding.is_known:
                    await with_pauses(self.outstanding.note())
                self.first_scan_done.set()
            self.outstanding.is_over()
            await self._rest(pause_seconds, time.monotonic() - turn.now)
        if not self._is_refused:
            turn = self._new_turn()
            self._follower.prove_all(turn)
            await self._deliver(turn, stop)

    async def _rest(self, pause_seconds: float, worked_seconds: float) -> None:
        """Until the next turn: so long, or until a hint or a hot file's growth cuts it short.

        A turn that took long is followed by a rest that nothing but a hint cuts: many files that grow all the time are
        looked at together.
        """
        await asyncio.sleep(0)  # who was woken by what the turn has found goes first
        if pause_seconds <= 0:
            return
        rest_seconds = min(pause_seconds, _GROWTH_PAUSES * worked_seconds, _LONGEST_REST_SECONDS)
        if rest_seconds >= _SHORTEST_REST_SECONDS:
            self._schedule.growth.disarm()
            if await self._alarm.wait(rest_seconds):
                return
        self._schedule.growth.arm(self._alarm.ring)
        await self._alarm.wait(pause_seconds)
        self._schedule.growth.mute()

    @property
    def _is_blind(self) -> bool:
        return self._watcher is None or not self._watcher.is_armed

    def _new_turn(self) -> Turn:
        return Turn(time.monotonic(), time.time(), self.pace.turn_bytes)

    async def _take_in(self, turn: Turn) -> None:
        """Go on with what was asked for and what was found meanwhile: of thousands of files a few at a time."""
        if not (self._is_asked or self._found):
            return
        self._hints.hold()
        try:
            while self._is_asked:
                self._is_asked, first_seen, self._first_seen = False, self._first_seen, set()
                await with_pauses(self._roster.set_sources(self._sources, first_seen, time.monotonic()))
                self._schedule.look_everywhere()
            found, self._found = self._found, []
            await with_pauses(self._note_all(found, turn))
            await asyncio.sleep(0)  # the turn itself is as long as a slice
        finally:
            self._hints.let_go()

    def _note_all(self, found: list[tuple[SourceSpec, Found]], turn: Turn) -> Generator[None, None, None]:
        for spec, seen in found:
            if self._roster.follows(spec):
                self._schedule.look_at((yield from self._roster.note(spec, seen, turn)))
                yield

    async def _deliver(self, turn: Turn, stop: asyncio.Event) -> None:
        """Offer what the turn found until the sink takes it: places have moved on, so nothing may be skipped."""
        if not turn.changes:
            return
        if time.monotonic() - turn.now > _LONG_TURN_SECONDS:
            await asyncio.sleep(0)  # to record it may take as long again
        batch = Batch(tuple(turn.changes), turn.time)
        retry_seconds = _FIRST_RETRY_SECONDS
        while True:
            try:
                await self._sink.accept(batch)
            except LogstreamError as error:
                if not self._is_refused:
                    _LOG.error("reading waits: %s", error)
                self._is_refused = True
            else:
                self._is_refused = False
                return
            if await _is_set_within(stop, retry_seconds):
                return
            retry_seconds = min(2 * retry_seconds, _LAST_RETRY_SECONDS)

    async def _survey(self) -> None:
        """Search the directories, when hinted at and now and then anyway."""
        while True:
            started = time.monotonic()
            directories, worked = await with_pauses(self._search_all())
            if self._watcher is not None:
                self._watcher.watch(directories)
            rest = max(self.pace.hinted_survey_seconds, _SURVEY_PAUSES * worked)
            await asyncio.sleep(rest)
            interval = self.pace.blind_survey_seconds
            if not self._is_blind:
                paced_seconds = min(_UNHINTED_SURVEY_PAUSES * worked, _LONGEST_SURVEY_PAUSE_SECONDS)
                interval = max(self.pace.survey_seconds, paced_seconds)
            await self._survey_alarm.wait(max(0.0, started + max(interval, rest) - time.monotonic()))

    def _search_all(self) -> Generator[None, None, dict[str, tuple[int, int]]]:
        """Search for the files of all sources, and hand on what was found of each; answers the directories to watch."""
        directories: dict[str, tuple[int, int]] = {}
        for spec in self._sources:
            found = yield from search(spec.paths, spec.exclude)
            directories |= found.directories
            self._found.append((spec, found))
            self._alarm.ring()
            yield
        return directories

    def _heed_hints(self, hints: list[Hint]) -> None:
        if self._schedule.take_hints(hints):
            self._survey_alarm.ring()
        if self._schedule.has_unseen:
            self._alarm.ring()

    def _look_everywhere(self) -> None:
        self._schedule.look_everywhere()
        self._survey_alarm.ring()
        self._alarm.ring()

    async def _ring_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._alarm.ring()


async def _is_set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
