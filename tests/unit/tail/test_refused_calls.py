"""Whatever the kernel refuses in the middle of a look: nothing stays open, is lost, or comes twice because of it."""

from __future__ import annotations

import errno
import gzip
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from logstream.tail.batch import Hole
from logstream.tail.opening import Opened, OpenFiles
from logstream.tail.reader import Reader
from logstream.tail.rotation import Sibling, rotated_name
from logstream.tail.turn import Turn
from tests.tail_kit import open_files_below, write
from tests.unit.tail.test_follower import Desk, compressed_while_down, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from logstream.tail.batch import Change, Known

MUCH = b"".join(b"line %d of many\n" % number for number in range(40))
NO_DESCRIPTOR = errno.EMFILE, ("open", "dup", "listdir", "scandir")
CANNOT_BE_READ = errno.EIO, ("pread",)


class Refusals:
    """Refuses one call of some, or all from that one on, as the kernel does."""

    def __init__(self, patch: pytest.MonkeyPatch, code: int, names: tuple[str, ...], *, lasts: bool) -> None:
        self._code, self._lasts = code, lasts
        self._due: int | None = None
        self._thread = threading.get_ident()
        for name in names:
            patch.setattr(os, name, self._refusing(getattr(os, name)))

    def _refusing(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - as the real one has them
            if self._due is not None and threading.get_ident() == self._thread:
                self._due -= 1
                if self._due == 0 or (self._due < 0 and self._lasts):
                    raise OSError(self._code, os.strerror(self._code))
            return real(*arguments, **options)

        return call

    def during(self, number: int, work: Callable[[], object]) -> bool:
        """Do `work`, in which the call with this `number` is refused; whether there were so many."""
        self._due = number
        try:
            work()
            return self._due <= 0
        finally:
            self._due = None


@dataclass(frozen=True)
class Story:
    """What happened to a log before it is looked at, and what is told of it then."""

    happens: Callable[[Desk], None]
    is_told: list[bytes]


def rotated_unseen(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.rename(desk.log.with_name("app.log.3"))
    write(desk.log.with_name("app.log.2"), b"two\n")
    write(desk.log.with_name("app.log.1"), b"three\n")
    write(desk.log, b"four\n")


def rotated_while_down(desk: Desk) -> None:
    rotated_unseen(desk)
    desk.restart(1)


def copied_away_unread(desk: Desk) -> None:
    write(desk.log, b"")
    desk.look(0)
    for number, text in ((2, b"one\n"), (1, b"two\n")):
        write(desk.log, text)
        desk.log.with_name(f"app.log.{number}").write_bytes(text)
        os.truncate(desk.log, 0)
    write(desk.log, b"three\n")


def copied_and_truncated(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    write(desk.log, b"two\n")
    desk.log.with_name("app.log.1").write_bytes(desk.log.read_bytes())
    os.truncate(desk.log, 0)
    write(desk.log, b"new\n")


def copied_and_truncated_while_down(desk: Desk) -> None:
    copied_and_truncated(desk)
    desk.restart(1)


def replaced_by_more(desk: Desk) -> None:
    write(desk.log, MUCH)
    desk.look(0)
    new = desk.log.with_name("app.new")
    new.write_bytes(MUCH + b"more\n")
    new.rename(desk.log)


def replaced_by_more_while_down(desk: Desk) -> None:
    write(desk.log, MUCH)
    desk.look(0)
    desk.restart(1)
    new = desk.log.with_name("app.new")
    new.write_bytes(MUCH + b"more\n")
    new.rename(desk.log)


def compressed_unseen(desk: Desk) -> None:
    write(desk.log, b"one\n")
    desk.look(0)
    desk.log.rename(desk.log.with_name("app.log.3"))
    desk.log.with_name("app.log.2.gz").write_bytes(gzip.compress(b"two\n"))
    desk.log.with_name("app.log.1.gz").write_bytes(gzip.compress(b"three\n"))
    write(desk.log, b"four\n")


STORIES = [
    Story(rotated_unseen, [b"two\n", b"three\n", b"four\n"]),
    Story(rotated_while_down, [b"two\n", b"three\n", b"four\n"]),
    Story(copied_away_unread, [b"one\n", b"two\n", b"three\n"]),
    Story(copied_and_truncated, [b"two\n", b"new\n"]),
    Story(copied_and_truncated_while_down, [b"two\n", b"new\n"]),
    Story(replaced_by_more, [b"more\n"]),
    Story(replaced_by_more_while_down, [b"more\n"]),
    Story(compressed_unseen, [b"two\n", b"three\n", b"four\n"]),
    Story(compressed_while_down, [b"two\n", b"three\n"]),
]


@pytest.fixture(name="desks")
def _desks(tmp_path: Path) -> Iterator[Callable[[], Desk]]:
    made: list[Desk] = []

    def opened(path: str, flags: int) -> int:
        return os.open(path, flags)  # the one of that moment

    def desk() -> Desk:
        directory = tmp_path / str(len(made))
        directory.mkdir()
        made.append(Desk(directory))
        made[-1].files = OpenFiles(100, opened)
        made[-1].begin()
        return made[-1]

    yield desk
    for one in made:
        one.files.close()
        one.census.unpacking.close()


def held_by(desk: Desk) -> int:
    """How many descriptors on files below its directory somebody owns."""
    census = desk.census
    readers = {*desk.lineage.readers, *census.readers.values()}
    fetched = [future for future in census.unpacking._wanted.values() if future.done() and not future.exception()]
    return (
        sum(reader.fd is not None for reader in readers)
        + len(census.unpacking._held)
        + sum(future.result() is not None for future in fetched)
    )


def unpacked(desk: Desk) -> None:
    """Wait until nothing is being unpacked."""
    if desk.census.unpacking._worker is not None:
        desk.census.unpacking._worker.submit(bool).result()


@pytest.mark.parametrize("lasts", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("refusal", [NO_DESCRIPTOR, CANNOT_BE_READ], ids=["no descriptor", "no reading"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.happens.__name__)
@pytest.mark.parametrize("looks", [1, 2, 3, 4])
def test_a_refused_call_leaves_nothing_open_and_what_is_told_as_it_is(  # noqa: PLR0913 - one of each
    desks: Callable[[], Desk],
    monkeypatch: pytest.MonkeyPatch,
    refusal: tuple[int, tuple[str, ...]],
    story: Story,
    looks: int,
    *,
    lasts: bool,
) -> None:
    """The refusal comes in the last of so many `looks`. Conformance: F8."""
    refusals = Refusals(monkeypatch, *refusal, lasts=lasts)
    number = 1
    while True:
        desk = desks()
        directory = desk.log.parent
        story.happens(desk)
        told: list[Change] = []
        for second in range(100, 99 + looks):
            told += desk.look(second)
            unpacked(desk)
        has_been_refused = refusals.during(number, lambda: told.extend(desk.look(99 + looks)))  # noqa: B023 - at once
        unpacked(desk)
        assert len(open_files_below(directory)) == held_by(desk), number
        for second in range(100 + looks, 125):
            told += desk.look(second)
            unpacked(desk)
        assert len(open_files_below(directory)) == held_by(desk), number
        lines, wanted = (b"".join(one).splitlines() for one in (texts(told), story.is_told))
        assert set(lines) >= set(wanted), number  # of what cannot be read a gap may be told first
        if refusal == NO_DESCRIPTOR:
            assert lines == wanted, number
            assert not [change for change in told if isinstance(change, Hole)], number
        if not has_been_refused:
            break
        number += 1


@pytest.mark.parametrize("refusal", [NO_DESCRIPTOR, CANNOT_BE_READ], ids=["no descriptor", "no reading"])
@pytest.mark.parametrize("was_finished", [False, True])
def test_a_file_that_a_glob_matches_and_cannot_be_taken_over_now_is_not_left_open(
    desks: Callable[[], Desk],
    monkeypatch: pytest.MonkeyPatch,
    refusal: tuple[int, tuple[str, ...]],
    *,
    was_finished: bool,
) -> None:
    """Conformance: F8."""
    refusals = Refusals(monkeypatch, *refusal, lasts=False)
    number, has_been_refused = 1, True
    while has_been_refused:
        desk, told = desks(), []
        old = desk.log.with_name("app.log.1")
        write(desk.log, b"a line of its own\n")
        write(old, b"one\ntwo\n")
        desk.look(0)
        if was_finished:
            desk.census.retire(finished(desk, old, len(b"one\n")))

        def adopt() -> None:
            turn = Turn(1, 1, 1 << 20)
            try:
                desk.follower.succession.adopt(desk.lineage, sibling_at(old), turn)  # noqa: B023 - at once
            finally:
                told.extend(turn.changes)  # noqa: B023 - at once

        def tried() -> None:
            with suppress(OSError):
                adopt()

        has_been_refused = refusals.during(number, tried)
        assert len(open_files_below(desk.log.parent)) == held_by(desk), number
        if str(old) not in {reader.path for reader in desk.lineage.readers}:
            adopt()
        for second in (2, 3):
            told += desk.look(second)
        assert texts(told) == [b"two\n" if was_finished else b"one\ntwo\n"], number
        assert len(open_files_below(desk.log.parent)) == held_by(desk), number
        number += 1


def sibling_at(path: Path) -> Sibling:
    seen, name = path.stat(), rotated_name("app.log", path.name)
    assert name is not None
    return Sibling(str(path), name, seen.st_dev, seen.st_ino, seen.st_mtime_ns)


def finished(desk: Desk, path: Path, committed: int) -> Known:
    """What is remembered of a file that was read so far, and is not read any more."""
    opened = desk.files.open(str(path))
    assert isinstance(opened, Opened)
    reader = Reader.born(desk.spec, str(path), opened, committed, 0.0)
    reader.prove(0.0)
    known = reader.known()._replace(sealed=True)
    reader.close()
    return known
