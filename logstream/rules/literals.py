"""Words of ASCII, found in bytes as they stand in a file, whether these are UTF-8 or not.

Owns what a word in any case is there: U+017F and U+212A are an `s` and a `k` to those who ignore case. Bytes that are
invalid take nothing from a valid character behind them, so a word is in the bytes if it is in the text that is shown of
them. Refuses to know more of lines than where they end.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

import hyperscan

from logstream.rules.forms import Pattern
from logstream.rules.scanning import stops_in

if TYPE_CHECKING:
    from collections.abc import Sequence

_FLAGS: Final = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_MULTILINE
_ALSO: Final = {"s": r"\xc5\xbf", "k": r"\xe2\x84\xaa"}


class Literals:
    """Some words. May be used from any thread."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Look for any of `texts`, of which `may_be_literal` holds. Raises hyperscan.error."""
        words = "|".join("".join(map(_spelled, text)) for text in texts)
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        # One match a line, at its end, however many words are in it: each match is a call.
        self._database.compile(expressions=[rf"(?:{words})[^\n]*$".encode()], ids=[0], elements=1, flags=[_FLAGS])
        self._scanning = Lock()  # a scan lets go of the GIL, and Hyperscan's scratch space serves one at a time

    def stops(self, content: bytes, end: int, *, only_first: bool = False) -> list[int]:
        """The ends of the lines with one of the words; see `PatternSet.stops`."""
        with self._scanning:
            return stops_in((self._database,), content, end, only_first=only_first)


def may_be_literal(text: str) -> bool:
    """Whether bytes can be searched for a word."""
    return text.isascii() and "\n" not in text


def _spelled(character: str) -> str:
    written = Pattern.of_text(character).expression
    also = _ALSO.get(character.lower())
    return written if also is None else f"(?:{written}|{also})"
