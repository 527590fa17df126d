"""What a client asks of the stream, read from its request. Pure: names and texts in, frozen values out."""

from __future__ import annotations

import re
from datetime import datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from logstream.api.problems import BadParameterError, UnknownSourceError
from logstream.hub.frames import Shape
from logstream.hub.start import MOST_BACKFILL, From, FromId, FromLast, FromNow, FromStart, FromTime
from logstream.hub.view import ViewKey
from logstream.rules import CompiledQuery, compile_query, parse_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstream.access import SourceScope

FROM, SHAPE = "from", "shape"
PARAMETERS = frozenset({"source", "q", FROM, "last_event_id", SHAPE})
TOLD = 100
"""Characters of a bad value that an answer repeats."""
_SHAPE_EXPECTED = "line or batch"
_FROM_EXPECTED = f"now, start, -N (1 to {MOST_BACKFILL}), an event id, or an RFC 3339 time"
_LAST = re.compile(r"-([0-9]{1,9})")
# Also what no server of this format can have written: a damaged id, or one of another format, is an id that is unknown.
_ID = re.compile(r"[0-9]{1,3}(?:\.[0-9A-Za-z]{1,40}){3}")
_TIME = re.compile(
    r"(?P<minute>\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d)(:(?P<second>\d\d)(?P<fraction>\.\d+)?)?(?P<offset>[Zz]|[+-]\d\d:\d\d)",
    re.ASCII,
)
_LEAP_SECOND = "60"


class Asked(NamedTuple):
    """One stream, as asked for."""

    key: ViewKey
    query: CompiledQuery
    begin: From | None
    last_event_id: str | None


def read_asked(arguments: Mapping[str, Sequence[str]], last_event_id_header: str | None, scope: SourceScope) -> Asked:
    """What `arguments` and the `Last-Event-ID` header ask for. Compiles the query, which may take a while.

    Raises BadParameterError, UnknownSourceError, QueryError. A strange id is no error: it may come from another server,
    and a browser that got a 4xx for it would give up for ever (WHATWG HTML 9.2.3).
    """
    refuse_others(arguments, PARAMETERS)
    sources = read_sources(arguments, scope)
    query = parse_query(single(arguments, "q") or "")
    shape = _read_shape(single(arguments, "shape"))
    header = last_event_id_header or None
    return Asked(
        ViewKey(sources, query.canonical, shape, is_closed=not scope.is_whole),
        compile_query(query),
        read_from(single(arguments, "from")),
        header or single(arguments, "last_event_id") or None,
    )


def refuse_others(arguments: Mapping[str, Sequence[str]], known: frozenset[str]) -> None:
    """Raise BadParameterError for a parameter that is not one of `known`."""
    for name in arguments:
        if name not in known:
            expected = f"one of the parameters {', '.join(sorted(known))}"
            raise BadParameterError(name, arguments[name][0][:TOLD], expected)


def read_sources(arguments: Mapping[str, Sequence[str]], scope: SourceScope) -> tuple[str, ...]:
    """The globs over sources; raises UnknownSourceError for one that names none, or none that the viewer sees."""
    globs = sorted(set(arguments.get("source", ())) - {""})
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in scope.names):
            raise UnknownSourceError(glob, scope.names)
    return scope.selected(globs)


def read_from(text: str | None) -> From | None:
    """The `from` parameter; None if it is not given. Raises BadParameterError."""
    if not text:
        return None
    if text in {"now", "start"}:
        return FromNow() if text == "now" else FromStart()
    if (last := _LAST.fullmatch(text)) is not None and 1 <= int(last[1]) <= MOST_BACKFILL:
        return FromLast(int(last[1]))
    if _ID.fullmatch(text) is not None:
        return FromId(text)
    if (time_ms := parse_time(text)) is not None:
        return FromTime(time_ms)
    raise BadParameterError(FROM, text[:TOLD], _FROM_EXPECTED)


def parse_time(text: str) -> int | None:
    """An RFC 3339 time as epoch milliseconds; None if it is none."""
    # A plus sign that was not percent-encoded arrives as a space.
    found = _TIME.fullmatch(re.sub(r" (?=\d\d:\d\d$)", "+", text))
    if found is None:
        return None
    # datetime has no leap seconds: one is the first moment of the next minute, as clocks have it that repeat a second.
    is_leap = found["second"] == _LEAP_SECOND
    second = "59" if is_leap else found["second"] or "00"
    fraction = "" if is_leap else found["fraction"] or ""
    try:
        moment = datetime.fromisoformat(f"{found['minute']}:{second}{fraction}{found['offset']}".upper())
        return int(moment.timestamp() * 1000) + (1_000 if is_leap else 0)
    except (ValueError, OverflowError):
        return None


def _read_shape(text: str | None) -> Shape:
    try:
        return Shape(text or Shape.LINE)
    except ValueError:
        raise BadParameterError(SHAPE, (text or "")[:TOLD], _SHAPE_EXPECTED) from None


def single(arguments: Mapping[str, Sequence[str]], name: str) -> str | None:
    """The last value of a parameter."""
    values = arguments.get(name)
    return values[-1] if values else None
