from __future__ import annotations

import os
import zlib
from typing import TYPE_CHECKING

import pytest

from logstream.journal import locate as locate_module
from logstream.journal.life import Life
from logstream.journal.locate import Locator
from logstream.records import GapReason, Generation
from tests.descriptors import open_descriptors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"first line\n" + b"x" * 200 + b"\nlast line\n"


@pytest.fixture
def locator(tmp_path: Path) -> Iterator[Locator]:
    found = Locator(tmp_path)
    yield found
    found.close()


def life_of(path: Path, key: str = "aaaaaaaa", *, head_length: int = 0, proof_offset: int = 0) -> Life:
    """What is remembered of a file that is there now."""
    facts, content = path.stat(), path.read_bytes()
    return Life(
        slot=0,
        generation=Generation(key, "app", str(path)),
        path=str(path),
        dev=facts.st_dev,
        ino=facts.st_ino,
        igen=None,
        base=0,
        head_length=head_length,
        head_crc=zlib.crc32(content[:head_length]),
        birth_at=0,
        committed=len(content),
        proof_offset=proof_offset,
        proof_crc=zlib.crc32(content[:proof_offset][-64:]),
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(CONTENT)
    return path


def rewrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def content_at(descriptor: int | GapReason) -> bytes:
    assert isinstance(descriptor, int), descriptor
    return os.pread(descriptor, 10_000, 0)


def test_a_file_is_found_under_its_path_and_stays_open(locator: Locator, log: Path) -> None:
    life = life_of(log, head_length=50, proof_offset=len(CONTENT))

    assert content_at(locator.locate(life)) == CONTENT
    assert locator.locate(life) == locator.locate(life)


def test_a_renamed_file_is_found_beside_its_old_path(locator: Locator, log: Path) -> None:
    life = life_of(log)
    log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"a new file\n")

    assert content_at(locator.locate(life)) == CONTENT


def test_a_file_that_was_renamed_behind_a_link_is_found(locator: Locator, log: Path) -> None:
    link = log.with_name("links") / "web.log"
    link.parent.mkdir()
    link.symlink_to(log)
    life = life_of(link)
    log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"a new file\n")

    assert content_at(locator.locate(life)) == CONTENT


def test_an_open_file_is_read_on_after_it_was_deleted(locator: Locator, log: Path) -> None:
    life = life_of(log)
    locator.locate(life)
    log.unlink()

    assert content_at(locator.locate(life)) == CONTENT


def test_a_deleted_file_is_deleted(locator: Locator, log: Path) -> None:
    life = life_of(log)
    log.unlink()

    assert locator.locate(life) is GapReason.DELETED


