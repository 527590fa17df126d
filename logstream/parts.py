"""What each part of the service needs of the settings: pure translations, and what the machine allows.

Owns no state and builds nothing that runs.
"""

from __future__ import annotations

import os
import resource
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from logstream.access import Policy, Proxies
from logstream.hub.judged_block import SourceTraits
from logstream.parse import Folding
from logstream.rules import Rule, RuleSet, parse_level_condition
from logstream.tail.batch import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from logstream.config import RuleSettings, Settings, SourceSettings

_MACHINE_ZONE: Final = "/etc/localtime"
_ENOUGH_FILES: Final = 65_536
_FEW_FILES: Final = 64
_FEW_FILES_SHARE: Final = 4
"""Where there are very few descriptors, that is too many: new connections would be refused."""
_OTHER_FILES: Final = 256


def raise_file_limit() -> int:
    """Raise the soft limit of open files to the hard one, and say what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH_FILES if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most


def files_to_hold(limit: int, max_connections: int) -> int:
    """How many log files may stay open: what clients, history and the journal leave of `limit`, or a few at least.

    The tail opens the others as it needs them; to hold a file open is what keeps the bytes of a deleted one readable.
    """
    few = min(_FEW_FILES, limit // _FEW_FILES_SHARE)
    return max(few, min(_ENOUGH_FILES, limit - max_connections - _OTHER_FILES))


def specs_of(sources: Sequence[SourceSettings]) -> tuple[SourceSpec, ...]:
    """What the tail needs of the configured sources."""
    return tuple(
        SourceSpec(source.name, source.paths, source.exclude, source.start, source.max_line_bytes, source.encoding)
        for source in sources
    )


def traits_of(sources: Sequence[SourceSettings]) -> dict[str, SourceTraits]:
    """What the hub needs of the configured sources."""
    zone = local_zone()
    return {
        source.name: SourceTraits(
            source.encoding, source.format, source.max_line_bytes, zone, folding_of(source.multiline)
        )
        for source in sources
    }


def folding_of(multiline: bool | str) -> Folding | None:  # noqa: FBT001 - the setting as it stands in the configuration
    """Which lines of a source continue others."""
    if isinstance(multiline, str):
        return Folding(multiline)
    return Folding() if multiline else None


def local_zone() -> tzinfo:
    """The zone that TZ names, or else the machine's, with its summer times; UTC where none is set."""
    named = os.environ.get("TZ", _MACHINE_ZONE).removeprefix(":")
    try:
        if not named.startswith("/"):
            return ZoneInfo(named)
        with Path(named).open("rb") as file:
            return ZoneInfo.from_file(file, key="local")
    except (OSError, ValueError, ZoneInfoNotFoundError):
        # A rule such as CET-1CEST: the C library knows at least what is so now. Of what is no zone it makes UTC.
        return datetime.now(UTC).astimezone().tzinfo or UTC


def policy_of(settings: Settings) -> Policy:
    """Who is let in."""
    access = settings.access
    return Policy(
        users=settings.users,
        header=access.trusted_header,
        proxies=Proxies.of(access.trusted_proxies),
        header_sources=access.header_sources,
        session_seconds=access.session_hours * 3600,
        is_metrics_open=access.metrics == "open",
    )


def rule_set(rules: Sequence[RuleSettings]) -> RuleSet:
    """The configured rules, compiled."""
    return RuleSet(
        [
            Rule(
                name=rule.name,
                match=rule.match,
                source=rule.source,
                level=None if rule.level is None else parse_level_condition(rule.level),
                where=rule.where,
                action=rule.action,
                event=rule.event,
                set_level=rule.set_level,
                highlight=rule.highlight,
                redact=rule.redact,
            )
            for rule in rules
        ]
    )
