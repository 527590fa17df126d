"""How a generation begins: with a file's first byte, its last line, or where the file has been read to already.

Owns that choice, and the words in which it is told. Which file has a path, and who came before whom, is for
`succession`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.framing import MARK_BYTES, MOST_END_BYTES, encoding_of, framing_of
from logstream.tail.identity import Verdict
from logstream.tail.reader import Reader

if TYPE_CHECKING:
    from logstream.tail.batch import Change, SourceSpec
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.opening import Opened
    from logstream.tail.turn import Turn


def bear(census: Census, lineage: Lineage, opened: Opened, file: str, turn: Turn) -> Reader:
    """A new generation in an open file: from its start, or from where its bytes were handed on already.

    Raises OSError, and has not taken the file then.
    """
    inode = (opened.facts.dev, opened.facts.ino)
    known = census.finished.get(inode)
    base = 0
    if known is not None:
        verdict = Reader(lineage.spec, known, turn.now).examine(opened)
        base = known.committed if verdict in (Verdict.SAME, Verdict.GREW) else 0
        opened = opened._replace(encoding=known.encoding)
    elif lineage.starts_at_end:
        base = _last_line_start(opened, lineage.spec)
    reader = Reader.born(lineage.spec, file, opened, base, turn.now)
    begun: list[Change] = [reader.birth(), reader.prove(turn.now)] if base else [reader.birth()]
    census.enrol(reader)
    for change in begun:
        turn.add(change)
    return reader


def _last_line_start(opened: Opened, spec: SourceSpec) -> int:
    """The end of the last line end within reach; the file's size where there is none."""
    size = opened.facts.size
    framing = framing_of(encoding_of(os.pread(opened.fd, MARK_BYTES, 0), spec.encoding))
    start = max(0, size - spec.max_line_bytes - MOST_END_BYTES)
    end = framing.last_end(os.pread(opened.fd, size - start, start), start)
    return start + end if end or start == 0 else size
