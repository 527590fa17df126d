"""Which life goes on in a file that nobody knows: one whose own file is gone, and all of whose bytes stand there.

A file gets another inode without a rotation: it is replaced by a longer one that begins like it, moved to another file
system, or its file system is mounted anew. Owns what is compared before that is believed. Refuses to say which file has
a path, and never takes a file for one that still exists. In doubt a file is new: lines that come twice are better than
lines that never come, or that come under the name of another log.
"""

# ruff: noqa: PTH120 - asked for each new file: a Path object costs more

from __future__ import annotations

import os
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.tail.batch import ANCHOR_BYTES, Moved, Notice, display
from logstream.tail.custody import Custody
from logstream.tail.family import has_inode
from logstream.tail.identity import NO_INODE, contradict
from logstream.tail.likeness import begins_with, likeness_of
from logstream.tail.listing import locate
from logstream.tail.opening import EXHAUSTED, is_unlinked, place_of
from logstream.tail.reader import HEAD_BYTES
from logstream.tail.unpacking import Answer

if TYPE_CHECKING:
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.opening import Opened
    from logstream.tail.reader import Reader
    from logstream.tail.turn import Turn

TELLING_BYTES: Final = HEAD_BYTES + ANCHOR_BYTES
"""So many bytes alike are no accident. The first lines that a program writes at each start may be fewer."""
_NEAR_BYTES: Final = 64 * 1024
_LINES_BYTES: Final = 1024
"""More than the ends of some lines, which often are alike."""
_COMPARED_BYTES: Final = 4096
_MOST_ALIKE: Final = 64
"""So many other logs are asked whether they begin alike: where that is a program's first lines, most do."""


class Arrival(NamedTuple):
    """A file that holds a beginning of one that is read: since when it has been waited for, and how far it has come.

    `grown_at` is when it was last seen to have grown, if it did not hold all before. Monotonic seconds. `file` has the
    numbers that it is known by.
    """

    file: tuple[int, int, int | None]
    since: float
    size: int
    grown_at: float
    is_whole: bool


def life_moved_to(opened: Opened, lineage: Lineage, census: Census) -> Reader | None:
    """The life that goes on in an open file, which has the lineage's path or had it; raises OSError.

    It was written under that path; else in another file system under the same name, if no other log may be meant.
    """
    own = (one for one in reversed(lineage.readers) if has_no_file(one) and _goes_on_in(opened, one))
    found = next(own, None)
    if found is None:
        return _stranger_moved_to(opened, lineage, census)
    return found if found.is_known_to_its_end or not _is_common(opened, found, census) else None


def _stranger_moved_to(opened: Opened, lineage: Lineage, census: Census) -> Reader | None:
    """The same of a log of another path. Within a file system, a file that is moved keeps its inode."""
    strangers = [
        one
        for one in census.namesakes.of(lineage.path)
        if one.spec is lineage.spec
        and _is_elsewhere(opened, one)
        and one not in lineage.readers
        # One that waits long for its directory would be seen in each new file by its name with the same first lines.
        and (one.vacancy is None or one.committed >= _COMPARED_BYTES)
    ]
    found = [one for one in strangers if has_no_file(one) and _goes_on_in(opened, one, is_stranger=True)]
    return found[0] if len(found) == 1 and not _is_common(opened, found[0], census) else None


def is_arriving(opened: Opened, lineage: Lineage, census: Census, turn: Turn) -> bool:
    """Whether an open file may be on its way to the lineage's path, of which nothing is known; raises OSError.

    As mv(1) moves a file to another file system: it copies, and deletes once that is done. Until then both are there,
    and what is read of the copy would come twice. One that stays there beside its copy is not waited for any longer.
    """
    size = None if lineage.readers else _size_of_original(opened, lineage, census)
    if size is None:
        lineage.arrival = None
        return False
    here, pace, file = opened.facts.size, census.pace, opened.facts[:3]
    arrival = lineage.arrival
    if arrival is None or arrival.file != file:
        arrival = Arrival(file, turn.now, here, turn.now, here >= size)
    elif here < arrival.size or (here > arrival.size and not arrival.is_whole):
        arrival = Arrival(file, arrival.since, here, turn.now, here >= size)
    lineage.arrival = arrival
    patience_seconds = pace.absence_seconds if arrival.is_whole else pace.unsettled_seconds
    return turn.now - arrival.since < pace.rotate_wait_seconds and turn.now - arrival.grown_at < patience_seconds


