"""What a line says of itself, and how the numbers in it are read.

Owns the value that all formats give. Refuses to recognise any.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from logstream.records import Level

_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})(\.\d{1,17})?", re.ASCII)


class Parsed(NamedTuple):
    """What a line says of itself; None where it says nothing.

    `time` is RFC 3339 with an offset; `fields` is the JSON object that the line is, or what its format names in it;
    `format` is the format in which it was read.
    """

    time: str | None
    level: Level | None
    fields: dict[str, Any] | None
    format: str = "plain"


def number_or_text(text: str) -> int | float | str:
    """A number where the text is the one way to write it and 64 bits hold it, else the text: `007` is a name."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return text
    return float(text) if found[1] else int(text)
