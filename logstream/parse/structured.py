"""JSON lines and logfmt: which keys of an object state its time and level.

Owns the key names: those of pino, bunyan, zap, logrus, slog, structlog, ECS, CLEF and Serilog, .NET, Google Cloud,
OpenTelemetry, journald's export (systemd, "Journal JSON Format"), and nginx's and Heroku's access logs. Refuses to
flatten, rename or convert: the fields are the object as it stands in the line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson

from logstream.parse.levels import level_from_field, level_from_severity, level_from_status
from logstream.parse.logfmt import read_pairs
from logstream.parse.parsed import Parsed
from logstream.parse.times import Clock, time_from_field
from logstream.records import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

_JOURNALD_TIME: Final = "__REALTIME_TIMESTAMP"
_TIME_KEYS: Final = (
    *("time", "timestamp", "ts", "@timestamp", "t", "date", "@t", "datetime", "asctime", "Timestamp", "eventTime"),
    *("time_iso8601", "time_local", "timeUnixNano", _JOURNALD_TIME),
)
_LEVEL_KEYS: Final = (
    *("level", "lvl", "severity", "log.level", "levelname", "@l", "Level", "LogLevel", "loglevel", "log_level"),
    *("severityText", "severity_text", "at"),
)
_METHOD_KEYS: Final = ("method", "request_method", "request")
_STATUS_KEYS: Final = ("status", "status_code", "statusCode")
_STATUS: Final = re.compile(r"[1-5]\d\d", re.ASCII)
_SEVERITIES: Final = frozenset("01234567")
_NANOS: Final = 10**9

MAX_DEPTH: Final = 100
"""Nesting up to which fields are kept. orjson reads 1024 levels and refuses to write more than 254."""


def read_object(text: str) -> dict[str, Any] | None:
    """The JSON object that the line is as a whole, else None."""
    if text[:1] != "{" or text.rstrip()[-1:] != "}":
        return None
    try:
        found = orjson.loads(text)
    except ValueError:  # also for lone surrogates and too deep nesting
        return None
    return found if isinstance(found, dict) else None


def fields_of(text: str, found: dict[str, Any]) -> dict[str, Any] | None:
    """The object's fields, or None when it is nested too deeply to be written again."""
    # Counting is cheap, and no object is deeper than it has opening brackets.
    if text.count("{") + text.count("[") <= MAX_DEPTH or not _is_deeper(found, MAX_DEPTH):
        return found
    return None


def _is_deeper(root: dict[str, Any], depth: int) -> bool:
    layer: list[dict[str, Any] | list[Any]] = [root]
    for _ in range(depth):
        layer = [inner for outer in layer for inner in _members(outer) if isinstance(inner, dict | list)]
        if not layer:
            return False
    return True


def _members(outer: dict[str, Any] | list[Any]) -> Iterable[object]:
    return outer.values() if isinstance(outer, dict) else outer


def read_json(text: str, clock: Clock) -> Parsed | None:
    """A line that is a JSON object, journald's export among them; the fields are the object as it stands."""
    found = read_object(text)
    if found is None:
        return None
    name = "journald" if _JOURNALD_TIME in found else "json"
    return Parsed(time_of_object(found, clock), level_of_object(found), fields_of(text, found), name)


def read_logfmt(text: str, clock: Clock, *, is_strict: bool = False) -> Parsed | None:
    """A line of `key=value` pairs, whose keys mean what they mean in JSON."""
    found = read_pairs(text, is_strict=is_strict)
    if found is None:
        return None
    return Parsed(time_of_object(found, clock), level_of_object(found), found, "logfmt")


def time_of_object(found: dict[str, Any], clock: Clock) -> str | None:
    """The time under the first key that holds one."""
    for key in _TIME_KEYS:
        if key in found:
            time = time_from_field(_number_of_seconds(found[key]), clock)
            if time is not None:
                return time
    return None


def _number_of_seconds(value: object) -> object:
    """Google Cloud's `{"seconds": ..., "nanos": ...}` as one number of nanoseconds, all else as it is."""
    match value:
        case {"seconds": int(seconds), "nanos": int(nanos)} if 0 <= nanos < _NANOS and 0 <= seconds < _NANOS * 10:
            return seconds * _NANOS + nanos
    return value


def level_of_object(found: dict[str, Any]) -> Level | None:
    """The level under the first key that holds one; else what the object is known to mean by having none.

    `log.level` also as `{"log": {"level": ...}}` (ECS). A CLEF event without `@l` is informational. An access log in
    JSON or logfmt has the level of its HTTP status.
    """
    for key in _LEVEL_KEYS:
        if key in found:
            level = level_from_field(found[key])
            if level is not None:
                return level
    nested = found.get("log")
    if isinstance(nested, dict):
        level = level_from_field(nested.get("level"))
        if level is not None:
            return level
    return _unsaid_level(found)


def _unsaid_level(found: dict[str, Any]) -> Level | None:
    if "@t" in found and "@l" not in found:
        return Level.INFO
    severity = found.get("PRIORITY")
    if isinstance(severity, str) and severity in _SEVERITIES:
        return level_from_severity(int(severity))
    if any(key in found for key in _METHOD_KEYS):
        status = next((found[key] for key in _STATUS_KEYS if key in found), None)
        if _STATUS.fullmatch(str(status)):
            return level_from_status(int(str(status)))
    return None
