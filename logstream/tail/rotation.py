"""What names say about rotation: which names are older lives of a file, and in which order. Pure.

Knows the names that logrotate, newsyslog, savelog, log4j, logback, Python's handlers, lumberjack, pm2-logrotate and
people give: `app.log.1`, `app.log-20261123`, `app-2026-11-23T00:00:00Z.log`, `app.1.log`, `app__2026-11-23.log`,
`app.log.old`, each perhaps compressed; and those of multilog, svlogd and s6-log, whose `current` becomes
`@4000000065a4b1c02dd9cf14.s`. Refuses to look at files.
"""

# ruff: noqa: PTH118, PTH119, PTH120 - names, which nobody looks for: a Path object costs more

from __future__ import annotations

import os
import re
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from logstream.tail.stamps import COUNT, DATED, LABEL, LOOSE, YEAR, label_order, read_stamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from logstream.tail.batch import Known

_COMPRESSED = re.compile(r"\.(?:gz|bz2|xz|zst|lz4|lzma|Z|zip)$")
_WORDS = ("old", "bak", "prev", "previous", "save", "orig")
_EXTENSION = r"(?P<extension>\.[A-Za-z][A-Za-z0-9]*)"
_AFTER = re.compile(rf"^(?P<base>.+?)(?:[._-](?P<stamp>{LOOSE})|[._-](?P<word>{'|'.join(_WORDS)})|(?P<tilde>~))$")
_BEFORE = re.compile(rf"^(?P<stem>.+?)[._-](?P<stamp>{LOOSE}){_EXTENSION}$")
_PORT = re.compile(r"[_-](?!19|20)[1-9]\d{3,4}\.[A-Za-z]")
"""In `app-8080.log` that is no count but a port, or the number of a process: a log beside `app.log`."""
_AFTER_DATE = re.compile(rf"(?:[._-]|(?P<double>__|--)|(?<=\.log)|(?<=\.txt))(?P<stamp>{DATED})$")
"""log4net puts a date right behind the extension."""
_BEFORE_DATE = re.compile(rf"(?:[._-]|(?P<double>__|--))(?P<stamp>{DATED}){_EXTENSION}$")
_YEAR = re.compile(YEAR)
"""Without one there is no date: of thousands of names few have one, and to look for more costs more."""
_SERIAL = re.compile(r"^(?P<base>.+\.(?:log|out))\d{5,}$")
"""What WebLogic calls older files: its numbers grow, and begin anew."""
_BACKUP = re.compile(r"(-\d{10})\.backup$")
"""What logrotate calls a file that a writer made between its renaming and its creating."""

_BEFORE_COUNT = f"before-{COUNT}"
_CURRENT = "current"
"""What multilog, svlogd, s6-log and the like call the file that they write to."""
_PREVIOUS = "previous"
"""What `_CURRENT` is called between its renaming and its getting a label: it is newer than all that have one."""
_LABELLED = re.compile(rf"^@(?P<label>{LABEL})(?:\.[su])?$")
"""`.s`: finished. `.u`: not processed yet, or interrupted by a crash. What is in the making is called otherwise."""
_FINISHED = re.compile(rf"(?:^|/)@{LABEL}\.s$")
_LABELLED_SCHEME = "tai64n"
_LATEST_ORDER = (1 << 96,)


class Rotated(NamedTuple):
    """An older life's name: within one `scheme`, a larger `order` is newer."""

    scheme: str
    order: tuple[int, ...]
    is_compressed: bool
    stamp: str = ""
    """As it stands in the name: all but counts stay as they are when a file is compressed."""


class Sibling(NamedTuple):
    """A file beside a live one whose name says that it is an older life."""

    path: str
    name: Rotated
    dev: int
    ino: int
    mtime_ns: int
    igen: int | None = None
    """The inode's generation number, once somebody has looked."""
    size: int = 0


def is_compressed_name(name: str) -> bool:
    """Whether `name` ends as compressed files do."""
    return _COMPRESSED.search(name) is not None


def made_from(path: str) -> str | None:
    """What the file at `path` is made from, if its name says that it is: while both are there it is in the making."""
    plain = without_compression(path)
    if plain != path:
        return plain
    return f"{path[:-1]}u" if _FINISHED.search(path) else None


