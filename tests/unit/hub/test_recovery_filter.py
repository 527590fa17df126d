from __future__ import annotations

from logstream.hub.recovery_filter import RecoveryFilter, rest_of
from logstream.journal.base import Block, Lost, Recovery
from logstream.records import Gap, GapReason, Generation, Position

OWN, OTHER = Generation("own", "app", "/a.log"), Generation("other", "app", "/b.log")


def block(generation: Generation, start: int, at: int, content: bytes = b"one\ntwo\n") -> Block:
    return Block(generation, start, at, 0, b"", content)


def lost(generation: Generation, at: int) -> Lost:
    gap = Gap(generation.source, generation.file, 0, 5, None, GapReason.TRUNCATED)
    return Lost(gap, at, at + 1, Position(generation.key, 5, 0))


def test_what_the_client_has_of_its_own_file_is_left_out_and_all_else_is_told() -> None:
    recovery = RecoveryFilter(Recovery("own", 12))

    assert recovery.only is None
    assert recovery.left_of(block(OTHER, 0, 0)) == block(OTHER, 0, 0)
    assert recovery.left_of(block(OWN, 0, 8)) is None
    assert not recovery.is_over(16)
    assert recovery.left_of(block(OWN, 8, 16)) == Block(OWN, 12, 20, 0, b"one\n", b"two\n")
    assert recovery.is_over(24)
    assert recovery.is_sure(24)
    assert recovery.left_of(block(OWN, 0, 24)) == block(OWN, 0, 24)


def test_a_block_that_ends_where_the_client_is_ends_the_way_back() -> None:
    recovery = RecoveryFilter(Recovery("own", 8))

    assert recovery.left_of(block(OWN, 0, 0)) is None
    assert recovery.is_over(8)


def test_on_the_way_back_positions_lead_to_the_way_back() -> None:
    recovery = RecoveryFilter(Recovery("own", 8, until=30, told_as="former"))

    assert (recovery.only, recovery.until) == ("own", 30)
    assert not recovery.is_sure(8)
    assert recovery.left_of(block(OWN, 8, 16)) == block(OWN._replace(key="former"), 8, 16)
    named = recovery.left_of(lost(OWN, 24))
    assert isinstance(named, Lost)
    assert named.after == Position("former", 5, 0)
    assert recovery.left_of(lost(OTHER, 25)) == lost(OTHER, 25)
    assert not recovery.is_over(29)
    assert recovery.is_over(30)
    assert recovery.left_of(block(OWN, 16, 30)) == block(OWN, 16, 30)


def test_the_rest_of_a_loss_is_the_loss() -> None:
    assert rest_of(lost(OWN, 3), 3) == lost(OWN, 3)
