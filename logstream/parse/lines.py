"""One line of text to what it says of itself: time, level, fields.

Owns the formats' names, and which of them a line can be. Refuses to change the text, to hold a line back, or to raise:
what is not understood is None.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Final

from logstream.parse.access import read_access, read_apache_error, read_nginx_error
from logstream.parse.levels import level_in_text
from logstream.parse.loggers import STAMP, read_klog, read_log4j, read_postgres, read_python
from logstream.parse.parsed import Parsed
from logstream.parse.structured import read_json, read_logfmt
from logstream.parse.syslog import read_syslog
from logstream.parse.times import MACHINE_CLOCK, Clock, time_in_text
from logstream.parse.wrapped import DOCKER_START, read_cri, read_docker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Reader = Callable[[str, Clock], Parsed | None]

_FIRST_KEY: Final = re.compile(r"[A-Za-z_@][\w.@/-]{0,63}=", re.ASCII)
_POSTGRES_MARK: Final = ":  "
_ACCESS_MARK: Final = '] "'
_ENOUGH_LINES: Final = 200


def parse_line(text: str, *, format: str, clock: Clock = MACHINE_CLOCK) -> Parsed:  # noqa: A002 - the configuration's word
    """Read one line without its line end, in one of `FORMATS`; never raises on any text.

    What is not of the format is plain text: what a crash writes among JSON lines is to be read, too.
    """
    return _READERS[format](text, clock) or _plain(text, clock)


def detect_format(lines: Iterable[str]) -> str:
    """The format in which most of the lines are, of those that say anything; `plain` for none."""
    counts: Counter[str] = Counter()
    for line in lines:
        if line and not line[0].isspace():
            counts[parse_line(line, format="auto").format] += 1
        if counts.total() == _ENOUGH_LINES:
            break
    return next((name for name, _ in counts.most_common(1)), "plain")


def _plain(text: str, clock: Clock) -> Parsed:
    return Parsed(time_in_text(text, clock), level_in_text(text), None)


def _auto(text: str, clock: Clock) -> Parsed:
    if text.startswith(DOCKER_START):
        return read_docker(text, clock, _unwrapped) or _unwrapped(text, clock)
    if text.startswith("2") and " std" in text[:40]:
        return read_cri(text, clock, _unwrapped) or _unwrapped(text, clock)
    return _unwrapped(text, clock)


def _unwrapped(text: str, clock: Clock) -> Parsed:
    """The line in whatever format it is, but for those that wrap others."""
    for read in _candidates(text):
        found = read(text, clock)
        if found is not None:
            return found
    return _plain(text, clock)


def _candidates(text: str) -> Iterable[Reader]:
    """The formats that a line can be, by what is cheap to see: each reader costs more than all of this."""
    first = text[:1]
    if first in _BY_SIGN:
        return _BY_SIGN[first]
    if first.isdigit():
        return _candidates_by_date(text)
    if first.isupper() and (text[1:2].isdigit() or text[3:4] == " "):
        return (read_klog if text[1:2].isdigit() else read_syslog,)
    if _ACCESS_MARK in text:
        return (read_access,)
    if _FIRST_KEY.match(text):
        return _LOGFMT
    return (read_python,) if first.isupper() and ":" in text[4:9] else ()


def _candidates_by_date(text: str) -> Iterable[Reader]:
    separator = text[4:5]
    if separator == "/":
        return (read_nginx_error,)
    stamp = STAMP.match(text) if separator == "-" else None
    if stamp is None:
        return (read_log4j,) if text[2:3] == ":" else _access(text)
    after = text[stamp.end() : stamp.end() + 2]
    if after in {" -", " |"}:
        return (read_python,)
    if _POSTGRES_MARK in text:
        return (read_postgres, read_log4j, read_syslog)
    if after == " [" or after[1:].isupper() or after == "  ":
        return (read_log4j, read_syslog) if text[10] == "T" else (read_log4j,)
    return (read_syslog,) if text[10] == "T" else ()


def _access(text: str) -> Iterable[Reader]:
    return (read_access,) if _ACCESS_MARK in text else ()


_LOGFMT: Final[tuple[Reader, ...]] = (partial(read_logfmt, is_strict=True),)
_BY_SIGN: Final[dict[str, tuple[Reader, ...]]] = {
    "{": (read_json,),
    "<": (read_syslog,),
    "[": (read_apache_error, read_python, read_log4j),
}
_READERS: Final[dict[str, Reader]] = {
    "auto": _auto,
    "plain": _plain,
    "json": read_json,
    "logfmt": read_logfmt,
    "access": read_access,
    "nginx-error": read_nginx_error,
    "apache-error": read_apache_error,
    "syslog": read_syslog,
    "docker-json": lambda text, clock: read_docker(text, clock, _unwrapped),
    "cri": lambda text, clock: read_cri(text, clock, _unwrapped),
    "journald": read_json,
    "klog": read_klog,
    "python": read_python,
    "log4j": read_log4j,
    "postgres": read_postgres,
}
FORMATS: Final = tuple(_READERS)
"""`auto` decides for each line, so that a file may change its format in the middle."""
