"""Whether a file has the bytes of a generation: its numbers, its head, and the bytes before the latest offset known.

Owns what is compared before a file is trusted. Refuses to look for files, and to keep any open.
"""

from __future__ import annotations

import os
import stat
import zlib
from typing import TYPE_CHECKING

from logstream.journal.ids import anchor_of, gap_anchor, open_gap_anchor
from logstream.records import GapReason
from logstream.tail.batch import ANCHOR_BYTES
from logstream.tail.likeness import likeness_of
from logstream.tail.reuse import inode_generation

if TYPE_CHECKING:
    from logstream.journal.life import Life
    from logstream.tail.likeness import Likeness


def read_before(descriptor: int, offset: int, length: int) -> bytes | None:
    """The at most `length` bytes before `offset`; None if the file does not reach so far or cannot be read."""
    start = max(0, offset - length)
    try:
        found = os.pread(descriptor, offset - start, start)
    except OSError:
        return None
    return found if len(found) == offset - start else None


def examine(descriptor: int, life: Life) -> GapReason | None:
    """None if `descriptor` is the generation; else what became of it, as far as this file tells. Raises OSError."""
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode) or (facts.st_dev, facts.st_ino) != (life.dev, life.ino):
        return GapReason.DELETED
    igen = inode_generation(descriptor)
    if life.igen is not None and igen is not None and life.igen != igen:
        return GapReason.DELETED
    # A new file often gets the inode of one that was just deleted, and not every generation has lived to a proof.
    if life.head_length:
        head = read_before(descriptor, life.head_length, life.head_length)
        if head is None or zlib.crc32(head) != life.head_crc:
            return GapReason.TRUNCATED
    if life.proof_offset:
        before = read_before(descriptor, life.proof_offset, ANCHOR_BYTES)
        if before is None or anchor_of(before) != life.proof_crc:
            return GapReason.TRUNCATED
    return None if _has_what_came_last(descriptor, life) else GapReason.TRUNCATED


def latest_likeness(life: Life) -> Likeness:
    """What a generation's bytes are recognised by, wherever they stand: by the last of them where these are known."""
    likeness, anchor = likeness_of(life), _latest_anchor(life)
    if anchor is None or not likeness.is_certain:
        return likeness
    return likeness._replace(proof_offset=life.committed, proof_crc=anchor)


def _has_what_came_last(descriptor: int, life: Life) -> bool:
    """Whether the bytes that were recorded last are not others now: proofs are older, and first lines often alike.

    Where the file ends before those nobody can tell: it may have lost its last lines only, and the others are there.
    """
    anchor = _latest_anchor(life)
    if anchor is None or life.proof_offset == life.committed:
        return True
    before = read_before(descriptor, life.committed, ANCHOR_BYTES)
    return before is None or anchor_of(before) == anchor


def _latest_anchor(life: Life) -> int | None:
    """The anchor of the bytes that were recorded last, if this process has read them, and nobody has cut them off."""
    if life.kept_end is not None or life.anchor is None:
        return None
    here = life.generation.key, life.committed
    return None if life.anchor in {gap_anchor(*here), open_gap_anchor(*here)} else life.anchor
