"""Imports count here: one in the event loop holds it for as long as it takes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FIRST_WATCH = """
import asyncio, sys
from logstream.tail.watcher import Watcher

async def main(directory):
    is_armed = asyncio.Event()
    watcher = Watcher(lambda hints: None, is_armed.set)
    watcher.watch({directory: (0, 0)})
    before = set(sys.modules)
    watching = asyncio.create_task(watcher.run())
    await is_armed.wait()
    print(*sorted(set(sys.modules) - before))
    watching.cancel()
    await asyncio.wait([watching])

asyncio.run(main(sys.argv[1]))
"""


def test_the_first_watch_imports_nothing(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", FIRST_WATCH, tmp_path], check=True, timeout=60, capture_output=True, text=True
    )

    assert told.stdout.split() == []
