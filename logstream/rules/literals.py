"""Words of ASCII, found in bytes as they stand in a file, whether these are UTF-8 or not.

Owns what a word in any case is there: U+017F and U+212A are an `s` and a `k` to those who ignore case. Bytes that are
invalid take nothing from a valid character behind them, so a word is in the bytes if it is in the text that is shown of
them. Many bytes are searched for a part of a single word first, in which there is no such letter: Hyperscan finds one
plain string several times as fast. Refuses to know more of lines than where they end.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import hyperscan

from logstream.rules.forms import Pattern
from logstream.rules.scanning import Scanner

if TYPE_CHECKING:
    from collections.abc import Sequence

_FLAGS: Final = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_MULTILINE
_ALSO: Final = {"s": r"\xc5\xbf", "k": r"\xe2\x84\xaa"}
_OTHERS: Final = re.compile(f"[{''.join(_ALSO)}]", re.IGNORECASE)
_LEAST_PART: Final = 4
_FEWEST_BYTES: Final = 64 * 1024
"""Fewer bytes are searched for the word itself."""
_SAMPLE_BYTES: Final = 64 * 1024
_MOST_SUSPECTS: Final = 32
"""Where so many lines would have to be looked at again, the part is of no use,"""
_PAUSE: Final = 64
"""and is not tried so many times."""


class Literals:
    """Some words. May be used from any thread."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Look for any of `texts`, of which `may_be_literal` holds. Raises hyperscan.error."""
        words = "|".join("".join(map(_spelled, text)) for text in texts)
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        # One match a line, at its end, however many words are in it: each match is a call.
        database.compile(expressions=[rf"(?:{words})[^\n]*$".encode()], ids=[0], elements=1, flags=[_FLAGS])
        self._scanner = Scanner((database,))
        self._part = _Part(texts[0]) if len(texts) == 1 and _parts_of(texts[0]) else None

    def stops(self, content: bytes, end: int, *, only_first: bool = False) -> list[int]:
        """The ends of the lines with one of the words; see `PatternSet.stops`."""
        if self._part is not None and end >= _FEWEST_BYTES:
            suspects = self._part.stops(content, end)
            if suspects is not None:
                found = self._confirmed(content, suspects, self._part.plain)
                return found[:1] if only_first else found
        return self._scanner.stops(content, end, only_first=only_first)

    def _confirmed(self, content: bytes, suspects: Sequence[int], plain: bytes) -> list[int]:
        """The ends of those lines with the word that have one of `suspects` in them or at their end.

        Most often it stands there as `plain` has it: to see that, nobody lets go of the interpreter.
        """
        found: list[int] = []
        reached = 0
        for stop in suspects:
            if stop >= reached:
                line_end = content.find(b"\n", stop)
                line = content[content.rfind(b"\n", 0, stop) + 1 : line_end + 1]
                if plain in line.lower() or self._scanner.stops(line, len(line), only_first=True):
                    found.append(line_end)
                reached = line_end + 1
        return found


class _Part:
    """A part of a word, which stands in each line with the word; the rarer its first letters, the sooner it is sought.

    Hyperscan looks for the first two, and at the others where it has found these.
    """

    def __init__(self, word: str) -> None:
        self.plain = word.lower().encode()
        """The word in small letters of ASCII."""
        self._word = word
        self._scanner: Scanner | None = None
        self._pause = 0

    def stops(self, content: bytes, end: int) -> list[int] | None:
        """Where the part is found in the first `end` bytes; None if it is found so often that it is of no use."""
        if self._pause:
            self._pause -= 1
            return None
        if self._scanner is None:
            self._scanner = self._made_for(content[:_SAMPLE_BYTES].lower())
        stops = self._scanner.stops(content, end, most=_MOST_SUSPECTS)
        if len(stops) >= _MOST_SUSPECTS:
            self._pause = _PAUSE
            return None
        return stops

    def _made_for(self, sample: bytes) -> Scanner:
        part = min(_parts_of(self._word), key=lambda part: sample.count(part[:2].lower().encode()))
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        expression = Pattern.of_text(part).expression.encode()
        database.compile(expressions=[expression], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_CASELESS])
        return Scanner((database,))


def _parts_of(word: str) -> list[str]:
    """What of the word has only letters that nothing else stands for, and is long enough to be rare."""
    pieces = _OTHERS.split(word)
    return [piece[start:] for piece in pieces for start in range(len(piece) - _LEAST_PART + 1)]


def may_be_literal(text: str) -> bool:
    """Whether bytes can be searched for a word."""
    return text.isascii() and "\n" not in text


def _spelled(character: str) -> str:
    written = Pattern.of_text(character).expression
    also = _ALSO.get(character.lower())
    return written if also is None else f"(?:{written}|{also})"
