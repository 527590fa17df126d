from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from logstream.tail.family import family_of

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
