"""What came and went compressed while nobody looked: read on, known already, unreadable, or gone before its turn.

Owns what becomes of a life of which nothing is known but a compressed file. How that is unpacked is for `unpacking`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.records import GapReason
from logstream.tail.batch import Hole, Sealed, display
from logstream.tail.moving import go_on_packed
from logstream.tail.unpacking import Answer

if TYPE_CHECKING:
    from logstream.tail.endings import Endings
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.reader import Reader
    from logstream.tail.turn import Turn


class Archives:
    """Opens lives that are packed."""

    def __init__(self, census: Census, endings: Endings) -> None:
        """Compare with the generations in `census`; what is nobody's ends by `endings`."""
        self._census = census
        self._endings = endings

    def open(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """The reader whose bytes are open now; `reader` itself, not open, if it has to wait; None if it is over."""
        copy = self._census.unpacking.ask(reader, reader.path)
        if isinstance(copy, Answer):
            return self._wait(lineage, reader, copy, turn)
        if (moved := go_on_packed(copy, reader, lineage, self._census, turn)) is not None:
            return moved
        known = self._census.original_of(copy, lineage)
        if known is None:
            reader.take_copy(copy)
            turn.add(reader.bear())
            return reader
        os.close(copy)
        self._endings.dismiss(lineage, reader)
        self._census.retire(known._replace(dev=reader.inode[0], ino=reader.inode[1], igen=reader.igen, sealed=True))
        return None

    def _wait(self, lineage: Lineage, reader: Reader, answer: Answer, turn: Turn) -> Reader | None:
        """There are no bytes, not yet or not at all."""
        if answer is Answer.GONE:
            return self._miss(lineage, reader, turn)
        if answer is Answer.LATER:
            lineage.hot_until = turn.now + self._census.pace.hot_seconds
            return reader
        if reader.path not in lineage.told:
            lineage.told.add(reader.path)
            reason = "compressed" if answer is Answer.NONE else "cannot be opened"
            turn.tell(lineage.spec, display(reader.path), "unreadable", reason)
        if answer is Answer.SHUT:
            reader.is_unreadable = True
            return reader
        self._endings.dismiss(lineage, reader)
        return None

    def _miss(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """Its file is nowhere, and was not held open. Believe it the second time: what was in it is lost then."""
        if not reader.is_missing:
            reader.is_missing, reader.grown_at = True, turn.now
        if turn.now - reader.grown_at < self._census.pace.absence_seconds:
            lineage.hot_until = turn.now + self._census.pace.hot_seconds
            return reader
        turn.add(reader.bear())
        turn.add(Hole(reader.key, 0, None, GapReason.DELETED))
        turn.add(Sealed(reader.key, GapReason.DELETED, 0))
        self._endings.dismiss(lineage, reader)
        return None
