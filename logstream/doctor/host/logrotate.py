"""What logrotate is told to do with which files.

Pure. Knows logrotate(8) as far as it matters to who follows the files. Refuses to run it.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Final, NamedTuple

from logstream.tail.globs import is_matched

if TYPE_CHECKING:
    from collections.abc import Iterable

_WAYS: Final = {
    "copytruncate": "copytruncate",
    "nocopytruncate": "rename",
    "copy": "copy",
    "nocopy": "rename",
    "create": "create",
    "nocreate": "rename",
}
_SCRIPTS: Final = {"prerotate", "postrotate", "firstaction", "lastaction", "preremove"}


class Mode(NamedTuple):
    """How files are rotated; `keeps` copies at most stay, in `folder` if that is named, else beside the file."""

    way: str = "rename"
    keeps: int = 0
    folder: str = ""


class Entry(NamedTuple):
    """A block of a configuration: what is done with the files that `patterns` match."""

    patterns: tuple[str, ...]
    mode: Mode
    file: str


def parse_logrotate(texts: Iterable[tuple[str, str]]) -> tuple[Entry, ...]:
    """The entries of files given as (name, text), the one with what holds for all of them first."""
    defaults = Mode()
    entries: list[Entry] = []
    for name, text in texts:
        mode, patterns, ends_with = defaults, "", ""
        is_inside = False
        for line in re.sub(r"([{}])", r"\n\1\n", text).splitlines():
            bare = line.strip()
            word, _, rest = (part.strip() for part in bare.replace("\t", " ").partition(" "))
            if ends_with or not bare or bare.startswith("#"):
                ends_with = "" if bare == ends_with else ends_with
            elif bare == "{":
                is_inside, mode = True, defaults
            elif bare == "}":
                entries.append(Entry(tuple(_split(patterns)), mode, name))
                is_inside, patterns = False, ""
            elif word in _SCRIPTS:
                ends_with = "endscript"
            elif is_inside:
                mode = _told(mode, word, rest)
            elif bare.startswith(("/", '"', "'")):
                patterns += f" {bare}"
            else:
                defaults = _told(defaults, word, rest)
    return tuple(entries)


def entry_for(path: str, entries: Iterable[Entry]) -> Entry | None:
    """What is done with the file `path`: logrotate takes the first entry that names a file."""
    return next((entry for entry in entries if is_matched(path, entry.patterns)), None)


def _told(mode: Mode, word: str, rest: str) -> Mode:
    if word in _WAYS:
        # `copytruncate` stays, whatever `create` says: there is nothing to be created then.
        is_kept = mode.way == "copytruncate" and word in {"create", "nocreate"}
        return mode if is_kept else mode._replace(way=_WAYS[word])
    if word == "rotate" and rest.lstrip("-").isdigit():
        return mode._replace(keeps=int(rest))
    if word in {"olddir", "noolddir"}:
        return mode._replace(folder=rest)
    return mode


def _split(patterns: str) -> list[str]:
    try:
        return shlex.split(patterns)
    except ValueError:
        return patterns.split()
