"""Compressed generations are read as if they were not: records of them, and ids that point into them."""

from __future__ import annotations

import bz2
import gzip
import lzma
from typing import TYPE_CHECKING

import pytest

from logstream.journal import locate as locate_module
from logstream.journal.base import Block, Lost
from logstream.journal.sqlite import SqliteJournal
from logstream.records import GapReason, Position
from tests.story import StoryFile, batch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LINES = [b"line %05d %s\n" % (number, b"x" * (number % 90)) for number in range(5_000)]


def open_journal(tmp_path: Path) -> SqliteJournal:
    return SqliteJournal(tmp_path / "state", "process", lambda _: 65_536)


async def content_of(journal: SqliteJournal) -> bytes | GapReason:
    reader = journal.reader(0)
    found = b""
    while (item := await reader.read(journal.head)) is not None:
        if isinstance(item, Lost):
            return item.gap.reason
        found += item.content
    return found


async def recorded(journal: SqliteJournal, path: Path, *, is_proven: bool = True) -> StoryFile:
    """A file of which all has been recorded and proven, and that the tail has lost sight of."""
    file = StoryFile(path, "s")
    await journal.commit(batch(file.changes(*LINES, coarse=True)))
    await journal.commit(batch(*([file.proof()] if is_proven else []), file.sealed(GapReason.DELETED)))
    return file


def pack(path: Path, target: Path, packed: Callable[[bytes], bytes]) -> None:
    target.write_bytes(packed(path.read_bytes()))
    path.unlink()


@pytest.mark.parametrize(
    ("suffix", "packed"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)], ids=["gz", "bz2", "xz"]
)
@pytest.mark.parametrize("name", ["a.log", "a.log.1", "a.log-20261101"])
async def test_what_was_compressed_is_told_again(
    tmp_path: Path, name: str, suffix: str, packed: Callable[[bytes], bytes]
) -> None:
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log")
    pack(file.path, tmp_path / f"{name}.{suffix}", packed)

    assert await content_of(journal) == b"".join(LINES)
    await journal.aclose()


@pytest.mark.parametrize("is_led_on", [False, True])
async def test_what_was_rotated_and_compressed_behind_a_link_is_told_again(
    tmp_path: Path,
    is_led_on: bool,  # noqa: FBT001 - a table of facts
) -> None:
    """Conformance: C2."""
    journal = open_journal(tmp_path)
    home, link = tmp_path / "pods" / "shop_web-1_0f3a" / "web", tmp_path / "containers" / "web.log"
    home.mkdir(parents=True)
    link.parent.mkdir()
    link.symlink_to(home / "0.log")
    await recorded(journal, link)
    pack(home / "0.log", home / "0.log.20261129-030058.gz", gzip.compress)
    if is_led_on:
        link.unlink()
        link.symlink_to(home / "1.log")

    assert await content_of(journal) == b"".join(LINES)
    await journal.aclose()


async def test_an_id_in_a_compressed_generation_leads_to_its_place(tmp_path: Path) -> None:
    """Conformance: C9."""
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log")
    reader = journal.reader(0)
    block = await reader.read(journal.head)
    assert isinstance(block, Block)
    position = await journal.position_at(block.next_at)
    pack(file.path, tmp_path / "a.log.1.gz", gzip.compress)
    journal._locator.close()

    assert position is not None
    assert (await journal.resolve(position)).at == block.next_at
    assert (await journal.resolve(Position(position.generation, position.offset, position.anchor ^ 1))).at is None
    await journal.aclose()


@pytest.mark.parametrize("length", [5, 12, 60])
async def test_an_archive_that_is_still_being_written_keeps_nobody_from_the_one_beside_it(
    tmp_path: Path, length: int
) -> None:
    """Whoever lagged was told a gap while a newer file was compressed. Conformance: C4."""
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log")
    whole = file.path.read_bytes()
    pack(file.path, tmp_path / "a.log.2.gz", gzip.compress)
    newer = gzip.compress(b"".join(b"%d of another life\n" % number for number in range(100)))
    (tmp_path / "a.log.1.gz").write_bytes(newer[:length])

    assert await content_of(journal) == whole
    await journal.aclose()


