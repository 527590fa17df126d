from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from logstream.tail.batch import SourceSpec
from logstream.tail.histories import Histories
from logstream.tail.slices import at_once

if TYPE_CHECKING:
    from pathlib import Path

OLDER = [
    "app.web.log.1",
    "app.web.log.old",
    "app.web.log~",
    "app.web.log.gz",
    "app.web.2.log",
    "app.web-2026-11-23.log.xz",
]


def touch(path: Path, written_ns: int = 0) -> None:
    path.touch()
    os.utime(path, ns=(written_ns, written_ns))


def survived(log: Path, last_ns: int | None, glob: str | None = None) -> list[str]:
    histories = Histories()
    histories.note(str(log), last_ns)
    return at_once(histories.survived(SourceSpec("app", (glob or str(log.parent / "*"),))))


@pytest.mark.parametrize("name", OLDER)
def test_a_log_of_which_an_older_life_is_as_new_as_the_last_one_known_survived(tmp_path: Path, name: str) -> None:
    log = tmp_path / "app.web.log"
    touch(tmp_path / name, 5_000)
    touch(tmp_path / "app.other.log.1", 9_000)
    assert survived(log, 5_000) == survived(log, None) == [str(log)]
    assert survived(log, 5_001) == []


def test_a_log_that_the_source_does_not_ask_for_any_more_is_not_looked_for(tmp_path: Path) -> None:
    touch(tmp_path / "app.log.1")
    assert survived(tmp_path / "app.log", None, glob=str(tmp_path / "other*")) == []


def test_nothing_survived_where_the_directory_is_gone(tmp_path: Path) -> None:
    assert survived(tmp_path / "no" / "app.log", None) == []


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE])
def test_a_directory_for_which_there_is_no_descriptor_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Conformance: F8."""
    touch(tmp_path / "app.log.1")

    def refused(_: str) -> list[str]:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(OSError, match=os.strerror(code)):
        survived(tmp_path / "app.log", 0)


def test_what_is_an_older_life_of_a_log_that_is_followed_is_no_log_that_survived(tmp_path: Path) -> None:
    touch(tmp_path / "app.log.1.gz")
    histories = Histories()
    histories.note(str(tmp_path / "app.log.1"), 0)
    spec = SourceSpec("app", (str(tmp_path / "*"),))
    assert at_once(histories.survived(spec)) == [str(tmp_path / "app.log.1")]
    assert at_once(histories.survived(spec, {str(tmp_path / "app.log")})) == []


def test_what_stands_beside_a_link_s_file_survived(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.log").symlink_to(tmp_path / "real" / "app.log")
    touch(tmp_path / "real" / "app.log.1")
    assert survived(tmp_path / "link.log", 0) == [str(tmp_path / "link.log")]


def test_the_latest_time_that_was_noted_of_a_log_counts_until_it_is_taken(tmp_path: Path) -> None:
    histories = Histories()
    for last_ns in (None, 5, 3, None):
        histories.note(str(tmp_path / "app.log"), last_ns)
    assert str(tmp_path / "app.log") in histories
    assert histories.take(str(tmp_path / "app.log")) == 5
    assert str(tmp_path / "app.log") not in histories
