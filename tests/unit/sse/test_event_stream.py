"""The tests' own parser against the standard's cases, so that what is proven with it is proven."""

from __future__ import annotations

import pytest

from tests.event_stream import EventStreamParser, Parsed, parse


def message(*payloads: str, last_event_id: str = "") -> list[Parsed]:
    return [Parsed("message", payload, last_event_id) for payload in payloads]


# Inputs by what they show; each is fed whole and in pieces of one byte.
CASES: dict[str, tuple[bytes, list[Parsed]]] = {
    "one byte order mark is taken off": (b"\xef\xbb\xbfdata:1\n\n", message("1")),
    "a second one spoils the first field": (b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\n", message("2")),
    "a later one is text": ("data:\ufeff1\n\n".encode(), message("\ufeff1")),
    "lines end at CR": (b"data:a\r\r", message("a")),
    "lines end at CRLF": (b"data:a\r\n\r\n", message("a")),
    "lines end at LF": (b"data:a\n\n", message("a")),
    "line ends mix": (b"data:test\r\ndata\ndata:test\r\n\r", message("test\n\ntest")),
    "CR and then CRLF are two ends": (b"data:a\r\r\ndata:b\n\n", message("a", "b")),
    "no other separator ends a line": ("data:a\u2028b\x0bc\x85d\n\n".encode(), message("a\u2028b\x0bc\x85d")),
    "data may be empty, not absent": (b"data:\n\ndata\ndata\n\ndata:test\n\n", message("", "\n", "test")),
    "a bare field name has the empty value": (b"data\n\ndata\ndata\n\ndata:", message("", "\n")),
    "one space after the colon goes": (b"data:test\n\ndata: test\n\ndata:  test\n\n", message("test", "test", " test")),
    "a tab stays": (b"data:\ttest\rdata: \ndata:test\n\n", message("\ttest\n\ntest")),
    "only the first colon parts": (b"data:a:b: c\n\n", message("a:b: c")),
    "an id lasts": (b"id: 1\ndata:a\n\ndata:b\n\n", message("a", "b", last_event_id="1")),
    "an empty id clears": (
        b"id: 1\ndata:a\n\nid\ndata:b\n\n",
        [*message("a", last_event_id="1"), *message("b")],
    ),
    "an id changes": (
        b"id:1\ndata:a\n\nid: 2\ndata:b\n\n",
        [*message("a", last_event_id="1"), *message("b", last_event_id="2")],
    ),
    "an id may be any text": ("id: …\ndata:hello\n\n".encode(), message("hello", last_event_id="…")),
    "an id without data counts": (b"id: 7\n\ndata:a\n\n", message("a", last_event_id="7")),
    "an id with NUL inside is no id": (b"id: x\0y\ndata:a\n\n", message("a")),
    "an id of NULs is no id": (b"id:\0\0\ndata:a\n\n", message("a")),
    "an id that ends in NUL is no id": (b"id:x\0\ndata:a\n\n", message("a")),
    "an id that begins with NUL is no id": (b"id:\0x\ndata:a\n\n", message("a")),
    "an id of a blank and NUL is no id": (b"id:  \0\ndata:a\n\n", message("a")),
    "a bad id leaves the good one": (b"id:1\nid:x\0x\ndata:a\n\n", message("a", last_event_id="1")),
    "a type without data fires nothing": (b"event: hb\n\ndata:a\n\n", message("a")),
    "an empty type is message": (b"event: \ndata:a\n\n", message("a")),
    "a type counts for one event": (
        b"event:test\ndata:x\n\ndata:y\n\n",
        [Parsed("test", "x", ""), Parsed("message", "y", "")],
    ),
    "the last type of an event counts": (b"event:a\nevent:b\ndata:x\n\n", [Parsed("b", "x", "")]),
    "comments are nothing": (b": ping\n\n:x\ndata:a\n:y\n\n", message("a")),
    "comments stand anywhere": (
        b"data:1\r:\0\n:\r\ndata:2\n:" + b"long" * 512 + b"\rdata:3\n:data:fail\r:" + b"long" * 512 + b"\ndata:4\n\n",
        message("1\n2\n3\n4"),
    ),
    "field names mind case": (b"Data:1\nDATA:2\ndata:3\n\n", message("3")),
    "unknown fields are nothing": (b"foo:1\ndata_5\n data:x\njustsometext\n:data\ndata:3\n\n", message("3")),
    "odd lines": (
        b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n d:3\ndata:4\n\n",
        message("\0\n 2\n1\n3\n\n4"),
    ),
    "NUL in data stays": (b"data:\0\n\n\n\n", message("\0")),
    "text is UTF-8": ("data:ok…\n\n".encode(), message("ok…")),
    "bytes that are not become U+FFFD": (b"data:a\xff\xc3(\n\n", message("a\ufffd\ufffd(")),
    "an event cut by the end is nothing": (b"retry:1000\ndata:test1\n\nid:test\ndata:test2", message("test1")),
    "many events": (
        b"data:msg\ndata:msg\n\n:\n\ndata:end\n\n:\rfalsefield:msg\n\nfalsefield:msg\nData:data\n\ndata\n\ndata:x\n\n",
        message("msg\nmsg", "end", "", "x"),
    ),
}


@pytest.mark.parametrize("piece_bytes", [0, 1], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("name", CASES)
def test_the_parser_does_as_the_standard_says(name: str, piece_bytes: int) -> None:
    stream, events = CASES[name]
    assert parse(stream, piece_bytes) == events


@pytest.mark.parametrize(
    ("lines", "retry_ms"),
    [
        (b"retry:3000\n", 3000),
        (b"retry: 007\n", 7),
        (b"retry:2000\nretry:1000x\n", 2000),
        (b"retry: 1000x\nretry:-5\nretry: 1.5\n", None),
        (b"retry:1000\nretry\n", 1000),
        ("retry:\u0663\n".encode(), None),
    ],
)
def test_only_ascii_digits_set_the_retry_time(lines: bytes, retry_ms: int | None) -> None:
    parser = EventStreamParser()
    assert parser.feed(lines + b"data:a\n\n") == message("a")
    assert parser.retry_ms == retry_ms
