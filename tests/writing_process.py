"""A program that logs, in a process of its own: `writing_process.py KIND PATH [FIFO|COUNT]`, stopped by SIGTERM.

It writes numbered lines, some thousands a second, and says when it has begun and, at the end, how many it wrote. KIND
is who rotates, and how the program takes it: `opening` opens the file for each write, `holding` only at its start and
on SIGHUP, and then says so in FIFO; `sized` and `timed` are Python's own handlers, which keep COUNT older files, and
compress them as `-gzip`.
"""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import signal
import sys
import time
from logging.handlers import BaseRotatingHandler, RotatingFileHandler, TimedRotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_LINES = 400_000
"""Whoever started it may be gone."""
CHUNK_LINES = 25
PAUSE_SECONDS = 0.008
SIZED_BYTES = 40_000
FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT

asked: set[int] = set()
"""Signals that came and were not answered yet."""


def line_of(number: int) -> str:
    return f"{number:07d} {'x' * (number % 60)}"


def opening(path: str) -> Callable[[str], None]:
    def write(lines: str) -> None:
        descriptor = os.open(path, FLAGS, 0o644)
        os.write(descriptor, lines.encode())
        os.close(descriptor)

    return write


def holding(path: str, fifo: str | None) -> Callable[[str], None]:
    descriptor = os.open(path, FLAGS, 0o644)

    def write(lines: str) -> None:
        nonlocal descriptor
        if signal.SIGHUP in asked:
            asked.remove(signal.SIGHUP)
            os.close(descriptor)
            descriptor = os.open(path, FLAGS, 0o644)
            if fifo is not None:
                Path(fifo).write_text("reopened\n")
        os.write(descriptor, lines.encode())

    return write


def logging_to(handler: BaseRotatingHandler, *, compresses: bool) -> Callable[[str], None]:
    if compresses:
        handler.namer = lambda name: f"{name}.gz"
        handler.rotator = pack
    logger = logging.getLogger("writing")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)

    def write(lines: str) -> None:
        for line in lines.splitlines():
            logger.info(line)

    return write


def pack(source: str, target: str) -> None:
    with open(source, "rb") as plain, gzip.open(target, "wb", compresslevel=1) as packed:  # noqa: PTH123 - as many do it
        shutil.copyfileobj(plain, packed)
    os.remove(source)  # noqa: PTH107 - a handler gives strings


def writer_of(kind: str, path: str, more: str | None) -> Callable[[str], None]:
    if kind == "opening":
        return opening(path)
    if kind == "holding":
        return holding(path, more)
    keep = int(more or 999)
    handler: BaseRotatingHandler
    if kind.startswith("sized"):
        handler = RotatingFileHandler(path, maxBytes=SIZED_BYTES, backupCount=keep)
    else:
        handler = TimedRotatingFileHandler(path, when="S", backupCount=keep)
    return logging_to(handler, compresses=kind.endswith("-gzip"))


def main(kind: str, path: str, more: str | None = None) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda came, _: asked.add(came))
    write = writer_of(kind, path, more)
    written = 0
    while signal.SIGTERM not in asked and written < MOST_LINES:
        write("".join(f"{line_of(number)}\n" for number in range(written, written + CHUNK_LINES)))
        if not written:
            print("begun", flush=True)  # noqa: T201 - its parent reads it
        written += CHUNK_LINES
        time.sleep(PAUSE_SECONDS)
    print(written, flush=True)  # noqa: T201 - its parent reads it


if __name__ == "__main__":
    main(*sys.argv[1:])
