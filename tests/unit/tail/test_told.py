"""Who is told as a life of a log is found without taking the names of all others apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from logstream.tail import rotation
from logstream.tail.batch import Known, SourceSpec
from logstream.tail.reader import Reader
from logstream.tail.rotation import base_names, is_older_name
from logstream.tail.told import Told

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from logstream.tail.rotation import Rotated

SPEC = SourceSpec("app", ("/logs/*.log",))
PIECES = (
    "/", "app", "a", "log", "1", "20261123", "2026-11-23", "old", "~", ".", "-", "_", "__", "gz", "-1764000000.backup",
    "current", "previous", "@4000000065a4b1c02dd9cf14", ".s", "00001",
)  # fmt: skip
paths = st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join).filter(lambda path: path.strip("./"))


def reader(file: str) -> Reader:
    return Reader(SPEC, Known(file, "app", file, "/x", 1, 1, None, 0, 0, 0, 0, 0, 0, sealed=False), 0.0)


@given(st.lists(paths, max_size=8), st.data())
def test_those_are_found_whose_names_may_be_older_lives_of_a_log_each_once(
    files: list[str], data: st.DataObject
) -> None:
    told, readers = Told(), list(map(reader, files))
    for one in readers:
        told.enter(one)
    bases = [
        f"{file[: file.rfind('/') + 1]}{base}" for file in files for base, _ in base_names(file.rpartition("/")[2])
    ]
    candidates = [*files, *(base for base in bases if base.rpartition("/")[2].strip("."))]
    logs = data.draw(st.sets(st.sampled_from(candidates), max_size=2)) if candidates else set()
    expected = [one for one in readers if is_older_name(one.file, logs)]
    assert sorted(map(id, told.of(logs))) == sorted(map(id, expected))
    for one in readers[::2]:
        told.leave(one)
        told.leave(one)
    assert sorted(map(id, told.of(logs))) == sorted(id(one) for one in readers[1::2] if one in expected)


def test_a_path_with_two_slashes_is_found_as_itself() -> None:
    """A pattern that has two of them brings such paths."""
    told, one = Told(), reader("/var/log//app.log")
    told.enter(one)
    assert list(told.of({"/var/log//app.log"})) == [one]
    told.leave(one)
    assert list(told.of({"/var/log//app.log"})) == []


def test_of_thousands_of_names_only_those_are_taken_apart_that_begin_like_the_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With 10,000 files the copy of a truncated one took a twentieth of a second."""
    told = Told()
    for number in range(1000):
        told.enter(reader(f"/logs/f{number:05}.log"))
    told.enter(reader("/logs/f00500.log.1"))
    taken_apart: list[str] = []

    def noting(name: str) -> Iterator[tuple[str, Rotated]]:
        taken_apart.append(name)
        return base_names(name)

    monkeypatch.setattr(rotation, "base_names", noting)

    assert [one.file for one in told.of({"/logs/f00500.log"})] == ["/logs/f00500.log", "/logs/f00500.log.1"]
    assert taken_apart == ["f00500.log.1"]
