"""Neighbouring blocks are read and written together, and nobody can tell by their frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from logstream.hub import catch_up, joining
from logstream.hub import recent as recent_module
from logstream.hub import view as view_module
from logstream.hub.frames import Shape
from logstream.hub.joining import (
    MOST_BLOCKS,
    MOST_BYTES,
    MOST_LINES,
    Joining,
    Sifting,
    joined,
    neighbours,
    picked_together,
)
from logstream.journal.base import Block, Lost, Passed, Picked
from logstream.records import Gap, GapReason, Generation, Level, Position
from logstream.rules import Rule, RuleSet, parse_level_condition
from tests.hub_kit import Stage, drain, texts, told

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from logstream.hub.frames import Columns

GENERATION = Generation("aaaaaaaa", "app", "/app.log")
LINES = [f"2026-03-14T09:{n // 60:02}:{n % 60:02}.000Z INFO  [main] a.b: line {n} of some length" for n in range(900)]
CONTENT = "".join(f"{line}\n" for line in LINES).encode()


def block(start: int, size: int = 100, at: int | None = None) -> Block:
    return Block(GENERATION, start, start if at is None else at, 0, b"", b"x" * (size - 1) + b"\n")


def passed(at: int, length: int = 1000) -> Passed:
    return Passed(GENERATION, at, at + length, 0, Position(GENERATION.key, at + length, at), at + 10)


def picked(at: int, count: int = 1, line: bytes = b"found\n", length: int = 10_000) -> Picked:
    """Lines found at the beginning of a stretch, each a line apart from the one before it."""
    starts = [2 * number * len(line) for number in range(count)]
    ends = [start + len(line) for start in starts]
    after = Position(GENERATION.key, at + length, at)
    return Picked(GENERATION, at, at, 0, starts, ends, line * count, ends, at + length, after)


def counted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many frames were written together, each time."""
    found: list[int] = []
    encode = stage.encoder.encode_frames

    def noted(columns: Columns, shape: Shape, counts: Sequence[int]) -> list[bytes]:
        found.append(len(counts))
        return encode(columns, shape, counts)

    monkeypatch.setattr(stage.encoder, "encode_frames", noted)
    return found


def test_blocks_that_follow_each_other_are_neighbours_and_are_one_when_joined() -> None:
    blocks = [block(0), block(100), block(200)]

    assert neighbours(blocks[0], blocks[1:]) == blocks
    assert joined(blocks) == block(0)._replace(content=b"".join(one.content for one in blocks))


@pytest.mark.parametrize(
    "other",
    [
        block(101, at=100),
        block(100, at=101),
        block(100)._replace(generation=GENERATION._replace(key="bbbbbbbb")),
        block(100)._replace(is_durable=False),
        block(100)._replace(time_ms=1),
        block(100, MOST_BYTES - 99),
        Lost(Gap("app", "/app.log", 100, 200, 1, GapReason.DELETED), 100, 101, None),
    ],
)
def test_what_is_of_another_place_file_or_kind_or_too_much_is_no_neighbour(other: Block | Lost) -> None:
    assert neighbours(block(0), [other, block(200)]) == [block(0)]


def test_no_more_blocks_are_joined_than_take_a_moment() -> None:
    blocks = [block(100 * number) for number in range(2 * MOST_BLOCKS)]

    assert neighbours(blocks[0], blocks[1:]) == blocks[:MOST_BLOCKS]


def test_joining_in_vain_is_not_tried_again_for_a_while() -> None:
    large = block(0, joining.FEWEST_BYTES)
    one = Joining()
    assert one.is_due(large)
    assert not one.is_due(block(0))
    assert not one.is_due(large._replace(is_durable=False))

    one.was_in_vain()

    assert not one.is_due(large)
    assert [one.is_due(large) for _ in range(200)][-1]


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("is_near", [True, False])
async def test_frames_made_together_are_those_made_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Shape, *, is_near: bool
) -> None:
    async with Stage(tmp_path) as stage:
        if not is_near:
            monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
        await stage.tell(stage.file("a.log").changes(CONTENT))
        view = stage.view(shape=shape)
        one_by_one = [view.frame(item) for item in await stage.items()]
        together = counted(stage, monkeypatch)
        subscriber = stage.subscriber(view)

        frames = []
        while subscriber.at < stage.hub.head:
            frames.append(await subscriber._next_frame())
            subscriber._pass(frames[-1])

        assert frames == one_by_one
        assert max(together) > 1
        assert stage.hub.ahead_bytes == 0
        assert [event.type for event in told(frames[0].content)] == (
            ["batch"] if shape is Shape.BATCH else ["line"] * 192
        )


