"""A block that is one plain line, as all are where many files trickle: judged without what blocks of many lines need.

Owns telling which blocks these are: one whole line of UTF-8 that goes on with nothing, and of which rules hide nothing.
What it answers is what `JudgedBlock` answers for the same block; all others are left to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.hub.continuations import NOTHING_ABOVE, Above
from logstream.hub.encoded_block import EncodedBlock
from logstream.hub.ids import LineIds
from logstream.hub.judged_block import JudgedBlock
from logstream.hub.masked_lines import MaskedLines
from logstream.hub.parsed_lines import ParsedLines
from logstream.parse import may_continue
from logstream.tail.framing import spoken_encoding

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.hub.frames import FrameEncoder
    from logstream.hub.judged_block import SourceTraits
    from logstream.journal.base import Block
    from logstream.rules import RuleSet


class JudgedLine(JudgedBlock):
    """One block of one line."""

    def __init__(self, block: Block, text: str, traits: SourceTraits, rules: RuleSet, encoder: FrameEncoder) -> None:
        """Apply the rules to `text`, which `plain_text` gave."""
        self.block = block
        self.text = block.content[:-1]
        self.ends = [len(self.text)]
        self._may_be_cut, self._array = False, None
        self._line_ends = [len(block.content)]
        self._texts = [text]
        self._encoded = EncodedBlock(encoder, 1)
        self._ids = LineIds(block, self._line_ends)
        self._parsed = ParsedLines(self.text, self._texts, block, traits)
        self._above = NOTHING_ABOVE
        self._heads, self._inherited = {}, {}
        self._whole = (self.text, self.ends)
        self.verdicts = self.put_to(rules)
        self.tags, self.kept = self.verdicts.tags, self.verdicts.kept
        self.odd_lines = frozenset()
        self._shown = MaskedLines(self._texts, self._parsed, {})
        self.scanned = None


def judge_block(
    block: Block, traits: SourceTraits, rules: RuleSet, encoder: FrameEncoder, above: Callable[[], Above]
) -> JudgedBlock:
    """The block judged, the shorter way where that is enough."""
    text = plain_text(block, traits)
    if text is not None:
        line = JudgedLine(block, text, traits, rules, encoder)
        if not line.verdicts.masked:
            return line
    return JudgedBlock(block, traits, rules, encoder, above=above)


def plain_text(block: Block, traits: SourceTraits) -> str | None:
    """The text of a block that is one plain line; None if it is not, or if that is not sure."""
    content = block.content
    length = len(content) - 1
    is_whole = content.find(b"\n") == length <= traits.max_line_bytes and block.lead.endswith(b"\n")
    if not is_whole or content.endswith(b"\r\n"):
        return None
    if spoken_encoding(block.generation.encoding, traits.encoding) != "utf-8":
        return None
    text = content[:length].decode("utf-8", "replace")
    if "\ufffd" in text or (traits.folding is not None and may_continue(text, traits.folding)):
        return None
    return text


def are_plain(block: Block, traits: SourceTraits) -> bool:
    """Whether each line of a block is one of which `plain_text` would give the text, if it were a block by itself."""
    content = block.content
    if b"\r\n" in content or not (content.endswith(b"\n") and block.lead.endswith(b"\n")):
        return False
    if spoken_encoding(block.generation.encoding, traits.encoding) != "utf-8":
        return False
    lines = content[:-1].split(b"\n")
    text = content[:-1].decode("utf-8", "replace")
    if "\ufffd" in text or max(map(len, lines)) > traits.max_line_bytes:
        return False
    folding = traits.folding
    return folding is None or not any(may_continue(line, folding) for line in text.split("\n"))
