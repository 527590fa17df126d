"""How far the walk back for the last records looks at once, how it judges what it finds, and where it orders that."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from logstream.hub import merge as merge_module
from logstream.hub.merge import last_by_time
from tests.hub_kit import Stage

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from logstream.hub.judged_block import JudgedBlock
    from logstream.hub.picked_lines import PickedLines
    from logstream.journal.base import Block, Picked
    from logstream.records import Generation


def windows(density: float, count: int) -> list[int]:
    """How far is looked each time until there are `count` records, of which `density` are in a MiB."""
    looked = [merge_module._FIRST_WINDOW_BYTES]
    while (found := int(sum(looked) * density / 2**20)) < count:
        looked.append(merge_module._next_window(looked[-1], sum(looked), found, count))
    return looked


def test_a_walk_for_rare_records_takes_few_looks_and_looks_hardly_further_than_it_must() -> None:
    for density in (0.5, 0.9, 3.0, 20.0, 200.0, 1000.0):
        looked = windows(density, 200)

        assert len(looked) <= 9
        assert sum(looked) <= 1.2 * (200 / density * 2**20) + (1 << 20)


def test_a_walk_that_finds_nothing_looks_ever_further_up_to_a_bound() -> None:
    looked = [merge_module._FIRST_WINDOW_BYTES]
    for _ in range(6):
        looked.append(merge_module._next_window(looked[-1], sum(looked), 0, 200))

    assert looked == [262_144, 1 << 20, 4 << 20, 16 << 20, 32 << 20, 32 << 20, 32 << 20]


async def test_lines_found_far_apart_are_judged_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge_module, "_FIRST_WINDOW_BYTES", 8 << 20)
    async with Stage(tmp_path) as stage:
        file = stage.file("app.log")
        filler = [b"nothing %06d\n" % line for line in range(10_000)]
        for number in range(30):
            found = b"2026-03-14T10:00:%02dZ INFO [main] a.b: needle %d\n" % (number, number)
            await stage.tell(file.changes(*filler, found, coarse=True))
        judged: list[int] = []
        view = stage.view("needle")

        def judge_picked(some: Picked) -> PickedLines:
            judged.append(len(some.ends))
            return stage.hub._judge_picked(some)

        monkeypatch.setattr(view, "_judge_picked", judge_picked)
        records, _ = await last_by_time(stage.hub, view, 25)

        assert [record.json.count(b"needle %d" % number) for number, record in enumerate(records, 5)] == [2] * 25
        assert max(judged) >= 25


async def test_lines_of_a_clock_that_is_behind_do_not_let_the_walk_go_on_through_block_after_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They came one by one, and nothing that was recorded before is known to be older."""
    monkeypatch.setattr(merge_module, "MERGE_BLOCKS", 60)
    monkeypatch.setattr(merge_module, "_FIRST_WINDOW_BYTES", 1_000)
    async with Stage(tmp_path) as stage:
        files = [stage.file(f"{name}.log") for name in "abcd"]
        for number in range(2_000):
            line = b"2026-03-14T10:%02d:%02dZ INFO line %d\n" % (number // 60, number % 60, number)
            await stage.tell(files[number % 4].changes(line))
        looked_at: list[int] = []
        judge = stage.hub.judge

        def judge_noting(block: Block) -> JudgedBlock:
            looked_at.append(block.at)
            return judge(block)

        monkeypatch.setattr(stage.hub, "judge", judge_noting)
        records, _ = await last_by_time(stage.hub, stage.view(), 10)

    assert [b"line %d" % number in record.json for number, record in enumerate(records, 1_990)] == [True] * 10
    assert len(looked_at) <= 60 + 30  # and the first window


async def test_a_file_that_is_forgotten_while_its_end_is_looked_at_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process that follows the one which records, that is heard of between any two questions."""
    monkeypatch.setattr(merge_module, "MERGE_BYTES", 20_000)
    monkeypatch.setattr(merge_module, "_FIRST_WINDOW_BYTES", 1_000)
    async with Stage(tmp_path) as stage:
        kept, forgotten, large = (stage.file(f"{name}.log") for name in ("kept", "forgotten", "large"))
        for file, name in ((kept, b"kept"), (forgotten, b"forgotten")):
            await stage.tell(file.changes(b"2026-03-14T10:00:50Z %s\n" % name))
        for _ in range(20):
            await stage.tell(large.changes(*[b"2026-03-14T10:00:30Z large\n"] * 250))
        place_in = stage.hub.journal.place_in

        async def place_if_kept(generation: Generation, offset: int) -> int | None:
            return None if generation.file.endswith("forgotten.log") else await place_in(generation, offset)

        before, _ = await last_by_time(stage.hub, stage.view(), 2)
        monkeypatch.setattr(stage.hub.journal, "place_in", place_if_kept)
        since, _ = await last_by_time(stage.hub, stage.view(), 2)

    assert [b"Z forgotten" in record.json for record in before] == [False, True]
    assert [b"Z large" in record.json for record in since] == [True, False]
    assert b"Z kept" in since[-1].json


async def test_the_records_of_many_files_are_put_in_order_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    merged = merge_module.merged

    def noting(matches: list[merge_module._Match]) -> list[merge_module._Match]:
        threads.append(threading.get_ident())
        return merged(matches)

    monkeypatch.setattr(merge_module, "merged", noting)
    monkeypatch.setattr(merge_module, "_MANY", 50)
    async with Stage(tmp_path) as stage:
        view = stage.view()
        for number in range(60):
            await stage.tell(stage.file(f"{number}.log").changes(b"2026-11-01T10:%02d:00Z x\n" % (59 - number)))
            if number == 4:
                await last_by_time(stage.hub, view, 3)
        records, _ = await last_by_time(stage.hub, view, 3)

    assert [thread == threading.get_ident() for thread in threads] == [True, False]
    assert [b"10:5%d:00" % minute in record.json for record, minute in zip(records, (7, 8, 9), strict=True)] == [
        True
    ] * 3
