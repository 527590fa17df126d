"""What people may know of each file: values for the status page.

Owns the words for a file's state. Derives everything from the lineages and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from logstream.tail.batch import display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from logstream.tail.lineage import Lineage
    from logstream.tail.reader import Reader

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


def status_of(name: str, lineages: Iterable[Lineage], troubles: Mapping[str, str]) -> SourceStatus:
    """The state of every path of the source `name`, and of every older life that is still being read."""
    files = [file for lineage in lineages if lineage.spec.name == name for file in _files(lineage)]
    files += [FileStatus(display(path), "unreadable", reason, None, None, None) for path, reason in troubles.items()]
    return SourceStatus(name, tuple(sorted(files, key=lambda file: file.file)))


def _files(lineage: Lineage) -> Iterator[FileStatus]:
    live = lineage.live
    for reader in lineage.readers:
        if reader is not live:
            yield _status(reader, _older_state(reader))
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
    if reader.is_unreadable:
        return "unreadable"
    if reader.is_displaced:
        return "rotated"
    return "following" if reader.has_caught_up else "catching up"


def _status(reader: Reader, state: State) -> FileStatus:
    size = max(reader.size or 0, reader.committed)
    return FileStatus(reader.file, state, None, size, reader.committed, reader.key, reader.encoding)
