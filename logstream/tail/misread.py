"""Where a file that was begun in one encoding is gone on with in another, which its source was given since.

Owns what must be sure before: the file is the one that was read, and as long. Refuses to begin a life, and to say that
what was told before was wrong: it stays as it was told.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.framing import MARK_BYTES, encoding_of, framing_of

if TYPE_CHECKING:
    from logstream.tail.reader import Reader


def misread_end(reader: Reader) -> int | None:
    """Where a file of which some was cut in another encoding is to be gone on with; None: it was not, or not now."""
    fd, lead = reader.fd, reader.lead
    if fd is None or lead is None or reader.is_copy or reader.committed == reader.base:
        return None
    wanted = encoding_of(os.pread(fd, MARK_BYTES, 0), reader.spec.encoding, reader.encoding)
    if wanted == reader.encoding or os.pread(fd, len(lead), reader.committed - len(lead)) != lead:
        return None
    # The rest of a unit that was cut in half.
    at = reader.committed + reader.committed % framing_of(wanted).unit_bytes
    return at if os.fstat(fd).st_size >= at else None