RULES = (
    Rule("few", match="line [0-9]*7 ", event="seven", highlight="red"),
    Rule("gone", match="line 1[0-9]* ", action="drop"),
    Rule("all", level=parse_level_condition("info"), set_level=Level.WARN),
)
SPOILT = [f"{line}\n    at a.b.C(D.java:{n})" if n % 50 == 0 else line for n, line in enumerate(LINES)]


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("is_near", [True, False])
@pytest.mark.parametrize("query", ["", "some", "line -7", "level:warn", "event:seven", "899", "nothing"])
@pytest.mark.parametrize("lines", [LINES, SPOILT], ids=["plain", "traces"])
async def test_frames_made_together_are_those_made_one_by_one_whatever_rules_and_a_query_do(  # noqa: PLR0913
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: Shape, query: str, lines: list[str], *, is_near: bool
) -> None:
    async with Stage(tmp_path, RuleSet(RULES)) as stage:
        if not is_near:
            monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
        await stage.tell(stage.file("a.log").changes("".join(f"{line}\n" for line in lines).encode()))
        view = stage.view(query, shape=shape)
        blocks = [item for item in await stage.items() if isinstance(item, Block)]
        one_by_one = [view.frame(block) for block in blocks]
        tried = view.evidence().evidence.lines_tried

        together = [frame for at in range(0, len(blocks), 4) for frame in view.frames(blocks[at : at + 4]) or ()]

        assert together == one_by_one
        assert view.evidence().evidence.lines_tried == 2 * tried
        assert await drain(stage.subscriber(view)) == b"".join(frame.content for frame in one_by_one)


async def test_blocks_that_take_long_together_come_one_by_one_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_module, "_LONG_NS", 0)
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(CONTENT))
        view = stage.view()
        together = counted(stage, monkeypatch)

        assert texts(await drain(stage.subscriber(view))) == LINES
        assert together[0] > 1
        assert set(together[1:]) == {1}


async def test_blocks_that_others_look_at_are_not_joined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(CONTENT))
        view, _other = stage.view(), stage.view("some")
        together = counted(stage, monkeypatch)

        assert texts(await drain(stage.subscriber(view))) == LINES
        assert set(together) <= {1}


def test_where_nearly_each_block_has_something_it_is_not_asked_first() -> None:
    one = Sifting()
    for _ in range(3):
        assert one.is_due()
        one.was_in_vain()
    one.was_worth_while()
    for _ in range(4):
        assert one.is_due()
        one.was_in_vain()
    assert not one.is_due()
    assert [one.is_due() for _ in range(200)][-1]
    one.was_in_vain()
    assert not one.is_due()


async def test_what_lags_is_read_block_by_block_while_others_hold_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    monkeypatch.setattr(catch_up, "AHEAD_BYTES", 1)
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(CONTENT))
        together = counted(stage, monkeypatch)

        assert texts(await drain(stage.subscriber())) == LINES
        assert set(together) == {1}


async def test_lines_that_cannot_be_read_at_once_are_told_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line if number % 100 else f"no time {line}" for number, line in enumerate(LINES)]
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes("".join(f"{line}\n" for line in lines).encode()))
        view = stage.view()

        assert texts(await drain(stage.subscriber(view))) == lines
        assert view.evidence().evidence.lines_tried == len(lines)


async def test_nothing_that_was_made_ahead_outlives_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(CONTENT))
        subscriber = stage.subscriber()
        first = await subscriber.pull(0)
        assert first is not None
        assert stage.hub.ahead_bytes > 0

        stage.hub.reconfigure(RuleSet([Rule("hidden", match=r"line \d+", redact=True)]), {})
        rest = texts(await drain(subscriber))

        told_before = len(texts(first.content))
        assert len(rest) == len(LINES) - told_before
        # The frame at the place was made before; what comes behind it was not.
        assert not [text for text in rest[192:] if "line" in text]
        assert stage.hub.ahead_bytes == 0


async def test_who_leaves_gives_back_what_was_made_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_module, "RECENT_ITEMS", 0)
    async with Stage(tmp_path) as stage:
        await stage.tell(stage.file("a.log").changes(CONTENT))
        subscriber = stage.subscriber()
        await subscriber.pull(0)
        assert stage.hub.ahead_bytes > 0

        subscriber._leave_history()

        assert stage.hub.ahead_bytes == 0


def test_few_lines_that_were_picked_out_and_those_behind_them_are_as_if_picked_out_of_one_stretch() -> None:
    first, second = picked(0), picked(11_000, 2)

    passed_over = picked_together(first, passed(10_000))
    assert passed_over == first._replace(next_at=11_000, after=Position(GENERATION.key, 11_000, 10_000))
    assert passed_over is not None
    assert picked_together(passed_over, second) == Picked(
        GENERATION, 0, 0, 0, [0, 11_000, 11_012], [6, 11_006, 11_018], b"found\n" * 3, [6, 6, 18], 21_000, second.after
    )


@pytest.mark.parametrize(
    "other",
    [
        picked(10_001),
        picked(10_000)._replace(start=10_001),
        picked(10_000)._replace(time_ms=1),
        picked(10_000)._replace(generation=GENERATION._replace(key="bbbbbbbb")),
        picked(10_000, MOST_LINES),
        picked(10_000, 1, b"x" * MOST_BYTES + b"\n", 1 << 20),
        passed(10_000)._replace(after=None),
        passed(9_999),
        block(10_000),
        Lost(Gap("app", "/app.log", 10_000, None, None, GapReason.DELETED), 10_000, 10_001, None),
        None,
    ],
)
def test_what_is_elsewhere_or_is_much_is_not_joined_to_lines_that_were_picked_out(other: object) -> None:
    assert picked_together(picked(0), other) is None
