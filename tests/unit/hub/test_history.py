"""How far one question of the past goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from logstream.hub import history
from logstream.hub.history import PASSED_SHARE, Wanted, count_by_time, page_after
from logstream.hub.times import Span
from tests.hub_kit import CLOCK_SECONDS, Stage

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    import pytest

LINES = tuple(b"INFO line %d\n" % number for number in range(2000))


async def test_a_search_ends_at_its_budget_also_where_all_is_passed_over(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        for number in range(5):
            await stage.tell(stage.file(f"{number}.log").changes(*LINES))
        wanted = Wanted(stage.view("nowhere"), Span(None, None), 100)
        at, steps = 0, list[int]()
        while at < stage.hub.durable_head:
            page = await page_after(stage.hub, wanted, at, scan_bytes=sum(map(len, LINES)) // PASSED_SHARE)
            assert page.records == ()
            assert page.scanned_to is not None
            at = (await stage.journal.resolve(page.scanned_to)).at or 0
            steps.append(at)
            assert page.more is (at < stage.hub.durable_head)

    assert len(steps) > 1
    assert steps == sorted(set(steps))


async def test_a_count_that_ends_at_its_budget_closes_its_walk_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A walk that is only broken off is closed by a task that belongs to nobody."""
    monkeypatch.setattr(history, "_COUNT_BYTES", 1)
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(*LINES))
        begun: list[Coroutine[object, object, object]] = []
        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "create_task", begun.append)
            found = await count_by_time(stage.hub, stage.view(), (0,), int(CLOCK_SECONDS * 1000) + 10_000)
            await asyncio.sleep(0)

    assert not found.complete
    assert begun == []
