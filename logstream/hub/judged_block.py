"""A block as viewers may see it: lines found, rules applied, records made and encoded on demand.

Owns everything about a block that does not depend on who looks: one `JudgedBlock` serves all views, so a line is parsed
and encoded at most once however many queries are open. Refuses to know of queries and subscribers.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.block_lines import ends_in, lines_of
from logstream.hub.continuations import NOTHING_ABOVE, Above, TraceHead, kept_lines, nearest_heads, reaches
from logstream.hub.encoded_block import EncodedBlock
from logstream.hub.ids import LineIds
from logstream.hub.line_answers import LineAnswers
from logstream.hub.masked_lines import MaskedLines
from logstream.hub.parsed_lines import LastLine, ParsedLines
from logstream.hub.utf16_text import is_utf16_fragment
from logstream.journal.ids import anchor_of
from logstream.parse import Folding, continues, may_continue, suspects
from logstream.records import Position, Record
from logstream.rules import RuleSet, Tag, Verdicts
from logstream.tail.framing import WIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from logstream.hub.frames import EncodedLines, EncodedRecord, FrameEncoder, Shape
    from logstream.journal.base import Block
    from logstream.parse import Column, Rows
    from logstream.rules import Scanned

_LF = 0x0A
_LINE_COST_BYTES = 64
"""What a line is taken to cost beside its bytes: an empty one is a record too."""
_UNTOUCHED = Tag(event=None, level=None, rules=())


class SourceTraits(NamedTuple):
    """How the bytes of a source become records."""

    encoding: str = "utf-8"
    format: str = "auto"
    max_line_bytes: int = 65_536
    zone: tzinfo = UTC
    """The zone of times that name none."""
    folding: Folding | None = Folding()
    """Which lines go on with others; None: only the fragments of an over-long one."""


def position_after(block: Block) -> Position | None:
    """The position after the block's last line; None while there is no id for it."""
    if not block.is_durable:
        return None
    return Position(block.generation.key, block.end, anchor_of(block.before(len(block.content))))


