"""What is done about a file that is nowhere: waited for, gone on with in a copy or an archive, and at last given up.

Owns when its absence is believed, and the order in which it is sought. What is said when a life ends is for `endings`;
how long a directory is waited for, for `vacancy`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.records import GapReason
from logstream.tail.copies import Copies
from logstream.tail.patience import has_been_searched
from logstream.tail.unpacking import Answer
from logstream.tail.vacancy import is_waited_for

if TYPE_CHECKING:
    from logstream.tail.archives import Archives
    from logstream.tail.endings import Endings
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.reader import Reader
    from logstream.tail.turn import Turn


class Nowhere:
    """Looks for what is left of lives whose files are nowhere."""

    def __init__(self, census: Census, endings: Endings, archives: Archives) -> None:
        """End lives, and go on in archives, by those."""
        self._census = census
        self._pace = census.pace
        self._endings = endings
        self._archives = archives
        self._copies = Copies(census)

    def give_up(self, lineage: Lineage, reader: Reader, turn: Turn) -> Reader | None:
        """A reader's file is nowhere to be found. Believe it the second time, and while its directory is there.

        The reader, open where it goes on in another file; None: it is over. Raises OSError if nobody can look now.
        """
        if is_waited_for(lineage, reader, self._census, turn):
            return reader
        is_news = not reader.is_missing
        if is_news:
            reader.is_missing, reader.grown_at = True, turn.now
            lineage.displace(reader, turn.now)
        if is_news or turn.now - reader.grown_at < self._pace.absence_seconds:
            return reader
        copy = self._what_is_left(lineage, reader, turn)
        if copy is None:
            return None
        if copy is Answer.LATER or (copy is Answer.NONE and not has_been_searched(reader, self._census, turn)):
            lineage.hot_until = turn.now + self._pace.hot_seconds
            return reader
        if isinstance(copy, int):
            reader.take_copy(copy)
        if copy is not Answer.NONE:
            reader.grown_at = turn.now
            return reader
        self._endings.end(lineage, reader, reader.gone_reason or GapReason.DELETED, turn)
        return None

    def _what_is_left(self, lineage: Lineage, reader: Reader, turn: Turn) -> int | Reader | Answer | None:
        """A descriptor on a copy; the reader, which goes on in an archive; LATER; NONE; None if it is over."""
        copy: int | Answer = self._copies.find(lineage, reader)
        is_late = turn.now - reader.grown_at >= self._pace.absence_seconds + self._pace.unsettled_seconds
        if copy is Answer.NONE or (copy is Answer.LATER and is_late):
            copy = self._census.unpacking.ask(reader, lineage.home)
        if isinstance(copy, int) and os.fstat(copy).st_size < reader.committed:
            os.close(copy)
            self._endings.end_cut_short(lineage, reader, turn)
            return None
        return self._archives.go_on(lineage, reader, turn) if copy is Answer.NONE else copy
