"""A block's lines as text: where they end in the file, and what they are as UTF-8, without line ends.

Owns what invalid bytes, marks and other encodings become. Refuses to know what lines say. No text is made of a line
that nobody asks for alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from logstream.hub.utf16_text import utf16_lines
from logstream.tail.framing import WIDE, framing_of, spoken_encoding
from logstream.tail.lines import line_ends, may_be_over_long, strip_end

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from logstream.hub.judged_block import SourceTraits
    from logstream.journal.base import Block

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A
_FEW_ASKED = 4
"""Who asks for so many lines of a block asks for all."""


class BlockLines(NamedTuple):
    """The lines of one block.

    `line_ends` are the offsets behind the lines in the block's content. `text` has the lines as UTF-8, parted by LF;
    they end there at `ends`. `may_be_cut` says whether one of them may end where it was too long, and not at a line
    end.
    """

    line_ends: Sequence[int]
    text: bytes
    ends: Sequence[int]
    texts: Sequence[str]
    may_be_cut: bool
    array: NDArray[np.integer] | None = None
    """`ends` once more, where the lines are shown as they stand in the file: each is followed by one LF there."""


class _Texts(Sequence[str]):
    """Lines of valid UTF-8 parted by LF, decoded when they are asked for."""

    def __init__(self, text: bytes, ends: Sequence[int]) -> None:
        self._text = text
        self._ends = ends
        self._asked = 0
        self._all: list[str] | None = None

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        if self._all is None:
            self._asked += 1
            if isinstance(index, int) and self._asked <= _FEW_ASKED:
                start = self._ends[index - 1] + 1 if index else 0
                return self._text[start : self._ends[index]].decode()
            self._all = self._text.decode().split("\n")
        return self._all[index]


def lines_of(block: Block, traits: SourceTraits) -> BlockLines:
    """The lines of `block`, of a source of such traits."""
    encoding = spoken_encoding(block.generation.encoding, traits.encoding)
    if encoding == "utf-8" and (plain := _plain_lines(block, traits.max_line_bytes)) is not None:
        return plain
    ends = framing_of(block.generation.encoding).cut_whole(block.content, block.start, traits.max_line_bytes)
    text, texts = utf16_lines(block, ends, encoding) if encoding in WIDE else _view_text(block, ends, encoding)
    is_as_it_stands = text == block.content[:-1]
    text_ends = [end - 1 for end in ends] if is_as_it_stands else ends_in(text)
    may_be_cut = block.generation.encoding in WIDE or block.content.count(b"\n") != len(texts)
    return BlockLines(ends, text, text_ends, texts, may_be_cut)


def ends_in(text: bytes) -> list[int]:
    """Where each line of `text` ends, which LF parts."""
    return [end - 1 for end in line_ends(text + b"\n")]


def _plain_lines(block: Block, max_line_bytes: int) -> BlockLines | None:
    """The lines of a block of UTF-8 that are shown as they stand in the file; None if it has others."""
    content = block.content
    if not content.endswith(b"\n") or b"\r" in content or may_be_over_long(content, len(content), max_line_bytes):
        return None
    if block.start == 0 and content.startswith(_BOM):
        return None
    if not content.isascii() and not _is_utf8(content):
        return None
    line_feeds = np.flatnonzero(np.frombuffer(content, np.uint8) == _LF)
    text, ends = content[:-1], line_feeds.tolist()
    return BlockLines((line_feeds + 1).tolist(), text, ends, _Texts(text, ends), may_be_cut=False, array=line_feeds)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _view_text(block: Block, line_ends: Sequence[int], encoding: str) -> tuple[bytes, list[str]]:
    """The block's lines as UTF-8 joined by LF, and each as text: without line ends, with U+FFFD for invalid bytes."""
    content = block.content
    if block.start == 0 and content.startswith(_BOM) and encoding == "utf-8":
        content = content[len(_BOM) :]
    # Most logs have no CR: to look for one byte costs nothing beside looking for two.
    has_returns = b"\r" in content
    if content.count(b"\n") == len(line_ends) and content.endswith(b"\n"):
        joined = (content.replace(b"\r\n", b"\n") if has_returns else content)[:-1]
    else:
        starts = [0, *line_ends[:-1]]
        cut_off = len(block.content) - len(content)
        pieces = (content[max(0, a - cut_off) : b - cut_off] for a, b in zip(starts, line_ends, strict=True))
        joined = b"\n".join(strip_end(piece) for piece in pieces)
    text = joined.decode(encoding, "replace")
    if encoding != "utf-8" or "\ufffd" in text:
        joined = text.encode()
    return joined, text.split("\n")
