"""What the steps of a plan do to a system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from logstream.installing.doing import _do_one
from logstream.installing.steps import Run

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_command_makes_can_be_read_by_the_service_whatever_root_keeps_to_itself(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        _do_one(Run(("mkdir", str(tmp_path / "made"))))
    finally:
        os.umask(before)
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o755