def go_on_in(opened: Opened, reader: Reader, census: Census, turn: Turn) -> None:
    """Let `reader` go on in the open file; raises OSError, and has not taken that then."""
    reader.recall(opened.fd)
    census.strike(reader)
    if opened.path != reader.path:
        turn.add(Notice("rotated", reader.spec.name, reader.file, {"to": display(opened.path)}))
    reader.take_file(opened)
    census.enrol(reader)
    turn.add(Moved(reader.key, reader.path, (*reader.inode, reader.igen)))


def go_on_packed(copy: int, packed: Reader, lineage: Lineage, census: Census, turn: Turn) -> Reader | None:
    """The life right before `packed`, going on in the bytes that were unpacked for that one, which is nobody then.

    None if it does not go on there: its file is gone, all of it stands in those bytes, and they are more.
    """
    index = lineage.readers.index(packed)
    before = lineage.readers[index - 1] if index else None
    if before is None or before.fd is None:
        return None
    with census.unpacking.unless_it_fails(packed, copy):
        is_its_own = _goes_beyond(copy, before) and os.fstat(before.fd).st_size >= TELLING_BYTES
    if not is_its_own:
        return None
    take_over(copy, packed, before, lineage, census, turn)
    return before


def go_on_held(reader: Reader, packed: Reader, lineage: Lineage, census: Census, turn: Turn) -> Reader | Answer:
    """`reader`, going on in the archive of `packed`, if all that was read of it stands there; or LATER or NONE."""
    copy = census.unpacking.ask(packed, packed.path)
    if isinstance(copy, Answer):
        return Answer.LATER if copy is Answer.LATER else Answer.NONE
    with census.unpacking.unless_it_fails(packed, copy):
        is_its_own = likeness_of(reader).is_met_by(copy)
    if not is_its_own:
        census.unpacking.give_back(packed, copy)
        return Answer.NONE
    take_over(copy, packed, reader, lineage, census, turn)
    return reader


def take_over(  # noqa: PLR0913, PLR0917 - whose bytes, who takes them, and where that is noted
    copy: int, packed: Reader, reader: Reader, lineage: Lineage, census: Census, turn: Turn
) -> None:
    """Let `reader` go on in the bytes that were unpacked for `packed`, which is nobody then."""
    lineage.readers.remove(packed)
    census.strike(packed)
    census.strike(reader)
    reader.take_unpacked(copy, packed)
    census.enrol(reader)
    turn.add(Moved(reader.key, reader.path, (*reader.inode, reader.igen)))


def _goes_beyond(descriptor: int, reader: Reader) -> bool:
    """Whether an unpacked file has all that is in the file of `reader`, which is gone, and more: it is no copy of it.

    A file that was truncated before it was deleted may well have a longer copy.
    """
    if reader.fd is None or reader.is_copy or not is_unlinked(reader.fd):
        return False
    size = os.fstat(reader.fd).st_size
    return reader.committed <= size < os.fstat(descriptor).st_size and begins_with(descriptor, reader.fd, size)


def has_no_file(reader: Reader) -> bool:
    """Whether the file of `reader` is nowhere; not one that was truncated."""
    if reader.is_packed or reader.is_copy:
        return False
    if reader.inode == NO_INODE:
        return reader.former_inode is not None
    if reader.fd is not None and (is_unlinked(reader.fd) or place_of(reader.fd) is not None):
        return is_unlinked(reader.fd)
    if has_inode(reader.path, reader.inode):
        return False
    try:
        beside = [os.path.dirname(reader.path)]
        return locate(reader.inode, reader.igen, beside, reader.path, reader.found_at) is None
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return False  # nobody can tell


