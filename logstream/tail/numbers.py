"""Whether a file that has the number of a remembered one is that one.

A file system gives the number of a deleted file to a new one. Most count how often; where they do not, as beneath
containers, the name and the bytes are all that is left. Owns that comparison. Refuses to say what becomes of the file.
"""

# ruff: noqa: PTH120 - asked for each new file: a Path object costs more

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.tail.batch import display
from logstream.tail.custody import Custody
from logstream.tail.identity import contradict
from logstream.tail.listing import locate
from logstream.tail.opening import EXHAUSTED, Opened
from logstream.tail.rotation import is_older_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.tail.opening import OpenFiles
    from logstream.tail.reader import Reader


def is_number_given_again(reader: Reader, path: str, open_files: OpenFiles) -> bool:
    """Whether the file at `path`, which has the number that the file of `reader` had, is another one for certain.

    By the count of the file system; else where the name is that of no life of the log, and the bytes are others, too.
    """
    is_counted = reader.igen is not None
    if reader.fd is not None or (not is_counted and _is_of_the_log(reader, path)):
        return False
    opened = open_files.open(path)
    if not isinstance(opened, Opened):
        return False
    with Custody([opened.fd]):
        if (opened.facts.dev, opened.facts.ino) != reader.inode:
            return False
        if is_counted and opened.facts.igen is not None:
            return contradict(opened.facts.igen, reader.igen)
        return not _is_of_the_log(reader, path) and not _is_begun_in(reader, opened)


def is_given_to(reader: Reader, other: Reader | None, open_files: OpenFiles) -> bool:
    """Whether the number that both had in their time is that of the file of `other` now, for certain.

    A life that goes on in another file may be older than one whose file had the number of that before.
    """
    if other is None or not contradict(other.igen, reader.igen):
        return False
    try:
        return not _has_its_number(reader, open_files) and _has_its_number(other, open_files)
    except OSError:
        return False  # nobody can tell


def renamed_to(reader: Reader, home: str, open_files: OpenFiles) -> str | None:
    """The path, other than its last one, that the file of `reader` has there or beside `home`; raises OSError."""
    directories = (os.path.dirname(reader.path), os.path.dirname(home))
    path = locate(reader.inode, reader.igen, directories, reader.path, reader.found_at)
    return None if path is None or is_number_given_again(reader, path, open_files) else path


def places_of(reader: Reader) -> Iterator[str]:
    """Where the file of `reader` is, most likely first: its directory is listed only for who asks for a second place.

    Raises OSError where no descriptor is left to look: that says nothing of the file.
    """
    yield reader.path
    try:
        beside = locate(reader.inode, reader.igen, [os.path.dirname(reader.path)], reader.path)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise
        return
    if beside is not None:
        yield beside


def _has_its_number(reader: Reader, open_files: OpenFiles) -> bool:
    """Whether the file of `reader` is there, by the count of the file system."""
    seen = (open_files.facts_at(path) for path in places_of(reader))
    return any(facts is not None and facts[:3] == (*reader.inode, reader.igen) for facts in seen)


def _is_of_the_log(reader: Reader, path: str) -> bool:
    """Whether `path` is where the file of `reader` was, or the name of an older life of its log beside that."""
    beside = os.path.dirname(path) == os.path.dirname(reader.path)
    return path == reader.path or (beside and is_older_name(display(path), {reader.file, display(reader.path)}))


def _is_begun_in(reader: Reader, opened: Opened) -> bool:
    try:
        return reader.is_begun_in(opened.fd)
    except OSError:
        return True  # nobody can tell
