"""Copies that were made while their original was still written to: they hold its beginning, and no more.

What a program writes between the copy and the truncation may have been read all the same. Owns what is compared before
a file that is shorter than what was read of a life counts as a copy of that.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from logstream.tail.custody import Custody
from logstream.tail.likeness import Likeness, has_head_of, likeness_of
from logstream.tail.opening import OPEN_FLAGS
from logstream.tail.packed import Unpacked, unpack
from logstream.tail.reader import HEAD_BYTES
from logstream.tail.rotation import is_compressed_name, older_lives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from logstream.tail.batch import Known
    from logstream.tail.lineage import Census, Lineage

EARLIER_NS: Final = 600 * 1_000_000_000
"""A copy that holds less than was read of its original was made no longer ago than this when that was last written."""
_NS: Final = 1_000_000_000
_SLACK_NS: Final = 2_000_000_000
"""So much later than is told may something have been read: a journal's times are a second coarse, turns take time."""


def original_cut_short(descriptor: int, mtime_ns: int, lineage: Lineage, census: Census) -> Known | None:
    """The life of which a file, which was written last then, holds only the beginning; raises OSError."""
    read = [one for one in lineage.readers if not one.is_packed]
    waiting = [one.known() for one in read if one.gone_reason is not None and one.fd is None]
    ended = [*older_lives((*waiting, *census.ended()), lineage.files)]
    alike = (one for one in ended if is_beginning_of(one, descriptor, mtime_ns))
    life = max(alike, key=lambda one: one.last_ns or 0, default=None)
    # A copy was made before the next life began.
    later = (one.last_ns or 0 for one in (*ended, *(one.known() for one in read)))
    is_overtaken = life is not None and any((life.last_ns or 0) < last_ns < mtime_ns for last_ns in later)
    return None if is_overtaken else life


def is_beginning_of(known: Known, descriptor: int, mtime_ns: int) -> bool:
    """Whether a file, written last then, begins like a life that was read further, and is not of a later one.

    A copy is no younger than the last look at its original, and what came to that file unseen is. Raises OSError.
    """
    size = os.fstat(descriptor).st_size
    if not known.head_length == HEAD_BYTES <= size < known.committed:
        return False
    if mtime_ns > _seen_ns(known) + _SLACK_NS:
        return False
    if known.proof_offset <= size:
        return likeness_of(known)._replace(least_bytes=size).is_met_by(descriptor)
    return has_head_of(descriptor, known)


def unpack_earlier(
    known: Known, copies: Iterable[Path], directory: Path, is_cancelled: Callable[[], bool] = lambda: False
) -> Unpacked | None:
    """The first of `copies` that holds only the beginning of a life: as it is, or unpacked as `unpack` does it.

    What was there long before that was read may begin like it: without this its end would be missed, and no gap told.
    """
    beginning = Likeness(HEAD_BYTES, known.head_length, known.head_crc, 0, 0)
    for path in copies if known.head_length == HEAD_BYTES else ():
        with suppress(OSError):
            if path.stat().st_ctime_ns < (known.last_ns or 0) - EARLIER_NS:
                continue
            if is_compressed_name(path.name):
                found = unpack(beginning, [path], directory, is_cancelled=is_cancelled)
            else:
                found = Unpacked(os.open(path, OPEN_FLAGS), is_whole=True)
            if found is None:
                continue
            with Custody([found.descriptor]) as custody:
                if found.is_whole and is_beginning_of(known, found.descriptor, path.stat().st_mtime_ns):
                    custody.hand_over(found.descriptor)
                    return found
    return None


def _seen_ns(known: Known) -> int:
    """When its file was last known to hold it: written to, or seen as it was."""
    return max(known.last_ns or 0, int((known.seen_time or 0) * _NS))
