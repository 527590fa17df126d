from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from logstream.sse import Event, UnsafeFieldError, encode_comment, encode_event, encode_retry
from tests.event_stream import EventStreamParser, Parsed, parse

ANY_TEXT = st.text(alphabet=st.one_of(st.sampled_from("\r\n\0 :\ufeff\u2028\x85adeinotvry"), st.characters()))
TYPES = st.text(alphabet=st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))
PRINTABLE = st.characters(min_codepoint=0x20, max_codepoint=0x7E)
IDS = st.none() | st.text(PRINTABLE).map(lambda text: text.strip(" "))


def seen(text: str) -> str:
    """`text` as a script gets it: every line end is LF, what is no Unicode is U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", re.sub("\r\n|\r", "\n", text))


@given(event_type=TYPES, data=ANY_TEXT, event_id=IDS)
@example(event_type="", data="", event_id=None)
@example(event_type="a", data="\ud800\rb", event_id="1")
@example(event_type=" x", data=" a\r\r\n\nid: 9", event_id="")
def test_an_event_comes_back_as_it_was_sent(event_type: str, data: str, event_id: str | None) -> None:
    stream = encode_event(event_type, data, event_id)
    expected = [Parsed(event_type or "message", seen(data), event_id or "")]
    assert parse(stream) == expected
    assert parse(stream, piece_bytes=1) == expected


@given(payload=st.binary() | ANY_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(payload=b"x\n\nid: 666\nevent: bye\ndata: {}\n\n")
@example(payload=b"x\rretry: 1\r\rdata: y\r\r")
def test_no_payload_forges_a_field_an_event_or_an_id(payload: bytes) -> None:
    """Conformance: E15."""
    parser = EventStreamParser()
    events = parser.feed(encode_event("line", payload, "1") + encode_event("end", "z"))
    assert [(event.type, event.last_event_id) for event in events] == [("line", "1"), ("end", "1")]
    assert parser.retry_ms is None
    assert parser.comments == []


def test_the_bytes_of_an_event_are_type_data_id_and_an_empty_line() -> None:
    """Conformance: I11."""
    assert encode_event("line", '{"a":1}', "1.g.2.3") == b'event: line\ndata: {"a":1}\nid: 1.g.2.3\n\n'
    assert encode_event("", "a\nb\r\nc\rd") == b"data: a\ndata: b\ndata: c\ndata: d\n\n"
    assert encode_event("ping", b"", "") == b"event: ping\ndata: \nid: \n\n"
    assert Event("tick", "x", "7").encode() == encode_event("tick", "x", "7")


def test_separators_that_end_no_line_are_kept_in_one_data_line() -> None:
    """Conformance: E14."""
    text = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g"
    assert encode_event("", text) == b"data: %b\n\n" % text.encode()


@pytest.mark.parametrize(
    ("event_type", "offset"), [("a\nb", 1), ("a\r", 1), ("\r\n", 0), ("x\ud800", 1), ("e\n\ndata: x", 1)]
)
def test_a_type_that_would_end_its_line_is_refused(event_type: str, offset: int) -> None:
    with pytest.raises(UnsafeFieldError) as caught:
        encode_event(event_type, "x")
    assert (caught.value.field, caught.value.value, caught.value.offset) == ("event", event_type, offset)


@pytest.mark.parametrize(
    ("event_id", "offset"),
    [
        ("1\n2", 1),
        ("1\r", 1),
        ("\0", 0),
        ("ab\0c", 2),
        ("\u2026", 0),
        ("1\x7f", 1),
        ("1\t2", 1),
        (" 1", 0),
        ("1 ", 1),
        (" ", 0),
        ("1\n", 1),
    ],
)
def test_an_id_that_would_not_come_back_is_refused(event_id: str, offset: int) -> None:
    with pytest.raises(UnsafeFieldError) as caught:
        encode_event("line", "x", event_id)
    assert (caught.value.field, caught.value.value, caught.value.offset) == ("id", event_id, offset)


def test_a_refusal_names_field_character_and_place() -> None:
    with pytest.raises(UnsafeFieldError, match=r"^SSE field id: character U\+000A at 2 cannot be sent$"):
        encode_event("line", "x", "12\n3")


@given(text=ANY_TEXT)
def test_a_comment_is_seen_by_no_script_and_resets_nothing(text: str) -> None:
    """Conformance: I10."""
    parser = EventStreamParser()
    assert parser.feed(encode_event("a", "1", "9") + encode_comment(text)) == [Parsed("a", "1", "9")]
    assert "\n".join(parser.comments) == "\n".join(f" {line}" for line in seen(text).split("\n"))
    assert parser.feed(encode_event("b", "2")) == [Parsed("b", "2", "9")]


@given(milliseconds=st.integers(min_value=0, max_value=10**9))
def test_a_retry_time_is_understood(milliseconds: int) -> None:
    parser = EventStreamParser()
    assert parser.feed(encode_retry(milliseconds)) == []
    assert parser.retry_ms == milliseconds


def test_a_negative_retry_time_is_refused() -> None:
    with pytest.raises(UnsafeFieldError, match="SSE field retry"):
        encode_retry(-1)
