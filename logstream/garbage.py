"""How Python's collector looks for objects that nothing but each other holds, so that nobody has to wait for it.

A full collection looks at every object there is: with ten thousand watched files that is a tenth of a second, time and
again, in which the event loop does not turn. Most of them were there the last time. So what a full collection leaves is
set aside (`gc.freeze`), and the next one looks at what is new since. The interpreter counts only how many objects there
are more than before, so that where old ones go as new ones come it would look late, and at much: full collections are
made after some work as well. What was set aside is still freed by whoever lets go of it last; where it has become
garbage that holds itself, it is found once half as much again is allocated, when all is looked at once more. So no more
than that can pile up, and where nothing does this never comes: room that more files and more streams take is needed.

Owns when what is looked at. Refuses to know whose objects they are.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

THRESHOLDS: Final = (700, 10, 1)
"""As Python has them, but for a full collection after so few of the next smaller ones that some 15,000 new objects are
looked at."""
PACE_SECONDS: Final = 0.05
WORK_SECONDS: Final = 0.04
"""After so much work of its thread what is new is looked at: some 10,000 objects at most, which takes 3 ms."""
SETTLED_SECONDS: Final = 0.05
"""How often `settle_until` notes it: in so much time there is not much that is new."""
SPARE_BLOCKS: Final = 100_000
"""So much may be allocated beyond half as much again as there was when all were looked at."""
COUNTED_EVERY: Final = 16
"""After so many full collections it is counted how much is allocated: that takes a millisecond."""


class Collector(Protocol):
    """What is asked of the `gc` module."""

    def freeze(self) -> None:
        """Set all aside."""

    def unfreeze(self) -> None:
        """Set nothing aside."""


class SettingAside:
    """A callback of the collector's."""

    def __init__(self, collector: Collector = gc, blocks: Callable[[], int] = sys.getallocatedblocks) -> None:
        """`blocks` answers how much is allocated: how many objects are set aside takes much longer to count."""
        self._collector = collector
        self._blocks = blocks
        self._is_whole = False
        self._collections = 0
        self.note_needed()

    def __call__(self, phase: str, told: Mapping[str, Any]) -> None:
        """Before (`start`) and after (`stop`) a collection of the youngest generations up to `told["generation"]`."""
        if told["generation"] < len(THRESHOLDS) - 1:
            return
        if phase == "start":
            self._collections += 1
            self._is_whole = self._collections % COUNTED_EVERY == 0 and self._blocks() > self._most
            if self._is_whole:
                self._collector.unfreeze()
            return
        self._collector.freeze()
        if self._is_whole:
            self.note_needed()

    def note_needed(self) -> None:
        """All that there is now is needed."""
        needed = self._blocks()
        self._most = needed + needed // 2 + SPARE_BLOCKS


_SETTING_ASIDE: Final = SettingAside()


def set_aside() -> None:
    """Begin, in this process and those that are forked from it, with all that there is now."""
    gc.set_threshold(*THRESHOLDS)
    gc.callbacks.append(_SETTING_ASIDE)
    settle()


async def look_often(held: Callable[[], int], worked: Callable[[], float] = time.thread_time) -> None:
    """Look at what is new before it is much, until cancelled.

    `held` answers how many things there are that take room for as long as they are there, such as files and streams:
    where they are a quarter more than they ever were, what is there is needed. `worked` answers for how many seconds
    this thread has worked.
    """
    most, looked = held(), worked()
    while True:
        await asyncio.sleep(PACE_SECONDS)
        if _SETTING_ASIDE not in gc.callbacks or worked() - looked < WORK_SECONDS:
            continue
        if (now := held()) > most + most // 4:
            most = now
            _SETTING_ASIDE.note_needed()
        gc.collect()
        looked = worked()


async def settle_until(is_known: asyncio.Event) -> None:
    """Note time and again that all there is is needed, as while thousands of files are being found, until that is over.

    Else there would be half as much again several times in that, and each time all would be looked at.
    """
    while not is_known.is_set():
        settle()
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLED_SECONDS):
                await is_known.wait()


def settle() -> None:
    """Note that all there is now is needed, as once all files have been found; does nothing where nobody has begun."""
    if _SETTING_ASIDE in gc.callbacks:
        gc.freeze()
        _SETTING_ASIDE.note_needed()
