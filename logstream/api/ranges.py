"""What a client asks of the past, read from its request: which records, how many, from when until when. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from logstream.api.asked import TOLD, parse_time, read_sources, refuse_others, single
from logstream.api.problems import BadParameterError, UnknownIdError
from logstream.hub.frames import Shape
from logstream.hub.times import Span
from logstream.hub.view import ViewKey
from logstream.journal.ids import decode_id
from logstream.rules import CompiledQuery, compile_query, parse_query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstream.access import SourceScope
    from logstream.records import Position

Anchor = Literal["before", "after", "around"]
ANCHORS: tuple[Anchor, ...] = ("before", "after", "around")
SELECTION_PARAMETERS = frozenset({"since", "until", "q", "source"})
RECORDS_PARAMETERS = SELECTION_PARAMETERS | {*ANCHORS, "limit"}
HISTOGRAM_PARAMETERS = frozenset({"after", "since", "until", "buckets", "q", "source"})
MOST_RECORDS, USUAL_RECORDS = 1000, 100
MOST_BUCKETS, USUAL_BUCKETS = 1000, 60
_USUAL_SPAN_MS = 3_600_000
_EARLIEST_MS, _LATEST_MS = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999 in UTC: what can be told back."""
_UNTIL = "until"
_TIME_EXPECTED = "an RFC 3339 time with its offset, such as 2026-11-01T10:00:00Z"


class AskedPlace(NamedTuple):
    """A place in the recorded order that the client names by an id, and which side of it is asked for."""

    anchor: Anchor
    text: str
    position: Position


class AskedRecords(NamedTuple):
    """One page of records, as asked for."""

    key: ViewKey
    query: CompiledQuery
    place: AskedPlace | None
    span: Span
    limit: int


class AskedCounts(NamedTuple):
    """One histogram, as asked for."""

    key: ViewKey
    query: CompiledQuery
    place: AskedPlace | None
    starts_ms: tuple[int, ...]
    until_ms: int


def read_records(arguments: Mapping[str, Sequence[str]], scope: SourceScope) -> AskedRecords:
    """What `arguments` ask for; may take a while, as the query is compiled. Raises UsageError."""
    refuse_others(arguments, RECORDS_PARAMETERS)
    limit = _number(arguments, "limit", MOST_RECORDS, USUAL_RECORDS)
    key, query = _selection(arguments, scope)
    return AskedRecords(key, query, _place(arguments), _span(arguments), limit)


def read_selected(arguments: Mapping[str, Sequence[str]], scope: SourceScope, limit: int) -> AskedRecords:
    """As `read_records`, without a place: all that is selected, `limit` records a page."""
    refuse_others(arguments, SELECTION_PARAMETERS)
    key, query = _selection(arguments, scope)
    return AskedRecords(key, query, None, _span(arguments), limit)


def read_counts(arguments: Mapping[str, Sequence[str]], scope: SourceScope) -> AskedCounts:
    """As `read_records`. Without `until` it is now, without `since` an hour before."""
    refuse_others(arguments, HISTOGRAM_PARAMETERS)
    buckets = _number(arguments, "buckets", MOST_BUCKETS, USUAL_BUCKETS)
    span = _span(arguments)
    until_ms = span.until_ms
    if until_ms is None:
        until_ms = max(int(time.time() * 1000), 0 if span.since_ms is None else span.since_ms + 1)
    since_ms = max(_EARLIEST_MS, until_ms - _USUAL_SPAN_MS) if span.since_ms is None else span.since_ms
    if since_ms >= until_ms:
        raise BadParameterError(_UNTIL, (single(arguments, _UNTIL) or "")[:TOLD], "a time after since")
    buckets = min(buckets, until_ms - since_ms)
    starts = tuple(since_ms + (until_ms - since_ms) * number // buckets for number in range(buckets))
    key, query = _selection(arguments, scope)
    return AskedCounts(key, query, _place(arguments), starts, until_ms)


def _selection(arguments: Mapping[str, Sequence[str]], scope: SourceScope) -> tuple[ViewKey, CompiledQuery]:
    sources = read_sources(arguments, scope)
    query = parse_query(single(arguments, "q") or "")
    key = ViewKey(sources, query.canonical, Shape.LINE, is_closed=not scope.is_whole)
    return key, compile_query(query)


def _place(arguments: Mapping[str, Sequence[str]]) -> AskedPlace | None:
    named = [anchor for anchor in ANCHORS if single(arguments, anchor)]
    if not named:
        return None
    anchor, text = named[0], cast("str", single(arguments, named[0]))
    if len(named) > 1:
        raise BadParameterError(named[1], cast("str", single(arguments, named[1]))[:TOLD], f"nothing beside {anchor}=")
    position = decode_id(text)
    if position is None:
        raise UnknownIdError(anchor, text[:TOLD], "this is not an id of this service")
    return AskedPlace(anchor, text, position)


def _span(arguments: Mapping[str, Sequence[str]]) -> Span:
    since_ms, until_ms = _time(arguments, "since"), _time(arguments, "until")
    if since_ms is not None and until_ms is not None and until_ms <= since_ms:
        raise BadParameterError(_UNTIL, (single(arguments, _UNTIL) or "")[:TOLD], "a time after since")
    return Span(since_ms, until_ms)


def _time(arguments: Mapping[str, Sequence[str]], name: str) -> int | None:
    text = single(arguments, name)
    if not text:
        return None
    time_ms = parse_time(text)
    if time_ms is None or not _EARLIEST_MS <= time_ms <= _LATEST_MS:
        raise BadParameterError(name, text[:TOLD], _TIME_EXPECTED)
    return time_ms


def _number(arguments: Mapping[str, Sequence[str]], name: str, most: int, usual: int) -> int:
    text = single(arguments, name)
    if not text:
        return usual
    digits = text if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else "0"
    if not 1 <= int(digits) <= most:
        raise BadParameterError(name, text[:TOLD], f"a whole number from 1 to {most}")
    return int(digits)
