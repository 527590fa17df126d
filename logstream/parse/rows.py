"""Many lines of one form, read at once: for each what `parse_line` says of it, at a fraction of the price.

Owns which forms are read so: those of logging libraries that begin with a full date and time and have their level at a
fixed place. Only what is beyond doubt is read here; every other line is left to `parse_line`. Refuses to make an object
of each line: what is found is a list for each member, and what many lines share is read once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from logstream.parse.levels import level_from_field
from logstream.parse.loggers import ROW_HEADINGS, ROW_LEVELS
from logstream.parse.parsed import Parsed
from logstream.parse.stamps import times_of, uniform_times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from logstream.parse.stamps import Column
    from logstream.parse.times import Clock
    from logstream.records import Level

    _Found = list[Any]

# Possessive: what the line's own reader takes for its stamp, it takes whole.
_STAMP: Final = r"(?P<stamp>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:[0-5]\d(?:[.,]\d{1,9}+)?+)(?P<offset>Z| ?[+-]\d\d:?\d\d)?+"
_NAME: Final = re.compile(r"\(\?P<\w+>")
_LF: Final = 0x0A
_DOUBTFUL: Final = b":  "
"""PostgreSQL's mark: a line with it may be one of its own."""
_NEIGHBOURS_TRIED: Final = 2
_LEVELS: Final[dict[bytes, Any]] = {word.encode(): level_from_field(word) for word in ROW_LEVELS}
_HEADINGS_KNOWN: Final = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a heading says: the level, and the fields before the message, as they stand there.

    Found once while the heading is known: then what is made of it can be found by its identity.
    """

    level: Level
    fields: tuple[tuple[str, bytes], ...]


class Rows(NamedTuple):
    """What the lines `lines` (ascending indexes) say, a list for each member. Texts are UTF-8.

    `headings` is what stands in each between its time and its message, and `said` what each of these says.
    """

    lines: Sequence[int]
    times: Column
    headings: Sequence[bytes]
    messages: Sequence[bytes]
    said: Mapping[bytes, Said]
    format: str

    def only(self, rows: Sequence[int]) -> Rows:
        """Some of the rows."""
        return self._replace(
            lines=[self.lines[row] for row in rows],
            times=_chosen_times(self.times, rows),
            headings=[self.headings[row] for row in rows],
            messages=[self.messages[row] for row in rows],
        )

    def parsed(self, row: int) -> Parsed:
        """What the line of a row says of itself."""
        said = self.said[self.headings[row]]
        fields: dict[str, Any] = {name: text.decode() for name, text in said.fields}
        fields["message"] = self.messages[row].decode()
        return Parsed(bytes(self.times[row]).decode(), said.level, fields, self.format)


class _Form:
    """A form as expressions over a whole block: they find each line once, with all groups empty in those not of it."""

    def __init__(self, name: str, heading: str) -> None:
        self.format = name
        self._heading = re.compile(heading.encode())
        self._unnamed = _NAME.sub("(?:", heading)
        self.expression = _in_block(f"{_STAMP}({self._unnamed})(.++)")
        self._after: dict[int, re.Pattern[bytes]] = {}
        self.said = lru_cache(maxsize=_HEADINGS_KNOWN)(self._say)

    def after(self, width: int) -> re.Pattern[bytes]:
        """The same for lines of which is known that their first `width` bytes are a time."""
        found = self._after.get(width)
        if found is None:
            found = self._after[width] = _in_block(f".{{{width}}}({self._unnamed})(.++)")
        return found

    def _say(self, heading: bytes) -> Said:
        found = self._heading.fullmatch(heading)
        parts = {} if found is None else found.groupdict()
        level = _LEVELS[parts.pop("level")]
        return Said(level, tuple((name, text) for name, text in parts.items() if text is not None))


def _in_block(form: str) -> re.Pattern[bytes]:
    return re.compile(rf"^(?:{form})?+.*\n?".encode(), re.MULTILINE)


_FORMS: Final = tuple(_Form(name, heading) for name, heading in ROW_HEADINGS)


def read_rows(
    text: bytes,
    *,
    format: str,  # noqa: A002 - the configuration's word
    clock: Clock,
    ends: NDArray[np.integer] | None = None,
) -> Rows | None:
    """What lines of `text` say, as far as it can be read at once; None if that is nothing.

    `text` is valid UTF-8, its lines parted by single LF without one at the end; `ends` is where each of them ends, if
    that is known. What is read of a line is what `parse_line` reads of it in the same `format`.
    """
    model = _model_of(text, format)
    if model is None:
        return None
    form, stamp, offset = model
    times: Column | None
    times = uniform_times(text, _ends_in(text) if ends is None else ends, stamp, offset, clock)
    if times is not None:
        headings, messages = _groups(form.after(len(stamp) + len(offset)), text)
        lines = _lines_read(text, headings)
        if len(lines) < len(times):
            times = times[lines]
    else:
        stamps, offsets, headings, messages = _groups(form.expression, text)
        lines = _lines_read(text, headings)
        times = times_of(_chosen(stamps, lines), _chosen(offsets, lines), clock) if lines else None
    if times is None or not lines:
        return None
    headings, messages = _chosen(headings, lines), _chosen(messages, lines)
    said = {heading: form.said(heading) for heading in set(headings)}
    return Rows(lines, times, headings, messages, said, form.format)


def _model_of(text: bytes, name: str) -> tuple[_Form, bytes, bytes] | None:
    """The form of one of the first two lines, else of two in the middle, and its time, in two parts.

    A block is of one form for the most part.
    """
    for begin in (0, len(text) // 2):
        start = text.find(b"\n", begin) + 1 if begin else 0
        for _ in range(_NEIGHBOURS_TRIED):
            for form in _FORMS:
                if name in {form.format, "auto"}:
                    found = form.expression.match(text, start)
                    if found is not None and found["stamp"] is not None:
                        return form, found["stamp"], found["offset"] or b""
            start = text.find(b"\n", start) + 1
    return None


def _groups(expression: re.Pattern[bytes], text: bytes) -> list[_Found]:
    """What each group of the expression is in each line, None where it is of another form."""
    found = expression.split(text)
    width = expression.groups + 1
    return [found[number::width] for number in range(1, width)]


def _lines_read(text: bytes, headings: _Found) -> Sequence[int]:
    """The lines that have a heading and can be of no other form."""
    if text.rfind(_DOUBTFUL) < 0:  # from the right: a colon is rarer than a blank
        if None not in headings:
            return range(len(headings))
        return [line for line, heading in enumerate(headings) if heading is not None]
    is_doubtful = [_DOUBTFUL in line for line in text.split(b"\n")]
    return [line for line, heading in enumerate(headings) if heading is not None and not is_doubtful[line]]


def _chosen(found: _Found, lines: Sequence[int]) -> _Found:
    return found if len(lines) == len(found) else [found[line] for line in lines]


def _chosen_times(times: Column, rows: Sequence[int]) -> Column:
    return times[rows] if isinstance(times, np.ndarray) else [times[row] for row in rows]


def _ends_in(text: bytes) -> NDArray[np.integer]:
    return np.flatnonzero(np.frombuffer(text + b"\n", np.uint8) == _LF)
