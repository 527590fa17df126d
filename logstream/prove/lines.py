"""Numbered lines: each says which file, which life of it and which number it is. Pure.

Owns the text, so that a line that was cut, joined or altered on its way is not taken for one that was written.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TEXT: Final = re.compile(r"(?P<file>\S+) life (?P<life>\d{1,9}) line (?P<number>\d{1,9}) \.*\|")
_LONG_EVERY: Final = 97
_LONG_CHARACTERS: Final = 3_000
_MOST_CHARACTERS: Final = 140


class Line(NamedTuple):
    """A line's name. A file begins another `life` with each rotation; lives and numbers count from 0."""

    file: str
    life: int
    number: int


def text_of(line: Line) -> str:
    """The whole text of `line`, without a line end; lengths differ, and now and then one is long."""
    width = (line.number * 37 + line.life * 11) % _MOST_CHARACTERS
    if line.number % _LONG_EVERY == _LONG_EVERY - 1:
        width = _LONG_CHARACTERS
    return f"{line.file} life {line.life} line {line.number} {'.' * width}|"


def line_of(text: str) -> Line | None:
    """The line whose text this is, to the last character; None if it is none."""
    found = _TEXT.fullmatch(text)
    if found is None:
        return None
    line = Line(found["file"], int(found["life"]), int(found["number"]))
    return line if text_of(line) == text else None
