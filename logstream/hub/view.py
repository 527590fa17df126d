"""A view: one distinct (sources, query, shape), which filters and encodes each block once for all who look.

Owns a bounded store of finished frames. Nobody pushes into a view: the first subscriber that asks for a frame makes it,
the others find it made.
"""

from __future__ import annotations

from bisect import bisect_left
from fnmatch import fnmatchcase
from functools import partial
from itertools import accumulate, pairwise
from time import perf_counter_ns, thread_time_ns
from typing import TYPE_CHECKING, NamedTuple

from logstream.hub.block_sieve import BlockSieve
from logstream.hub.chunks import Chunk, ChunkCache, most_chunks_bytes
from logstream.hub.frames import EncodedRecord, Frame, FrameEncoder, Shape
from logstream.hub.joining import Joining, joined, neighbours
from logstream.hub.judged_block import JudgedBlock, position_after
from logstream.journal.base import Block, Lost, Sieve
from logstream.journal.cutting import BLOCK_LINES
from logstream.rules.evidence import Count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from logstream.hub.judged_group import JudgedGroup
    from logstream.hub.picked_lines import PickedLines
    from logstream.journal.base import Picked
    from logstream.records import Generation
    from logstream.rules import CompiledQuery
    from logstream.rules.evidence import Evidence

FRAMES_BYTES = 2 << 20
"""Finished frames that one view keeps at most; the oldest leaves first, and is made again if somebody asks for it."""
ALL_FRAMES_BYTES = 64 << 20
"""Finished frames that all views keep together: many views keep less each."""
_FRAME_COST_BYTES = 200
_LONG_NS = 8_000_000
"""Neighbours that took so long together come one by one for a while: nobody else has a turn meanwhile."""


class ViewKey(NamedTuple):
    """What tells views apart. `sources` are globs over source names; none means all.

    `is_closed`: who looks may know nothing of other sources, not even an id that lies in one of their files.
    """

    sources: tuple[str, ...]
    query: str
    shape: Shape
    is_closed: bool = False


class ViewEvidence(NamedTuple):
    """What a view has done for those who look at it."""

    sources: tuple[str, ...]
    query: str
    shape: Shape
    subscribers: int
    evidence: Evidence


