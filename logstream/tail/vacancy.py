"""Files whose directory is not there: a mount that is late, a volume that is not attached, a tree that was moved.

What became of such a file nobody knows: it comes back with its directory, or never. Owns for how long it is waited for,
what is said meanwhile, and that it is gone on with where its directory was renamed. What is done about a file that is
nowhere while its directory is there is for `nowhere`.
"""

# ruff: noqa: PTH116, PTH120 - asked for each such file in each sweep: a Path object costs more than the stat

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.tail.batch import display
from logstream.tail.custody import Custody
from logstream.tail.discovery import is_absence
from logstream.tail.family import home_of
from logstream.tail.identity import NO_INODE, contradict
from logstream.tail.opening import Opened

if TYPE_CHECKING:
    from logstream.tail.lineage import Census, Lineage
    from logstream.tail.reader import Reader
    from logstream.tail.turn import Turn

NOT_THERE: Final = "its directory is not there"
EMPTY: Final = "its directory is empty"


class Standing(NamedTuple):
    """What is seen of a directory. `dev` is its device; None if there is no such directory."""

    dev: int | None
    is_empty: bool = False


class Vacancy(NamedTuple):
    """A file is waited for, until that time at most (monotonic seconds), and why."""

    until: float
    reason: str


def why_unknown(standing: Standing, dev: int, *, was_vacant: bool) -> str | None:
    """Why nobody can tell what became of a file, on the device `dev`, that is not in its directory.

    None: it is no more. An empty directory on another device is a mount point with nothing mounted; one that was not
    there a moment ago (`was_vacant`) is made before something is mounted, or put, there.
    """
    if standing.dev is None:
        return NOT_THERE
    is_elsewhere = dev not in {standing.dev, NO_INODE[0]}
    return EMPTY if standing.is_empty and (is_elsewhere or was_vacant) else None


def look_at(directory: str) -> Standing:
    """What stands there; raises OSError where that cannot be seen: then it is not known to be gone."""
    try:
        seen = os.stat(directory)
        if not stat.S_ISDIR(seen.st_mode):
            return Standing(None)
        return Standing(seen.st_dev, is_empty=_is_empty(directory))
    except OSError as error:
        if not is_absence(error):
            raise
        return Standing(None)


def directory_of(path: str) -> str:
    """Where the file is, or was, that has this path: behind a link, the directory to which that leads."""
    return os.path.dirname(home_of(path))


def is_waited_for(lineage: Lineage, reader: Reader, census: Census, turn: Turn) -> bool:
    """Whether the file of `reader`, which is nowhere, may come back with its directory; raises OSError.

    What is newer need not wait for it. It is told, and only when the time is over it is believed to be gone.
    """
    if reader.seen_at is not None and _follow(lineage, reader, reader.seen_at, census, turn):
        return True
    reader.seen_at, before = None, reader.vacancy
    reason = why_unknown(look_at(directory_of(reader.path)), reader.last_inode[0], was_vacant=before is not None)
    until = turn.now + census.pace.vacancy_seconds if before is None else before.until
    if reason is None:
        reader.vacancy = None
        return False
    if turn.now >= until:
        return False
    reader.vacancy, reader.is_missing = Vacancy(until, reason), False
    if lineage.live in {None, reader} and _is_beside(lineage, reader):
        lineage.obstruct("unreadable", reason, turn)
    elif before is None:
        turn.tell(lineage.spec, display(reader.path), "unreadable", reason)
    return True


def is_vacant(lineage: Lineage) -> bool:
    """Whether nothing has the lineage's path because its directory is not there."""
    return any(reader.vacancy is not None and _is_beside(lineage, reader) for reader in lineage.readers)


def is_still_vacant(lineage: Lineage, turn: Turn) -> bool:
    """Whether all files of a lineage are waited for, and their directories are not there as before."""
    if not lineage.readers or lineage.has_more_before:
        return False
    return all(_is_vacant_as_before(reader, turn) for reader in lineage.readers)


def note_sighting(reader: Reader, path: str) -> None:
    """A file with the numbers of that of `reader` was found at `path`: perhaps its directory was renamed."""
    if reader.fd is None and path != reader.path:
        reader.seen_at = path


def _is_empty(directory: str) -> bool:
    """Whether nothing is in a directory; not where it may not be listed."""
    try:
        with os.scandir(directory) as entries:
            return next(entries, None) is None
    except PermissionError:
        return False


def _is_vacant_as_before(reader: Reader, turn: Turn) -> bool:
    vacancy = reader.vacancy
    if vacancy is None or reader.seen_at is not None or turn.now >= vacancy.until:
        return False
    try:
        standing = look_at(directory_of(reader.path))
    except OSError:
        return False
    return why_unknown(standing, reader.last_inode[0], was_vacant=True) == vacancy.reason


def _is_beside(lineage: Lineage, reader: Reader) -> bool:
    return os.path.dirname(reader.path) == os.path.dirname(lineage.path)


def _follow(lineage: Lineage, reader: Reader, path: str, census: Census, turn: Turn) -> bool:
    """Go on with the file of `reader` at `path`, if it is that; raises OSError.

    Else its number was given to another file, of which nothing is known then.
    """
    opened = census.open_files.need(path)
    if not isinstance(opened, Opened):
        return False
    with Custody([opened.fd]):
        if opened.is_compressed:
            return False  # perhaps it was one before
        is_same = (opened.facts.dev, opened.facts.ino) == reader.inode
        is_proven = reader.igen is not None and not contradict(reader.igen, opened.facts.igen)
        is_own = is_same and reader.is_begun_in(opened.fd)
        is_own = is_own and (is_proven or not reader.is_blank)
    if not is_own:
        if is_same:
            census.disown(reader)
        return False
    lineage.displace(reader, turn.now)
    lineage.move(reader, path, turn)
    reader.vacancy = reader.seen_at = None
    lineage.hot_until = turn.now + census.pace.hot_seconds
    return True
