"""What a reload (SIGHUP) may change, and what is said of it: in the log, and to a supervisor.

Owns which sections are taken over while the service runs, and when a reload is refused. How the parts of the service
take over what is new is theirs to know: one function is handed in for all of them.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from logstream.config import ConfigError
from logstream.parts import policy_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from logstream.config import Settings
    from logstream.supervision import Overseer

_log: Final = logging.getLogger("logstream")
_FIXED_SECTIONS: Final = ("server", "state", "stream")
"""What was bound, opened or promised at the start."""


def watching(settings: Settings) -> str:
    """What the service does, in words for a supervisor."""
    count = len(settings.sources)
    return f"watching {count} source" if count == 1 else f"watching {count} sources"


def reload_under(
    overseer: Overseer, old: Settings, read_anew: Callable[[], Settings], take: Callable[[Settings], None]
) -> None:
    """Have `take` take over what is configured now, and tell the supervisor; a bad configuration changes nothing."""
    overseer.reloading()
    try:
        fresh = read_anew()
    except ConfigError as error:
        _log.error("reload refused, the old sources, rules and users stay:\n%s", error)
        overseer.ready("the reload was refused: the configuration has mistakes, see the log")
        return
    if policy_of(old).asks and not policy_of(fresh).asks:
        _log.error("reload refused: nobody would be asked any more who they are; restart logstream if that is meant")
        overseer.ready("the reload was refused: it would let everybody in, see the log")
        return
    take(taking_over(old, fresh))
    overseer.ready(watching(fresh))


def taking_over(old: Settings, fresh: Settings) -> Settings:
    """Settings with the sources, rules and access of `fresh`, and a word in the log about what needs a restart."""
    _log.info("reloaded: %d sources, %d rules", len(fresh.sources), len(fresh.rules))
    for section in _FIXED_SECTIONS:
        if getattr(fresh, section) != getattr(old, section):
            _log.warning("[%s] has changed: restart logstream to apply it", section)
    return replace(fresh, server=old.server, state=old.state, stream=old.stream)
