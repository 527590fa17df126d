"""A real overlayfs, as beneath containers: it does not count the uses of an inode's number.

Owns the mount. Mounting needs root, or the right to be root in a name space of one's own.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def overlay(path: Path) -> Iterator[Path]:
    """An overlayfs below `path`; what is put into `path / "lower"` before was there already, as in an image."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount an overlay")
    lower, upper, work, merged = (path / name for name in ("lower", "upper", "work", "merged"))
    for directory in (lower, upper, work, merged):
        directory.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, merged], check=True)
    try:
        yield merged
    finally:
        subprocess.run(["umount", "--lazy", merged], check=True)
