from __future__ import annotations

import gzip
import zlib
from io import BytesIO
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import pytest

from logstream.tail.likeness import Likeness
from logstream.tail.members import may_grow, read_until, starts_of_members, told_until

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVES = [b"first\n" * 9, b"second\n" * 30, b"third\n", b"fourth\n" * 2]
STARTS = (0, 54, 264, 270)
TOTAL = 284


def likeness(content: bytes) -> Likeness:
    head = content[:256]
    return Likeness(len(content), len(head), zlib.crc32(head), len(content), zlib.crc32(content[-64:]))


@pytest.fixture
def unpacked() -> Iterator[int]:
    with TemporaryFile(buffering=0) as file:
        file.write(b"".join(LIVES))
        yield file.fileno()


@pytest.mark.parametrize("padding", [0, 1, 20_000])
def test_members_begin_where_the_one_before_ends(padding: int) -> None:
    packed = bytes(padding).join(map(gzip.compress, LIVES))
    assert starts_of_members(BytesIO(packed + bytes(padding)), TOTAL) == STARTS


def test_members_behind_what_was_unpacked_do_not_count() -> None:
    packed = b"".join(map(gzip.compress, LIVES))
    assert starts_of_members(BytesIO(packed), 264) == STARTS[:2]
    assert starts_of_members(BytesIO(packed), 200) == STARTS[:2]


def test_a_damaged_archive_has_the_members_before_the_damage() -> None:
    packed = [*map(gzip.compress, LIVES)]
    for damaged in (packed[1][:-9], packed[1][:-8] + bytes(8), b"no member"):
        assert starts_of_members(BytesIO(packed[0] + damaged + packed[2]), TOTAL)[:2] == STARTS[:2]
    assert starts_of_members(BytesIO(b"no member"), 9) == (0,)
    assert starts_of_members(BytesIO(b""), 0) == (0,)


@pytest.mark.parametrize("name", ["app.log.gz", "app.gz", "access.log.bz2", "app.web.log.xz"])
def test_the_one_archive_of_a_log_has_its_name(name: str) -> None:
    assert may_grow(f"/logs/{name}")


@pytest.mark.parametrize(
    "name", ["app.log", "app.log.1.gz", "app-2026-11-28.log.gz", "app.log.old.gz", "app.log-20261128.gz"]
)
def test_an_archive_with_a_count_or_a_date_is_one_of_several(name: str) -> None:
    assert not may_grow(f"/logs/{name}")


def test_what_was_told_ends_with_the_last_life_that_is_all_of_a_member(unpacked: int) -> None:
    assert told_until(unpacked, STARTS, [], []) == 0
    assert told_until(unpacked, STARTS, [], [likeness(LIVES[0])]) == 54
    assert told_until(unpacked, STARTS, [], [likeness(LIVES[1]), likeness(LIVES[2])]) == 270
    assert told_until(unpacked, STARTS, [], [likeness(LIVES[3])]) == TOTAL
    assert (
        told_until(unpacked, STARTS, [], [likeness(LIVES[3][:7]), likeness(LIVES[1][:-7]), likeness(b"fifth\n")]) == 0
    )


def test_what_was_told_of_the_archive_itself_ends_with_one_of_its_members(unpacked: int) -> None:
    whole = b"".join(LIVES)
    assert told_until(unpacked, STARTS, [likeness(whole[:264]), likeness(whole[:54])], []) == 264
    assert told_until(unpacked, STARTS, [likeness(whole[:263])], [likeness(LIVES[2])]) == 270
    assert told_until(unpacked, STARTS, [likeness(whole[:264])], [likeness(LIVES[0])]) == 264


def test_a_life_that_was_read_in_part_is_read_on_in_its_member(unpacked: int) -> None:
    assert read_until(unpacked, STARTS, 0, likeness(LIVES[1][:14])) == 68
    assert read_until(unpacked, STARTS, 54, likeness(LIVES[1])) == 264
    assert read_until(unpacked, STARTS, 264, likeness(LIVES[1])) is None
    assert read_until(unpacked, STARTS, 0, likeness(LIVES[2] + b"x")) is None
    assert read_until(unpacked, STARTS, 0, likeness(b"fifth\n")) is None


def test_of_members_that_are_alike_each_life_has_one_and_those_behind_are_new() -> None:
    with TemporaryFile(buffering=0) as file:
        file.write(b"tick\n" * 3)
        alike = likeness(b"tick\n")
        assert told_until(file.fileno(), (0, 5, 10), [], [alike, alike]) == 10
        assert read_until(file.fileno(), (0, 5, 10), 5, alike) == 10
