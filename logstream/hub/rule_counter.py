"""Counts what the rules do with each line that is recorded, whether anybody looks or not, and samples what they cost.

Owns a place that follows the head; what viewers have judged is not judged again. It lags when lines come fast, and
gives way to those who read; it skips nothing.
"""

from __future__ import annotations

import asyncio
from time import thread_time_ns
from typing import TYPE_CHECKING, Final

from logstream.hub.recovery_filter import rest_of
from logstream.journal.base import Block, Lost
from logstream.rules import RuleSet, concerns

if TYPE_CHECKING:
    from logstream.hub.hub import Hub
    from logstream.hub.judged_block import JudgedBlock
    from logstream.hub.verdict_cache import CachedVerdicts
    from logstream.journal.base import BlockReader
    from logstream.rules import Rule

PAUSE_SECONDS: Final = 0.05
"""How long new lines wait to be counted: viewers have judged them by then, and the work is not done twice."""
_NEAR_BYTES: Final = 1 << 20
"""Who reads and is no further behind will have judged soon what is to be counted next: that is waited for."""
_STEP_BYTES: Final = 64 * 1024
"""How far such a one must have come since the last look; nobody waits for who is slower, or stands still."""
_SLICE_SECONDS: Final = 0.005
SAMPLED: Final = 64
"""One block in so many is put to one rule alone, to see what it costs; of the first ones more."""


class RuleCounter:
    """Follows the head of one hub."""

    def __init__(self, hub: Hub) -> None:
        """Begin with what is recorded from now on."""
        self.at = hub.head
        self._hub = hub
        self._reader: BlockReader | None = None
        self._blocks = 0
        self._alone: dict[Rule, RuleSet] = {}
        self._awaited: int | None = None
        """Where the one stood who was waited for."""
        hub.verdict_cache.begin(self.at)

    async def run(self) -> None:
        """Count until cancelled."""
        try:
            while True:
                if self.at >= self._hub.head:
                    await self._wait()
                await asyncio.sleep(PAUSE_SECONDS)
                await self.catch_up()
        finally:
            self._leave_history()

    async def _wait(self) -> None:
        future = self._hub.waking.wait()
        try:
            await future
        finally:
            self._hub.waking.leave(future)

    async def catch_up(self) -> None:
        """Count up to the head."""
        if not self._hub.rules.rules:
            self._leave_history()
            self.at = self._hub.head  # nothing to count: nor are files read again for it
            return
        clock = asyncio.get_running_loop().time
        slice_end = clock() + _SLICE_SECONDS
        while self.at < self._hub.head:
            told = self._hub.verdict_cache.take(self.at)
            if told is not None:
                await self._add(told)
            elif not await self._has_waited():
                await self._judge_next()
            if clock() >= slice_end:
                await asyncio.sleep(_SLICE_SECONDS)  # as long as the slice: half of the loop is for those who read
                slice_end = clock() + _SLICE_SECONDS

    async def _add(self, told: CachedVerdicts) -> None:
        """Count what was said of the lines at the place."""
        self._leave_history()
        self._hub.tally.add(told.spoken, told.time_ms)
        item = self._hub.recent.find(self.at) if self._is_sampled() else None
        if isinstance(item, Block):
            await self._measure(self._hub.judge(item))
        self.at = told.next_at

    async def _has_waited(self) -> bool:
        """Whether somebody who comes by soon was waited for."""
        place = self._hub.place_behind(self.at)
        if place is None or self.at - place > _NEAR_BYTES:
            return False
        if self._awaited is not None and abs(place - self._awaited) < _STEP_BYTES:
            return False
        self._awaited = place
        await asyncio.sleep(PAUSE_SECONDS)
        return True

    async def _judge_next(self) -> None:
        """Judge what is at the place, and count it."""
        item = await self._next()
        if isinstance(item, Block):
            judged = self._hub.judge(item)
            self._hub.verdict_cache.take(self.at)
            self._hub.tally.add(judged.verdicts.spoken, item.time_ms)
            if self._is_sampled():
                await self._measure(judged)
        self.at = self._hub.recent.start if item is None else item.next_at

    def _is_sampled(self) -> bool:
        """Whether to see on this block what one rule costs."""
        self._blocks += 1
        return self._blocks % SAMPLED == 0 or self._blocks & (self._blocks - 1) == 0

    async def _next(self) -> Block | Lost | None:
        """The item at the place; None if there is none before those in memory."""
        item = self._hub.recent.find(self.at)
        if item is not None:
            self._leave_history()
            return rest_of(item, self.at)
        if self._reader is None:
            self._reader = self._hub.journal.reader(self.at)
        return await self._reader.read(self._hub.recent.start)

    def _leave_history(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _measure(self, judged: JudgedBlock) -> None:
        """Put the block to the rule that was measured on the fewest lines, alone."""
        source = judged.block.generation.source
        tally = self._hub.tally
        concerned = [rule for rule in tally.counts if concerns(rule, source)]
        if not concerned:
            return
        rule = min(concerned, key=lambda rule: tally.counts[rule].measured_lines)
        if rule not in self._alone:
            self._alone = {known: alone for known, alone in self._alone.items() if known in tally.counts}
            self._alone[rule] = await asyncio.to_thread(RuleSet, [rule])
        began_ns = thread_time_ns()
        judged.put_to(self._alone[rule])
        tally.counts[rule].measured(len(judged.ends), thread_time_ns() - began_ns)

    def __repr__(self) -> str:
        """How far behind the count is."""
        return f"<RuleCounter at={self.at} lag_bytes={self._hub.head - self.at}>"
