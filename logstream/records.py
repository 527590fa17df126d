"""Frozen values that every layer shares: levels, positions, records, gaps.

Owns their meaning and nothing else: no I/O, no encoding, no import of any other logstream module but `errors`.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any, NamedTuple


class Level(IntEnum):
    """Severity of a record, ordered so that `level >= Level.WARN` reads as people say it."""

    TRACE = 10
    DEBUG = 20
    INFO = 30
    WARN = 40
    ERROR = 50
    FATAL = 60

    @property
    def word(self) -> str:
        """The level's name on the wire and in queries: `trace` ... `fatal`."""
        return _WORDS[self]

    @classmethod
    def from_word(cls, word: str) -> Level:
        """The level called `word` (any case); raises KeyError for another word."""
        return cls[word.upper()]


_WORDS = {level: level.name.lower() for level in Level}


class GapReason(StrEnum):
    """Why bytes cannot be delivered; docs/wire.md says what each means."""

    DELETED = "deleted"
    TRUNCATED = "truncated"
    UNREADABLE = "unreadable"
    CORRUPT = "corrupt"
    EXPIRED = "expired"
    INDEX_LOST = "index_lost"
    UNKNOWN_ID = "unknown_id"


class Generation(NamedTuple):
    """One life of a file's bytes: from creation or truncation to the next truncation or replacement.

    `key` is 8 base32 characters (40 random bits). `file` is the path under which the generation was first seen, as
    text fit for JSON: it does not change when the file is renamed, so each replay of a line is the same record.
    `encoding` is how its bytes were cut into lines, from the first one on.
    """

    key: str
    source: str
    file: str
    encoding: str = "utf-8"


class Position(NamedTuple):
    """A checkable place in a generation: the end of a line, and a checksum of the bytes before it.

    `offset` counts raw uncompressed bytes and is exclusive. `anchor` is the crc32 of the at most 64 bytes before it,
    or, where these are gone, of what else the position says (`journal.ids.gap_anchor`).
    """

    generation: str
    offset: int
    anchor: int


class Record(NamedTuple):
    """One line (or one fragment of an over-long line) as viewers get it.

    `id` is the encoded position of the line's end; `time` is RFC 3339 with offset; `text` is without its line end;
    `cont` is true for a line that continues the record before it (stack trace, further fragments of a cut line).
    """

    id: str | None
    source: str
    file: str
    time: str | None
    level: Level | None
    event: str
    text: str
    fields: dict[str, Any] | None
    rules: tuple[str, ...]
    cont: bool


class Gap(NamedTuple):
    """Bytes that were promised and cannot be delivered. None means: not known."""

    source: str | None
    file: str | None
    start: int | None
    end: int | None
    lines: int | None
    reason: GapReason
