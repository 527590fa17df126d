"""One line of text to what it says of itself: time, level, fields.

Owns the formats' names and what each does with a line. Refuses to change the text, to hold a line back, or to raise:
what is not understood is None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from logstream.parse.levels import level_in_text
from logstream.parse.structured import fields_of, level_of_object, read_object, time_of_object
from logstream.parse.times import MACHINE_CLOCK, Clock, time_in_text

if TYPE_CHECKING:
    from logstream.records import Level

FORMATS: Final = ("auto", "plain", "json")
"""`auto` decides for each line; `json` reads what is no object as plain text, since loggers' crashes are."""


class Parsed(NamedTuple):
    """What a line says of itself; None where it says nothing.

    `time` is RFC 3339 with an offset, `fields` the JSON object that the line is.
    """

    time: str | None
    level: Level | None
    fields: dict[str, Any] | None


def parse_line(text: str, *, format: str, clock: Clock = MACHINE_CLOCK) -> Parsed:  # noqa: A002 - the configuration's word
    """Read one line without its line end, in one of `FORMATS`; never raises on any text."""
    found = None if format == "plain" else read_object(text)
    if found is None:
        return Parsed(time_in_text(text, clock), level_in_text(text), None)
    return Parsed(time_of_object(found, clock), level_of_object(found), fields_of(text, found))


def level_of(text: str, *, format: str) -> Level | None:  # noqa: A002 - the configuration's word
    """The level alone, as `parse_line` has it, for less."""
    found = None if format == "plain" else read_object(text)
    return level_in_text(text) if found is None else level_of_object(found)
