"""Reading lineages on: what is old before what is new, and each life to its end.

Owns the order of reading. How a life ends is for `endings`; what is done about a file that is nowhere, for `nowhere`;
which file has a path, for `succession`; when a lineage's turn comes, for `schedule`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.archives import Archives
from logstream.tail.batch import RANGE_BYTES, Range
from logstream.tail.belated import Belated
from logstream.tail.custody import Custody
from logstream.tail.discovery import reason_of
from logstream.tail.endings import Endings
from logstream.tail.framing import is_wide
from logstream.tail.identity import Verdict
from logstream.tail.looking import NotYet
from logstream.tail.misread import misread_end
from logstream.tail.nowhere import Nowhere
from logstream.tail.numbers import renamed_to
from logstream.tail.opening import EXHAUSTED, Opened, is_garbled, is_noise, is_unlinked, place_of, text_start_of
from logstream.tail.patience import is_past_waiting
from logstream.tail.quick import read_appended
from logstream.tail.reader import sizes_newest_first
from logstream.tail.succession import Succession
from logstream.tail.unpacking import may_be_packed

if TYPE_CHECKING:
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.reader import Reader
    from logstream.tail.turn import Turn


class Follower:
    """Reads lineages on, one look at a time."""

    def __init__(self, census: Census) -> None:
        """Work on the generations in `census`."""
        self._census = census
        self._pace = census.pace
        self.succession = Succession(census)
        self._endings = Endings(census)
        self._archives = Archives(census, self._endings)
        self._belated = Belated(census)
        self._nowhere = Nowhere(census, self._endings, self._archives)

    def poll(self, lineage: Lineage, turn: Turn, most_bytes: int) -> bool:
        """Look at the lineage and read on, each generation about `most_bytes`; whether there is more to read."""
        try:
            seen = self.succession.bind(lineage, turn)
            live = lineage.live
            if lineage.awaited is not None:
                self._belated.look(lineage, turn)
            if seen is not None and live is not None and len(lineage.readers) == 1:
                if live.is_settled(seen):
                    live.seen_time = turn.time
                    return False
                if (change := read_appended(live, seen)) is not None:
                    self._hand_on(lineage, live, change, turn)
                    self._catch_up(lineage, live, turn)
                    self._settle(lineage, live, turn)
                    return False
            is_sure = seen is None or self.succession.has_all_before(lineage, seen, turn)
            return self._read_all(lineage, turn, most_bytes, but=None if is_sure else lineage.live)
        except NotYet:
            return False
        except OSError as error:
            if error.errno in EXHAUSTED:
                self._make_room(lineage)
            lineage.obstruct("unreadable", reason_of(error), turn)
            return False

    def _make_room(self, lineage: Lineage) -> None:
        """Give a descriptor up: rather that of the live file, if it still has its name and waits for what is older."""
        live = lineage.live
        is_waiting = live is not None and len(lineage.readers) > 1 and live.is_at_its_path()
        self._census.open_files.make_room(live if is_waiting else None)

    def doubt(self, lineage: Lineage) -> None:
        """Compare bytes at the next look, even if size and time are as before: something was written."""
        for reader in lineage.readers:
            reader.mtime_ns = None

    def doubt_unfinished(self, lineage: Lineage) -> None:
        """Read unfinished lines again at the next look: who writes through a memory map need not move a file's time."""
        for reader in lineage.readers:
            if reader.is_unfinished:
                reader.mtime_ns = None

    def prove_all(self, turn: Turn) -> None:
        """Give a proof of every generation that has grown since its last one."""
        for reader in self._census.readers.values():
            if reader.is_unproven:
                turn.add(reader.prove(turn.now))

    def _read_all(self, lineage: Lineage, turn: Turn, most_bytes: int, but: Reader | None = None) -> bool:
        """Read on all generations `but` that one; whether there is more to read."""
        has_more = False
        limits, before = sizes_newest_first(lineage.readers), frozenset(lineage.readers)
        done = set() if but is None else {but}
        # Lives may begin meanwhile, and not only at the end: what is older is always read before what is newer.
        while (reader := next((one for one in lineage.readers if one not in done), None)) is not None:
            if reader is lineage.live and reader not in before:
                return True  # what was copied away before it was begun is looked for first
            done.add(reader)
            self._check_place(lineage, reader, turn)
            current, is_left = self._read_on(lineage, reader, turn, most_bytes, limits.get(reader))
            has_more |= is_left
            if current is not None:
                done.add(current)
                self._settle(lineage, current, turn)
                if lineage.is_blocked_by(current):
                    self._prepare_others(lineage, turn)
                    break
        return has_more

    def _prepare_others(self, lineage: Lineage, turn: Turn) -> None:
        """Open what has to wait, and begin to doubt all files that are nowhere at the same time, not one by one."""
        for reader in lineage.readers:
            if reader.fd is not None or reader.is_missing or reader.is_packed:
                continue
            if reader.is_at_its_path():
                self._hold(reader)
            else:
                reader.is_missing, reader.grown_at = True, turn.now
                lineage.displace(reader, turn.now)

    def _hold(self, reader: Reader) -> None:
        """Open a file before its turn, if it is as it was: once its name is gone, only a descriptor has its bytes."""
        found = self._census.open_files.open(reader.path)
        if isinstance(found, Opened) and reader.is_held_by(found):
            self._census.open_files.admit(reader)

    def _read_on(
        self, lineage: Lineage, reader: Reader, turn: Turn, most_bytes: int, limit: int | None
    ) -> tuple[Reader | None, bool]:
        """Read one generation on: who is there in the end (None: it is over), and whether there is more to read."""
        current: Reader | None = reader
        left = most_bytes
        while current is not None:
            current = self._at_hand(lineage, current, turn)
            if current is None or current.fd is None:
                return current, False
            is_begun_anew = current is not reader and current is lineage.live and not current.committed
            if is_begun_anew or left <= 0 or turn.bytes_left <= 0:
                return current, True
            current, limit = self._past_hole(lineage, current, turn, limit)
            current, limit = self._in_its_encoding(lineage, current, turn, limit)
            is_shredded = _is_shredded(lineage, current)
            outcome = Verdict.TRUNCATED if is_shredded else current.advance(min(left, RANGE_BYTES), limit)
            if isinstance(outcome, Range):
                self._hand_on(lineage, current, outcome, turn)
                left -= outcome.end - outcome.start
            if outcome is Verdict.SAME or (isinstance(outcome, Range) and current.is_drained):
                self._catch_up(lineage, current, turn)
                return current, False
            is_over = outcome is Verdict.TRUNCATED and current.is_displaced
            if is_over and current.fd is not None and is_garbled(current.fd, current.committed, current.encoding):
                current, limit = self._endings.abandon(lineage, current, turn), None
            elif isinstance(outcome, Verdict):
                current, limit = self._endings.renew(lineage, current, outcome, turn), None
        return None, False

    def _at_hand(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """The reader, open if there may be something to read or to say; another life in its place; None: it is over."""
        current: Reader | None = reader
        if reader.fd is None and reader.is_idle() and not is_past_waiting(lineage, reader, self._census, turn):
            reader.has_caught_up, reader.vacancy = True, None  # what is newer need not wait until it is over
        elif reader.fd is None:
            current = self._open(lineage, reader, turn)
        is_over = current is not None and current.may_be_copy and self._endings.end_copy(lineage, current, turn)
        return None if is_over else current

    def _past_hole(self, lineage: Lineage, reader: Reader, turn: Turn, limit: int | None) -> tuple[Reader, int | None]:
        """The reader, or one that begins behind the hole at the start of its file."""
        if reader.committed or reader.is_copy or reader.fd is None:
            return reader, limit
        start = text_start_of(reader.fd, reader.spec.encoding, reader.encoding)
        return (self._endings.skip_to(lineage, reader, start, turn), None) if start else (reader, limit)

    def _in_its_encoding(
        self, lineage: Lineage, reader: Reader, turn: Turn, limit: int | None
    ) -> tuple[Reader, int | None]:
        """The reader, or one that goes on in the encoding which the source was given since the file was begun."""
        at = misread_end(reader) if is_wide(reader.spec.encoding) else None
        return (reader, limit) if at is None else (self._endings.skip_to(lineage, reader, at, turn), None)

    def _hand_on(self, lineage: Lineage, reader: Reader, change: Range, turn: Turn) -> None:
        turn.add(change)
        reader.grown_at = turn.now
        lineage.hot_until = turn.now + self._pace.hot_seconds
        self._census.open_files.admit(reader)
        if reader.is_young:
            turn.add(reader.prove(turn.now))

    def _catch_up(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        if lineage.obstacle is not None and reader is lineage.live:
            lineage.clear(turn)
        reader.has_caught_up |= reader.is_drained
        if not reader.is_copy:  # of the file itself: what came to that since is younger
            reader.seen_time = turn.time

    def _settle(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """Prove what is due, and finish what has been quiet for long without its name."""
        if reader.is_unproven and turn.now - reader.proof_time >= self._pace.proof_seconds:
            turn.add(reader.prove(turn.now))
        if reader.fd is not None and is_past_waiting(lineage, reader, self._census, turn):
            self._endings.seal(lineage, reader, turn)

    def _open(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """Open a reader's file, wherever it is: the reader, perhaps not open; another life; None if it is gone."""
        if reader.is_packed:
            opened = self._archives.open(lineage, reader, turn)
            return opened if opened is None or opened.fd is None else self._welcome(lineage, opened, turn)
        for _ in range(2):
            files = self._census.open_files
            found = files.need(reader.path) if lineage.is_blocked_by(reader) else files.open(reader.path)
            if isinstance(found, Opened) and (found.facts.dev, found.facts.ino) == reader.inode:
                return self._recognise(lineage, reader, found, turn)
            if isinstance(found, Opened):
                os.close(found.fd)
            elif not (found.is_absent or found.is_untailable):
                return self._shut(lineage, reader, found.reason, turn)
            try:
                path = renamed_to(reader, lineage.home, self._census.open_files)
            except OSError as error:
                if error.errno in EXHAUSTED:
                    raise
                return self._shut(lineage, reader, reason_of(error), turn)
            if path is None:
                break
            lineage.displace(reader, turn.now)
            lineage.move(reader, path, turn)
        return self._give_up(lineage, reader, turn)

    @staticmethod
    def _shut(lineage: Lineage, reader: Reader, reason: str, turn: Turn) -> Reader:
        """A reader's file cannot be opened, or looked for, now: nothing waits for it meanwhile."""
        reader.is_unreadable = True
        if reader is lineage.live:
            lineage.obstruct("unreadable", reason, turn)
        return reader

    def _recognise(self, lineage: Lineage, reader: Reader, opened: Opened, turn: Turn) -> Reader | None:
        """A file with the reader's inode is open: the reader; another life in its place; or something else."""
        if opened.is_compressed:
            os.close(opened.fd)
            return self._give_up(lineage, reader, turn)
        with Custody([opened.fd]) as custody:
            verdict = reader.examine(opened)
            if reader.fd is not None:
                custody.hand_over(opened.fd)
                return self._welcome(lineage, reader, turn)
            if verdict is not Verdict.REPLACED:
                custody.hand_over(opened.fd)
                reader.fd = opened.fd
                return self._endings.renew(lineage, reader, verdict, turn)
        # The file was deleted, and its inode is another one's now: that one has a past of its own.
        self._census.disown(reader)
        lineage.displace(reader, turn.now)
        lineage.last_mtime_ns = reader.known().last_ns
        reader.is_missing, reader.grown_at = True, turn.now - self._pace.absence_seconds  # this is certain at once
        return self._give_up(lineage, reader, turn)

    def _welcome(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader:
        """A reader's file is open, and is its file."""
        reader.is_missing = reader.is_unreadable = False
        reader.vacancy = None
        if reader is lineage.live and lineage.obstacle is not None:
            lineage.clear(turn)
        self._census.open_files.admit(reader)
        return reader

    def _give_up(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """A reader's file is nowhere to be found: the reader, perhaps open elsewhere; None if it is over."""
        left = self._nowhere.give_up(lineage, reader, turn)
        return left if left is None or left.fd is None else self._welcome(lineage, left, turn)

    def _check_place(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """Follow a file that no path leads to: it may be renamed again, or deleted."""
        if reader is lineage.live or reader.fd is None or reader.is_deleted:
            return
        if is_unlinked(reader.fd):
            lineage.displace(reader, turn.now)
            reader.is_deleted, reader.grown_at = True, turn.now
        elif not reader.is_at_its_path() and (place := place_of(reader.fd)) is not None:
            lineage.displace(reader, turn.now)
            lineage.move(reader, place, turn)


def _is_shredded(lineage: Lineage, reader: Reader) -> bool:
    """Whether a file of which nothing was handed on was written over once it had been compressed; raises OSError."""
    if reader.fd is None or reader.committed or reader.is_copy or not reader.is_displaced:
        return False
    return is_noise(reader.fd) and may_be_packed(reader, lineage.home)
