"""A real small disk that tests can fill: a tmpfs of their own.

Owns the mount and the file that fills it. Mounting needs root, or the right to be root in a name space of one's own.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from pathlib import Path


class SmallDisk:
    """A tmpfs at `path` for as long as the context lasts."""

    def __init__(self, path: Path, size_bytes: int = 1 << 20) -> None:
        """Nothing is mounted yet."""
        self.path = path
        self._size_bytes = size_bytes
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Take what room there is, to the last byte."""
        with self._ballast.open("ab", buffering=0) as file:
            for piece_bytes in (4096, 1):
                try:
                    while file.write(b"\0" * piece_bytes):
                        pass
                except OSError:
                    continue

    def free(self) -> None:
        """Give the room back."""
        self._ballast.unlink()

    def remount(self, mode: str) -> None:
        """Mount again as `ro` or `rw`: nobody may have a file open for writing there."""
        subprocess.run(["mount", "-o", f"remount,{mode}", self.path], check=True)

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True)
        if os.geteuid() != 0:
            pytest.skip("only root can mount a small disk")
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self._size_bytes}", "tmpfs", self.path], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=True)
