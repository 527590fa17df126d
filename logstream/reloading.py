"""What a reload (SIGHUP) may change, and what is said of it: in the log, and to a supervisor.

Owns which sections are taken over while the service runs, when a reload is refused, and that nobody waits for it: to
read a configuration and compile its rules may take seconds, which must not be the event loop's. How the parts of the
service take over what is new is theirs to know: one function is handed in for all of them.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from logstream.api.aside import Aside
from logstream.config import ConfigError
from logstream.errors import LogstreamError
from logstream.parts import policy_of, rule_set

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.config import Settings
    from logstream.rules import RuleSet
    from logstream.supervision import Overseer

_log: Final = logging.getLogger("logstream")
_FIXED_SECTIONS: Final = ("server", "state", "stream")
"""What was bound, opened or promised at the start."""


def watching(settings: Settings) -> str:
    """What the service does, in words for a supervisor."""
    count = len(settings.sources)
    return f"watching {count} source" if count == 1 else f"watching {count} sources"


class Reloading:
    """The reloads of one process with an event loop, one at a time; what is asked meanwhile is one more."""

    def __init__(
        self, read_anew: Callable[[], Settings | None], take: Callable[[Settings, RuleSet], None], overseer: Overseer
    ) -> None:
        """`read_anew` runs in a thread, and answers None for what is refused; `take` gets the rest, in the loop.

        Either may raise any error and has changed nothing then: `overseer` hears that the reload is over.
        """
        self._read_anew = read_anew
        self._take = take
        self._overseer = overseer
        self._asked = asyncio.Event()
        self._aside = Aside(at_once=1, patience_seconds=math.inf)

    def ask(self) -> None:
        """Have the configuration taken over as it is now."""
        self._asked.set()

    async def run(self) -> None:
        """Reload whenever it is asked, until cancelled."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                fresh = await self._aside.run(self._read_anew)
                if fresh is not None:
                    self._take(fresh, await self._aside.run(partial(rule_set, fresh.rules)))
            except Exception as error:  # noqa: BLE001 - whatever it is, what is in force stays
                _tell_failed(self._overseer, error)


def read_fresh(overseer: Overseer, old: Settings, read_anew: Callable[[], Settings]) -> Settings | None:
    """What is configured now, as far as a reload may change it; None if it has mistakes, of which everybody is told."""
    overseer.reloading()
    try:
        fresh = read_anew()
        lets_everybody_in = policy_of(old).asks and not policy_of(fresh).asks
    except ConfigError as error:
        _log.error("reload refused, the old sources, rules and users stay:\n%s", error)
        overseer.reloaded("the reload was refused: the configuration has mistakes, see the log")
        return None
    except Exception as error:  # noqa: BLE001 - whatever it is, what is in force stays
        _tell_failed(overseer, error)
        return None
    if lets_everybody_in:
        _refuse(overseer, "nobody would be asked any more who they are", "it would let everybody in")
        return None
    if old.sources and not fresh.sources:
        # An editor that has emptied the file and not written it yet; its streams would end, its files be forgotten.
        _refuse(overseer, "no source is configured any more", "no source is configured any more")
        return None
    return _taking_over(old, fresh)


def _refuse(overseer: Overseer, why: str, status: str) -> None:
    """Say why what is configured is not taken over, in the log and to the supervisor, though it has no mistake."""
    _log.error("reload refused: %s; restart logstream if that is meant", why)
    overseer.reloaded(f"the reload was refused: {status}, see the log")


def _taking_over(old: Settings, fresh: Settings) -> Settings:
    """Settings with the sources, rules and access of `fresh`; the log says what needs a restart."""
    for section in _FIXED_SECTIONS:
        if getattr(fresh, section) != getattr(old, section):
            _log.warning("[%s] has changed: restart logstream to apply it", section)
    return replace(fresh, server=old.server, state=old.state, stream=old.stream)


def tell_reloaded(overseer: Overseer, fresh: Settings) -> None:
    """Say in the log, and to the supervisor, that `fresh` is in force."""
    _log.info("reloaded: %d sources, %d rules", len(fresh.sources), len(fresh.rules))
    overseer.reloaded(watching(fresh))


def _tell_failed(overseer: Overseer, error: Exception) -> None:
    """Say that a reload came to nothing; of an error that nobody thought of also where it arose."""
    if isinstance(error, LogstreamError):
        _log.error("reload refused, the old sources, rules and users stay: %s", error)
    else:
        _log.error("reload failed, the old sources, rules and users stay", exc_info=error)
    overseer.reloaded("the reload failed: what was in force before stays, see the log")