def without_compression(path: str) -> str:
    """`path` as it was before the file was compressed."""
    return _COMPRESSED.sub("", path)


def base_names(name: str) -> Iterator[tuple[str, Rotated]]:
    """The live names that `name` may be an older life of, and how it says so."""
    plain = _COMPRESSED.sub("", name)
    is_compressed = plain != name
    if plain == _PREVIOUS:
        yield _CURRENT, Rotated(_LABELLED_SCHEME, _LATEST_ORDER, is_compressed)
    label = _LABELLED.match(plain)
    if label is not None:
        yield _CURRENT, Rotated(_LABELLED_SCHEME, label_order(label["label"]), is_compressed, label["label"])
    else:
        plain = _BACKUP.sub(r"\1", plain)
    if is_compressed:
        # A live file's name may end so too: "app.log.gz" may be an older life of "app.log".
        yield plain, Rotated("plain", (), is_compressed)
    if label is not None:
        return
    yield from _after(plain, is_compressed)
    yield from _before(plain, is_compressed)


def _after(plain: str, is_compressed: bool) -> Iterator[tuple[str, Rotated]]:  # noqa: FBT001 - goes into the value
    """What stands before a stamp, or a word, at the end of a name."""
    if match := _dated(_AFTER_DATE, plain):
        yield from _around(match, "after-", "", is_compressed)
    elif match := _AFTER.match(plain):
        stamp = match["stamp"]
        named = Rotated("word", (), is_compressed) if stamp is None else _stamped("after-", stamp, is_compressed)
        yield match["base"], named
    elif plain[-1:].isdecimal() and (match := _SERIAL.match(plain)):
        yield match["base"], Rotated("after-serial", (), is_compressed)


def _before(plain: str, is_compressed: bool) -> Iterator[tuple[str, Rotated]]:  # noqa: FBT001 - goes into the value
    """What stands around a stamp before the extension."""
    if match := _dated(_BEFORE_DATE, plain):
        yield from _around(match, "before-", match["extension"], is_compressed)
    elif (match := _BEFORE.match(plain)) and not _PORT.match(plain, match.end("stem")):
        yield match["stem"] + match["extension"], _stamped("before-", match["stamp"], is_compressed)


def _dated(pattern: re.Pattern[str], plain: str) -> re.Match[str] | None:
    """The first date in a name with what stands before it, which is not nothing."""
    return pattern.search(plain, 1) if _YEAR.search(plain) else None


def _around(
    match: re.Match[str],
    place: str,
    extension: str,
    is_compressed: bool,  # noqa: FBT001 - goes into the value
) -> Iterator[tuple[str, Rotated]]:
    base, rotated = match.string[: match.start()], _stamped(place, match["stamp"], is_compressed)
    yield base + extension, rotated
    if match["double"]:
        yield base + match["double"][0] + extension, rotated  # the first one may be the end of the log's own name


def beginnings_of(base: str) -> tuple[str, ...]:
    """With one of these each name begins that is an older life's of the file called `base`."""
    # A stamp stands before the extension, if not behind it; "splitext" would take ".." at the beginning for a stem.
    stem = base.rpartition(".")[0] or base
    return (stem, "@4", _PREVIOUS) if base == _CURRENT else (stem,)


def rotated_name(base: str, name: str) -> Rotated | None:
    """How `name` says that it is an older life of the file called `base`; None if it does not."""
    return next((rotated for candidate, rotated in base_names(name) if candidate == base), None)


def is_older_name(name: str, files: Collection[str]) -> bool:
    """Whether what was written under `name` may be an older life of one of `files`: a glob may match those, too.

    They stand beside it: in another directory there may be a log of the same name.
    """
    directory, base = os.path.split(name)
    return name in files or any(os.path.join(directory, live) in files for live, _ in base_names(base))


def older_lives(lives: Iterable[Known], files: Collection[str]) -> Iterator[Known]:
    """Those of thousands that are told under a name which may be that of an older life of one of `files`."""
    beginnings = tuple(
        os.path.join(os.path.dirname(file), beginning)
        for file in files
        for beginning in beginnings_of(os.path.basename(file))
    )
    for life in lives:
        may_be = life.file.startswith(beginnings) or "//" in life.file  # to take a name apart costs much more
        if may_be and is_older_name(life.file, files):
            yield life