class JudgedBlock(LineAnswers):
    """One block with its lines, their verdicts, and its records."""

    def __init__(
        self,
        block: Block,
        traits: SourceTraits,
        rules: RuleSet,
        encoder: FrameEncoder,
        *,
        above: Callable[[], Above] = lambda: NOTHING_ABOVE,
    ) -> None:
        """Find the lines of `block` and apply the rules to them.

        `above` is asked for what stands before the block if its first line may go on with it.
        """
        self.block = block
        self.scanned: Scanned | None = None
        """What views have found, for those that look for the same."""
        lines = lines_of(block, traits)
        self._line_ends, self.text, self.ends, self._texts, self._may_be_cut, self._array = lines
        self._encoded = EncodedBlock(encoder, len(self._line_ends))
        self._ids = LineIds(block, self._line_ends, self._array)
        self._parsed = ParsedLines(self.text, self._texts, block, traits, self._array)
        self._above = above() if self._may_go_on(traits.folding) else NOTHING_ABOVE
        self._heads = nearest_heads(self._continuations(traits.folding))
        head_above = self._parsed.head_above = self._above.head
        self._parsed.heads = {
            index: head
            for index, head in self._heads.items()
            if head is not None or (head_above and reaches(head_above, block.start + self._start_of(index)))
        }
        self._whole = (self.text, self.ends if self._array is None else self._array)
        self.verdicts = self.put_to(rules)
        """What the rules said, before continuations had the verdict of their heads."""
        self.tags = self.verdicts.tags
        self._inherited: dict[int, TraceHead] = {}
        self.kept: Sequence[int] = self.verdicts.kept
        self._inherit()
        self.odd_lines = frozenset((*self._heads, *self._inherited, *self.verdicts.masked))
        """Lines that are not shown as they stand in the file, or have something from other lines."""
        # From here on nobody sees a secret: queries, too, look at what is shown.
        self._shown = MaskedLines(self._texts, self._parsed, self.verdicts.masked)
        if self.verdicts.masked:
            self.text = "\n".join(self._shown.texts).encode()
            self.ends = ends_in(self.text)

    @property
    def text_ends(self) -> Sequence[int] | NDArray[np.integer]:
        """`ends`, as an array where there is one."""
        return self.ends if self._array is None or self.verdicts.masked else self._array

    @property
    def cost_bytes(self) -> int:
        """What it is taken to hold while it is kept."""
        return len(self.block.content) + _LINE_COST_BYTES * len(self.ends)

    @property
    def line_count(self) -> int:
        """How many lines there are, kept or not."""
        return len(self._line_ends)

    def put_to(self, rules: RuleSet) -> Verdicts:
        """What `rules` say of the lines as they stand in the file."""
        text, ends = self._whole
        return rules.judge(text, ends, source=self.block.generation.source, facts=self._parsed)

    def record(self, index: int) -> Record:
        """Line `index` as a record."""
        generation = self.block.generation
        parsed = self._parsed.line(index)
        return Record(
            id=self._ids.one(index),
            source=generation.source,
            file=generation.file,
            time=parsed.time,
            level=self.level_of(index),
            event=self.event_of(index),
            text=self._shown.texts[index],
            fields=self._shown.fields_of(index),
            rules=self._rules_of(index),
            cont=index in self._heads,
        )

    def encoded(self, index: int) -> EncodedRecord:
        """Line `index` encoded; the work is done once for all views."""
        return self._encoded.record(self, index)

    def encoded_lines(self, indexes: Sequence[int]) -> EncodedLines:
        """The same for many lines (ascending indexes)."""
        return self._encoded.lines(self, indexes)

    def frame(self, indexes: Sequence[int], shape: Shape, *, is_kept: bool) -> bytes:
        """Events of lines (ascending indexes), kept for other views that select the same."""
        return self._encoded.frame(self, indexes, shape, is_kept=is_kept)

    def events(self, indexes: Sequence[int], shape: Shape, counts: Sequence[int], *, is_kept: bool) -> list[bytes]:
        """Events of lines, so many each time, at least one; `is_kept`: other views may want their JSON."""
        return self._encoded.events(self, indexes, shape, counts, is_kept=is_kept)

    def files(self, indexes: Sequence[int]) -> Sequence[str] | None:  # noqa: ARG002 - of several files
        """The file of each line; None where all are of the block's own."""
        return None

    def ids(self, indexes: Sequence[int]) -> Sequence[bytes] | None:
        """The ids of lines; None while there are none."""
        return self._ids.of(indexes)

    def id_table(self, indexes: Sequence[int]) -> Column | None:
        """The same, a row for each."""
        return self._ids.table(indexes)

    def rows(self) -> Rows | None:
        """What could be read of the lines as they stand in the file at once, if anything."""
        return self._parsed.rows()

    def rows_of(self, indexes: Sequence[int]) -> Rows | None:
        """The same for some of the lines."""
        return self._parsed.rows_of(indexes)

    def times(self) -> list[str | None]:
        """The time that each line tells, in order."""
        return [self._parsed.line(index).time for index in range(len(self._line_ends))]

    def below(self) -> Above:
        """What the next block of the generation has above it."""
        last = len(self._line_ends) - 1
        if last < 0:
            return self._above
        return Above(self._head_of(last), self._texts[last])

    def later_below(self) -> Callable[[], Above]:
        """`below` for whoever asks for it later, if anybody does: it holds the last line and nothing else."""
        last = len(self._line_ends) - 1
        if last < 0 or last in self._heads:
            above = self.below()
            return lambda: above
        is_kept = self._is_kept(last)
        start, tag = self.block.start + self._start_of(last), self.tags.of(last) or _UNTOUCHED
        return LastLine(self._texts[last], self._parsed.parse, start, is_kept, tag).above

    def place_before(self, index: int) -> int:
        """The place before line `index` in the recorded order."""
        return self.block.at + self._start_of(index)

    def place_after(self, index: int) -> int:
        """The place after line `index` in the recorded order."""
        return self.block.at + self._line_ends[index]

    def _start_of(self, index: int) -> int:
        return self._line_ends[index - 1] if index else 0

    def _rules_of(self, index: int) -> tuple[str, ...]:
        own = (self.tags.of(index) or _UNTOUCHED).rules
        head = self._inherited.get(index)
        return own if head is None else (*head.rules, *(name for name in own if name not in head.rules))

    def _may_go_on(self, folding: Folding | None) -> bool:
        """Whether the first line needs a look at what stands before the block."""
        if not self.block.start or not self._texts:
            return False
        return self._is_fragment(0) or (folding is not None and may_continue(self._texts[0], folding))

    def _continuations(self, folding: Folding | None) -> list[int]:
        fragments = [index for index in range(len(self._texts) if self._may_be_cut else 1) if self._is_fragment(index)]
        found = set(fragments)
        if folding is not None:
            above = self._above.last if self.block.start else None
            for index in suspects(self.text, self.ends if self._array is None else self._array, folding):
                before = self._texts[index - 1] if index else above
                if index not in found and continues(self._texts[index], before, folding):
                    found.add(index)
        return sorted(found)

    def _is_fragment(self, index: int) -> bool:
        """Whether the line goes on with one that was cut before it because it is over-long."""
        if self.block.generation.encoding in WIDE:
            return is_utf16_fragment(self.block, self._line_ends, index)
        if index:
            return self.block.content[self._line_ends[index - 1] - 1] != _LF
        return bool(self.block.lead) and self.block.lead[-1] != _LF

    def _head(self, index: int) -> TraceHead:
        start = self.block.start + self._start_of(index)
        time_ms = self._parsed.time_ms_of(index)
        return TraceHead(
            start, self._is_kept(index), self.level_of(index), self.event_of(index), self._rules_of(index), time_ms
        )

    def _is_kept(self, index: int) -> bool:
        place = bisect_left(self.kept, index)
        return place < len(self.kept) and self.kept[place] == index

    def _head_of(self, index: int) -> TraceHead | None:
        """The line itself, or the head that it goes on with if that is known."""
        if index not in self._heads:
            return self._head(index)
        head = self._heads[index]
        return self._above.head if head is None else self._head(head)

    def _inherit(self) -> None:
        heads = {head: self._head(head) for head in set(self._parsed.heads.values()) if head is not None}
        for index, number in self._parsed.heads.items():
            head = self._above.head if number is None else heads[number]
            if head is not None:
                self._inherited[index] = head
        self.kept = kept_lines(self.kept, {index: head.kept for index, head in self._inherited.items()})

    def __repr__(self) -> str:
        """How many lines there are, and how many of them are left."""
        return f"<JudgedBlock {self.block.generation.file} lines={len(self._line_ends)} kept={len(self.kept)}>"


class LoneLines(JudgedBlock):
    """Lines of which it is known that none goes on with another; they need not stand together in one block."""

    def _may_go_on(self, _folding: Folding | None) -> bool:
        return False

    def _continuations(self, _folding: Folding | None) -> list[int]:
        return []
