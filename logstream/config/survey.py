"""What settings would watch on this machine right now, and what about them is probably not meant.

Owns the warnings of `logstream check`. Refuses to search: it is handed the very search that `tail` uses,
so that `check` and `serve` cannot disagree.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import re
import shlex
import stat
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

from logstream.config.problems import Problem, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from logstream.config.loading import Settings
    from logstream.config.sections import RuleSettings, SourceSettings

_NAMED_AT_MOST = 10
_BRACES = re.compile(r"\{[^{}/]*(,|\.\.)[^{}/]*\}")
"""What a shell would expand, `{a,b}` or `{1..3}`, and no glob does."""


class _Sighting(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def obstacle(self) -> str | None: ...


class _Trouble(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def reason(self) -> str: ...


class _Found(Protocol):
    @property
    def sightings(self) -> Sequence[_Sighting]: ...
    @property
    def troubles(self) -> Sequence[_Trouble]: ...


class Survey(NamedTuple):
    """What one source finds now. `files` counts each file once; `counts` are those of each glob, or there are none.

    `obstacles` are the paths that could not be followed, each with why.
    """

    source: SourceSettings
    counts: tuple[int, ...]
    files: int
    obstacles: tuple[tuple[str, str], ...]


def survey_source(source: SourceSettings, find: Callable[[Sequence[str], Sequence[str]], _Found]) -> Survey:
    """What `find(paths, exclude)` sees for each glob of `source`. No file is opened, so that a FIFO cannot block."""
    counts = []
    files: set[str] = set()
    obstacles: dict[str, str] = {}
    for pattern in source.paths:
        found = find((pattern,), source.exclude)
        matched = {sighting.path for sighting in found.sightings if sighting.obstacle is None}
        counts.append(len(matched))
        files |= matched
        obstacles |= {sighting.path: sighting.obstacle for sighting in found.sightings if sighting.obstacle is not None}
        obstacles |= {trouble.path: _unseen(trouble) for trouble in found.troubles}
    obstacles |= {path: _unreadable(path) for path in files if not _may_read(path)}
    return Survey(source, tuple(counts), len(files), tuple(sorted(obstacles.items())))


def warnings_about(settings: Settings, surveys: Sequence[Survey]) -> tuple[Problem, ...]:
    """What is allowed but will probably disappoint: sources and rules without effect, files that cannot be read."""
    place = printable(str(settings.path))
    found: list[Problem] = []
    if not surveys:
        found.append(Problem(place, "source", "no source is configured, so nothing will be watched"))
    for survey in surveys:
        found += _source_warnings(survey, place)
    names = [source.name for source in settings.sources]
    for rule in settings.rules:
        found += _rule_warnings(rule, names, place)
    return tuple(found)


def _may_read(path: str) -> bool:
    return os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids)


def _source_warnings(survey: Survey, place: str) -> Iterator[Problem]:
    key = f"source[{survey.source.name}].paths"
    if not survey.files:
        yield Problem(place, key, "no file matches now; the source waits for one")
    for pattern, count in zip(survey.source.paths, survey.counts, strict=False):  # doctor counts none
        if not count and _BRACES.search(pattern):
            yield Problem(place, key, f"{printable(pattern)}: braces stand for themselves; write a path for each")
    for path, why in survey.obstacles[:_NAMED_AT_MOST]:
        yield Problem(place, key, f"{printable(path)} {why}")
    if len(survey.obstacles) > _NAMED_AT_MOST:
        yield Problem(place, key, f"{len(survey.obstacles) - _NAMED_AT_MOST} more cannot be followed")


def _rule_warnings(rule: RuleSettings, names: Sequence[str], place: str) -> Iterator[Problem]:
    key = f"rule[{rule.name}]"
    if rule.source is not None and not any(fnmatchcase(name, rule.source) for name in names):
        known = f"; sources are {', '.join(names)}" if names else ""
        yield Problem(place, f"{key}.source", f'"{rule.source}" is no source, so the rule never acts{known}')
    if rule.action == "drop":
        for setting in ("event", "set_level", "highlight"):
            if getattr(rule, setting) is not None:
                yield Problem(place, f"{key}.{setting}", "has no effect: the rule drops its lines")


def _unseen(trouble: _Trouble) -> str:
    if trouble.reason == os.strerror(errno.EACCES).lower():
        return _unreadable(trouble.path)
    return f"cannot be looked at: {trouble.reason}"


def _unreadable(path: str) -> str:
    return f"cannot be read: {_remedy(Path(path))}, or exclude it"


def _remedy(path: Path) -> str:
    """The command that lets us read `path`: by its group where that may, else for this user alone."""
    try:
        facts = path.stat()
    except OSError:
        return f"let this user search {printable(str(path.parent))}"
    rights = "rx" if stat.S_ISDIR(facts.st_mode) else "r"
    quoted = printable(shlex.quote(str(path)))
    user = os.geteuid()
    if facts.st_uid == user:
        return f"chmod u+{rights} {quoted}"
    if facts.st_mode & stat.S_IRGRP and facts.st_gid != 0:  # nobody should join the group of root for a log file
        return f"sudo usermod -aG {_group_of(facts.st_gid)} {_name_of(user)}"
    return f"sudo setfacl -m u:{_name_of(user)}:{rights} {quoted}"


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _group_of(group: int) -> str:
    try:
        return grp.getgrgid(group).gr_name
    except KeyError:
        return str(group)
