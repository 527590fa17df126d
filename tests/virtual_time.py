"""An event loop whose clock jumps: when everybody waits for a time, it is that time.

For tests about durations. It knows no sockets that others write to: a wait for anything but time or tasks is an error.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine


Result = TypeVar("Result")


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_seconds = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everybody waits, and nobody for a time: this would wait for ever")
            self.now_seconds += timeout
        return ready


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_seconds


def run(story: Coroutine[Any, Any, Result]) -> Result:
    """What `story` returns, run from second 0 of `asyncio.get_running_loop().time()`."""
    with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
        return runner.run(story)
