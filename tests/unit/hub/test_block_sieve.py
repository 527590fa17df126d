"""Blocks near the head that are passed over together: which these are, and where the way over them ends."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from logstream.hub import block_sieve as block_sieve_module
from logstream.hub.block_sieve import FAR_BYTES, BlockSieve, in_one_piece
from logstream.hub.view import View
from logstream.journal.base import Block, Lost
from logstream.records import Gap, GapReason, Generation
from logstream.rules import compile_query, parse_query
from logstream.rules.evidence import Count
from tests.hub_kit import Stage, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from logstream.hub.frames import Frame

GENERATION = Generation("aaaaaaaa", "app", "/app.log")
NOTHING = b"nothing\n" * 10


def blocks_of(*contents: bytes, generation: Generation = GENERATION) -> list[Block]:
    blocks, at = [], 0
    for content in contents:
        blocks.append(Block(generation, at, at, 0, b"", content))
        at += len(content)
    return blocks


def sieve_of(query: str, *, longest: int | None = 65_536) -> BlockSieve:
    """One that has just seen a block in which nothing was."""
    compiled = compile_query(parse_query(query))
    sieve = BlockSieve(compiled.sieve, lambda _: longest, Count())
    sieve.holds_back(*blocks_of(NOTHING))
    return sieve


@pytest.mark.parametrize("found_in", [*range(1, 20), None])
def test_all_blocks_before_the_first_with_a_match_are_passed_over_and_no_more(found_in: int | None) -> None:
    blocks = blocks_of(*[b"needle\n" if number == found_in else NOTHING for number in range(20)])
    sieve = sieve_of("needle")
    last = sieve.held_back(blocks[0], blocks[1:])

    assert last is blocks[19 if found_in is None else found_in - 1]
    assert [block for block in blocks if sieve.has_found(block)] == ([] if found_in is None else [blocks[found_in]])


@pytest.mark.parametrize("content", [b"a needle\n", b"needle\n" + NOTHING, NOTHING + b"needle\n"])
def test_a_block_with_a_match_is_not_passed_over(content: bytes) -> None:
    blocks = blocks_of(content, *[NOTHING] * 19)

    assert sieve_of("needle").held_back(blocks[0], blocks[1:]) is None


@pytest.mark.parametrize("content", [b"x" * 65_537 + b"\n", b"no line end"])
def test_nothing_is_passed_over_where_a_line_may_be_another_one(content: bytes) -> None:
    blocks = blocks_of(*[NOTHING] * 19, content)

    assert sieve_of("needle").held_back(blocks[0], blocks[1:]) is None
    assert sieve_of("needle", longest=None).held_back(blocks[0], blocks[1:-1]) is None


def test_nothing_is_passed_over_of_bytes_of_which_a_pattern_cannot_tell() -> None:
    blocks = blocks_of(*[NOTHING] * 18, b"\xff\n")

    assert sieve_of("/ne+dle/").held_back(blocks[0], blocks[1:-1]) is blocks[-2]
    assert sieve_of("/ne+dle/").held_back(blocks[0], blocks[1:]) is None


def test_few_blocks_and_what_follows_a_match_are_asked_about_one_by_one() -> None:
    blocks = blocks_of(*[NOTHING] * 20)
    sieve = sieve_of("needle")

    assert sieve.held_back(blocks[0], blocks[1 : block_sieve_module.FEWEST_FAR - 1]) is None
    assert not sieve.holds_back(*blocks_of(b"needle\n"))
    assert sieve.held_back(blocks[0], blocks[1:]) is None
    assert sieve.holds_back(blocks[0])
    assert sieve.held_back(blocks[0], blocks[1:]) is blocks[-1]


def others() -> Iterator[object]:
    gap = Gap("app", "/app.log", 160, 170, 1, GapReason.DELETED)
    third = blocks_of(*[NOTHING] * 3)[2]
    yield Lost(gap, 160, 161, None)
    yield third._replace(generation=GENERATION._replace(key="bbbbbbbb"))
    yield third._replace(at=third.at + 1)
    yield third._replace(start=third.start + 1)
    yield third._replace(is_durable=not third.is_durable)


@pytest.mark.parametrize("other", list(others()))
def test_blocks_are_in_one_piece_as_far_as_one_follows_the_other(other: object) -> None:
    blocks = blocks_of(*[NOTHING] * 5)

    assert in_one_piece(blocks[0], blocks[1:], FAR_BYTES) == blocks
    assert in_one_piece(blocks[0], [blocks[1], other, *blocks[3:]], FAR_BYTES) == blocks[:2]


def test_no_more_is_looked_at_together_than_is_done_in_no_time() -> None:
    blocks = blocks_of(*[b"\n"] * 1_000)

    assert in_one_piece(blocks[0], blocks[1:], FAR_BYTES) == blocks[: block_sieve_module.MOST_FAR]
    assert in_one_piece(blocks[0], blocks[1:], 10) == blocks[:10]


def test_a_sieve_that_takes_long_is_given_less_and_one_that_does_not_more_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = count(0, 4_000_000)
    monkeypatch.setattr(block_sieve_module, "thread_time_ns", lambda: next(clock))
    blocks = blocks_of(*[b"nothing\n" * 2_560] * 100)  # 20 KiB each
    sieve = sieve_of("needle")

    def passed() -> int:
        last = sieve.held_back(blocks[0], blocks[1:])
        assert last is not None
        return blocks.index(last) + 1

    assert [passed() for _ in range(4)] == [51, 25, 12, 12]
    clock = count(0, 1_000_000)
    assert [passed() for _ in range(4)] == [12, 25, 51, 51]


async def test_who_is_near_the_head_passes_many_blocks_in_one_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames: list[Frame] = []
    make = View.shared_frame

    def spy(view: View, *arguments: object) -> Frame:
        frames.append(make(view, *arguments))  # type: ignore[arg-type]
        return frames[-1]

    monkeypatch.setattr(View, "shared_frame", spy)
    async with Stage(tmp_path) as stage:
        file = stage.file("a.log")
        view = stage.view("needle")
        subscriber = stage.subscriber(view)
        for number in range(300):
            await stage.tell(file.changes(b"needle %d\n" % number if number in {200, 201, 299} else NOTHING))
        heard = []
        while (pulled := await subscriber.pull(0)) is not None:
            heard += told(pulled.content)

        assert [event.json["text"] for event in heard] == ["needle 200", "needle 201", "needle 299"]
        assert subscriber.position == await stage.journal.position_at(stage.hub.head)
        assert len(frames) < 30
        assert view.evidence().evidence.lines_tried >= 297 * 10