async def test_a_gzip_of_several_members_is_one_file(tmp_path: Path) -> None:
    """Conformance: C5."""
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log")
    whole = file.path.read_bytes()
    members = gzip.compress(whole[:1_000]) + gzip.compress(whole[1_000:])
    pack(file.path, tmp_path / "a.log.1.gz", lambda _: members)

    assert await content_of(journal) == whole
    await journal.aclose()


async def test_more_in_the_copy_than_was_recorded_is_left_in_it(tmp_path: Path) -> None:
    """Conformance: C10."""
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log")
    whole = file.path.read_bytes()
    pack(file.path, tmp_path / "a.log.1.gz", lambda content: gzip.compress(content + b"later\n"))

    assert await content_of(journal) == whole
    await journal.aclose()


@pytest.mark.parametrize(
    "packed",
    [
        lambda content: gzip.compress(content)[:-200],
        lambda content: gzip.compress(content[: len(content) // 2]),
        lambda content: gzip.compress(b"other" + content),
        lambda content: gzip.compress(content[:-100] + b"y" * 100),
        lambda content: b"\x1f\x8b" + content,
        lambda content: content,
        lambda _: b"",
    ],
    ids=["half written", "half of it", "other head", "other end", "damaged", "not compressed", "empty"],
)
async def test_what_is_not_the_generation_is_not_taken_for_it(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log")
    pack(file.path, tmp_path / "a.log.1.gz", packed)

    assert await content_of(journal) is GapReason.DELETED
    await journal.aclose()


async def test_of_several_copies_the_right_one_is_found(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log")
    whole = file.path.read_bytes()
    for number, content in enumerate([b"other\n" * 9, whole[:-50] + b"z" * 50, whole, b"more\n"], start=1):
        (tmp_path / f"a.log.{number}.gz").write_bytes(gzip.compress(content))
    (tmp_path / "b.log.1.gz").write_bytes(gzip.compress(whole))
    file.path.unlink()

    assert await content_of(journal) == whole
    (tmp_path / "a.log.3.gz").unlink()
    journal._locator.close()
    assert await content_of(journal) is GapReason.DELETED
    await journal.aclose()


async def test_unpacked_bytes_are_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = open_journal(tmp_path)
    for name in ("a.log", "b.log"):
        file = await recorded(journal, tmp_path / name)
        pack(file.path, tmp_path / f"{name}.1.gz", gzip.compress)
    assert await content_of(journal) == b"".join(LINES) * 2
    assert len(journal._locator._open) == 2
    assert not [path for path in (tmp_path / "state").iterdir() if path.name.startswith("unpacked")]
    journal._locator.release_idle()
    journal._locator.release_idle()
    assert len(journal._locator._open) == 0

    monkeypatch.setattr(locate_module, "UNPACKED_BYTES", 10)
    assert await content_of(journal) == b"".join(LINES) * 2
    assert len(journal._locator._open) == 1
    await journal.aclose()


async def test_without_room_to_unpack_bytes_are_unreadable_and_not_gone(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log")
    pack(file.path, tmp_path / "a.log.1.gz", gzip.compress)
    journal._locator._directory = tmp_path / "missing"

    assert await content_of(journal) is GapReason.UNREADABLE
    journal._locator._directory = tmp_path
    assert await content_of(journal) == b"".join(LINES)
    await journal.aclose()


async def test_what_nobody_has_proven_is_not_told_from_its_name_alone(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)
    file = await recorded(journal, tmp_path / "a.log", is_proven=False)
    pack(file.path, tmp_path / "a.log.1.gz", gzip.compress)

    assert await content_of(journal) is GapReason.DELETED
    await journal.aclose()
