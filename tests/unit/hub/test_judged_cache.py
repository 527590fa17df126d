from __future__ import annotations

from logstream.hub.judged_block import JudgedBlock, SourceTraits
from logstream.hub.judged_cache import JudgedCache, Key
from logstream.journal.base import Block
from logstream.records import Generation
from logstream.rules import RuleSet
from tests.hub_kit import CountingEncoder

GENERATION = Generation("aaaaaaaa", "app", "/a.log")


def judged(at: int, content: bytes) -> tuple[Key, JudgedBlock]:
    block = Block(GENERATION, at, at, 0, b"", content)
    return ("aaaaaaaa", at, len(content)), JudgedBlock(block, SourceTraits(), RuleSet([]), CountingEncoder())


def test_judged_blocks_are_kept_by_their_bytes_and_lines_and_the_oldest_leaves() -> None:
    cache = JudgedCache(most_bytes=100_000)
    for number in range(20):
        cache.keep(*judged(number * 10_000, b"x" * 9_999 + b"\n"))
    assert [one.block.at for one in cache.blocks] == [number * 10_000 for number in range(11, 20)]
    assert cache.get(judged(0, b"x" * 9_999 + b"\n")[0]) is None

    for number in range(20):
        cache.keep(*judged(1_000_000 + number * 500, b"\n" * 500))
    assert len(cache.blocks) == 3
    assert cache._bytes == sum(one.cost_bytes for one in cache.blocks)

    cache.keep(*judged(2_000_000, b"\n" * 50_000))
    assert len(cache.blocks) == 1


def test_no_more_blocks_are_kept_than_may_be() -> None:
    cache = JudgedCache(most_blocks=3)
    for number in range(5):
        cache.keep(*judged(number, b"x\n"))
    assert [one.block.at for one in cache.blocks] == [2, 3, 4]


def test_what_is_forgotten_is_not_there_and_costs_nothing() -> None:
    cache = JudgedCache()
    key, block = judged(0, b"x\n")
    cache.keep(key, block)
    cache.forget()

    assert cache.get(key) is None
    assert cache.blocks == ()
    assert cache._bytes == 0
