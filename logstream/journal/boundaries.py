"""Whether a record ends at an offset of a file, as at that of each id that was given out. Reads, and keeps nothing.

An id is a checksum of what stands before it, and who knows a line's beginning can make one for a place within the line.
Reading on from there would tell the rest of the line as a line of its own, which no rule knows: what is masked or left
out by its beginning would come out.
"""

from __future__ import annotations

import os
from typing import Final

from logstream.tail.framing import framing_of

_LOOKED_BACK_BYTES: Final = (128 << 10, 1 << 20, 16 << 20)
"""How far back a line's start is looked for: first as far as it usually is."""
_DECIDING_BYTES: Final = 16
"""So many bytes behind an offset are more than decide whether a fragment ends there."""


def ends_record(descriptor: int, encoding: str, offset: int, base: int, max_line_bytes: int) -> bool:
    """Whether a line, or a fragment of one longer than `max_line_bytes`, ends at `offset`; the last ends anywhere.

    `base`, before `offset`, is where reading of the file began. Of a line that is far too long to be looked at nobody
    can say: true. Raises OSError.
    """
    framing = framing_of(encoding)
    unit = framing.unit_bytes
    if offset % unit == 0 and os.pread(descriptor, unit, offset - unit) == framing.line_end:
        return True
    for length in _LOOKED_BACK_BYTES:
        start = max(base, offset - length)
        content = os.pread(descriptor, offset - start + _DECIDING_BYTES, start)
        if len(content) <= offset - start:
            return True
        line = framing.last_end(content[: offset - start], start)
        if line or start == base:
            return offset - start in (line + end for end in framing.cut(content[line:], start + line, max_line_bytes))
    return True
