from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logstream.access import everything
from logstream.api.asked import read_asked, read_from
from logstream.api.problems import BadParameterError, UnknownSourceError
from logstream.hub.frames import Shape
from logstream.hub.start import MOST_BACKFILL, FromId, FromLast, FromNow, FromStart, FromTime
from logstream.rules import QueryError

NAMES = everything(("app", "web-a", "web-b"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("", None),
        ("now", FromNow()),
        ("start", FromStart()),
        ("-1", FromLast(1)),
        (f"-{MOST_BACKFILL}", FromLast(MOST_BACKFILL)),
        ("1.abcdefgh.z.1", FromId("1.abcdefgh.z.1")),
        ("1.abcdefgh.z.zzzzzzz", FromId("1.abcdefgh.z.zzzzzzz")),
        ("1.0bcdefgh.z.1", FromId("1.0bcdefgh.z.1")),
        ("2.ABCDEFGH.z.1", FromId("2.ABCDEFGH.z.1")),
        ("1970-01-01T00:00:01Z", FromTime(1_000)),
        ("1970-01-01T01:00:01.5+01:00", FromTime(1_500)),
        ("1970-01-01T01:00:01 01:00", FromTime(1_000)),
        ("1970-01-01t00:00:01z", FromTime(1_000)),
        ("1970-01-01T00:00:01.0000000000000000005Z", FromTime(1_000)),
        ("1970-01-01T00:00Z", FromTime(0)),
        ("1972-06-30T23:59:60.5Z", FromTime(78_796_800_000)),
    ],
)
def test_each_form_of_from_is_understood(text: str | None, expected: object) -> None:
    assert read_from(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("-0", "-10001", "5", "yesterday", "1.abcdefgh.z", "1.abcdefgh..1"),
        *("2026-11-23", "2026-13-01T00:00:00Z", "1970-01-01T00:00:01", "1970-01-01T00:00:61Z"),
    ],
)
def test_other_forms_are_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(BadParameterError, match="RFC 3339"):
        read_from(text)


@given(st.text())
def test_no_text_is_more_than_a_bad_parameter(text: str) -> None:
    with suppress(BadParameterError):
        read_from(text)


def test_equal_selections_are_one_view_however_they_are_spelled() -> None:
    one = read_asked({"source": ["web-b", "web-a"], "q": ["error   timeout"]}, None, NAMES)
    two = read_asked({"source": ["web-a", "web-b", "web-a"], "q": [" error timeout "]}, None, NAMES)

    assert one.key == two.key
    assert one.key.shape is Shape.LINE


@pytest.mark.parametrize(
    "empty", [{"source": [""]}, {"source": ["", "web-a"]}, {"shape": [""], "q": [""], "from": [""]}]
)
def test_an_empty_parameter_is_one_that_is_not_given(empty: dict[str, list[str]]) -> None:
    filled = {name: [value for value in values if value] for name, values in empty.items()}

    assert read_asked(empty, None, NAMES).key == read_asked(filled, None, NAMES).key


def test_the_header_wins_over_the_parameter() -> None:
    arguments = {"last_event_id": ["parameter"], "from": ["start"]}

    assert read_asked(arguments, "header", NAMES).last_event_id == "header"
    assert read_asked(arguments, None, NAMES).last_event_id == "parameter"
    assert read_asked({"last_event_id": [""]}, "", NAMES).last_event_id is None


def test_a_strange_id_is_no_mistake_of_the_request() -> None:
    assert read_asked({}, "\xe9" * 9_000, NAMES).last_event_id == "\xe9" * 9_000


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownSourceError) as unknown:
        read_asked({"source": ["app", "nginx"]}, None, NAMES)
    assert (unknown.value.name, unknown.value.known) == ("nginx", NAMES.names)
    with pytest.raises(QueryError):
        read_asked({"q": ["(a"]}, None, NAMES)
    with pytest.raises(BadParameterError, match="line or batch"):
        read_asked({"shape": ["round"]}, None, NAMES)
    with pytest.raises(BadParameterError, match="one of the parameters"):
        read_asked({"form": ["now"]}, None, NAMES)
