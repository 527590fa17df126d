from __future__ import annotations

import re
from datetime import datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.api.frames import WireEncoder, encode_bye, encode_hello, encode_ping, id_of, utc_now
from logstream.hub.frames import EncodedRecord, Shape
from logstream.journal.ids import encode_id
from logstream.records import Gap, GapReason, Level, Position, Record
from logstream.tail.batch import Notice
from tests.event_stream import Parsed, parse

AFTER = Position("aaaaaaaa", 42, 7)
ENCODER = WireEncoder()


def record(text: str = "text", number: int = 1, event: str = "line") -> Record:
    return Record(
        id=encode_id(Position("aaaaaaaa", number, 0)),
        source="app",
        file="/app.log",
        time="2026-11-23T10:00:00Z",
        level=Level.WARN,
        event=event,
        text=text,
        fields={"a": 1},
        rules=("one", "two"),
        cont=False,
    )


def encoded(count: int) -> list[EncodedRecord]:
    return [ENCODER.encode_record(record(f"text {number}", number)) for number in range(1, count + 1)]


def only(content: bytes) -> Parsed:
    (event,) = parse(content)
    return event


def test_a_record_is_an_object_with_all_members_in_order() -> None:
    made = ENCODER.encode_record(record())

    assert list(orjson.loads(made.json).items()) == [
        ("id", "1.aaaaaaaa.000000001.0000000"),
        ("source", "app"),
        ("file", "/app.log"),
        ("time", "2026-11-23T10:00:00Z"),
        ("level", "warn"),
        ("event", "line"),
        ("text", "text"),
        ("fields", {"a": 1}),
        ("rules", ["one", "two"]),
        ("cont", False),
    ]
    assert (made.id, made.event) == ("1.aaaaaaaa.000000001.0000000", "line")


def test_what_is_not_known_of_a_record_is_null() -> None:
    made = ENCODER.encode_record(record()._replace(id=None, time=None, level=None, fields=None))
    found = orjson.loads(made.json)

    assert [found[name] for name in ("id", "time", "level", "fields")] == [None] * 4
    assert made.id is None


@given(st.text(), st.sampled_from(list(Shape)))
def test_no_text_ends_a_line_of_the_stream_or_forges_a_field(text: str, shape: Shape) -> None:
    content = ENCODER.encode_records([ENCODER.encode_record(record(text))], shape)
    event = only(content)
    found = orjson.loads(event.data)

    assert (found[0] if shape is Shape.BATCH else found)["text"] == text
    assert content.count(b"\ndata: ") == 1
    assert content.endswith(f"\nid: {event.last_event_id}\n\n".encode())
    assert b"\r" not in content


def test_each_line_is_an_event_of_its_type_with_its_id() -> None:
    records = [*encoded(2), ENCODER.encode_record(record("x", 3, "http-5xx"))]
    events = parse(ENCODER.encode_records(records, Shape.LINE))

    assert [event.type for event in events] == ["line", "line", "http-5xx"]
    assert [event.last_event_id for event in events] == [made.id for made in records]


def test_a_batch_is_an_array_with_the_id_of_its_last_record() -> None:
    records = encoded(3)
    event = only(ENCODER.encode_records(records, Shape.BATCH))

    assert event.type == "batch"
    assert orjson.loads(event.data) == [orjson.loads(made.json) for made in records]
    assert event.last_event_id == records[-1].id


@pytest.mark.parametrize("shape", list(Shape))
def test_of_the_past_only_the_last_event_has_an_id_that_of_the_place_after_it(shape: Shape) -> None:
    content = ENCODER.encode_backfill(encoded(3), shape, AFTER)

    assert re.findall(rb"^id: (.*)$", content, re.MULTILINE) == [encode_id(AFTER).encode()]
    assert content.endswith(b"\nid: %b\n\n" % encode_id(AFTER).encode())
    assert b"\nid: " not in ENCODER.encode_backfill(encoded(3), shape, None)
    found = [orjson.loads(event.data) for event in parse(content)]
    flat = found[0] if shape is Shape.BATCH else found
    assert [one["id"] for one in flat] == [made.id for made in encoded(3)]


@pytest.mark.parametrize("shape", list(Shape))
def test_nothing_is_told_where_there_is_nothing(shape: Shape) -> None:
    assert ENCODER.encode_records([], shape) == b""
    assert ENCODER.encode_backfill([], shape, AFTER) == b""


@pytest.mark.parametrize(
    ("start", "end", "length"), [(10, 40, 30), (0, 0, 0), (0, 5, 5), (10, None, None), (None, None, None)]
)
def test_a_gap_tells_its_range_its_length_and_the_id_after_it(
    start: int | None, end: int | None, length: int | None
) -> None:
    event = only(ENCODER.encode_gap(Gap("app", "/app.log", start, end, 3, GapReason.DELETED), AFTER))

    assert (event.type, event.last_event_id) == ("gap", encode_id(AFTER))
    assert orjson.loads(event.data) == {
        "source": "app", "file": "/app.log", "from": start, "to": end, "lines": 3, "bytes": length, "reason": "deleted",
    }  # fmt: skip


def test_a_gap_of_an_unknown_id_knows_nothing_else() -> None:
    event = only(ENCODER.encode_gap(Gap(None, None, None, None, None, GapReason.UNKNOWN_ID), None))
    found = orjson.loads(event.data)

    assert found.pop("reason") == "unknown_id"
    assert set(found.values()) == {None}
    assert event.last_event_id == ""


def test_a_notice_tells_its_details_and_has_no_id() -> None:
    event = only(ENCODER.encode_notice(Notice("rotated", "app", "/app.log", {"to": "/app.log.1"})))
    found = orjson.loads(event.data)

    assert (event.type, event.last_event_id) == ("rotated", "")
    assert datetime.fromisoformat(found.pop("time")).utcoffset() is not None
    assert found == {"source": "app", "file": "/app.log", "to": "/app.log.1"}


def test_hello_and_bye_move_no_cursor_and_ping_does() -> None:
    hello = only(encode_hello(version="1", heartbeat_seconds=15, retry_ms=3, sources=["app"], resume={"from": None}))
    bye = only(encode_bye("the end", 1_234))
    ping = only(encode_ping(5, {"app": {"gaps": 0}}, AFTER))

    assert (hello.type, hello.last_event_id, orjson.loads(hello.data)) == (
        "hello",
        "",
        {"version": "1", "heartbeat_seconds": 15, "retry_ms": 3, "sources": ["app"], "resume": {"from": None}},
    )
    assert (bye.type, bye.last_event_id) == ("bye", "")
    assert orjson.loads(bye.data) == {"reason": "the end", "retry_ms": 1_234}
    assert (ping.type, ping.last_event_id) == ("ping", encode_id(AFTER))
    told = orjson.loads(ping.data)
    assert (told["lag_bytes"], told["sources"]) == (5, {"app": {"gaps": 0}})
    assert only(encode_ping(0, {}, None)).last_event_id == ""


def test_the_time_is_utc_to_the_millisecond() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", utc_now())


def test_no_position_has_no_id() -> None:
    assert id_of(None) is None
    assert id_of(AFTER) == encode_id(AFTER)
