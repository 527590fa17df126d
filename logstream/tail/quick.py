"""The usual look at a file that grows: some whole lines were appended to it, and nothing else has happened.

Owns telling that this is so, by the same questions as `reader` asks, and asks none twice. Whatever is not usual (the
first bytes, a line that is unfinished, a file written anew, much to read) is left to the reader, untouched.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from logstream.tail.batch import ANCHOR_BYTES, Range
from logstream.tail.framing import WIDE, is_wide
from logstream.tail.identity import RECENT_BYTES

if TYPE_CHECKING:
    from logstream.tail.reader import Reader

_MOST_BYTES: Final = 2048
_ROUND_UP_BYTES: Final = 4096


def read_appended(reader: Reader, seen: os.stat_result) -> Range | None:
    """The lines that were appended to the open file of which stat says what is `seen`; None if that is not sure.

    Raises OSError.
    """
    fd, lead, start = reader.fd, reader.lead, reader.committed
    if fd is None or lead is None or start == reader.base or not start < seen.st_size <= start + _MOST_BYTES:
        return None
    if reader.is_copy or (reader.size or 0) > seen.st_size or reader.encoding in WIDE or is_wide(reader.spec.encoding):
        return None
    most_bytes = min(seen.st_size - start + _ROUND_UP_BYTES, reader.spec.max_line_bytes)
    before = max(lead, reader.recent, key=len)
    block = os.pread(fd, len(before) + most_bytes, start - len(before))
    content = block[len(before) :]
    if not block.startswith(before) or not content.endswith(b"\n") or len(content) >= most_bytes:
        return None
    lines = tuple([len(line) + 1 for line in content.split(b"\n")[:-1]])
    reader.committed = end = start + len(content)
    reader.lead = block[-ANCHOR_BYTES:]
    reader.recent = (reader.recent + content)[-RECENT_BYTES:]
    reader.size, reader.written_ns, reader.is_drained = max(seen.st_size, end), seen.st_mtime_ns, True
    # A later write within the same tick of the clock would not move the file's time.
    reader.mtime_ns = None
    return Range(reader.key, start, end, lines, content, lead, reader.encoding)
