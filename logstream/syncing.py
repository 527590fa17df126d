"""Having on the disk which names a directory has: a file's own fsync(2) says nothing of them.

Owns that call. Refuses to decide what follows where a file system does not take it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Return once the names in `directory` are on the disk; raises OSError, also where it cannot be synced at all."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
