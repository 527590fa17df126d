"""The hub: takes in what is recorded, wakes those who wait, and keeps the views.

Owns the newest stretch of the recorded order and the table of views. Holds no queue for anybody: a subscriber is a
position that pulls, so a slow one costs a number and delays nobody.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from logstream.hub.clocks import LatestEnds
from logstream.hub.judged_block import JudgedBlock, SourceTraits
from logstream.hub.judged_cache import JudgedCache
from logstream.hub.judged_group import JudgedGroup, groupable_blocks
from logstream.hub.judged_line import judge_block
from logstream.hub.lines_above import SMALL_BYTES, LinesAbove
from logstream.hub.listener import Announcement
from logstream.hub.picked_lines import PickedLines, are_alone, plain_bytes
from logstream.hub.recent import Recent
from logstream.hub.shared_patterns import SharedPatterns
from logstream.hub.traffic import Traffic
from logstream.hub.verdict_cache import VerdictCache
from logstream.hub.view import View, ViewEvidence, ViewKey
from logstream.hub.waking import Waking
from logstream.journal.base import Block
from logstream.rules import Scanned
from logstream.rules.evidence import Evidence, Tally
from logstream.tail.batch import Batch, Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from logstream.hub.frames import FrameEncoder
    from logstream.hub.listener import Listener
    from logstream.journal.base import Journal, Lost, Picked
    from logstream.records import Generation
    from logstream.rules import CompiledQuery, RuleSet


class Hub:
    """Everything between the journal and the subscribers."""

    def __init__(
        self, journal: Journal, encoder: FrameEncoder, rules: RuleSet, traits: Mapping[str, SourceTraits]
    ) -> None:
        """A hub at the journal's head. Clear `has_looked` where files are still to be looked at for the first time."""
        self.journal = journal
        self.encoder = encoder
        self.recent = Recent(journal.head)
        self.traits = dict(traits)
        self.rules = rules
        self.tally = Tally(rules.rules)
        self.traffic = Traffic()
        self.latest_ends = LatestEnds()
        self.verdict_cache = VerdictCache()
        self.has_looked = asyncio.Event()
        """Whether every file that was there has been announced: until then an unknown id may become known."""
        self.has_looked.set()
        self._views: dict[ViewKey, View] = {}
        self._shared_patterns = SharedPatterns()
        self._judged = JudgedCache()
        self._lines_above = LinesAbove(journal, self.judge_alone)
        self.waking = Waking(lambda: self.head, lambda: len(self._listeners))
        self.long_way = asyncio.Lock()
        """Held for a turn of the loop by who goes on a long way without a match: of many such one goes on in each."""
        self._listeners: set[Listener] = set()
        self.ahead_bytes = 0
        """What subscribers that lag hold of frames that they have made ahead."""

    @property
    def head(self) -> int:
        """The place after everything that subscribers may have."""
        return self.recent.end

    @property
    def durable_head(self) -> int:
        """The place after everything that subscribers may have and that has ids: as far as pages of history reach."""
        return min(self.head, self.journal.durable_head)

    @property
    def furthest_lag_bytes(self) -> int:
        """How far the slowest subscriber is behind the head."""
        return max((listener.lag_bytes for listener in self._listeners), default=0)

    def place_behind(self, at: int) -> int | None:
        """Where the one stands who comes to the place `at` next, of those who read."""
        return max((p for listener in self._listeners if (p := self.head - listener.lag_bytes) <= at), default=None)

    @property
    def view_count(self) -> int:
        """How many distinct selections are being looked at."""
        return len(self._views)

    async def accept(self, batch: Batch) -> None:
        """Record a batch, then let subscribers have it: the tail's sink. Raises JournalError and publishes nothing."""
        items = await self.journal.commit(batch)
        self.traffic.recorded(items, batch.time)
        self.latest_ends.note(items)
        self.publish(items, [change for change in batch.changes if isinstance(change, Notice)])

    def publish(self, items: Sequence[Block | Lost], notices: Iterable[Notice] = ()) -> None:
        """Let subscribers have what was recorded."""
        for item in items:
            self.recent.append(item)
        if items:
            self.waking.soon()
        announcement = Announcement(notices)
        for listener in tuple(self._listeners) if announcement.notices else ():
            listener.notify(announcement)

    def pass_over(self) -> None:
        """Subscribers read from the files what is recorded by now and was never published."""
        self.recent = Recent(self.journal.head)
        self.waking.soon()

    def reconfigure(self, rules: RuleSet, traits: Mapping[str, SourceTraits]) -> None:
        """Judge by new rules from now on; subscribers go on where they are."""
        self.rules = rules
        self.tally = Tally(rules.rules, self.tally)
        self.traits = dict(traits)
        self.verdict_cache.forget()
        self._lines_above.clear()
        self._forget_made()

    def _forget_made(self) -> None:
        self._judged.forget()
        for view in self._views.values():
            view.forget_frames()

    def recent_item(self, at: int) -> Block | Lost | None:
        """What is kept in memory of the recorded order at the place `at`, if that is near the head."""
        item = self.recent.find(at)
        if isinstance(item, Block) and not item.is_durable and item.next_at <= self.journal.durable_head:
            # The disk has it now: what was made without ids is made again.
            self.recent.note_durable(self.journal.durable_head)
            self._forget_made()
            return self.recent.find(at)
        return item

    def rule_evidence(self) -> tuple[Evidence, ...]:
        """What each rule has done since the start, in the order of the rules."""
        return self.tally.evidence()

    def view_evidence(self) -> tuple[ViewEvidence, ...]:
        """What each open view has done."""
        return tuple(view.evidence() for view in self._views.values())

    def judge(self, block: Block) -> JudgedBlock:
        """The block with its lines judged, made once while several views ask for it."""
        key = (block.generation.key, block.at, len(block.content))
        judged = self._judged.get(key)
        if judged is None:
            judged = self._judge(block)
            self._judged.keep(key, judged)
        return judged

    def judge_group(self, first: Block) -> JudgedGroup | None:
        """`first` and the blocks behind it judged as one, if they are many and small; made once as well."""
        key = ("", first.at, 0)
        known = self._judged.get(key)
        if isinstance(known, JudgedGroup):
            return known
        traits = self.traits_of(first.generation)
        blocks = groupable_blocks(first, self.recent.after(first), traits)
        if not blocks:
            return None
        judged = JudgedGroup(blocks, traits, self.rules, self.encoder)
        judged.scanned = Scanned(self._shared_patterns)
        for number, block in enumerate(blocks):
            self._lines_above.remember(block, partial(judged.below_block, number))
        self.verdict_cache.note(judged, blocks[-1].next_at)
        self._judged.keep(key, judged)
        return judged

    def _judge(self, block: Block) -> JudgedBlock:
        judged = self.judge_apart(block)
        judged.scanned = Scanned(self._shared_patterns)
        self.verdict_cache.note(judged, block.next_at)
        is_small = len(block.content) <= SMALL_BYTES
        self._lines_above.remember(block, judged.below if is_small else judged.later_below())
        return judged

    def judge_apart(self, block: Block) -> JudgedBlock:
        """As `judge`, for a block that is not one of the recorded order: nobody else will ask for it."""
        above = partial(self._lines_above.above, block)
        return judge_block(block, self.traits_of(block.generation), self.rules, self.encoder, above)

    def _judge_picked(self, picked: Picked) -> PickedLines:
        return PickedLines(picked, self.traits_of(picked.generation), self.rules, self.encoder)

    def _are_alone(self, generation: Generation, lines: bytes) -> bool:
        return are_alone(lines, self.traits_of(generation).folding)

    def lines_before(self, block: Block, length_bytes: int) -> Block | None:
        """The whole lines in the `length_bytes` before the block, read again; None if there are none to be had.

        The place of what they are told in is wrong, and it may be a long one.
        """
        return self._lines_above.lines(block, length_bytes)

    def judge_alone(self, block: Block) -> JudgedBlock:
        """The block with its lines judged, as if nothing stood before them."""
        return JudgedBlock(block, self.traits_of(block.generation), self.rules, self.encoder)

    def traits_of(self, generation: Generation) -> SourceTraits:
        """How bytes of the generation become records; of a source that is no more, as they usually do."""
        return self.traits.get(generation.source, SourceTraits())

    def _plain_bytes(self, generation: Generation) -> int | None:
        return plain_bytes(generation, self.traits_of(generation), self.rules)

    @contextmanager
    def view(self, key: ViewKey, query: CompiledQuery) -> Iterator[View]:
        """The view for `key`, shared with all who hold it now; `query` is what `key` names, compiled."""
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = View(
                key,
                query,
                self.encoder,
                judge=self.judge,
                judge_once=self._judge,
                judge_group=self.judge_group,
                judge_picked=self._judge_picked,
                are_alone=self._are_alone,
                view_count=lambda: self.view_count,
                plain_bytes=self._plain_bytes,
            )
            self._shared_patterns.add(query.patterns)
        view.users += 1
        try:
            yield view
        finally:
            view.users -= 1
            if not view.users:
                del self._views[key]
                self._shared_patterns.remove(query.patterns)

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Let `listener` have notices for as long as the context lasts."""
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    def __repr__(self) -> str:
        """Where the hub is and who looks."""
        return f"<Hub head={self.head} views={len(self._views)} waiters={len(self.waking)}>"
