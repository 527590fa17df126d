"""When lines happened: how often a time that is not told is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from logstream.hub.history import count_by_time
from logstream.journal.base import Block
from tests.hub_kit import CLOCK_SECONDS, Stage

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from logstream.records import Generation

CLOCK_MS = int(CLOCK_SECONDS * 1000)


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
