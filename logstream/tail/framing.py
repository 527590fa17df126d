"""How a generation's bytes are text: which encoding they have, and what cuts them into lines then. Pure.

Owns the decision, which is made before the first byte is handed on and holds for the generation's whole life, as ids
and replay rest on where lines end. A mark at the very start of a file wins over what is configured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from logstream.tail import lines
from logstream.tail.batch import LISTED_BYTES
from logstream.tail.wide import UNIT_BYTES, Wide

if TYPE_CHECKING:
    from logstream.tail.lines import Extent

MOST_END_BYTES: Final = UNIT_BYTES * lines.LINE_END_BYTES + 1
"""The longest line end in any encoding, and the half of a unit that may stand before a line."""
_LITTLE, _BIG, _EITHER = "utf-16-le", "utf-16-be", "utf-16"
_MARKS: Final = {b"\xff\xfe": _LITTLE, b"\xfe\xff": _BIG}
MARK_BYTES: Final = 2


class Framing(Protocol):
    """What cuts. `start` is everywhere the generation's offset of the content's first byte."""

    @property
    def unit_bytes(self) -> int:
        """The bytes of a line feed: each character has so many, or a multiple of it."""

    @property
    def line_end(self) -> bytes:
        """A line feed."""

    def cut(self, content: bytes, start: int, max_line_bytes: int) -> list[int]:
        """As `lines.cut`."""

    def cut_whole(self, content: bytes, start: int, max_line_bytes: int) -> list[int]:
        """As `lines.cut_whole`."""

    def measure(self, content: bytes, start: int, max_line_bytes: int) -> Extent:
        """As `lines.measure`."""

    def count(self, content: bytes, start: int) -> int:
        """How many lines end in `content`."""

    def first_end(self, content: bytes, start: int) -> int:
        """Where the first line in `content` ends; 0 if none does."""

    def last_end(self, content: bytes, start: int) -> int:
        """Where the last line in `content` ends; 0 if none does."""


class _Narrow:
    """UTF-8, and the encodings of one byte a character: the byte 0x0A is a line feed wherever it stands."""

    unit_bytes = 1
    line_end = b"\n"

    @staticmethod
    def cut(content: bytes, start: int, max_line_bytes: int) -> list[int]:  # noqa: ARG004 - as Framing has it
        return lines.cut(content, max_line_bytes)

    @staticmethod
    def cut_whole(content: bytes, start: int, max_line_bytes: int) -> list[int]:  # noqa: ARG004 - as above
        return lines.cut_whole(content, max_line_bytes)

    @staticmethod
    def measure(content: bytes, start: int, max_line_bytes: int) -> Extent:  # noqa: ARG004 - as above
        return lines.measure(content, max_line_bytes)

    @staticmethod
    def count(content: bytes, start: int) -> int:  # noqa: ARG004 - as above
        return content.count(b"\n")

    @staticmethod
    def first_end(content: bytes, start: int) -> int:  # noqa: ARG004 - as above
        return content.find(b"\n") + 1

    @staticmethod
    def last_end(content: bytes, start: int) -> int:  # noqa: ARG004 - as above
        return content.rfind(b"\n") + 1


WIDE: Final = {_LITTLE: Wide(is_little_endian=True), _BIG: Wide(is_little_endian=False)}
"""What cuts text whose units have two bytes, by encoding."""
_NARROW: Final = _Narrow()


def framing_of(encoding: str) -> Framing:
    """What cuts text of `encoding`."""
    return WIDE.get(encoding, _NARROW)


def encoding_of(head: bytes, configured: str, before: str = "") -> str:
    """How a file is encoded that begins with `head`, in a source of which `configured` is said.

    `before` is what the same file had in its life before: a writer that goes on after a truncation writes no mark
    again. That much is believed only as long as nothing speaks against it: text that is not UTF-16 has no NUL.
    """
    may_have_mark = configured in {"utf-8", _EITHER} or configured in WIDE
    marked = _MARKS.get(head[:MARK_BYTES]) if may_have_mark else None
    if marked is not None:
        return marked
    if before in WIDE and (configured == _EITHER or (configured == "utf-8" and (not head or b"\0" in head))):
        return before
    # Without a mark, as on the systems that write it: RFC 2781, section 4.3, would have the other, and few do.
    return _LITTLE if configured == _EITHER else configured


def is_wide(configured: str) -> bool:
    """Whether a source of which `configured` is said is UTF-16, with marks or without."""
    return configured == _EITHER or configured in WIDE


def spoken_encoding(encoding: str, configured: str) -> str:
    """What decodes text that was cut as `encoding` of a source of which `configured` is said by now.

    Nothing is cut differently between UTF-8 and encodings of one byte a character: there the latest word counts.
    """
    return encoding if encoding in WIDE or is_wide(configured) else configured


def extent_of(encoding: str, content: bytes, start: int, max_line_bytes: int) -> tuple[int, list[int] | int]:
    """How far `content` can be cut, and the ends of its records; of a long stretch only their number."""
    framing = framing_of(encoding)
    if len(content) <= LISTED_BYTES:
        ends = framing.cut(content, start, max_line_bytes)
        return (ends[-1], ends) if ends else (0, 0)
    end, count = framing.measure(content, start, max_line_bytes)
    return end, framing.cut(content, start, max_line_bytes) if 0 < end <= LISTED_BYTES else count
