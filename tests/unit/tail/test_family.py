from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from logstream.tail.family import family_of, settled

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_family_is_found_also_where_its_names_begin_otherwise(tmp_path: Path) -> None:
    labelled = {f"@400000006928fa0005f5e10{number}.{end}" for number, end in enumerate("ssu")}
    for name in (*labelled, "current", "previous", "current.1", "@foo", "@4000.s", "state", "lock", "zzz"):
        touch(tmp_path / name)
    assert {path.rpartition("/")[2] for path in family_of(str(tmp_path / "current"))} == {
        *labelled,
        "previous",
        "current.1",
    }
    assert family_of(str(tmp_path / "zzz")) == {}


def test_what_a_processor_makes_of_a_file_is_none_while_that_is_there(tmp_path: Path) -> None:
    for name in ("@400000006928fa0005f5e100.s", "@400000006928fa0005f5e101.u", "@400000006928fa0005f5e101.s"):
        touch(tmp_path / name)
    found = settled(family_of(str(tmp_path / "current")))
    assert {sibling.path.rpartition("/")[2] for sibling in found} == {
        "@400000006928fa0005f5e100.s",
        "@400000006928fa0005f5e101.u",
    }