def test_a_directory_that_went_away_too_is_no_error(locator: Locator, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "a.log"
    path.write_bytes(CONTENT)
    life = life_of(path)
    path.unlink()
    path.parent.rmdir()

    assert locator.locate(life) is GapReason.UNREADABLE, "both may come back"
    life.gone = GapReason.DELETED
    assert locator.locate(life) is GapReason.DELETED


def test_a_file_in_a_directory_that_is_back_is_found_again(locator: Locator, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    path = tmp_path / "deep" / "a.log"
    path.write_bytes(CONTENT)
    life = life_of(path)
    hidden = path.parent.rename(tmp_path / "hidden")
    assert locator.locate(life) is GapReason.UNREADABLE

    hidden.rename(path.parent)
    assert content_at(locator.locate(life)) == CONTENT
    path.unlink()
    locator.forget(life.generation.key)
    assert locator.locate(life) is GapReason.DELETED, "its directory is there"


@pytest.mark.parametrize("known", ["head", "proof"])
@pytest.mark.parametrize("now", [b"", b"other bytes " * 100, CONTENT.replace(b"first", b"FIRST").replace(b"la", b"LA")])
def test_a_file_that_was_written_anew_is_not_taken_for_what_it_was(
    locator: Locator, log: Path, known: str, now: bytes
) -> None:
    head_length, proof_offset = (50, 0) if known == "head" else (0, len(CONTENT))
    life = life_of(log, head_length=head_length, proof_offset=proof_offset)
    log.write_bytes(now)
    before = open_descriptors()

    assert locator.locate(life) is GapReason.TRUNCATED
    assert open_descriptors() == before


def test_the_head_tells_files_apart_whose_ends_are_alike(locator: Locator, log: Path) -> None:
    life = life_of(log, head_length=10, proof_offset=len(CONTENT))
    log.write_bytes(b"FIRST" + CONTENT[5:])

    assert locator.locate(life) is GapReason.TRUNCATED


@pytest.mark.parametrize("kind", ["directory", "fifo", "symlink to nowhere"])
def test_what_is_no_file_any_more_is_not_read_and_not_waited_for(locator: Locator, log: Path, kind: str) -> None:
    life = life_of(log)
    log.unlink()
    match kind:
        case "directory":
            log.mkdir()
        case "fifo":
            os.mkfifo(log)
        case _:
            log.symlink_to("nowhere")

    assert locator.locate(life) is GapReason.DELETED


def test_a_file_that_cannot_be_opened_is_unreadable(locator: Locator, log: Path) -> None:
    life = life_of(log)
    log.unlink()
    log.symlink_to(log)

    assert locator.locate(life) is GapReason.UNREADABLE


def test_what_was_truncated_is_gone_though_its_file_is_there(locator: Locator, log: Path) -> None:
    life = life_of(log)
    before = open_descriptors()
    locator.locate(life)
    life.gone = GapReason.TRUNCATED

    assert locator.locate(life) is GapReason.TRUNCATED
    assert open_descriptors() == before


def test_open_files_are_bounded_and_the_least_recently_used_is_closed(
    locator: Locator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Conformance: I13."""
    monkeypatch.setattr(locate_module, "OPEN_FILES", 3)
    before = open_descriptors()
    lives = []
    for number in range(10):
        path = tmp_path / f"{number}.log"
        path.write_bytes(b"%d\n" % number)
        lives.append(life_of(path, f"aaaaaaa{number}"))
        locator.locate(lives[0])
        locator.locate(lives[-1])

    assert open_descriptors() == before + 3
    assert set(locator._open) == {"aaaaaaa0", "aaaaaaa8", "aaaaaaa9"}
    assert [content_at(locator.locate(life)) for life in lives] == [b"%d\n" % number for number in range(10)]
    locator.close()
    assert open_descriptors() == before


async def test_a_file_that_was_replaced_by_more_is_read_there_before_the_tail_has_seen_it(
    locator: Locator, log: Path, tmp_path: Path
) -> None:
    """Torture, seed 9303: who lagged was told a gap. Conformance: A10."""
    life = life_of(log, head_length=64, proof_offset=len(CONTENT))
    new = tmp_path / "new"
    new.write_bytes(CONTENT + b"more\n")
    new.replace(log)

    assert locator.locate(life) is GapReason.DELETED
    assert content_at(await locator.find(life)) == CONTENT + b"more\n"
    rewrite(log, CONTENT.replace(b"last", b"lost"))
    assert await locator.find(life) is GapReason.DELETED
    rewrite(log, CONTENT)
    assert content_at(await locator.find(life)) == CONTENT
    life.gone = GapReason.DELETED
    assert await locator.find(life) is GapReason.DELETED


def test_bytes_before_an_offset_are_whole_or_none(locator: Locator, log: Path) -> None:
    descriptor = locator.locate(life_of(log))
    assert isinstance(descriptor, int)

    assert Locator.read_before(descriptor, 10, 64) == CONTENT[:10]
    assert Locator.read_before(descriptor, 100, 64) == CONTENT[36:100]
    assert Locator.read_before(descriptor, 0, 64) == b""
    assert Locator.read_before(descriptor, len(CONTENT) + 1, 64) is None
    directory = os.open(log.parent, os.O_RDONLY)
    try:
        assert Locator.read_before(directory, 10, 64) is None
    finally:
        os.close(directory)


@pytest.mark.parametrize("has_successor", [True, False])
def test_a_file_that_is_renamed_between_being_listed_and_opened_is_found(
    locator: Locator, log: Path, monkeypatch: pytest.MonkeyPatch, *, has_successor: bool
) -> None:
    """Else its lines, which are all there, are told as lost."""
    life, open_file = life_of(log), os.open
    first, second = log.with_name("app.log.1"), log.with_name("app.log.2")
    log.rename(first)

    def open_late(path: str, flags: int) -> int:
        if path == str(first) and not second.exists():
            first.rename(second)
            if has_successor:
                first.write_bytes(b"the next life\n")
        return open_file(path, flags)

    monkeypatch.setattr(os, "open", open_late)
    found = locator.locate(life)
    monkeypatch.undo()
    assert content_at(found) == CONTENT
