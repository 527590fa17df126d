"""A subscriber that lags reads onward, whatever lies between what it wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.hub import catch_up as catch_up_module
from logstream.hub import recent as recent_module
from logstream.hub.frames import Shape
from logstream.journal import upcoming as upcoming_module
from tests.hub_kit import Stage, drain, told

if TYPE_CHECKING:
    from pathlib import Path

    from logstream.hub.picked_lines import PickedLines
    from logstream.journal.base import BlockReader, Picked

PAUSE = b"nothing %06d\n"


def stretch(number: int) -> list[bytes]:
    """Many lines, one of which is looked for."""
    lines = [PAUSE % line for line in range(12_000)]
    lines[6_000] = b"2026-03-14T10:00:00Z INFO [main] a.b: needle %d\n" % number
    return lines


def readers_of(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Where readers were begun."""
    begun: list[int] = []
    reader = stage.journal.reader

    def noted(at: int, *arguments: object, **more: object) -> BlockReader:
        begun.append(at)
        return reader(at, *arguments, **more)  # type: ignore[arg-type] # handed on as they are

    monkeypatch.setattr(stage.journal, "reader", noted)
    return begun


async def test_what_nobody_wants_between_is_passed_by_one_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path) as stage:
        wanted, other = stage.file("a.log", "wanted"), stage.file("b.log", "other")
        for number in range(5):
            await stage.tell(wanted.changes(*stretch(number), coarse=True), other.changes(PAUSE % 0))
        begun = readers_of(stage, monkeypatch)

        found = told(await drain(stage.subscriber(stage.view("needle", ("wanted",)))))
        assert [event.json["text"][-8:] for event in found] == [f"needle {number}" for number in range(5)]
        assert begun == [0]


@pytest.mark.parametrize("shape", Shape)
async def test_few_lines_found_in_many_stretches_are_judged_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Shape
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    monkeypatch.setattr(catch_up_module, "_GATHER_SECONDS", 10)
    monkeypatch.setattr(upcoming_module, "AHEAD_BYTES", 1 << 20)
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        await stage.tell(file.changes(*[PAUSE % line for line in range(10_000)], coarse=True))
        for number in range(40):
            await stage.tell(file.changes(*stretch(number), coarse=True))
        judged: list[int] = []
        view = stage.view("needle", shape=shape)

        def judge_picked(some: Picked) -> PickedLines:
            judged.append(len(some.ends))
            return stage.hub._judge_picked(some)

        monkeypatch.setattr(view, "_judge_picked", judge_picked)
        events = told(await drain(stage.subscriber(view)))

        records = [record for event in events for record in (event.json if shape is Shape.BATCH else [event.json])]
        assert [record["text"][-9:].strip() for record in records] == [f"needle {number}" for number in range(40)]
        assert [event.id for event in events if event.type == shape] == [
            (event.json[-1] if shape is Shape.BATCH else event.json)["id"] for event in events
        ]
        assert sum(judged) == 40
        assert max(judged) > 20
