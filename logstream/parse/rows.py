"""Many lines of one form, read at once: for each what `parse_line` says of it, at a fraction of the price.

Owns which forms are read so: those of logging libraries that begin with a full date and time and have their level at a
fixed place. Only what is beyond doubt is read here; every other line is left to `parse_line`. Refuses to make an object
of each line: what is found is a list for each member.
"""

from __future__ import annotations

import re
from itertools import compress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from logstream.parse.levels import level_from_field
from logstream.parse.loggers import ROW_FORMS, ROW_LEVELS
from logstream.parse.parsed import Parsed
from logstream.parse.times import offset_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.parse.times import Clock
    from logstream.records import Level

    _Columns = dict[str, list[Any]]

# Possessive: what the line's own reader takes for its stamp, it takes whole.
_STAMP: Final = r"(?P<stamp>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:[0-5]\d(?:[.,]\d{1,9}+)?+)(?P<offset>Z| ?[+-]\d\d:?\d\d)?+"
_MINUTE_CHARACTERS: Final = len("2026-11-01T10:00")
_DOUBTFUL: Final = b":  "
"""PostgreSQL's mark: a line with it may be one of its own."""
_NEIGHBOURS_TRIED: Final = 2
_LEVELS: Final[dict[bytes, Any]] = {word.encode(): level_from_field(word) for word in ROW_LEVELS}


class Rows(NamedTuple):
    """What the lines `lines` (ascending indexes) say, a list for each member. Texts are UTF-8."""

    lines: Sequence[int]
    times: Sequence[bytes]
    levels: Sequence[Level]
    fields: dict[str, Sequence[bytes]]
    format: str

    def only(self, rows: Sequence[int]) -> Rows:
        """Some of the rows."""
        fields: dict[str, Sequence[bytes]] = {name: [texts[row] for row in rows] for name, texts in self.fields.items()}
        return Rows(
            [self.lines[row] for row in rows],
            [self.times[row] for row in rows],
            [self.levels[row] for row in rows],
            fields,
            self.format,
        )

    def parsed(self, row: int) -> Parsed:
        """What the line of a row says of itself."""
        fields: dict[str, Any] = {name: texts[row].decode() for name, texts in self.fields.items()}
        return Parsed(self.times[row].decode(), self.levels[row], fields, self.format)


class _Form(NamedTuple):
    """A form as an expression over a whole block: it finds each line once, with all groups empty in those not of it."""

    format: str
    expression: re.Pattern[bytes]


def _in_block(form: str) -> re.Pattern[bytes]:
    return re.compile(rf"^(?:{_STAMP}{form})?+.*\n?".encode(), re.MULTILINE)


_FORMS: Final = tuple(_Form(name, _in_block(form)) for name, form in ROW_FORMS)


def read_rows(text: bytes, *, format: str, clock: Clock) -> Rows | None:  # noqa: A002 - the configuration's word
    """What lines of `text` say, as far as it can be read at once; None if that is nothing.

    `text` is valid UTF-8, its lines parted by single LF without one at the end. What is read of a line is what
    `parse_line` reads of it in the same `format`.
    """
    form = _form_of(text, format)
    if form is None:
        return None
    found = form.expression.split(text)
    width = form.expression.groups + 1
    columns: _Columns = {name: found[number::width] for name, number in form.expression.groupindex.items()}
    lines: Sequence[int] = range(len(columns["stamp"]))
    if _DOUBTFUL in text:
        columns["stamp"] = [
            None if _DOUBTFUL in line else stamp
            for line, stamp in zip(text.split(b"\n"), columns["stamp"], strict=True)
        ]
    lines, columns = _without_none(lines, columns, "stamp")
    thread = columns.get("thread")
    if thread is not None and None in thread:
        if thread.count(None) == len(thread):
            del columns["thread"]
        else:
            lines, columns = _without_none(lines, columns, "thread")
    return _rows(form.format, lines, columns, clock) if lines else None


def _form_of(text: bytes, name: str) -> _Form | None:
    """The form of one of the first two lines, else of two in the middle: a block is of one form for the most part."""
    for begin in (0, len(text) // 2):
        start = text.find(b"\n", begin) + 1 if begin else 0
        for _ in range(_NEIGHBOURS_TRIED):
            for form in _FORMS:
                if name in {form.format, "auto"}:
                    found = form.expression.match(text, start)
                    if found is not None and found["stamp"] is not None:
                        return form
            start = text.find(b"\n", start) + 1
    return None


def _without_none(lines: Sequence[int], columns: _Columns, name: str) -> tuple[Sequence[int], _Columns]:
    """Only the lines that have something in the column `name`."""
    if None not in columns[name]:
        return lines, columns
    has_it = [text is not None for text in columns[name]]
    return list(compress(lines, has_it)), {key: list(compress(column, has_it)) for key, column in columns.items()}


def _rows(name: str, lines: Sequence[int], columns: _Columns, clock: Clock) -> Rows | None:
    times = _times(columns.pop("stamp"), columns.pop("offset"), clock)
    if times is None:
        return None
    levels = list(map(_LEVELS.__getitem__, columns.pop("level")))
    return Rows(lines, times, levels, dict(columns), name)


def _times(stamps: list[bytes], offsets: list[bytes | None], clock: Clock) -> list[bytes] | None:
    """The stamps as RFC 3339; None if there is one among them that does not exist."""
    # All at once: a stamp has at most one blank and one comma, each in its place.
    written = b"\n".join(stamps).replace(b" ", b"T").replace(b",", b".")
    minutes = [stamp[:_MINUTE_CHARACTERS] for stamp in stamps]
    written_offsets = set(offsets)
    known = {(minute, offset): _offset(minute, offset, clock) for minute in set(minutes) for offset in written_offsets}
    if None in known.values():
        return None
    one, *others = set(known.values())
    if one is not None and not others:
        return (written.replace(b"\n", one + b"\n") + one).split(b"\n")
    found: list[Any] = list(map(known.__getitem__, zip(minutes, offsets, strict=True)))
    return [stamp + offset for stamp, offset in zip(written.split(b"\n"), found, strict=True)]


def _offset(minute: bytes, offset: bytes | None, clock: Clock) -> bytes | None:
    written = None if offset is None else offset.decode()
    found = offset_of(minute[:10].decode(), minute[11:].decode(), written, clock)
    return None if found is None else found.encode()
