"""A line's level: in plain text by how people and loggers write it, in fields by word or number.

Owns the words. Refuses to guess from prose: "no errors found" has no level.
"""

from __future__ import annotations

import re
from typing import Final

from logstream.records import Level

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_BY_SEVERITY: Final = (Level.FATAL,) * 3 + (Level.ERROR, Level.WARN, Level.INFO, Level.INFO, Level.DEBUG)
HEAD_CHARACTERS: Final = 160
"""How far into a plain line a level is looked for; behind it stands the message."""

_LEVELS: Final = {
    Level.TRACE: ("trace", "verbose", "finest", "finer"),
    Level.DEBUG: ("debug", "dbg", "fine"),
    Level.INFO: ("info", "information", "informational", "notice", "default"),
    Level.WARN: ("warn", "warning"),
    Level.ERROR: ("error", "err", "severe"),
    Level.FATAL: ("fatal", "critical", "crit", "panic", "dpanic", "emerg", "emergency", "alert"),
}
_BY_WORD: Final = {word: level for level, words in _LEVELS.items() for word in words}

# Words that in prose are more often something else.
_NEVER_IN_TEXT: Final = frozenset(
    ("verbose", "finest", "finer", "fine", "dbg", "information", "informational", "default", "dpanic", "emergency")
)
_IN_TEXT: Final = {word: level for word, level in _BY_WORD.items() if word not in _NEVER_IN_TEXT}
_UPPER: Final = {word.upper(): level for word, level in _IN_TEXT.items()}

# Each run of capitals that may be a level: narrowed by two letters, since each run found costs a look-up.
_CAPITALS: Final = re.compile(r"[TDINWESCFAP][REONALM][A-Z]+")
_NOT_BEFORE: Final = frozenset("_/.-")
_BRACKETED: Final = re.compile(r"[ ]?(?:[a-z_]\w{0,31}:)?([A-Za-z]{3,8})[ ]?[\]>]", re.ASCII)
_ASSIGNED: Final = re.compile(r"""(?<![^\s,;{(\[|"'])(?:level|lvl|severity)=["']?([A-Za-z]{3,13})\b""", re.ASCII)
_BEFORE_COLON: Final = re.compile(r"(?:\A|[\]:)\d] )([A-Za-z]{3,8})\Z", re.ASCII)
_LONGEST_BEFORE_COLON: Final = 10
_PLACES_TRIED: Final = 4  # brackets or colons: time, host, program and then the level, or never


def level_in_text(text: str) -> Level | None:
    """The level that a plain line states near its start: the first of these.

    A word of capitals (`ERROR`); in brackets in any case (`[error]`, `<warn>`, `[core:error]`); assigned
    (`level=warn`); or followed by a colon at the start or after a number, bracket or colon (`error: ...`).
    """
    # Each way is looked for only before what the ways above it found, so that the first in the line counts. Most
    # lines have no level: `in` rules a way out at a tenth of what a search costs.
    found = None
    head = text[:HEAD_CHARACTERS]
    run = _CAPITALS.search(head)
    while run is not None:
        level = _UPPER.get(run[0])
        if level is not None and _stands_alone(text, *run.span()):
            found, head = level, head[: run.start()]
            break
        run = _CAPITALS.search(head, run.end())
    for opening in "[<":
        if opening in head:
            level, head = _level_in_brackets(text, opening, head)
            found = level or found
    if "l=" in head or "ty=" in head:
        assigned = _ASSIGNED.search(head)
        level = _BY_WORD.get(assigned[1].lower()) if assigned else None
        if assigned and level is not None:
            found, head = level, head[: assigned.start()]
    if ": " in head:
        found = _level_before_colon(head) or found
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end : end + 1]
    return not (before.isalnum() or before in _NOT_BEFORE or after.isalnum() or after == "_")


def _level_in_brackets(text: str, opening: str, head: str) -> tuple[Level | None, str]:
    """The first level in brackets that open in `head`, and what stands before it (without one: `head`)."""
    at = head.find(opening)
    for _ in range(_PLACES_TRIED):
        if at < 0:
            break
        bracketed = _BRACKETED.match(text, at + 1)
        level = _IN_TEXT.get(bracketed[1].lower()) if bracketed else None
        if level is not None:
            return level, head[:at]
        at = head.find(opening, at + 1)
    return None, head


def _level_before_colon(head: str) -> Level | None:
    colon = head.find(": ")
    for _ in range(_PLACES_TRIED):
        if colon < 0:
            break
        if head[colon - 1 : colon].isalpha():
            word = _BEFORE_COLON.search(head[max(0, colon - _LONGEST_BEFORE_COLON) : colon])
            level = _IN_TEXT.get(word[1].lower()) if word else None
            if level is not None:
                return level
        colon = head.find(": ", colon + 1)
    return None


def level_from_field(value: object) -> Level | None:
    """The level that a structured record names: a word in any case, or a number as pino and bunyan count (10-60)."""
    if isinstance(value, str):
        return _BY_WORD.get(value.strip().lower())
    if isinstance(value, int) and Level.TRACE <= value < Level.FATAL + 10:
        return Level(value // 10 * 10)
    return None


def level_from_severity(severity: int) -> Level:
    """The level of a syslog severity, 0 (emergency) to 7 (debug) (RFC 5424, 6.2.1)."""
    return _BY_SEVERITY[severity]


def level_from_status(status: int) -> Level:
    """The level of an answer with this HTTP status: the server's errors, the client's, and all others."""
    if status >= _SERVER_ERROR:
        return Level.ERROR
    return Level.WARN if status >= _CLIENT_ERROR else Level.INFO
