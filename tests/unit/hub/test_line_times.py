"""The times of the lines of a walk: what stands in for one that is not told, and how nobody waits while it is found."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from logstream.hub.history import count_by_time
from logstream.hub.line_times import LOOK_BACK_BYTES, LineTimes
from logstream.hub.merge import last_by_time
from logstream.journal.base import Block
from logstream.journal.cutting import BLOCK_LINES
from tests.hub_kit import CLOCK_SECONDS, Stage

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.hub.judged_block import JudgedBlock
    from logstream.records import Generation

CLOCK_MS = int(CLOCK_SECONDS * 1000)
TIMED = b"2026-03-14T09:00:00Z INFO begun\n"
TIMED_MS = 1_773_478_800_000


async def told(stage: Stage, *lines: bytes) -> list[Block]:
    """The blocks of one file that holds `lines`."""
    await stage.tell(stage.file("a.log").changes(*lines, coarse=True))
    return [item for item in await stage.items() if isinstance(item, Block)]


class Looks:
    """The bytes before blocks that a hub has read again."""

    def __init__(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bytes = 0
        self._read = stage.journal.bytes_before
        monkeypatch.setattr(stage.journal, "bytes_before", self._count)

    def _count(self, generation: Generation, offset: int, length: int) -> bytes | None:
        found = self._read(generation, offset, length)
        self.bytes += len(found or b"")
        return found


async def test_a_count_over_lines_without_times_looks_at_none_of_them_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Stage(tmp_path) as stage:
        blocks = await told(stage, *(b"line %d tells no time\n" % number for number in range(4_000)))
        looks = Looks(stage, monkeypatch)

        found = await count_by_time(stage.hub, stage.view(), (CLOCK_MS - 60_000,), CLOCK_MS + 60_000)

        assert sum(found.counts[0].values()) == 4_000
        assert len(blocks) > 20
        assert looks.bytes == 0


async def test_the_last_of_lines_without_times_are_found_with_one_look_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Stage(tmp_path) as stage:
        lines = [b"line %d tells no time\n" % number for number in range(40_000)]
        await told(stage, *lines)
        looks = Looks(stage, monkeypatch)

        records, _ = await last_by_time(stage.hub, stage.view("-nothing"), 4_000)

        assert len(records) == 4_000
        assert looks.bytes <= 2 * LOOK_BACK_BYTES


@pytest.mark.parametrize("blank_lines", [10, 192, 193, 1_000])
async def test_a_line_without_a_time_has_that_of_the_last_line_before_it_that_tells_one(
    tmp_path: Path, blank_lines: int
) -> None:
    async with Stage(tmp_path) as stage:
        lines = [b"older\n", TIMED, *(b"tells none\n" for _ in range(blank_lines))]
        last = (await told(stage, *lines))[-1]
        line = last._replace(start=last.end - len(lines[-1]), content=lines[-1])

        assert await LineTimes(stage.hub).before(line) == TIMED_MS
        if blank_lines > BLOCK_LINES:
            assert set(await LineTimes(stage.hub).of(stage.hub.judge(last))) == {TIMED_MS}


async def test_a_time_further_back_than_is_looked_counts_no_more(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        blank = b"tells none\n"
        last = (await told(stage, TIMED, *(blank for _ in range(LOOK_BACK_BYTES // len(blank) + 200))))[-1]

        assert await LineTimes(stage.hub).before(last) >= last.time_ms


async def test_walks_in_any_direction_tell_the_same_times(tmp_path: Path) -> None:
    """What one block has told of those before it is true for whoever comes to these next."""
    async with Stage(tmp_path) as stage:
        pieces = [TIMED if number in {700, 2_900} else b"line %d tells no time\n" % number for number in range(6_000)]
        blocks = await told(stage, *pieces)
        alone = [await LineTimes(stage.hub).of(stage.hub.judge(block)) for block in blocks]
        for order in (blocks, blocks[::-1], blocks[::2] + blocks[1::2], blocks[5:] + blocks[:5]):
            times = LineTimes(stage.hub)
            found = {block.at: await times.of(stage.hub.judge(block)) for block in order}

            assert [found[block.at] for block in blocks[: len(alone) // 2]] == alone[: len(alone) // 2]


async def test_no_more_than_a_block_of_lines_is_looked_at_before_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Stage(tmp_path) as stage:
        last = (await told(stage, *(b"x\n" for _ in range(20_000))))[-1]
        judge_alone = stage.hub.judge_alone
        lines_a_turn: list[int] = [0]

        def counting(block: Block) -> JudgedBlock:
            judged = judge_alone(block)
            lines_a_turn[-1] += judged.line_count
            return judged

        async def take_turns() -> None:
            while True:
                await asyncio.sleep(0)
                lines_a_turn.append(0)

        monkeypatch.setattr(stage.hub, "judge_alone", counting)
        others = asyncio.create_task(take_turns(), name="others")
        await asyncio.sleep(0)
        await LineTimes(stage.hub).before(last)
        others.cancel()

        assert sum(lines_a_turn) > 10_000
        assert max(lines_a_turn) <= BLOCK_LINES


async def test_between_two_lines_whose_times_are_looked_for_others_have_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Stage(tmp_path) as stage:
        filler = [b"no more than words %06d\n" % number for number in range(2_000)]
        file = stage.file("a.log")
        for number in range(60):
            await stage.tell(file.changes(*filler, TIMED, b"needle %d\n" % number, coarse=True))
        looks = Looks(stage, monkeypatch)
        counts = [0]

        async def take_turns() -> None:
            while True:
                await asyncio.sleep(0)
                counts.append(looks.bytes)

        others = asyncio.create_task(take_turns(), name="others")
        await asyncio.sleep(0)
        records, _ = await last_by_time(stage.hub, stage.view("needle"), 50)
        others.cancel()

        assert len(records) == 50
        assert looks.bytes > 20 * LOOK_BACK_BYTES // 2
        assert max(after - before for before, after in pairwise(counts)) <= LOOK_BACK_BYTES
