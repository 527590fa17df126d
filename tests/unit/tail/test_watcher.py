"""What holds the event loop counts here: an import does, and thousands of hints at once do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

from logstream.tail.watcher import _HINTS_AT_ONCE, Hint, Watcher

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


async def test_thousands_of_hints_are_handed_on_a_few_in_each_turn_of_the_loop() -> None:
    turn = 0
    handed: list[tuple[int, list[Hint]]] = []

    async def count_turns() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns(), name="count-turns")
    await asyncio.sleep(0)
    hints = [Hint(f"/{number}", is_structural=bool(number % 2)) for number in range(2 * _HINTS_AT_ONCE + 1)]
    await Watcher(lambda some: handed.append((turn, some)), lambda: None)._hand_on(hints)
    counting.cancel()

    assert [hint for _, some in handed for hint in some] == hints
    assert len({turn for turn, _ in handed}) == 3
