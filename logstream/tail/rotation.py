"""What names say about rotation: which names are older lives of a file, and in which order. Pure.

Knows the names that logrotate, log4j, logback, Python's handlers and people give: `app.log.1`, `app.log-20261123`,
`app-2026-11-23.log`, `app.1.log`, `app.log.old`, each perhaps compressed. Refuses to look at files.
"""

# ruff: noqa: PTH119 - names, which nobody looks for: a Path object costs more

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_COMPRESSED = re.compile(r"\.(?:gz|bz2|xz|zst|lz4|lzma|Z|zip)$")
_WORDS = ("old", "bak", "prev", "previous", "save", "orig")
_STAMP = r"\d[\d.,:_T+-]*"
_AFTER = re.compile(rf"^(?P<base>.+?)(?:[._-](?P<stamp>{_STAMP})|[._-](?P<word>{'|'.join(_WORDS)})|(?P<tilde>~))$")
_BEFORE = re.compile(rf"^(?P<stem>.+?)[._-](?P<stamp>{_STAMP})(?P<extension>\.[A-Za-z][A-Za-z0-9]*)$")
_BACKUP = re.compile(r"(-\d{10})\.backup$")
"""What logrotate calls a file that a writer made between its renaming and its creating."""
_COUNT = "-count"
_DATE_DIGITS = 6
"""A number this long is a date or a time (larger is newer); a shorter one alone is a count (larger is older)."""


class Rotated(NamedTuple):
    """An older life's name: within one `scheme`, a larger `order` is newer."""

    scheme: str
    order: tuple[int, ...]
    is_compressed: bool


class Sibling(NamedTuple):
    """A file beside a live one whose name says that it is an older life."""

    path: str
    name: Rotated
    dev: int
    ino: int
    mtime_ns: int
    igen: int | None = None
    """The inode's generation number, once somebody has looked."""


def is_compressed_name(name: str) -> bool:
    """Whether `name` ends as compressed files do."""
    return _COMPRESSED.search(name) is not None


def without_compression(path: str) -> str:
    """`path` as it was before the file was compressed."""
    return _COMPRESSED.sub("", path)


def base_names(name: str) -> Iterator[tuple[str, Rotated]]:
    """The live names that `name` may be an older life of, and how it says so."""
    plain = _COMPRESSED.sub("", name)
    is_compressed = plain != name
    plain = _BACKUP.sub(r"\1", plain)
    if is_compressed:
        # A live file's name may end so too: "app.log.gz" may be an older life of "app.log".
        yield plain, Rotated("plain", (), is_compressed)
    if match := _AFTER.match(plain):
        stamp = match["stamp"]
        if stamp is None:
            yield match["base"], Rotated("word", (), is_compressed)
        else:
            yield match["base"], _stamped("after", stamp, is_compressed)
    if match := _BEFORE.match(plain):
        yield match["stem"] + match["extension"], _stamped("before", match["stamp"], is_compressed)


def rotated_name(base: str, name: str) -> Rotated | None:
    """How `name` says that it is an older life of the file called `base`; None if it does not."""
    return next((rotated for candidate, rotated in base_names(name) if candidate == base), None)


def is_older_name(name: str, file: str) -> bool:
    """Whether what was written under `name` may be an older life of `file`: a glob may match rotated files too."""
    return name == file or rotated_name(os.path.basename(file), os.path.basename(name)) is not None


def oldest_first(siblings: Iterable[Sibling]) -> list[Sibling]:
    """`siblings` in the order in which they were written: by name where all follow one scheme, else by last write."""
    found = list(siblings)
    if len({sibling.name.scheme for sibling in found}) <= 1:
        return sorted(found, key=lambda sibling: (sibling.name.order, sibling.mtime_ns))
    return sorted(found, key=lambda sibling: (sibling.mtime_ns, sibling.name.order))


def newer_than(siblings: Iterable[Sibling], last: Sibling | None, last_mtime_ns: int | None) -> list[Sibling]:
    """Those of `siblings` that were written after the last known life, oldest first.

    `last` is that life where it was found among the rotated names, else None. Then only times are left:
    `last_mtime_ns` is when it was last written or seen, and if nobody knows even that, all are taken to be newer, so
    that nothing is lost.
    """

    def is_newer(sibling: Sibling) -> bool:
        if last is not None and last.name.scheme == sibling.name.scheme and last.name.order != sibling.name.order:
            return sibling.name.order > last.name.order
        since = last.mtime_ns if last is not None else last_mtime_ns
        return since is None or sibling.mtime_ns >= since

    return oldest_first(filter(is_newer, siblings))


def may_have_become(name: Rotated, other: Rotated) -> bool:
    """Whether rotation may have given a file that was called `name` the name `other` since: it moves counts on."""
    if name.scheme != other.scheme:
        return True
    return other.order <= name.order if name.scheme.endswith(_COUNT) else other.order == name.order


def is_named_newer(name: Rotated, other: Rotated) -> bool:
    """Whether a file called `name` is newer than one that is called `other` at the same time."""
    return name.scheme == other.scheme and name.order > other.order


def _stamped(place: str, stamp: str, is_compressed: bool) -> Rotated:  # noqa: FBT001 - a field of the value it makes
    numbers = tuple(int(digits) for digits in re.findall(r"\d+", stamp))
    if len(numbers) == 1 and len(stamp) < _DATE_DIGITS:
        return Rotated(f"{place}{_COUNT}", (-numbers[0],), is_compressed)
    return Rotated(f"{place}-date", numbers, is_compressed)
