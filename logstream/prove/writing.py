"""Writes lines into scratch files at a steady rate, in a thread of its own.

Owns the pace. A file whose lock somebody holds, to rotate it, gets its lines afterwards.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from logstream.prove.scratch import ScratchFile

_TICK_SECONDS: Final = 0.02
_HALF_LINES: Final = 0.1
"""The share of writes whose last line is finished only by the next."""


class SteadyWriter:
    """Writes until told to stop."""

    def __init__(self, files: Sequence[ScratchFile], lines_a_second: float, pick: random.Random) -> None:
        """Nothing is written yet; the rate is that of all files together."""
        self._files = files
        self._rate = lines_a_second / len(files)
        self._pick = pick
        self._failure: BaseException | None = None
        self._stop: Final = threading.Event()
        self._thread = threading.Thread(target=self._run, name="prove-writer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Write no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> None:
        """Raise what has ended the writing, if something has."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            self._write()
        except BaseException as error:  # noqa: BLE001 - raised again by check(), where somebody waits
            self._failure = error

    def _write(self) -> None:
        done = [0] * len(self._files)
        began = time.monotonic()
        while not self._stop.wait(_TICK_SECONDS):
            for index, file in enumerate(self._files):
                due = int((time.monotonic() - began) * self._rate) - done[index]
                if due <= 0 or not file.lock.acquire(blocking=False):
                    continue
                try:
                    late = due // 2
                    due_now = due - (file.write_late(late) if late else 0)
                    file.write(due_now, leaves_half=self._pick.random() < _HALF_LINES)
                finally:
                    file.lock.release()
                done[index] += due
