"""Wire events of the stream (docs/wire.md): values in, bytes out. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from logstream.api.columns import (
    batches_of_columns,
    encode_all,
    encode_json,
    event_head,
    events_of_columns,
    json_of_columns,
)
from logstream.api.pieces import woven
from logstream.hub.frames import LINE_EVENT, EncodedLines, EncodedRecord, Shape
from logstream.journal.ids import encode_id
from logstream.sse import encode_event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from logstream.api.pieces import Part
    from logstream.hub.frames import Columns
    from logstream.parse import Column
    from logstream.records import Gap, Position, Record
    from logstream.tail.batch import Notice

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> str:
    """The current time as RFC 3339 in UTC, to the millisecond."""
    return _written(datetime.now(UTC))


def utc_text(time_ms: int) -> str:
    """A time (epoch milliseconds, of the years 1 to 9999) as RFC 3339 in UTC, to the millisecond."""
    return _written(_EPOCH + timedelta(milliseconds=time_ms))


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def id_of(position: Position | None) -> str | None:
    """The id of a position, None for none."""
    return None if position is None else encode_id(position)


def encode_own_event(record: EncodedRecord) -> bytes:
    """`encode_event` for a record: its JSON is one line and its id was made here, so neither is looked at again."""
    if record.id is None:
        return b"%b%b\n\n" % (event_head(record.event), record.json)
    return b"%b%b\nid: %b\n\n" % (event_head(record.event), record.json, record.id.encode("ascii"))


def _own_events(lines: EncodedLines) -> bytes:
    """`encode_own_event` of each, joined."""
    (pieces,) = woven((_heads(lines.events), lines.jsons, *_id_parts(lines.ids), b"\n\n"), [len(lines)])
    return b"".join(pieces)


def _heads(events: Sequence[str] | None) -> Part:
    return event_head(LINE_EVENT) if events is None else list(map(event_head, events))


def _id_parts(ids: Column | None) -> tuple[Part, ...]:
    return () if ids is None else (b"\nid: ", ids)


def record_facts(record: Record) -> dict[str, object]:
    """A record as it is told."""
    return {
        "id": record.id,
        "source": record.source,
        "file": record.file,
        "time": record.time,
        "level": None if record.level is None else record.level.word,
        "event": record.event,
        "text": record.text,
        "fields": record.fields,
        "rules": record.rules,
        "cont": record.cont,
    }


def gap_facts(gap: Gap) -> dict[str, object]:
    """A gap as it is told."""
    known = gap.start is not None and gap.end is not None
    return {
        "source": gap.source,
        "file": gap.file,
        "from": gap.start,
        "to": gap.end,
        "lines": gap.lines,
        "bytes": (gap.end or 0) - (gap.start or 0) if known else None,
        "reason": gap.reason,
    }


class WireEncoder:
    """The hub's `FrameEncoder` for the stream's wire format."""

    def encode_record(self, record: Record) -> EncodedRecord:
        """One record's JSON."""
        return EncodedRecord(record.id, record.event, encode_json(record_facts(record)))

    def encode_each(self, records: Sequence[Record]) -> list[bytes]:
        """The JSON of each record."""
        return encode_all(list(map(record_facts, records)))

    def encode_columns(self, columns: Columns) -> list[bytes]:
        """The same for records that were never made."""
        return json_of_columns(columns)

    def encode_frames(self, columns: Columns, shape: Shape, counts: Sequence[int]) -> list[bytes]:
        """Events for records that were never made: what `encode_records` makes of each so many of them."""
        return (batches_of_columns if shape is Shape.BATCH else events_of_columns)(columns, counts)

    def encode_records(self, records: Sequence[EncodedRecord], shape: Shape) -> bytes:
        """An event each, or one `batch` of all with the id of its last."""
        if not records:
            return b""
        if shape is Shape.BATCH:
            jsons = records.jsons if isinstance(records, EncodedLines) else [record.json for record in records]
            return encode_event("batch", b"[%b]" % b",".join(jsons), records[-1].id)
        if isinstance(records, EncodedLines) and len(records) > 1:
            return _own_events(records)
        return b"".join([encode_own_event(record) for record in records])

    def encode_backfill(self, records: Sequence[EncodedRecord], shape: Shape, after: Position | None) -> bytes:
        """Events for records of the past: only the last has an SSE id, that of the place where live goes on."""
        if not records:
            return b""
        after_id = id_of(after)
        if shape is Shape.BATCH:
            return encode_event("batch", b"[%b]" % b",".join(record.json for record in records), after_id)
        last = records[-1]
        events = [encode_event(record.event, record.json) for record in records[:-1]]
        return b"".join([*events, encode_event(last.event, last.json, after_id)])

    def encode_gap(self, gap: Gap, after: Position | None) -> bytes:
        """A `gap` event."""
        return encode_event("gap", encode_json(gap_facts(gap)), id_of(after))

    def encode_notice(self, notice: Notice) -> bytes:
        """A `rotated` or `source` event."""
        told = {"source": notice.source, "file": notice.file, "time": utc_now(), **notice.detail}
        return encode_event(notice.kind, encode_json(told))


def encode_hello(
    *, version: str, heartbeat_seconds: float, retry_ms: int, sources: Sequence[str], resume: Mapping[str, object]
) -> bytes:
    """The first event."""
    told = {
        "version": version,
        "heartbeat_seconds": heartbeat_seconds,
        "retry_ms": retry_ms,
        "sources": sources,
        "resume": resume,
    }
    return encode_event("hello", encode_json(told))


def encode_ping(lag_bytes: int, sources: Mapping[str, object], position: Position | None) -> bytes:
    """A heartbeat that scripts see, with the position reached."""
    told = {"time": utc_now(), "lag_bytes": lag_bytes, "sources": sources}
    return encode_event("ping", encode_json(told), id_of(position))


def encode_bye(reason: str, retry_ms: int) -> bytes:
    """The last event: the server is going down, come back after about `retry_ms`."""
    return encode_event("bye", encode_json({"reason": reason, "retry_ms": retry_ms}))
