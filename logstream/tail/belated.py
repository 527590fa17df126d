"""Archives that come late: of lives that were copied away and truncated unseen, between two that are known.

Such an archive may get its name only when the next life of the log is being read: it is written last before that. Owns
which times those are, and for how long it is waited for. Refuses to say what is in an archive: that is told by bytes.
"""

# ruff: noqa: PTH116, PTH120 - the stat of a directory, asked for each such log: a Path object costs more than the stat

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.tail.copies import Copies
from logstream.tail.custody import Custody
from logstream.tail.family import family_of, settled
from logstream.tail.former import file_of
from logstream.tail.members import may_grow
from logstream.tail.opening import Opened
from logstream.tail.reader import Reader
from logstream.tail.rotation import oldest_first

if TYPE_CHECKING:
    from logstream.tail.batch import Known
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.rotation import Sibling
    from logstream.tail.turn import Turn

_AWAITED_SECONDS: Final = 600.0
_LEAST_PAUSE_SECONDS: Final = 1.0
_PAUSES: Final = 10
"""What has been waited for for c seconds is looked for again after a tenth of that."""
_MOST_GAPS: Final = 8
_SLACK_SECONDS: Final = 5.0
_NS: Final = 1_000_000_000


class Gap(NamedTuple):
    """The time between the last write of `life` and the beginning of the next one in its file; ns since the epoch.

    What has had its name since before `changed_ns` has been seen by who looked then.
    """

    life: Known
    until_ns: int
    changed_ns: int = 0

    def is_between(self, sibling: Sibling) -> bool:
        """Whether a file was written last in that time, and may have come unseen."""
        return (self.life.last_ns or 0) < sibling.mtime_ns <= self.until_ns


class Awaited:
    """What is awaited of one log."""

    def __init__(self, now: float) -> None:
        """Nothing yet."""
        self.gaps: deque[Gap] = deque(maxlen=_MOST_GAPS)
        self.until = self.next_look = now
        self.began = now
        self.directory_ns = 0

    @property
    def lives(self) -> tuple[Known, ...]:
        """The lives behind which something is awaited."""
        return tuple(gap.life for gap in self.gaps)

    def add(self, gap: Gap, now: float) -> None:
        """Wait for what was written in `gap`."""
        self.gaps.append(gap)
        self.began = self.next_look = now
        self.until, self.directory_ns = now + _AWAITED_SECONDS, 0

    def conclude(self, known: Known) -> None:
        """Note what is known of a life once that is over: so much may be in its archive."""
        for number, gap in enumerate(self.gaps):
            if gap.life.key == known.key:
                self.gaps[number] = gap._replace(life=known)


def expect(lineage: Lineage, life: Known, begun_ns: int | None, now: float, changed_ns: int = 0) -> None:
    """Wait for archives of lives that came between `life`, and that which begun then in its file."""
    if life.last_ns is None or begun_ns is None:
        return
    if lineage.awaited is None:
        lineage.awaited = Awaited(now)
    lineage.awaited.add(Gap(life, begun_ns, changed_ns), now)


def expect_again(lineage: Lineage, known: Known, census: Census, now: float) -> None:
    """The same after a restart, where a life was read in the file of `known` before: it is not told when that began."""
    before = (one.known() for one in reversed(lineage.readers) if one.gone_reason is not None and one.key != known.key)
    life = next(before, census.emptied.get(file_of(known)))
    if life is not None and life.file == known.file and life.key != known.key:
        changed_ns = 0 if known.seen_time is None else int((known.seen_time - _SLACK_SECONDS) * _NS)
        expect(lineage, life, known.last_ns, now, changed_ns)


class Belated:
    """Finds what came late."""

    def __init__(self, census: Census) -> None:
        """Tell what is nobody's from what is known by `census`."""
        self._census = census
        self._copies = Copies(census)

    def look(self, lineage: Lineage, turn: Turn) -> None:
        """Enter what has come since the last look, if it is time; raises OSError where no descriptor is left for it."""
        awaited, live = lineage.awaited, lineage.live
        if awaited is None or turn.now < awaited.next_look or live is None:
            return
        if len(lineage.readers) > 1 or live.committed == live.base:
            return  # what is there already is in its place, or will be found for one that has not begun
        awaited.next_look = turn.now + max(_LEAST_PAUSE_SECONDS, (turn.now - awaited.began) / _PAUSES)
        if turn.now >= awaited.until:
            lineage.awaited = None
            return
        home = lineage.home
        try:
            changed_ns = os.stat(os.path.dirname(home)).st_mtime_ns
        except OSError:
            return
        if changed_ns == awaited.directory_ns:
            return
        is_all = True
        for sibling in oldest_first(settled(family_of(home))):
            if any(gap.is_between(sibling) for gap in awaited.gaps) and self._is_nobodys(sibling):
                is_all &= self._enter(lineage, sibling, awaited, turn)
        # What changes within the same tick of the clock as the directory was listed would not show.
        is_settled = turn.time - changed_ns / _NS > _LEAST_PAUSE_SECONDS
        awaited.directory_ns = changed_ns if is_all and is_settled else 0

    def _is_nobodys(self, sibling: Sibling) -> bool:
        """Whether a file is an archive that nobody has looked into."""
        if not sibling.name.is_compressed or may_grow(sibling.path):
            return False
        return not self._census.aside.holds(sibling) and not self._copies.is_known(sibling)

    def _enter(self, lineage: Lineage, sibling: Sibling, awaited: Awaited, turn: Turn) -> bool:
        """Let an archive be unpacked, while what is newer is read; False if it has to be looked at again."""
        opened = self._census.open_files.need(sibling.path)
        if not isinstance(opened, Opened):
            return False
        with Custody([opened.fd]) as custody:
            if (opened.facts.dev, opened.facts.ino) != (sibling.dev, sibling.ino) or not opened.is_compressed:
                return False
            ctime_ns = os.fstat(opened.fd).st_ctime_ns
            if not any(gap.is_between(sibling) and gap.changed_ns <= ctime_ns for gap in awaited.gaps):
                return True
            if self._copies.is_being_read(lineage, opened):
                return False
            if self._copies.is_finished(lineage, opened):
                self._census.aside.put((sibling.dev, sibling.ino), opened.facts.mtime_ns)
                return True
            custody.hand_over(opened.fd)
        reader = Reader.packed(lineage.spec, lineage.file, sibling._replace(igen=opened.facts.igen), turn.now)
        self._census.enrol(reader)
        self._census.unpacking.hold(reader.key, opened.fd, self._census.open_files.archives_limit)
        lineage.add_older(reader)
        reader.has_caught_up = True  # what is newer is being read already, and must not wait while it is unpacked
        lineage.hot_until = turn.now + self._census.pace.hot_seconds
        return True
