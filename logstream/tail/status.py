"""What people may know of each file: values for the status page.

Owns the words for a file's state, and how many files are looked at before others have their turn. Derives everything
from the lineages and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from logstream.tail.batch import display
from logstream.tail.vacancy import is_vacant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from logstream.tail.lineage import Lineage
    from logstream.tail.reader import Reader

SLICE_LINEAGES = 256
"""So many paths are looked at without a pause."""
State = Literal["following", "catching up", "rotated", "deleted", "unreadable", "untailable", "missing"]


class FileStatus(NamedTuple):
    """One file of a source. Sizes are None, and `key` too, where no generation of it is being read."""

    file: str
    state: State
    reason: str | None
    size_bytes: int | None
    read_bytes: int | None
    key: str | None
    encoding: str = "utf-8"
    """How its bytes are cut into lines."""


class SourceStatus(NamedTuple):
    """A source: the files it has now, and the directories that cannot be searched, by name."""

    name: str
    files: tuple[FileStatus, ...]


def survey(
    names: Iterable[str], lineages: Iterable[Lineage], troubles: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[SourceStatus, ...]]:
    """The state of every path of these sources, and of every older life that is still being read.

    Yields an empty tuple now and then, so that others may have their turn, and at the end what it found.
    """
    files: dict[str, list[FileStatus]] = {
        name: [FileStatus(display(path), "unreadable", reason, None, None, None) for path, reason in found.items()]
        for name in names
        for found in (troubles.get(name, {}),)
    }
    for number, lineage in enumerate(tuple(lineages), 1):
        if lineage.spec.name in files:
            files[lineage.spec.name].extend(_files(lineage))
        if number % SLICE_LINEAGES == 0:
            yield ()
    yield tuple(SourceStatus(name, tuple(sorted(found, key=_file))) for name, found in files.items())


def _file(status: FileStatus) -> str:
    return status.file


def is_catching_up(lineage: Lineage) -> bool:
    """Whether a file of the path is told as `catching up`."""
    live = lineage.live
    if live is not None and lineage.obstacle is None and not live.has_caught_up:
        return True
    return any(reader is not live and _older_state(reader) == "catching up" for reader in lineage.readers)


def _files(lineage: Lineage) -> Iterator[FileStatus]:
    live = lineage.live
    for reader in lineage.readers:
        if reader is not live:
            yield _status(reader, _older_state(reader))
    if live is None and is_vacant(lineage):
        return  # it has been told of those that are waited for
    if lineage.obstacle is not None:
        state, reason = lineage.obstacle
        size, read, key = (live.size, live.committed, live.key) if live is not None else (None, None, None)
        yield FileStatus(lineage.file, state, reason, size, read, key)
    elif live is not None:
        yield _status(live, "following" if live.has_caught_up else "catching up")
    elif not lineage.readers and lineage.absent_since is None and lineage.read_as is not None:
        yield FileStatus(lineage.file, "following", f"read as {lineage.read_as}", None, None, None)
    elif not lineage.readers:
        yield FileStatus(lineage.file, "missing", None, None, None, None)


def _older_state(reader: Reader) -> State:
    if reader.is_deleted:
        return "deleted"
    if reader.is_unreadable or reader.vacancy is not None:
        return "unreadable"
    if reader.is_displaced and not reader.waits_to_be_found:
        return "rotated"
    return "following" if reader.has_caught_up else "catching up"


def _status(reader: Reader, state: State) -> FileStatus:
    # Of what is not unpacked yet nobody knows how much there is: at least it is not nothing.
    size = reader.packed_bytes if reader.is_packed else max(reader.size or 0, reader.committed)
    reason = None if reader.vacancy is None else reader.vacancy.reason
    return FileStatus(reader.file, state, reason, size, reader.committed, reader.key, reader.encoding)
