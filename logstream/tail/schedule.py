"""Whose turn it is: hot files often, hinted files at once, all files now and then, backlogs fairly.

Owns the queues and their pace. Does not wait: it answers how long to wait.
"""

from __future__ import annotations

import math
import time
from itertools import islice
from typing import TYPE_CHECKING

from logstream.tail.batch import RANGE_BYTES
from logstream.tail.globs import is_matched
from logstream.tail.growth import Growth
from logstream.tail.still import is_still

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from logstream.tail.follower import Follower
    from logstream.tail.lineage import Lineage
    from logstream.tail.roster import Roster
    from logstream.tail.turn import Pace, Turn
    from logstream.tail.watcher import Hint

_FRESH_BYTES = 64 * 1024
"""How much a file gets at its first look in a turn; what has more joins the backlog."""
_BACKLOG_RESERVE_BYTES = RANGE_BYTES
"""What the first looks of a turn leave to the backlog, so that neither starves the other."""
_LEAST_FRESH = RANGE_BYTES // _FRESH_BYTES
"""So many get their first look in each turn, also where a busy machine lets the time run out: no more bytes than one
block of the backlog."""
_LEAST_FRESH_WORK_SECONDS = 0.004
"""Unless it takes so much work, as a look at names among thousands may: others have their turn then."""
_SWEEP_SLICE = 100
_SWEEP_PAUSES = 400
"""A sweep that worked c seconds is followed by a pause of about so many c, where that is not too long."""
_LONGEST_SWEEP_PAUSE_SECONDS = 5.0
_SWEEP_SLICE_SECONDS = 0.002
_SLICE_SECONDS = 0.004
_HOT_PAUSES = 20
"""Looking at hot files that took c seconds is followed by a pause of at least so many c: at most 5 % of a core."""


