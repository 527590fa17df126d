"""A block as viewers may see it: lines found, rules applied, records made and encoded on demand.

Owns everything about a block that does not depend on who looks: one `Judged` serves all views, so a line is parsed and
encoded at most once however many queries are open. Refuses to know of queries and subscribers.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from logstream.journal.ids import anchor_of, encode_tail, id_prefix
from logstream.parse import Clock, Parsed, parse_line
from logstream.records import Level, Position, Record
from logstream.rules import RuleSet, Tag
from logstream.tail.lines import cut_whole, strip_end

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.hub.frames import EncodedRecord, FrameEncoder
    from logstream.journal.base import Block

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A
LINE_EVENT = "line"
_UNTOUCHED = Tag(event=None, level=None, rules=())


class SourceTraits(NamedTuple):
    """How the bytes of a source become records."""

    encoding: str = "utf-8"
    format: str = "auto"
    max_line_bytes: int = 65_536
    zone: tzinfo = UTC
    """The zone of times that name none."""


def position_after(block: Block) -> Position:
    """The position after the block's last line."""
    return Position(block.generation.key, block.end, anchor_of(block.before(len(block.content))))


class Judged:
    """One block with its lines, their verdicts, and its records."""

    def __init__(self, block: Block, traits: SourceTraits, rules: RuleSet, encoder: FrameEncoder) -> None:
        """Find the lines of `block` and apply the rules to them."""
        self.block = block
        self._traits = traits
        self._encoder = encoder
        self._line_ends = cut_whole(block.content, traits.max_line_bytes)
        self.text, self._texts = _view_text(block, self._line_ends, traits.encoding)
        self.ends: Sequence[int] = _text_ends(self.text)
        # The day of arrival, not today: a line without a year is the same record each time that it is replayed.
        self._clock = Clock(traits.zone, lambda: datetime.fromtimestamp(block.time_ms / 1000, traits.zone).date())
        self._parsed: dict[int, Parsed] = {}
        self._encoded: dict[int, EncodedRecord] = {}
        self._prefix = id_prefix(block.generation.key)
        verdicts = rules.judge(self.text, self.ends, source=block.generation.source, level_of=self._parsed_level)
        self.kept = verdicts.kept
        self._tags = verdicts.tags

    def level_of(self, index: int) -> Level | None:
        """Level of line `index`: what a rule set, else what the line says."""
        return self._tags.get(index, _UNTOUCHED).level or self._parsed_level(index)

    def event_of(self, index: int) -> str:
        """Type of line `index`: what a rule gave, else `line`."""
        return self._tags.get(index, _UNTOUCHED).event or LINE_EVENT

    def record(self, index: int) -> Record:
        """Line `index` as a record."""
        generation = self.block.generation
        parsed = self._parse(index)
        tag = self._tags.get(index, _UNTOUCHED)
        return Record(
            id=self._id(self._line_ends[index]),
            source=generation.source,
            file=generation.file,
            time=parsed.time,
            level=tag.level or parsed.level,
            event=tag.event or LINE_EVENT,
            text=self._texts[index],
            fields=parsed.fields,
            rules=tag.rules,
            cont=self._is_continuation(index),
        )

    def encoded(self, index: int) -> EncodedRecord:
        """Line `index` encoded; the work is done once for all views."""
        found = self._encoded.get(index)
        if found is None:
            found = self._encoded[index] = self._encoder.encode_record(self.record(index))
        return found

    def times(self) -> list[str | None]:
        """The time that each line tells, in order."""
        return [self._parse(index).time for index in range(len(self._line_ends))]

    def place_after(self, index: int) -> int:
        """The place after line `index` in the recorded order."""
        return self.block.at + self._line_ends[index]

    def place_before(self, index: int) -> int:
        """The place before line `index` in the recorded order."""
        return self.block.at + (self._line_ends[index - 1] if index else 0)

    def _parse(self, index: int) -> Parsed:
        parsed = self._parsed.get(index)
        if parsed is None:
            parsed = self._parsed[index] = parse_line(self._texts[index], format=self._traits.format, clock=self._clock)
        return parsed

    def _parsed_level(self, index: int) -> Level | None:
        return self._parse(index).level

    def _id(self, end: int) -> str:
        return self._prefix + encode_tail(self.block.start + end, anchor_of(self.block.before(end)))

    def _is_continuation(self, index: int) -> bool:
        """Whether the line goes on with one that was cut before it because it is over-long."""
        if index:
            return self.block.content[self._line_ends[index - 1] - 1] != _LF
        return bool(self.block.lead) and self.block.lead[-1] != _LF


def _view_text(block: Block, line_ends: Sequence[int], encoding: str) -> tuple[bytes, list[str]]:
    """The block's lines as UTF-8 joined by LF, and each as text: without line ends, with U+FFFD for invalid bytes."""
    content = block.content
    if block.start == 0 and content.startswith(_BOM) and encoding == "utf-8":
        content = content[len(_BOM) :]
    if content.count(b"\n") == len(line_ends) and content.endswith(b"\n"):
        joined = content.replace(b"\r\n", b"\n")[:-1]
    else:
        starts = [0, *line_ends[:-1]]
        cut_off = len(block.content) - len(content)
        pieces = (content[max(0, a - cut_off) : b - cut_off] for a, b in zip(starts, line_ends, strict=True))
        joined = b"\n".join(strip_end(piece) for piece in pieces)
    text = joined.decode(encoding, "replace")
    if encoding != "utf-8" or "\ufffd" in text:
        joined = text.encode()
    return joined, text.split("\n")


def _text_ends(text: bytes) -> list[int]:
    lengths = map(len, text.split(b"\n"))
    return list(accumulate(lengths, lambda end, length: end + 1 + length))
