"""The lines of a UTF-16 block as text: without line ends, with U+FFFD for what is no character.

Owns the decoding of what `tail.wide` cut. Refuses to cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.tail.framing import WIDE
from logstream.tail.wide import UNIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.journal.base import Block

_MARK = "\ufeff"


def utf16_lines(block: Block, line_ends: Sequence[int], encoding: str) -> tuple[bytes, list[str]]:
    """The block's lines as UTF-8 joined by LF, and each as text."""
    text = "" if block.start % UNIT_BYTES else block.content.decode(encoding, "replace")
    if text.count("\n") == len(line_ends) and text.endswith("\n"):
        texts = text.replace("\r\n", "\n")[:-1].split("\n")
    else:
        starts = [0, *line_ends][:-1]
        texts = [_text_of(block, start, end, encoding) for start, end in zip(starts, line_ends, strict=True)]
    if block.start == 0 and texts:
        texts[0] = texts[0].removeprefix(_MARK)
    return "\n".join(texts).encode(), texts


def is_utf16_fragment(block: Block, line_ends: Sequence[int], index: int) -> bool:
    """Whether line `index` goes on with one that was cut before it because it is over-long."""
    wide = WIDE[block.generation.encoding]
    if index:
        return not wide.ends_line(block.content, block.start, line_ends[index - 1])
    lead = block.lead
    return bool(lead) and not wide.ends_line(lead, block.start - len(lead), len(lead))


def _text_of(block: Block, start: int, end: int, encoding: str) -> str:
    odd = (block.start + start) % UNIT_BYTES
    text = "\ufffd" * odd + block.content[start + odd : end].decode(encoding, "replace")
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text
