"""Which files tell times that are later than when they were read: a clock that is ahead, a zone that was taken wrong.

Who asks for lines from a moment on is not shown what was recorded before it, but of files that are known to be ahead.
Owns the ends of what was read last of each file, and the pace at which they are compared with the time of reading. No
line is read for it while files are: a line of each file now and then tells enough, as all of a file have one clock.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from logstream.hub.block_lines import lines_of
from logstream.hub.parsed_lines import ParsedLines
from logstream.journal.base import USUALLY_AHEAD_MS, Block
from logstream.journal.errors import JournalError
from logstream.tail.batch import ANCHOR_BYTES
from logstream.tail.framing import framing_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from logstream.hub.hub import Hub
    from logstream.hub.judged_block import SourceTraits
    from logstream.journal.base import Lost

PAUSE_SECONDS: Final = 1.0
FILES_A_LOOK: Final = 100
"""So many files are looked at after each pause: others wait for the next."""
MOST_HELD: Final = 8192
"""The most ends that wait to be looked at; the one that has waited longest leaves, and comes when its file grows."""
END_BYTES: Final = 2048
"""What is held of each: of a longer line nothing is."""
_FILES_A_SLICE: Final = 16
_LINES_ASKED: Final = 3
"""The last line may be one without a time, as a stack trace has them."""
MOST_AHEAD_MS: Final = 26 * 3_600_000
"""No zone is further ahead of another. What tells a later time is no clock, and would have everything searched."""
_STEP_MS: Final = 60_000


class LatestEnds:
    """The end of what was read last of each file, until somebody looks at it."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._held: dict[str, Block] = {}
        self._has_any = asyncio.Event()

    def note(self, items: Iterable[Block | Lost]) -> None:
        """Hold the ends of what was recorded."""
        ends = {item.generation.key: item for item in items if isinstance(item, Block)}
        for key, block in ends.items():
            end = block if len(block.content) <= END_BYTES else _end_of(block)
            if end.content:
                self._held[key] = end
        while len(self._held) > MOST_HELD:
            del self._held[next(iter(self._held))]
        if self._held:
            self._has_any.set()

    async def wait(self) -> None:
        """Return once there is any."""
        await self._has_any.wait()

    def take(self, most: int) -> list[Block]:
        """Those that have waited longest, at most so many."""
        taken = [self._held.pop(key) for key in list(self._held)[:most]]
        if not self._held:
            self._has_any.clear()
        return taken

    def __repr__(self) -> str:
        """How many wait."""
        return f"<LatestEnds held={len(self._held)}>"


def _end_of(block: Block) -> Block:
    """The whole lines in a block's last bytes."""
    cut_off = len(block.content) - END_BYTES
    content = block.content[cut_off:]
    start = block.start + cut_off
    skip = framing_of(block.generation.encoding).first_end(content, start)
    lead = block.before(cut_off + skip)[-ANCHOR_BYTES:]
    return block._replace(start=start + skip, content=content[skip:], lead=lead)


def ahead_ms(block: Block, traits: SourceTraits) -> int | None:
    """By how much a line at the block's end tells a later time than that of its recording; None: none tells any."""
    _, text, _, texts, *_ = lines_of(block, traits)
    parsed = ParsedLines(text, texts, block, traits)
    for index in reversed(range(max(0, len(texts) - _LINES_ASKED), len(texts))):
        told_ms = parsed.time_ms_of(index)
        if told_ms is not None:
            return told_ms - block.time_ms
    return None


class ClockWatch:
    """Tells a journal which files are ahead, for the hub that records in it."""

    def __init__(self, hub: Hub) -> None:
        """Look at what the hub takes in from now on."""
        self._hub = hub

    async def run(self) -> None:
        """Look at what was read until cancelled."""
        while True:
            await self._hub.latest_ends.wait()
            await asyncio.sleep(PAUSE_SECONDS)
            await self.look()

    async def look(self) -> None:
        """Look at the files that have waited longest."""
        blocks = self._hub.latest_ends.take(FILES_A_LOOK)
        found, is_current = await self._find_ahead(blocks)
        while not is_current:
            # The sources were told others meanwhile: zones, perhaps. What is noted once is never taken back.
            found, is_current = await self._find_ahead(blocks)
        if found:
            with suppress(JournalError):  # the tail says so; these files are looked at again when they grow
                await self._hub.journal.note_ahead(found)

    async def _find_ahead(self, blocks: list[Block]) -> tuple[dict[str, int], bool]:
        """By how much files are ahead, those that are; and whether what was known of sources is so still."""
        found: dict[str, int] = {}
        traits = self._hub.traits
        for number, block in enumerate(blocks, 1):
            ahead = ahead_ms(block, self._hub.traits_of(block.generation))
            if ahead is not None and USUALLY_AHEAD_MS < ahead <= MOST_AHEAD_MS:
                # In steps, so that a clock that wavers is not noted again and again.
                found[block.generation.key] = -(-ahead // _STEP_MS) * _STEP_MS
            if number % _FILES_A_SLICE == 0:
                await asyncio.sleep(0)
        return found, traits is self._hub.traits