def oldest_first(siblings: Iterable[Sibling]) -> list[Sibling]:
    """`siblings` in the order in which they were written: by name where all follow one scheme, else by last write."""
    found = list(siblings)
    if len({sibling.name.scheme for sibling in found}) <= 1:
        return sorted(found, key=lambda sibling: (sibling.name.order, sibling.mtime_ns))
    return sorted(found, key=lambda sibling: (sibling.mtime_ns, sibling.name.order))


def without_growing_counts(siblings: Sequence[Sibling], live_ns: int | None) -> list[Sibling]:
    """`siblings`; where larger counts are given to newer files, as log4j2 does it, names that say so tell nothing.

    Else a larger count is an older file. Which of both it is, times tell: each file was written after all with smaller
    counts, down to the last, and that before the live one, which was written at `live_ns`: else it has got late lines.
    """
    counted = [sibling for sibling in siblings if sibling.name.scheme.endswith(COUNT)]
    largest_first = sorted(counted, key=lambda sibling: sibling.name.order)
    is_growing = len(counted) > 1 and all(
        one.name.order < other.name.order and one.mtime_ns > other.mtime_ns for one, other in pairwise(largest_first)
    )
    is_late = is_growing and live_ns is not None and _is_late(largest_first[0], live_ns)
    if is_late or not is_growing or len({sibling.name.scheme for sibling in counted}) > 1:
        return [*siblings]
    unordered = {sibling: sibling._replace(name=sibling.name._replace(scheme="grown", order=())) for sibling in counted}
    return [unordered.get(sibling, sibling) for sibling in siblings]


def newer_than(siblings: Iterable[Sibling], last: Sibling | None, last_mtime_ns: int | None) -> list[Sibling]:
    """Those of `siblings` that were written after the last known life, oldest first.

    `last` is that life where it was found among the rotated names, else None. Then, or where names do not tell, only
    times are left: `last_mtime_ns` is when it was last written or seen; it may have got late lines since. If nobody
    knows even that, all are taken to be newer, so that nothing is lost.
    """
    times_ns = (last_mtime_ns, None if last is None else last.mtime_ns)
    since_ns = min((ns for ns in times_ns if ns is not None), default=None)

    def is_newer(sibling: Sibling) -> bool:
        if last is not None and last.name.scheme == sibling.name.scheme and last.name.order != sibling.name.order:
            return sibling.name.order > last.name.order
        return since_ns is None or sibling.mtime_ns >= since_ns

    return oldest_first(filter(is_newer, siblings))


def may_have_become(name: Rotated, other: Rotated) -> bool:
    """Whether rotation may have given a file that was called `name` the name `other` since: it moves counts on."""
    if name.scheme != other.scheme:
        return True
    return other.order <= name.order if name.scheme.endswith(COUNT) else name.stamp in {"", other.stamp}


def is_named_newer(name: Rotated, other: Rotated) -> bool:
    """Whether a file called `name` is newer than one that is called `other` at the same time."""
    return name.scheme == other.scheme and name.order > other.order


def is_labelled(name: Rotated) -> bool:
    """Whether multilog, svlogd or s6-log has given it."""
    return name.scheme == _LABELLED_SCHEME


def _is_late(sibling: Sibling, live_ns: int) -> bool:
    """Whether what is named as older was written after the live file, or at the same tick of the clock.

    Counts that grow may stand there, too, at the moment of a rotation: before the extension, most often. The time of an
    archive may be that of its making.
    """
    may_be_newer = sibling.name.scheme == _BEFORE_COUNT or sibling.name.is_compressed
    return sibling.mtime_ns > live_ns or (sibling.mtime_ns == live_ns and not may_be_newer)


def _stamped(place: str, stamp: str, is_compressed: bool) -> Rotated:  # noqa: FBT001 - goes into the value
    kind, order = read_stamp(stamp)
    return Rotated(place + kind, order, is_compressed, stamp)
