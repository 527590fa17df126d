"""How many descriptors this process has open."""

from __future__ import annotations

import gc
from pathlib import Path


def open_descriptors() -> int:
    """Their number, once those are closed that only garbage holds: it may be collected at any moment."""
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))