class Schedule:
    """The queues of lineages that are to be looked at."""

    def __init__(self, roster: Roster, follower: Follower, pace: Pace) -> None:
        """Schedule the lineages of `roster`."""
        self._roster = roster
        self._follower = follower
        self._pace = pace
        self._fresh: dict[Lineage, None] = {}
        self._backlog: dict[Lineage, None] = {}
        self._hot: dict[Lineage, None] = {}
        self.growth: Growth[Lineage] = Growth()
        self._announced: dict[Lineage, float] = {}
        """Of the hot ones, those whose growth is told by events, and when each was last looked at."""
        self._grown: set[Lineage] = set()
        """Those of which events have told since the last turn."""
        self._next_check = 0.0
        self._sweep: Iterator[Lineage] = iter(())
        self._is_sweeping = False
        self._next_sweep = 0.0
        self._sweep_began = self._sweep_seconds = 0.0
        """When the sweep began, and how long it has worked."""
        self._next_hot = 0.0
        self._by_path: dict[str, Lineage] = {}
        """Where older lives are now, as of the last sweep."""

    @property
    def has_unseen(self) -> bool:
        """Whether there are files that should have been looked at already."""
        return bool(self._fresh) or self._is_sweeping

    def look_at(self, lineages: Iterable[Lineage]) -> None:
        """Look at these next."""
        self._fresh.update(dict.fromkeys(lineages))

    def look_everywhere(self) -> None:
        """Look at all files next."""
        self._next_sweep = 0.0

    def take_hints(self, hints: Sequence[Hint]) -> bool:
        """Look at what is hinted at; whether the directories should be searched as well."""
        wants_survey = False
        for hint in hints:
            is_followed = hint.path in self._roster.lineages
            lineage = self._roster.recall(hint.path) or self._by_path.get(hint.path)
            # Of a file whose growth is told by events of its own, such a hint comes later and tells nothing new.
            is_old_news = is_followed and lineage in self._announced and not hint.is_structural
            if lineage is not None and not is_old_news:
                self._fresh[lineage] = None
                self._follower.doubt(lineage)
            wants_survey |= hint.is_structural or (not is_followed and self._is_wanted(hint.path))
        return wants_survey

    def take_turn(self, turn: Turn, *, is_blind: bool) -> Generator[None, None, float]:
        """Look at those whose turn it is; the seconds until the next turn, 0 if there is more to do already.

        Pauses (yields) between first looks and the backlog: each may be one look that takes some milliseconds.
        """
        self._begin_sweep(turn)
        self._sweep_on(turn, is_blind=is_blind)
        has_polled = self._look_at_hot(turn)
        deadline = turn.now + _SLICE_SECONDS
        idle_seconds = self._look_at_fresh(turn, deadline)
        if has_polled:
            # Only then: turns that events begin may follow each other sooner than any poll would.
            self._next_hot = time.monotonic() + max(self._pace.hot_poll_seconds, _HOT_PAUSES * idle_seconds)
        yield
        self._read_backlog(turn, deadline)
        if self._fresh or self._backlog or self._is_sweeping:
            return 0.0
        due = self._next_sweep
        if self._hot:
            due = min(due, self._next_hot)
        if self._announced:
            due = min(due, self._next_check)
        return max(0.0005, due - time.monotonic())

    def _look_at_hot(self, turn: Turn) -> bool:
        """Look at hot files that are said to have grown, and at others by the clock; whether it was time for these."""
        self._grown = self.growth.take()
        self._fresh.update(dict.fromkeys(self._grown))
        if turn.now >= self._next_check:
            # Nothing may be left unseen because events are lost, or because they are not sent for each kind of writing.
            due = turn.now - self._pace.announced_poll_seconds / 2
            self._fresh.update(dict.fromkeys(one for one, looked in self._announced.items() if looked <= due))
            self._next_check = turn.now + self._pace.announced_poll_seconds
        has_polled = turn.now >= self._next_hot
        if has_polled:
            self._fresh.update(self._hot)
        return has_polled

    def _begin_sweep(self, turn: Turn) -> None:
        if not self._is_sweeping and turn.now >= self._next_sweep:
            lineages = list(self._roster.lineages.values())
            self._sweep, self._is_sweeping = iter(lineages), True
            self._sweep_began, self._sweep_seconds, self._next_sweep = turn.now, 0.0, math.inf
            self._by_path = {
                reader.path: lineage for lineage in lineages for reader in lineage.readers if reader is not lineage.live
            }

    def _sweep_on(self, turn: Turn, *, is_blind: bool) -> None:
        """The next files of the sweep: those of which it is not sure that nothing has happened are looked at."""
        if not self._is_sweeping:
            return
        began = now = time.monotonic()
        while self._is_sweeping and len(self._fresh) < _SWEEP_SLICE and now - began < _SWEEP_SLICE_SECONDS:
            slice_ = list(islice(self._sweep, _SWEEP_SLICE))
            self._is_sweeping = len(slice_) == _SWEEP_SLICE
            for lineage in slice_:
                if not is_still(lineage, turn):
                    self._follower.doubt_unfinished(lineage)
                    self._fresh[lineage] = None
            now = time.monotonic()
        self._sweep_seconds += now - began
        if not self._is_sweeping and self._next_sweep == math.inf:
            self._next_sweep = self._sweep_began + self._seconds_between_sweeps(is_blind=is_blind)

    def _seconds_between_sweeps(self, *, is_blind: bool) -> float:
        """Where file events work, so many files are looked at less often that it costs little."""
        if is_blind:
            return self._pace.blind_sweep_seconds
        paced_seconds = min(_SWEEP_PAUSES * self._sweep_seconds, _LONGEST_SWEEP_PAUSE_SECONDS)
        return max(self._pace.sweep_seconds, paced_seconds)

    def _look_at_fresh(self, turn: Turn, deadline: float) -> float:
        """First looks, until there is no more time; the seconds spent on files where nothing was new."""
        idle_seconds, began, looks = 0.0, time.monotonic(), 0
        work_deadline = time.thread_time() + _LEAST_FRESH_WORK_SECONDS

        def is_in_time() -> bool:
            if looks and turn.has_listed:
                return False
            return began < deadline or not looks or (looks < _LEAST_FRESH and time.thread_time() < work_deadline)

        while self._fresh and turn.bytes_left > _BACKLOG_RESERVE_BYTES and is_in_time():
            looks += 1
            lineage = next(iter(self._fresh))
            del self._fresh[lineage]
            changes = len(turn.changes)
            self._look(lineage, turn, _FRESH_BYTES)
            ended = time.monotonic()
            if len(turn.changes) == changes:
                idle_seconds += ended - began
            began = ended
        return idle_seconds

    def _read_backlog(self, turn: Turn, deadline: float) -> None:
        """Give one block each to those that have more, in the order in which they came, at least to one."""
        for lineage in list(self._backlog):
            del self._backlog[lineage]
            self._look(lineage, turn, RANGE_BYTES)
            if turn.bytes_left <= 0 or time.monotonic() > deadline:
                break

    def _look(self, lineage: Lineage, turn: Turn, most_bytes: int) -> None:
        if self._roster.lineages.get(lineage.path) is not lineage:
            self._cool(lineage)
            self.growth.forget(lineage)
            return
        hot_until = lineage.hot_until
        has_more = self._follower.poll(lineage, turn, most_bytes)
        if has_more:
            self._backlog[lineage] = None
        if lineage.hot_until <= turn.now:
            self._cool(lineage)
        elif lineage in self._grown:
            self._hot.pop(lineage, None)
            self._announced[lineage] = turn.now
        elif lineage not in self._announced or lineage.hot_until != hot_until:
            # It has grown, and nobody has said so.
            self._announced.pop(lineage, None)
            self._hot[lineage] = None
        else:
            self._announced[lineage] = turn.now
        if lineage.hot_until > turn.now and lineage.live is not None and lineage.live.fd is not None:
            self.growth.watch(lineage, lineage.live.fd, lineage.live.inode)

    def _cool(self, lineage: Lineage) -> None:
        self._hot.pop(lineage, None)
        self._announced.pop(lineage, None)
        self.growth.rest(lineage)

    def _is_wanted(self, path: str) -> bool:
        """Whether a source's globs match `path`: perhaps a new file, or one that was finished and grows again."""
        return any(is_matched(path, spec.paths, spec.exclude) for spec in self._roster.specs)
