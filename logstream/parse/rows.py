"""Many lines of one form, read at once: for each what `parse_line` says of it, at a fraction of the price.

Owns which forms are read so: those of logging libraries that begin with a full date and time and have their level at a
fixed place. Only what is beyond doubt is read here; every other line is left to `parse_line`. Refuses to make an object
of each line: what is found is a list for each member, and what many lines share is read once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from logstream.parse.levels import level_from_field
from logstream.parse.loggers import ROW_HEADINGS, ROW_LEVELS
from logstream.parse.parsed import Parsed
from logstream.parse.stamps import times_of, uniform_times

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from logstream.parse.stamps import Column, Table
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
"""What so many headings say is remembered from block to block; when there are more, all are read anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a heading says: the level, and the fields before the message, as they stand there.

    Found once while the heading is known: then what is made of it can be found by its identity.
    """

    heading: bytes
    level: Level
    fields: tuple[tuple[str, bytes], ...]


class Rows(NamedTuple):
    """What the lines `lines` (ascending indexes) say, a list for each member. Texts are UTF-8.

    `kinds` is for each the number of the one in `said` that tells what stands between its time and its message.
    """

    lines: Sequence[int]
    times: Column
    kinds: NDArray[np.intp]
    messages: Sequence[bytes]
    said: Sequence[Said]
    format: str
    stamps: Table | None = None
    """What stands before that, where it is written alike in all; None where each would have to be looked at."""

    def only(self, rows: Sequence[int]) -> Rows:
        """Some of the rows."""
        return self._replace(
            lines=[self.lines[row] for row in rows],
            times=_chosen_times(self.times, rows),
            kinds=self.kinds[rows],
            messages=[self.messages[row] for row in rows],
            stamps=None if self.stamps is None else self.stamps[rows],
        )

    def parsed(self, row: int) -> Parsed:
        """What the line of a row says of itself."""
        said = self.said[self.kinds[row]]
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
        self._known = _Known(self._say)

    def after(self, width: int) -> re.Pattern[bytes]:
        """The same for lines of which is known that their first `width` bytes are a time."""
        found = self._after.get(width)
        if found is None:
            found = self._after[width] = _in_block(f".{{{width}}}({self._unnamed})(.++)")
        return found

    def kinds(self, headings: Sequence[bytes]) -> tuple[NDArray[np.intp], list[Said]]:
        """What the headings say, each once, and for each of them which of that."""
        if len(self._known) > _HEADINGS_KNOWN:
            self._known = _Known(self._say)
        known = self._known
        numbers = np.fromiter(map(known.__getitem__, headings), np.intp, len(headings))
        kinds, present = renumbered(numbers)
        return kinds, [known.said[number] for number in present]

    def _say(self, heading: bytes) -> Said:
        found = self._heading.fullmatch(heading)
        parts = {} if found is None else found.groupdict()
        level = _LEVELS[parts.pop("level")]
        return Said(heading, level, tuple((name, text) for name, text in parts.items() if text is not None))


class _Known(dict[bytes, int]):
    """Numbers of headings, and what those of each number say. Each is read when it is asked for the first time."""

    def __init__(self, say: Callable[[bytes], Said]) -> None:
        super().__init__()
        self.said: dict[int, Said] = {}
        self._say = say
        self._numbers = count()

    def __missing__(self, heading: bytes) -> int:
        # Others may read the same heading in their threads: it has the number of who is done first.
        number = next(self._numbers)
        self.said[number] = self._say(heading)
        return self.setdefault(heading, number)


def renumbered(numbers: NDArray[np.intp]) -> tuple[NDArray[np.intp], list[int]]:
    """The numbers in as few as there are different ones, from 0 on, and what each of these was."""
    is_present = np.bincount(numbers)
    present = np.flatnonzero(is_present)
    if len(present) < len(is_present):
        is_present[present] = np.arange(len(present))
        numbers = is_present[numbers]
    return numbers, present.tolist()


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
    stamped: Table | None = None
    uniform = uniform_times(text, _ends_in(text) if ends is None else ends, stamp, offset, clock)
    if uniform is not None:
        headings, messages = _groups(form.after(len(stamp) + len(offset)), text)
        lines = _lines_read(text, headings)
        is_all = len(lines) == len(uniform.times)
        times, stamped = uniform if is_all else (uniform.times[lines], uniform.stamps[lines])
    else:
        stamps, offsets, headings, messages = _groups(form.expression, text)
        lines = _lines_read(text, headings)
        times = times_of(_chosen(stamps, lines), _chosen(offsets, lines), clock) if lines else None
    if times is None or not lines:
        return None
    headings, messages = _chosen(headings, lines), _chosen(messages, lines)
    kinds, said = form.kinds(headings)
    return Rows(lines, times, kinds, messages, said, form.format, stamped)


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
        if all(headings):  # none is empty; to look for None would compare it with each
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
