"""Counts what the rules do with each line that is recorded, whether anybody looks or not, and samples what they cost.

Owns a place that follows the head. It lags when lines come fast, and gives way to those who read; it skips nothing.
"""

from __future__ import annotations

import asyncio
from time import thread_time_ns
from typing import TYPE_CHECKING, Final

from logstream.journal.base import Block, Lost
from logstream.rules import RuleSet, concerns

if TYPE_CHECKING:
    from logstream.hub.hub import Hub
    from logstream.hub.judged import Judged
    from logstream.journal.base import BlockReader
    from logstream.rules import Rule

PAUSE_SECONDS: Final = 0.05
"""How long new lines wait to be counted: viewers have judged them by then, and the work is not done twice."""
_SLICE_SECONDS: Final = 0.005
SAMPLED: Final = 64
"""One block in so many is put to one rule alone, to see what it costs; of the first ones more."""


class Counting:
    """Follows the head of one hub."""

    def __init__(self, hub: Hub) -> None:
        """Begin with what is recorded from now on."""
        self.at = hub.head
        self._hub = hub
        self._reader: BlockReader | None = None
        self._blocks = 0
        self._alone: dict[Rule, RuleSet] = {}

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
        future = self._hub.wait()
        try:
            await future
        finally:
            self._hub.leave(future)

    async def catch_up(self) -> None:
        """Count up to the head."""
        if not self._hub.rules.rules:
            self._leave_history()
            self.at = self._hub.head  # nothing to count: nor are files read again for it
            return
        clock = asyncio.get_running_loop().time
        slice_end = clock() + _SLICE_SECONDS
        while self.at < self._hub.head:
            item = await self._next()
            if isinstance(item, Block):
                await self._count(item)
            self.at = self._hub.recent.start if item is None else item.next_at
            if clock() >= slice_end:
                await asyncio.sleep(_SLICE_SECONDS)  # as long as the slice: half of the loop is for those who read
                slice_end = clock() + _SLICE_SECONDS

    async def _next(self) -> Block | Lost | None:
        """The item at the place; None if there is none before those in memory."""
        item = self._hub.recent.find(self.at)
        if item is not None:
            self._leave_history()
            return item
        if self._reader is None:
            self._reader = self._hub.journal.reader(self.at)
        return await self._reader.read(self._hub.recent.start)

    def _leave_history(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _count(self, block: Block) -> None:
        judged = self._hub.judge(block)
        self._hub.tally.add(judged.verdicts.spoken, block.time_ms)
        self._blocks += 1
        if self._blocks % SAMPLED == 0 or self._blocks & (self._blocks - 1) == 0:
            await self._measure(judged)

    async def _measure(self, judged: Judged) -> None:
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
        return f"<Counting at={self.at} lag_bytes={self._hub.head - self.at}>"
