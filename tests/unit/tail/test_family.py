from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from logstream.tail.family import family_of, survived

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


@pytest.mark.parametrize("base", ["app.web.log", ".web.log", "web", "web."])
def test_a_family_is_found_whatever_dots_its_name_has(tmp_path: Path, base: str) -> None:
    for name in ("app.web.log.1", "app.web.2.log", ".web.log.1", ".web.2.log", "web.1", "web..1", "web-app.log"):
        touch(tmp_path / name)
    expected = {
        "app.web.log": {"app.web.log.1", "app.web.2.log"},
        ".web.log": {".web.log.1", ".web.2.log"},
        "web": {"web.1"},
        "web.": {"web..1"},
    }
    assert {path.rpartition("/")[2] for path in family_of(str(tmp_path / base))} == expected[base]


@pytest.mark.parametrize("name", OLDER)
def test_a_log_of_which_an_older_life_is_as_new_as_the_last_one_known_survived(tmp_path: Path, name: str) -> None:
    log = str(tmp_path / "app.web.log")
    touch(tmp_path / name, 5_000)
    touch(tmp_path / "app.other.log.1", 9_000)
    assert survived({log: 5_000}) == survived({log: None}) == [log]
    assert survived({log: 5_001}) == []


def test_nothing_survived_where_the_directory_is_gone(tmp_path: Path) -> None:
    assert survived({str(tmp_path / "no" / "app.log"): None}) == []


def test_what_stands_beside_a_link_s_file_survived(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link.log").symlink_to(tmp_path / "real" / "app.log")
    touch(tmp_path / "real" / "app.log.1")
    assert survived({str(tmp_path / "link.log"): 0}) == [str(tmp_path / "link.log")]
