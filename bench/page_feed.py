"""The log that a page follows: written at an even rate, each line with its number and when it was written."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from pathlib import Path

LINES_A_SECOND: Final = 10_000
_TICK_SECONDS: Final = 0.02


class Writer:
    """Writes lines evenly for some seconds, each with its time and number."""

    def __init__(self, log: Path, seconds: float) -> None:
        """Write to this file."""
        self._log = log
        self._seconds = seconds
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer")
        self.written = 0

    def __enter__(self) -> Self:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write no more."""
        self._is_over.set()
        self._thread.join()

    def wait(self) -> int:
        """Until the time is over; how many lines it were."""
        self._thread.join()
        return self.written

    def _run(self) -> None:
        began = time.monotonic()
        with self._log.open("ab", buffering=0) as file:
            while self.written < self._seconds * LINES_A_SECOND and not self._is_over.wait(_TICK_SECONDS):
                due = int(min(self._seconds, time.monotonic() - began) * LINES_A_SECOND)
                file.write(_lines(self.written, due))
                self.written = due


def _lines(first: int, end: int) -> bytes:
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return "".join(
        f"{stamp} {'ERROR' if number % 50 == 0 else 'INFO '} [worker-{number % 8}] shop.orders: order n={number:09} "
        f"of customer {number % 9973} took {number % 977} ms\n"
        for number in range(first, end)
    ).encode()
