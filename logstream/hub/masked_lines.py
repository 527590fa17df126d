"""A block's lines as they may be shown: texts with their secrets masked, and fields that hold none either.

Owns how fields are had from a masked line. Refuses to know rules: what is masked is given.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from logstream.rules import MASK, bitmap, indexes_of, masked_fields
from logstream.rules.fields import meets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstream.hub.parsed_lines import ParsedLines
    from logstream.rules import Lines, Masked
    from logstream.rules.fields import FieldTest

# A mask in place of a number, or of a part of one, leaves no JSON behind: for reading it is put in quotes.
_BARE_MASK: Final = re.compile(rf"(?<=[:,\[])(\s*)[\d.eE+-]*{re.escape(MASK)}[\d.eE+-]*(?=\s*[,}}\]])", re.ASCII)


class MaskedLines:
    """What is shown of the lines of one block."""

    def __init__(self, texts: Sequence[str], parsed: ParsedLines, masked: Mapping[int, Masked]) -> None:
        """`texts` are the lines as they stand in the file, `masked` those in which rules found a secret."""
        self.texts = texts
        self._parsed = parsed
        self._masked = masked
        self._fields: dict[int, dict[str, Any] | None] = {}
        if masked:
            shown = list(texts)
            for index, line in masked.items():
                shown[index] = line.text
            self.texts = shown

    def field_lines(self, lines: Lines, path: str, test: FieldTest) -> Lines:
        """Those of the lines with a field that meets the test."""
        masked = bitmap(self._masked) & lines
        found = bitmap(line for line in indexes_of(masked) if meets(self.fields_of(line), path, test))
        return found | self._parsed.field_lines(lines & ~masked, path, test)

    def fields_of(self, index: int) -> dict[str, Any] | None:
        """The fields of line `index`."""
        if index not in self._masked:
            return self._parsed.line(index).fields
        if index not in self._fields:
            self._fields[index] = self._read(index)
        return self._fields[index]

    def _read(self, index: int) -> dict[str, Any] | None:
        """The fields of the masked text; None where the masks have left nothing to read."""
        own = self._parsed.line(index).fields
        if own is None:
            return None
        text, redactors = self._masked[index]
        for spelled in (text, _BARE_MASK.sub(rf'\1"{MASK}"', text)):
            fields = self._parsed.parse(spelled).fields
            if fields is not None and len(fields) == len(own):
                return masked_fields(fields, redactors)
        return None
