r"""Cutting UTF-16 into lines: the rule of `lines`, put to an outline of the text that has one byte a unit. Pure.

A unit is two bytes, the first of them at an even offset of the generation: the byte 0x0A in half of another character
(U+0A0D, U+010A) ends no line. Owns what a line end and a whole character are in units. Decoding is not its business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from logstream.tail import lines

if TYPE_CHECKING:
    from logstream.tail.lines import Extent

UNIT_BYTES: Final = 2
_OTHER, _HIGH, _LOW, _LINE_FEED, _RETURN = 0xC0, 0x40, 0x80, 0x01, 0x02


def _by_first_half(byte: int) -> int:
    if byte == 0:
        return 0
    # RFC 2781, section 2.1: a character beyond U+FFFF is a high and a low surrogate.
    return _HIGH if byte & 0xFC == 0xD8 else _LOW if byte & 0xFC == 0xDC else _OTHER  # noqa: PLR2004 - as there


def _outlined(mark: int) -> int:
    # A pair of surrogates looks like a character of two bytes, so that no fragment ends in it.
    if mark & _OTHER:
        return {_HIGH: 0xC3, _LOW: 0x80}.get(mark & _OTHER, ord("x"))
    return {_LINE_FEED: ord("\n"), _RETURN: ord("\r")}.get(mark, ord("x"))


_FIRST_HALF: Final = bytes(map(_by_first_half, range(256)))
_SECOND_HALF: Final = bytes({ord("\n"): _LINE_FEED, ord("\r"): _RETURN}.get(byte, 0) for byte in range(256))
_OUTLINED: Final = bytes(map(_outlined, range(256)))


class Wide:
    """How UTF-16 of one byte order is cut. `start` is everywhere the generation's offset of the content's first byte.

    A first byte at an odd offset is half of a unit that was cut before: it belongs to the first record.
    """

    unit_bytes = UNIT_BYTES

    def __init__(self, *, is_little_endian: bool) -> None:
        """Cut text of that byte order."""
        self.line_end = b"\n\0" if is_little_endian else b"\0\n"
        self._first_half = 1 if is_little_endian else 0

    def outline(self, content: bytes) -> bytes:
        """A byte for each whole unit of `content`, which begins with one: LF and CR themselves, else a stand-in."""
        size = len(content) // UNIT_BYTES
        end = size * UNIT_BYTES
        first = content[self._first_half : end : UNIT_BYTES].translate(_FIRST_HALF)
        second = content[1 - self._first_half : end : UNIT_BYTES].translate(_SECOND_HALF)
        marks = int.from_bytes(first, "little") | int.from_bytes(second, "little")
        return marks.to_bytes(size, "little").translate(_OUTLINED)

    def cut(self, content: bytes, start: int, max_line_bytes: int) -> list[int]:
        """As `lines.cut`."""
        odd = start % UNIT_BYTES
        ends = lines.cut(self.outline(content[odd:]), max_line_bytes // UNIT_BYTES)
        return [odd + UNIT_BYTES * end for end in ends]

    def cut_whole(self, content: bytes, start: int, max_line_bytes: int) -> list[int]:
        """As `lines.cut_whole`: what is left over, be it half a unit, is a record."""
        return lines.with_rest(self.cut(content, start, max_line_bytes), len(content))

    def measure(self, content: bytes, start: int, max_line_bytes: int) -> Extent:
        """As `lines.measure`."""
        odd = start % UNIT_BYTES
        end, count = lines.measure(self.outline(content[odd:]), max_line_bytes // UNIT_BYTES)
        return lines.Extent(odd + UNIT_BYTES * end if end else 0, count)

    def count(self, content: bytes, start: int) -> int:
        """How many lines end in `content`."""
        return self.outline(content[start % UNIT_BYTES :]).count(b"\n")

    def first_end(self, content: bytes, start: int) -> int:
        """Where the first line in `content` ends; 0 if none does."""
        odd = start % UNIT_BYTES
        end = self.outline(content[odd:]).find(b"\n") + 1
        return odd + UNIT_BYTES * end if end else 0

    def last_end(self, content: bytes, start: int) -> int:
        """Where the last line in `content` ends; 0 if none does."""
        odd = start % UNIT_BYTES
        end = self.outline(content[odd:]).rfind(b"\n") + 1
        return odd + UNIT_BYTES * end if end else 0

    def ends_line(self, content: bytes, start: int, end: int) -> bool:
        """Whether a line ends at byte `end` of `content`."""
        return (start + end) % UNIT_BYTES == 0 and content.endswith(self.line_end, 0, end)