class View:
    """Frames of one selection. Shared; see `Hub.view`."""

    def __init__(  # noqa: PLR0913 - what the hub lends it
        self,
        key: ViewKey,
        query: CompiledQuery,
        encoder: FrameEncoder,
        *,
        judge: Callable[[Block], JudgedBlock],
        judge_once: Callable[[Block], JudgedBlock],
        judge_group: Callable[[Block], JudgedGroup | None],
        judge_picked: Callable[[Picked], PickedLines],
        are_alone: Callable[[Generation, bytes], bool],
        view_count: Callable[[], int],
        plain_bytes: Callable[[Generation], int | None],
    ) -> None:
        """A view that has made nothing yet; `view_count` answers how many views share the memory for frames.

        What `judge_once` makes is kept nowhere: that is for a view that is alone. `plain_bytes` answers for a
        generation whose lines are shown as they stand in the file how long they can be.
        """
        self.key = key
        self.users = 0
        self._query = query
        self._encoder = encoder
        self._judge = judge
        self._judge_once = judge_once
        self._judge_group = judge_group
        self._judge_picked = judge_picked
        self._are_alone = are_alone
        self._view_count = view_count
        self._plain_bytes = plain_bytes
        self._frames: dict[int, Frame] = {}
        self._frames_bytes = 0
        self.chunks = ChunkCache()
        self._wanted: dict[str, bool] = {}
        self._count = Count()
        self.joining = Joining()
        self._block_sieve = BlockSieve(query.sieve, plain_bytes, self._count)
        self.epoch = 0
        """Grows when what was made before counts no more."""

    @property
    def tells(self) -> Callable[[str], bool] | None:
        """Of which sources positions may be told, and ids be taken, to look with; None: of all."""
        return self.wants if self.key.is_closed else None

    def wants(self, source: str) -> bool:
        """Whether records of `source` belong to this view."""
        wanted = self._wanted.get(source)
        if wanted is None:
            globs = self.key.sources
            wanted = self._wanted[source] = not globs or any(fnmatchcase(source, glob) for glob in globs)
        return wanted

    def shared_frame(self, item: Block | Lost, following: Callable[[], Iterable[Block | Lost]] = tuple) -> Frame:
        """The frame of a whole item near the head, made once, and perhaps those of some that are `following`."""
        frame = self._frames.get(item.at)
        if frame is not None:
            return frame
        if isinstance(item, Block) and self.wants(item.generation.source):
            last = self._block_sieve.held_back(item, following())
            if last is not None:
                return self._keep(item.at, Frame(b"", last.next_at, position_after(last)))
        if isinstance(item, Block) and self.joins(item) and not self._block_sieve.has_found(item):
            blocks = neighbours(item, following())
            frames = self.frames(blocks) if len(blocks) > 1 else None
            if frames is not None:
                for block, made in zip(reversed(blocks), reversed(frames), strict=True):
                    self._keep(block.at, made)
                return frames[0]
        return self._keep(item.at, self._group_frame(item) or self.frame(item))

    def _keep(self, at: int, frame: Frame) -> Frame:
        replaced = self._frames.pop(at, None)
        self._frames_bytes -= 0 if replaced is None else len(replaced.content) + _FRAME_COST_BYTES
        self._frames[at] = frame
        self._frames_bytes += len(frame.content) + _FRAME_COST_BYTES
        most_bytes = min(FRAMES_BYTES, ALL_FRAMES_BYTES // max(1, self._view_count()))
        while self._frames_bytes > most_bytes and len(self._frames) > 1:
            oldest = self._frames.pop(next(iter(self._frames)))
            self._frames_bytes -= len(oldest.content) + _FRAME_COST_BYTES
        return frame

    def _group_frame(self, item: Block | Lost) -> Frame | None:
        """The frame of an item and those behind it, where they are many and small, and are judged as one."""
        is_wanted = isinstance(item, Block) and self.wants(item.generation.source)
        judged = self._judge_group(item) if is_wanted and isinstance(item, Block) else None
        if judged is None:
            return None
        last = judged.blocks[-1]
        selected, is_kept = self.selected(judged), self._view_count() > 1
        if self.key.shape is Shape.BATCH and selected:
            events = judged.events(selected, Shape.BATCH, judged.counts_by_block(selected), is_kept=is_kept)
            content = b"".join(events)
        else:
            content = judged.frame(selected, self.key.shape, is_kept=is_kept)
        return Frame(content, last.next_at, position_after(last), records=len(selected))

    def joins(self, block: Block) -> bool:
        """Whether frames of the block and its neighbours should be made together: nobody else looks at its lines."""
        return self._view_count() == 1 and self.wants(block.generation.source) and self.joining.is_due(block)

    def frames(self, blocks: Sequence[Block]) -> list[Frame] | None:
        """The frames of neighbours that are wanted, made together; None if each has to be looked at by itself."""
        began_ns = thread_time_ns()
        judged = self._judged(joined(blocks), self._judge_once)
        if judged is None:
            return [Frame(b"", block.next_at, position_after(block)) for block in blocks]
        line_counts = [block.content.count(b"\n") for block in blocks]
        if judged.line_count != sum(line_counts):
            self.joining.was_in_vain()
            return None
        selected = self.selected(judged)
        cuts = [bisect_left(selected, end) for end in accumulate(line_counts)]
        counts = [cut - before for before, cut in pairwise((0, *cuts))]
        told = [count for count in counts if count]
        contents = iter(judged.events(selected, self.key.shape, told, is_kept=False) if told else ())
        frames = [
            Frame(next(contents) if count else b"", block.next_at, position_after(block), records=count)
            for block, count in zip(blocks, counts, strict=True)
        ]
        if thread_time_ns() - began_ns > _LONG_NS:
            self.joining.was_in_vain()
        return frames

    def keep_chunk(self, at: int, chunk: Chunk) -> None:
        """Have what was joined from the place `at` on for the others who look; nobody else needs it."""
        if self.users > 1:
            self.chunks.keep(at, chunk, most_chunks_bytes(self.users, self._view_count()))

    def frame(self, item: Block | Lost) -> Frame:
        """The frame of any item, kept nowhere."""
        if isinstance(item, Lost):
            if not self.wants(item.gap.source or ""):
                return Frame(b"", item.next_at, None if self.key.is_closed else item.after)
            return Frame(self._encoder.encode_gap(item.gap, item.after), item.next_at, item.after, item.gap)
        if not self.wants(item.generation.source):
            return Frame(b"", item.next_at, None if self.key.is_closed else position_after(item))
        judged = self._judged(item, self._judge)
        if judged is None:
            return Frame(b"", item.next_at, position_after(item))
        return self._frame_of(item, judged)

    def sifted_frame(self, block: Block) -> Frame:
        """The frame of a block that a sieve has let through."""
        return self._frame_of(block, self._judge(block))

    def _frame_of(self, block: Block, judged: JudgedBlock) -> Frame:
        selected = self.selected(judged)
        content = judged.frame(selected, self.key.shape, is_kept=self._view_count() > 1)
        return Frame(content, block.next_at, position_after(block), records=len(selected))

    def picked_frames(self, picked: Picked) -> list[Frame]:
        """Frames of lines that were picked out. A `batch` in them tells of what one block can hold."""
        judged, selected = self.selected_of(picked)
        if not selected:
            return [Frame(b"", picked.next_at, picked.after)]
        counts = judged.counts(selected, self.key.shape)
        events = judged.events(selected, self.key.shape, counts, is_kept=False)
        frames = []
        for content, count, end in zip(events, counts, accumulate(counts), strict=True):
            at, after = judged.reached(selected[end - 1]) if end < len(selected) else (picked.next_at, picked.after)
            frames.append(Frame(content, at, after, records=count))
        return frames

    def selected_of(self, picked: Picked) -> tuple[PickedLines, list[int]]:
        """Lines that were picked out, and the indexes of those that the view's query selects."""
        judged = self._judge_picked(picked)
        # A return that ends a line is found by patterns, and not shown.
        is_decided = self._query.is_decided_by_sieve and not judged.has_returns
        return judged, self.selected(judged, is_decided=is_decided)

    def sieve_of(self, generation: Generation, most_picked: int = BLOCK_LINES) -> Sieve | None:
        """What tells of many lines of a generation at once which of them the view can select, if anything does."""
        sieve = self._query.sieve
        if sieve is None or self._plain_bytes(generation) is None:
            return None
        return Sieve(sieve.stops, partial(self._are_alone, generation), most_picked, sieve.tells_ends)

    def _judged(self, block: Block, judge: Callable[[Block], JudgedBlock]) -> JudgedBlock | None:
        """The block; None if it is known that the view can select no line of it."""
        return None if self._block_sieve.holds_back(block) else judge(block)

    def select(self, judged: JudgedBlock) -> list[EncodedRecord]:
        """The records of a block that the view's query selects, in order."""
        return [judged.encoded(index) for index in self.selected(judged)]

    def selected(self, judged: JudgedBlock, *, is_decided: bool = False) -> list[int]:
        """The indexes of the lines that the view's query selects, ascending; all if that `is_decided`."""
        began_ns = perf_counter_ns()
        selected = (
            list(judged.kept)
            if is_decided or self._query.everything
            else self._query.select(
                judged.text,
                judged.text_ends,
                source=judged.block.generation.source,
                facts=judged,
                universe=judged.kept,
                scanned=judged.scanned,
            )
        )
        self._count.measured(len(judged.kept), perf_counter_ns() - began_ns)
        self._count.add(len(judged.kept), len(selected), judged.block.time_ms)
        return selected

    def evidence(self) -> ViewEvidence:
        """What the view has done so far; a block that was read again counts again."""
        sources, query, shape, _ = self.key
        return ViewEvidence(sources, query, shape, self.users, self._count.told(query))

    def forget_frames(self) -> None:
        """Drop all finished frames: the rules have changed."""
        self._frames.clear()
        self._frames_bytes = 0
        self.chunks.clear()
        self.epoch += 1

    def __repr__(self) -> str:
        """The selection, and how much is kept."""
        return f"<View {self.key.sources or '*'} {self.key.query!r} {self.key.shape} users={self.users}>"
