from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

import pytest

from logstream.hub import view as view_module
from logstream.hub.frames import Shape
from logstream.journal.base import Block, Lost
from logstream.journal.ids import decode_id
from logstream.records import Gap, GapReason, Generation, Position
from tests.hub_kit import Stage, told

if TYPE_CHECKING:
    from pathlib import Path

GENERATION = Generation("aaaaaaaa", "app", "/app.log")
AFTER = Position("aaaaaaaa", 40, 0)
LOST = Lost(Gap("app", "/app.log", 10, 40, 3, GapReason.DELETED), 10, 40, AFTER)


def block(content: bytes, at: int = 0) -> Block:
    return Block(GENERATION, at, at, 0, b"", content)


@pytest.mark.parametrize(
    ("globs", "wanted"),
    [((), {"app", "web-a", "web-b"}), (("web-*",), {"web-a", "web-b"}), (("app", "*-b"), {"app", "web-b"})],
)
async def test_a_view_wants_the_sources_that_one_of_its_globs_names(
    tmp_path: Path, globs: tuple[str, ...], wanted: set[str]
) -> None:
    async with Stage(tmp_path) as stage:
        view = stage.view(sources=globs)

        assert {name for name in ("app", "web-a", "web-b") if view.wants(name)} == wanted


async def test_a_frame_near_the_head_is_made_once(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        view = stage.view()
        item = block(b"one\ntwo\n")

        assert view.shared_frame(item) is view.shared_frame(item)
        assert stage.encoder.frames == 1


async def test_finished_frames_are_bounded_and_the_oldest_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_module, "FRAMES_BYTES", 10_000)
    async with Stage(tmp_path) as stage:
        view = stage.view()
        items = [block(b"x" * 1_000 + b"\n", at) for at in range(0, 50_050, 1_001)]
        frames = [view.shared_frame(item) for item in items]

        assert view._frames_bytes <= 10_000
        assert 5 <= len(view._frames) <= 10
        assert view.shared_frame(items[-1]) is frames[-1]
        again = view.shared_frame(items[0])
        assert again is not frames[0]
        assert again == frames[0]


async def test_empty_frames_count_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "FRAMES_BYTES", 10_000)
    async with Stage(tmp_path) as stage:
        view = stage.view("nowhere")
        for at in range(1_000):
            view.shared_frame(block(b"\n", at))

        assert len(view._frames) <= 10_000 // view_module._FRAME_COST_BYTES


async def test_a_single_frame_larger_than_the_bound_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_module, "FRAMES_BYTES", 100)
    async with Stage(tmp_path) as stage:
        view = stage.view()
        item = block(b"x" * 1_000 + b"\n")

        assert view.shared_frame(item) is view.shared_frame(item)


async def test_frames_are_made_anew_once_they_are_forgotten(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        view = stage.view()
        item = block(b"one\n")
        before = view.shared_frame(item)
        view.forget_frames()

        assert view.shared_frame(item) is not before
        assert view._frames_bytes == len(before.content) + view_module._FRAME_COST_BYTES


async def test_a_query_decides_which_records_a_frame_holds_but_not_where_it_ends(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        item = block(b"one\nERROR two\nthree\n")
        frame = stage.view("level:>=error").frame(item)
        (event,) = told(frame.content)
        none = stage.view("nowhere").frame(item)

        assert event.json["text"] == "ERROR two"
        assert decode_id(event.id) == Position("aaaaaaaa", 14, decode_id(event.id).anchor)  # type: ignore[union-attr]
        assert none.content == b""
        assert (frame.next_at, frame.position) == (none.next_at, none.position)
        assert frame.position is not None
        assert frame.position.offset == frame.next_at == len(item.content)


async def test_a_batch_is_one_event_with_the_id_of_its_last_record(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        (event,) = told(stage.view("one OR two", shape=Shape.BATCH).frame(block(b"one\ntwo\nthree\n")).content)

        assert event.type == "batch"
        assert [record["text"] for record in event.json] == ["one", "two"]
        assert event.id == event.json[-1]["id"]


async def test_a_loss_is_told_with_the_id_after_it(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        frame = stage.view("nothing matches this").frame(LOST)
        (event,) = told(frame.content)

        assert event.type == "gap"
        assert event.json == {
            "source": "app", "file": "/app.log", "from": 10, "to": 40, "lines": 3, "bytes": 30, "reason": "deleted",
        }  # fmt: skip
        assert decode_id(event.id) == AFTER
        assert (frame.next_at, frame.position, frame.gap) == (40, AFTER, LOST.gap)


async def test_what_is_not_wanted_moves_the_position_and_tells_nothing(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        view = stage.view(sources=("web",))
        passed, lost = view.frame(block(b"one\n")), view.frame(LOST)

        assert (passed.content, passed.next_at, passed.position and passed.position.offset) == (b"", 4, 4)
        assert (lost.content, lost.next_at, lost.position, lost.gap) == (b"", 40, AFTER, None)
        assert stage.encoder.frames == 0


async def test_a_view_tells_what_it_is(tmp_path: Path) -> None:
    async with Stage(tmp_path) as stage:
        assert repr(stage.view("error", ("web",), Shape.BATCH)) == "<View ('web',) 'error' batch users=1>"


async def test_a_view_that_selected_most_lines_of_a_block_finds_the_few_of_those_behind_it(tmp_path: Path) -> None:
    common, rare = b"needle\n" * 50, b"hay\n" * 49 + b"needle\n"
    contents = [common, *[rare] * 40, common, rare]
    async with Stage(tmp_path) as stage:
        view = stage.view("needle")
        places = accumulate(map(len, contents), initial=0)

        frames = [view.frame(block(content, at)) for content, at in zip(contents, places, strict=False)]

        assert [frame.records for frame in frames] == [content.count(b"needle") for content in contents]
        evidence = view.evidence().evidence
        assert (evidence.lines_tried, evidence.hits) == (50 * len(contents), 2 * 50 + 41)