def _size_of_original(opened: Opened, lineage: Lineage, census: Census) -> int | None:
    """How long a file in another file system is that has the name of the lineage's, and begins with the open one."""
    for one in census.namesakes.of(lineage.path):
        if one.spec is not lineage.spec or one.inode[0] == opened.facts.dev or one.is_copy or has_no_file(one):
            continue
        original = census.open_again(one)
        if original is None:
            continue
        try:
            if _seems_to_begin_with(original, opened):
                return os.fstat(original).st_size
        finally:
            os.close(original)
    return None


def _seems_to_begin_with(original: int, opened: Opened) -> bool:
    """Whether a file begins with all of the open one, as far as its first and last bytes tell."""
    size = opened.facts.size
    starts = (0, max(0, size - _COMPARED_BYTES))
    lengths = [min(_COMPARED_BYTES, size - start) for start in starts]
    return os.fstat(original).st_size >= size and all(
        os.pread(original, length, start) == os.pread(opened.fd, length, start)
        for start, length in zip(starts, lengths, strict=True)
    )


def _is_varied(opened: Opened, offset: int) -> bool:
    """Whether the lines before `offset` stand nowhere else near it: in a log that repeats itself they tell nothing."""
    start = max(0, offset - _NEAR_BYTES)
    before = os.pread(opened.fd, offset - start, start)
    last = before[-min(_LINES_BYTES, len(before) // 2 + 1) :]
    return before.find(last) == len(before) - len(last)


def _is_elsewhere(opened: Opened, reader: Reader) -> bool:
    """Whether an open file is in another file system than that of `reader` was."""
    return opened.facts.dev != reader.last_inode[0]


def _goes_on_in(opened: Opened, reader: Reader, *, is_stranger: bool = False) -> bool:
    """Whether all of the life stands in the open file, and that is more than a new file with the same first lines."""
    is_elsewhere, igen = _is_elsewhere(opened, reader), opened.facts.igen
    has_its_numbers = opened.facts[:2] == reader.last_inode and not contradict(igen, reader.igen)
    # Another file had its numbers for a while, on a volume that had the device's: it was not deleted.
    is_back = has_its_numbers and reader.former_inode is not None and igen is not None and reader.igen is not None
    if has_its_numbers and not is_back:
        return False  # deleted, and its number given again, as far as anybody can tell
    is_mounted_anew = is_elsewhere and not is_stranger
    if reader.fd is None:
        is_telling = is_mounted_anew or is_back or reader.committed >= TELLING_BYTES
        return is_telling and reader.is_copied_in(opened) and _is_varied(opened, reader.committed)
    old = os.fstat(reader.fd)
    # Losing its name changes a file's ctime: what was not written after that was there already, to be renamed over it.
    is_replaced = opened.facts.size > old.st_size and opened.facts.mtime_ns <= old.st_ctime_ns
    is_telling = is_mounted_anew or is_replaced or old.st_size >= TELLING_BYTES
    return is_telling and old.st_size > 0 and begins_with(opened.fd, reader.fd, old.st_size)


def _is_common(opened: Opened, reader: Reader, census: Census) -> bool:
    """Whether another life has those bytes, too, by which a file was taken for that of `reader`; raises OSError."""
    end = reader.proof_offset if reader.lead is None else reader.committed
    head = reader.head_length, reader.head_crc
    read = (one for one in census.readers.values() if (one.head_length, one.head_crc) == head and one is not reader)
    ended = (one for one in census.finished.values() if (one.head_length, one.head_crc) == head)
    files = chain(map(census.open_again, read), (census.open_files.descriptor_at(one.path) for one in ended))
    return any(_has_the_same(descriptor, opened, end) for descriptor in islice(files, _MOST_ALIKE))


def _has_the_same(descriptor: int | None, opened: Opened, end: int) -> bool:
    """Whether the bytes before `end` are the same in another file, which is closed then, as in the open one."""
    if descriptor is None:
        return False
    with Custody([descriptor]):
        start, seen = max(0, end - ANCHOR_BYTES), os.fstat(descriptor)
        is_itself = (seen.st_dev, seen.st_ino) == (opened.facts.dev, opened.facts.ino)
        return not is_itself and os.pread(descriptor, end - start, start) == os.pread(opened.fd, end - start, start)
