"""Reading lineages on: what is old before what is new, and each life to its end.

Owns the order of reading, and what is said when a life ends: holes, seals, proofs. Which file has a path is for
`succession`; when a lineage's turn comes is for the supervisor.
"""

# ruff: noqa: PTH120 - asked for each file in each sweep: a Path object costs more than the stat

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.records import GapReason
from logstream.tail.batch import RANGE_BYTES, Hole, Range, Sealed, display
from logstream.tail.discovery import reason_of
from logstream.tail.identity import Verdict
from logstream.tail.opening import Opened, facts_of, is_unlinked, locate, place_of
from logstream.tail.reader import Reader, file_time
from logstream.tail.succession import Succession
from logstream.tail.unpacking import Answer

if TYPE_CHECKING:
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.turn import Turn

_LONELY_WAITS = 10
"""A file that lost its name to no other is watched so many times as long: its writer may not know of the move."""


class Follower:
    """Reads lineages on, one look at a time."""

    def __init__(self, census: Census) -> None:
        """Work on the generations in `census`."""
        self._census = census
        self._pace = census.pace
        self.succession = Succession(census)

    def poll(self, lineage: Lineage, turn: Turn, most_bytes: int) -> bool:
        """Look at the lineage and read on, each generation about `most_bytes`; whether there is more to read."""
        try:
            seen = self.succession.bind(lineage, turn)
            live = lineage.live
            if seen is not None and live is not None and len(lineage.readers) == 1 and live.is_settled(seen):
                live.seen_time = turn.time
                return False
            return self._read_all(lineage, turn, most_bytes)
        except OSError as error:
            lineage.obstruct("unreadable", reason_of(error), turn)
            return False

    def doubt(self, lineage: Lineage) -> None:
        """Compare bytes at the next look, even if size and time are as before: something was written."""
        for reader in lineage.readers:
            reader.mtime_ns = None

    def prove_all(self, turn: Turn) -> None:
        """Give a proof of every generation that has grown since its last one."""
        for reader in self._census.readers.values():
            if reader.is_unproven:
                turn.add(reader.prove(turn.now))

    def _read_all(self, lineage: Lineage, turn: Turn, most_bytes: int) -> bool:
        has_more = False
        limits = _sizes_newest_first(lineage.readers)
        for reader in list(lineage.readers):
            self._check_place(lineage, reader, turn)
            current, is_left = self._read_on(lineage, reader, turn, most_bytes, limits.get(reader))
            has_more |= is_left
            if current is not None:
                self._settle(lineage, current, turn)
                if lineage.is_blocked_by(current):
                    break
        return has_more

    def _read_on(
        self, lineage: Lineage, reader: Reader, turn: Turn, most_bytes: int, limit: int | None
    ) -> tuple[Reader | None, bool]:
        """Read one generation on: who is there in the end (None: it is over), and whether there is more to read."""
        current: Reader | None = reader
        left = most_bytes
        while current is not None:
            if current.fd is None:
                if current.is_idle():
                    return current, False
                current = self._open(lineage, current, turn)
                if current is None or current.fd is None:
                    return current, False
            if left <= 0 or turn.bytes_left <= 0:
                return current, True
            outcome = current.advance(min(left, RANGE_BYTES), limit)
            if isinstance(outcome, Range):
                self._hand_on(lineage, current, outcome, turn)
                left -= outcome.end - outcome.start
            if outcome is Verdict.SAME or (isinstance(outcome, Range) and current.is_drained):
                self._catch_up(lineage, current, turn)
                return current, False
            if isinstance(outcome, Verdict):
                current, limit = self._renew(lineage, current, outcome, turn), None
        return None, False

    def _hand_on(self, lineage: Lineage, reader: Reader, change: Range, turn: Turn) -> None:
        turn.add(change)
        reader.grown_at = turn.now
        lineage.hot_until = turn.now + self._pace.hot_seconds
        self._census.open_files.admit(reader)
        if not reader.proof_offset:
            turn.add(reader.prove(turn.now))

    def _catch_up(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        if lineage.obstacle is not None and reader is lineage.live:
            lineage.clear(turn)
        reader.has_caught_up |= reader.is_drained
        reader.seen_time = turn.time

    def _settle(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        """Prove what is due, and finish what has been quiet for long without its name."""
        if reader.is_unproven and turn.now - reader.proof_time >= self._pace.proof_seconds:
            turn.add(reader.prove(turn.now))
        if not (reader.is_displaced and reader.is_drained and reader.fd is not None):
            return
        wait = self._pace.deleted_wait_seconds if reader.is_deleted else self._pace.rotate_wait_seconds
        if lineage.live is None and not reader.is_deleted:
            wait *= _LONELY_WAITS
        if reader.is_copy or turn.now - reader.grown_at >= wait:
            self._seal(lineage, reader, turn)

    def _seal(self, lineage: Lineage, reader: Reader, turn: Turn) -> None:
        rest = reader.finish()
        if rest is not None:
            turn.add(rest)
        if reader.is_unproven:
            turn.add(reader.prove(turn.now))
        reason = reader.copy_reason if reader.is_copy else GapReason.DELETED if reader.is_deleted else None
        if reader.lost_end is not None and reader.lost_end > reader.committed:
            # What was written between the copy and the truncation; nobody has it.
            turn.add(Hole(reader.key, reader.committed, reader.lost_end, GapReason.TRUNCATED))
        turn.add(Sealed(reader.key, reason, max(reader.committed, reader.lost_end or 0)))
        self._dismiss(lineage, reader)
        self._census.retire(reader.known()._replace(sealed=True), is_gone=reason is not None)

    def _renew(self, lineage: Lineage, reader: Reader, verdict: Verdict, turn: Turn) -> Reader:
        """The bytes of an open file are not what they were: its life ends and another one begins in its place.

        Where it only lost what had not been handed on (SHRUNK), the new life goes on from there. Where a copy was made
        before, what was not read yet is read there: the old life then stands before the new one.
        """
        base = reader.committed if verdict is Verdict.SHRUNK else 0
        copy = None if base else self.succession.find_copy(lineage, reader)
        if copy is None:
            self._lose_unread(reader, GapReason.TRUNCATED, turn)
            turn.add(Sealed(reader.key, GapReason.TRUNCATED if base == 0 else None, reader.committed))
        fd, reader.fd = reader.fd, None
        if fd is None:
            message = f"{reader!r} is not open"
            raise AssertionError(message)
        self._census.strike(reader)
        opened = Opened(reader.path, fd, facts_of(fd), is_compressed=False)
        new = Reader.born(reader.spec, reader.file, opened, base, turn.now)
        lineage.replace(reader, new)
        self._census.enrol(new)
        turn.add(new.birth())
        if base:
            turn.add(new.prove(turn.now))
        if copy is None:
            return new
        reader.lost_end, reader.copy_reason = reader.size, GapReason.TRUNCATED
        reader.take_copy(copy)
        lineage.put_before(reader, new)
        self._census.open_files.admit(reader)
        return reader

    def _lose_unread(self, reader: Reader, reason: GapReason, turn: Turn) -> None:
        """Tell what was there and cannot be read any more: up to the size last seen, or nobody knows how much."""
        if reader.size is None:
            turn.add(Hole(reader.key, reader.committed, None, reason))
        elif reader.size > reader.committed:
            turn.add(Hole(reader.key, reader.committed, reader.size, reason))

    def _dismiss(self, lineage: Lineage, reader: Reader) -> None:
        lineage.readers.remove(reader)
        if lineage.live is reader:
            lineage.live = None
        self._census.strike(reader)

    def _open(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """Open a reader's file, wherever it is: the reader, perhaps not open; another life; None if it is gone."""
        if reader.is_packed:
            return self._open_packed(lineage, reader, turn)
        for _ in range(2):
            opened = self._census.open_files.open(reader.path)
            if isinstance(opened, Opened) and (opened.facts.dev, opened.facts.ino) == reader.inode:
                return self._recognise(lineage, reader, opened, turn)
            if isinstance(opened, Opened):
                os.close(opened.fd)
            elif not (opened.is_absent or opened.is_untailable):
                reader.is_unreadable = True
                if reader is lineage.live:
                    lineage.obstruct("unreadable", opened.reason, turn)
                return reader
            path = locate(reader.inode, [os.path.dirname(reader.path), os.path.dirname(lineage.path)], reader.path)
            if path is None:
                break
            lineage.displace(reader, turn.now)
            lineage.move(reader, path, turn)
        return self._give_up(lineage, reader, turn)

    def _recognise(self, lineage: Lineage, reader: Reader, opened: Opened, turn: Turn) -> Reader | None:
        """A file with the reader's inode is open: the reader; another life in its place; or something else."""
        if opened.is_compressed:
            os.close(opened.fd)
            return self._give_up(lineage, reader, turn)
        verdict = reader.examine(opened)
        if reader.fd is not None:
            return self._welcome(lineage, reader, turn)
        if verdict is not Verdict.REPLACED:
            reader.fd = opened.fd
            return self._renew(lineage, reader, verdict, turn)
        # The file was deleted, and its inode is another one's now: that one has a past of its own.
        os.close(opened.fd)
        self._census.disown(reader)
        lineage.displace(reader, turn.now)
        lineage.last_mtime_ns = file_time(reader.seen_time)
        reader.is_missing, reader.grown_at = True, turn.now - self._pace.absence_seconds  # this is certain at once
        return self._give_up(lineage, reader, turn)

    def _open_packed(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """Unpack what came and went compressed while nobody looked; None if it is known, or holds nothing readable."""
        copy = self._census.unpacking.ask(reader, reader.path)
        if copy is Answer.LATER:
            return reader
        known = self._census.original_of(copy, lineage) if isinstance(copy, int) else None
        if isinstance(copy, int) and known is None:
            reader.take_copy(copy)
            turn.add(reader.bear())
            return self._welcome(lineage, reader, turn)
        self._dismiss(lineage, reader)
        if isinstance(copy, int) and known is not None:
            os.close(copy)
            self._census.retire(known._replace(dev=reader.inode[0], ino=reader.inode[1], igen=None, sealed=True))
        elif reader.path not in lineage.told:
            lineage.told.add(reader.path)
            turn.tell(lineage.spec, display(reader.path), "unreadable", "compressed")
        return None

    def _welcome(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader:
        """A reader's file is open, and is its file."""
        reader.is_missing = reader.is_unreadable = False
        if reader is lineage.live and lineage.obstacle is not None:
            lineage.clear(turn)
        self._census.open_files.admit(reader)
        return reader

    def _give_up(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """A reader's file is nowhere to be found. Believe it the second time."""
        if not reader.is_missing:
            reader.is_missing, reader.grown_at = True, turn.now
            lineage.displace(reader, turn.now)
            return reader
        if turn.now - reader.grown_at < self._pace.absence_seconds:
            return reader
        copy = self._census.unpacking.ask(reader, lineage.path)
        if copy is Answer.LATER:
            return reader
        if isinstance(copy, int):
            reader.take_copy(copy)
            reader.grown_at = turn.now
            return self._welcome(lineage, reader, turn)
        self._lose_unread(reader, GapReason.DELETED, turn)
        turn.add(Sealed(reader.key, GapReason.DELETED, reader.committed))
        self._dismiss(lineage, reader)
        return None

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


def _sizes_newest_first(readers: list[Reader]) -> dict[Reader, int]:
    """How far each generation but the oldest may be read in this look.

    Sizes are taken newest first and bytes are read oldest first: else a line could be read from the new file before one
    that was written to the old file before it.
    """
    sizes: dict[Reader, int] = {}
    for reader in reversed(readers[1:]):
        if reader.fd is not None:
            sizes[reader] = os.fstat(reader.fd).st_size
    return sizes
