"""A process that has used up its user's inotify instances tails a file all the same; prints what came of it as JSON.

A program of its own, because the limit belongs to the user: run by root, it becomes a user that nobody else is.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import sys
from pathlib import Path

from logstream.tail import watcher as watching
from tests.tail_kit import RecordingSink, eventually, source, tailing, write

LONELY_USER = 1_234_567
_LIBC = ctypes.CDLL(None, use_errno=True)


class Warnings(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


def use_up() -> list[int]:
    """All inotify instances that this user may still have."""
    held = []
    while (fd := _LIBC.inotify_init1(os.O_CLOEXEC)) >= 0:
        held.append(fd)
    return held


async def story(directory: Path) -> dict[str, object]:
    """Tail without a watch, then with one."""
    warnings = Warnings()
    logging.getLogger("logstream").addHandler(warnings)
    watching._FIRST_RETRY_SECONDS = 0.02
    sink, log, held = RecordingSink(), directory / "app.log", use_up()
    async with tailing(sink, source(directory / "*.log")) as supervisor:
        watcher = supervisor._watcher
        assert watcher is not None
        for number in range(20):
            write(log, b"%d\n" % number)
            await sink.first(number + 1)
        await eventually(lambda: warnings.told)
        was_armed = watcher.is_armed
        for fd in held:
            os.close(fd)
        await eventually(lambda: watcher.is_armed)
        write(log, b"20\n")
        await sink.first(21)
    texts = [text.decode() for text in sink.texts]
    return {"held": len(held), "texts": texts, "warnings": warnings.told, "was_armed": was_armed}


if __name__ == "__main__":
    if os.getuid() == 0:
        os.setuid(LONELY_USER)
    print(json.dumps(asyncio.run(story(Path(sys.argv[1])))))  # noqa: T201 - what the test reads
