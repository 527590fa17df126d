"""File events as hints that something may have changed. Never a fact: whoever is hinted at looks for itself.

Owns one watch over explicit directories, and starting it again whenever it fails or the directories change. It may be
late, silent or down without anything being lost: the supervisor looks without it too, more often while it is down.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from watchfiles import Change, awatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What awatch would import at the first watch: 20 ms in which the event loop does not turn.
with suppress(ImportError):
    import_module("anyio._backends._asyncio")

_LOG = logging.getLogger(__name__)
_STEP_MS = 10
_DEBOUNCE_MS = 50
_TIMEOUT_MS = 1_000
_HINTS_AT_ONCE = 256
_FIRST_RETRY_SECONDS = 0.5
_LAST_RETRY_SECONDS = 30.0


class Hint(NamedTuple):
    """A path where something happened; `is_structural` if a name came or went, not only bytes."""

    path: str
    is_structural: bool


class Watcher:
    """Watches directories, not what is below them, for hints."""

    def __init__(self, on_hints: Callable[[list[Hint]], None], on_armed: Callable[[], None]) -> None:
        """Call `on_hints` with what happened, and `on_armed` when a watch begins: what happened before went unseen."""
        self.is_armed = False
        self._on_hints = on_hints
        self._on_armed = on_armed
        self._directories: dict[str, tuple[int, int]] = {}
        self._has_changed = asyncio.Event()
        self._complaint: str | None = None

    def watch(self, directories: Mapping[str, tuple[int, int]]) -> None:
        """Watch these from now on; the values (dev, ino) tell a directory from a later one of the same name."""
        if directories != self._directories:
            self._directories = dict(directories)
            self._has_changed.set()

    async def run(self) -> None:
        """Watch until cancelled."""
        # It logs a line at INFO for each batch of events.
        logging.getLogger("watchfiles.main").setLevel(logging.WARNING)
        retry_seconds = _FIRST_RETRY_SECONDS
        while True:
            self._has_changed = asyncio.Event()
            if not self._directories:
                await self._has_changed.wait()
                continue
            began = time.monotonic()
            try:
                await self._watch_once()
            except Exception as error:  # noqa: BLE001 - whatever ends it (limits, odd names), looking goes on without it
                self.is_armed = False
                self._complain(_words(error))
                if time.monotonic() - began > _LAST_RETRY_SECONDS:
                    retry_seconds = _FIRST_RETRY_SECONDS
                await self._pause(retry_seconds)
                retry_seconds = min(2 * retry_seconds, _LAST_RETRY_SECONDS)
            finally:
                self.is_armed = False

    def _complain(self, words: str) -> None:
        """Say it once, until events have come again."""
        if words != self._complaint:
            self._complaint = words
            _LOG.warning("file events stopped, polling instead: %s", words)

    async def _watch_once(self) -> None:
        """Watch the present directories until they change; raises what awatch raises."""
        # awatch arms before it first waits, so this runs after that, or after it has failed.
        armed = asyncio.get_running_loop().call_soon(self._note_armed)
        try:
            async for changes in awatch(
                *self._directories,
                watch_filter=None,
                debounce=_DEBOUNCE_MS,
                step=_STEP_MS,
                rust_timeout=_TIMEOUT_MS,
                yield_on_timeout=True,
                stop_event=self._has_changed,
                force_polling=False,
                recursive=False,
                ignore_permission_denied=True,  # one directory that may not be watched must not take the others' hints
            ):
                if changes:
                    self._complaint = None
                    await self._hand_on([Hint(path, change is not Change.modified) for change, path in changes])
        finally:
            armed.cancel()

    async def _hand_on(self, hints: list[Hint]) -> None:
        """Of thousands a few at a time: whoever heeds one looks up what it means."""
        for begin in range(0, len(hints), _HINTS_AT_ONCE):
            if begin:
                await asyncio.sleep(0)
            self._on_hints(hints[begin : begin + _HINTS_AT_ONCE])

    def _note_armed(self) -> None:
        self.is_armed = True
        self._on_armed()

    async def _pause(self, seconds: float) -> None:
        """Wait before the next try, but not when the directories change: that may have been the reason."""
        try:
            async with asyncio.timeout(seconds):
                await self._has_changed.wait()
        except TimeoutError:
            pass


def _words(error: BaseException) -> str:
    """The innermost reason: awatch wraps it in exception groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
