"""Whether a file is still the generation that it was. Pure: facts in, verdict out.

Owns the rules and their order. Refuses to open, stat or read anything: who asks brings the facts, and compares bytes
only when the answer is `UNPROVEN`. Copies and compressed files are not its business: see `copies` and `packed`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from logstream.tail.batch import ANCHOR_BYTES

if TYPE_CHECKING:
    from logstream.tail.framing import Framing

TICK_NS = 20_000_000
"""Two writes so close together may leave the same mtime: the kernel's clock ticks at 100 to 1000 Hz."""
RECENT_BYTES = 4096
"""How many of the bytes that were handed on last are compared where a file has lost its end."""
NO_INODE = (-1, -1)
"""Of a generation whose file is gone, and whose number another file has."""


class Facts(NamedTuple):
    """What fstat says of an open file, and the inode's generation number where the file system has one."""

    dev: int
    ino: int
    igen: int | None
    size: int
    mtime_ns: int
    is_regular: bool


class Remembered(NamedTuple):
    """What is remembered of a generation. `size` and `mtime_ns` are those last seen; None after a restart."""

    dev: int
    ino: int
    igen: int | None
    committed: int
    size: int | None = None
    mtime_ns: int | None = None


class Verdict(Enum):
    """What a file is to a remembered generation."""

    SAME = "same"
    """It, and nothing was written to it."""
    GREW = "grew"
    """It, and there may be something to read."""
    SHRUNK = "shrunk"
    """It, but bytes that were seen and not handed on are gone. Those handed on are still there."""
    UNPROVEN = "unproven"
    """It was written to: compare the bytes before `committed`, then ask again."""
    CUT = "cut"
    """It, but the last lines that were handed on are gone. Those before them are still there."""
    TRUNCATED = "truncated"
    """The same inode with other bytes: a new generation, from its start."""
    REPLACED = "replaced"
    """Another file has its name."""
    GONE = "gone"
    """No file has its name."""
    UNTAILABLE = "untailable"
    """Something that is no regular file has its name."""


def decide(known: Remembered, facts: Facts | None, *, proof_matches: bool | None) -> Verdict:
    """What the file with `facts` (None: there is none) is to the generation `known`.

    `proof_matches` says whether the bytes before `committed` are what they were; None: nobody has looked yet.
    """
    if facts is None:
        return Verdict.GONE
    if not facts.is_regular:
        return Verdict.UNTAILABLE
    if (facts.dev, facts.ino) != (known.dev, known.ino) or contradict(facts.igen, known.igen):
        return Verdict.REPLACED
    if facts.size < known.committed or proof_matches is False:
        return Verdict.TRUNCATED
    return _progress(known, facts, is_proven=proof_matches is True)


def _progress(known: Remembered, facts: Facts, *, is_proven: bool) -> Verdict:
    """What happened to a file that is still the same inode and long enough."""
    is_untouched = (facts.size, facts.mtime_ns) == (known.size, known.mtime_ns)
    if not is_proven and known.committed > 0 and not is_untouched:
        return Verdict.UNPROVEN
    if known.size is not None and facts.size < known.size:
        return Verdict.SHRUNK
    if is_untouched or facts.size == known.committed:
        return Verdict.SAME
    return Verdict.GREW


def is_as_before(before: bytes, found: bytes, start: int) -> bool:
    """Whether what is `found` at `start` is what stood there `before`.

    That the first line of a file was edited in place does not count (conformance B17), unless it is near the end.
    """
    if found == before:
        return True
    first = before.find(b"\n", 0, max(0, len(before) - ANCHOR_BYTES)) + 1
    is_first_edited = found.find(b"\n") + 1 == first < len(before) == len(found)
    return start == 0 and first > 0 and is_first_edited and found[first:] == before[first:]


def cut_end(framing: Framing, recent: bytes, found: bytes, start: int) -> int:
    """Where the lines that are left of a file end, if it only lost its last ones; 0 if it was written anew.

    `recent` is the end of what was handed on, and began at `start`; `found` is what stands there now. A program that
    begins its log anew may write the same first lines: so less than half may have been cut off.
    """
    same = next((at for at, (one, other) in enumerate(zip(recent, found, strict=False)) if one != other), len(found))
    end = start + framing.last_end(recent[:same], start)
    is_telling = not start or same >= ANCHOR_BYTES
    return end if is_telling and end > start and 2 * end > start + len(recent) else 0


def contradict(one: int | None, other: int | None) -> bool:
    """Whether two inode generation numbers contradict each other: on ext4 each reuse of an inode has another one."""
    return one is not None and other is not None and one != other
