"""Globs as regular expressions over whole paths and over single names. Pure.

`*`, `?` and `[..]` stay within one name, `**` is any number of directories. A wildcard at the start of a part matches a
hidden name only in an exclusion; elsewhere the pattern's own part must begin with a dot, as in a shell.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ANY_DEPTH = "**"
MAGIC = re.compile(r"[*?[]")
_TOKEN = re.compile(r"(?P<star>\*+)|(?P<one>\?)|\[(?P<not>!?)(?P<set>\]?[^\]]*)\]|(?P<other>.)", re.DOTALL)


def parts_of(pattern: str) -> list[str]:
    """The parts of an absolute `pattern`; one that ends in `**` means the files at any depth."""
    parts = [part for part in pattern.split("/") if part not in ("", ".")]
    if not parts or parts[-1] == ANY_DEPTH:
        parts.append("*")
    return parts


@lru_cache(maxsize=1024)
def name_regex(part: str) -> re.Pattern[str]:
    """Matches the names that one part of a pattern means."""
    return re.compile(_part(part, sees_hidden=False) + r"\Z")


def is_matched(path: str, patterns: Sequence[str], exclude: Sequence[str] = ()) -> bool:
    """Whether `patterns` match `path` and `exclude` does not, as far as names tell."""
    return not excluder(tuple(exclude)).match(path) and any(_path_regex(pattern).match(path) for pattern in patterns)


@lru_cache(maxsize=256)
def excluder(exclude: tuple[str, ...]) -> re.Pattern[str]:
    """Matches all that is excluded: the paths themselves, whatever lies below them, and names without a slash."""
    return re.compile("|".join(f"(?:{choice})" for choice in _exclusions(exclude)) or r"(?!)")


@lru_cache(maxsize=1024)
def _path_regex(pattern: str) -> re.Pattern[str]:
    return re.compile(_path(pattern, sees_hidden=False) + r"\Z")


def _path(pattern: str, *, sees_hidden: bool) -> str:
    any_directory = r"(?:/[^/]+)*" if sees_hidden else r"(?:/(?!\.)[^/]+)*"
    parts = parts_of(pattern)
    return "".join(any_directory if part == ANY_DEPTH else "/" + _part(part, sees_hidden=sees_hidden) for part in parts)


def _part(part: str, *, sees_hidden: bool) -> str:
    regex = "".join(map(_token, _TOKEN.finditer(part)))
    return regex if sees_hidden or part[0] not in "*?[" else r"(?!\.)" + regex


def _token(token: re.Match[str]) -> str:
    if token["star"]:
        return "[^/]*"
    if token["one"]:
        return "[^/]"
    if token["set"] is not None:
        members = re.sub(r"([\\\[\]^&~|])", r"\\\1", token["set"])
        return f"(?!/)[{'^' if token['not'] else ''}{members}]"
    return re.escape(token["other"])


def _exclusions(exclude: Iterable[str]) -> Iterator[str]:
    for pattern in exclude:
        if "/" in pattern:
            yield _path(pattern.removesuffix("/**"), sees_hidden=True) + r"(?:/(?s:.*))?\Z"
        else:
            yield r"(?s:.*/)?" + _part(pattern, sees_hidden=True) + r"\Z"
