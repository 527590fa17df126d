"""What a client makes of each event, and when it says that it has caught up."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from httpx_sse import ServerSentEvent

from logstream.client import Connection, UnreachableError, Wanted, fetch_json
from logstream.following import CaughtUp, Followed, News, Told

HELLO = {"heartbeat_seconds": 15, "retry_ms": 100, "resume": {"from": None, "exact": True, "reason": None}}
LIVE = {"lag_bytes": 0}


def record(text: str, place: str | None = "x") -> dict[str, Any]:
    return {"id": place, "text": text}


class Wire:
    """A connection, and events put to it as `httpx_sse` would."""

    def __init__(self) -> None:
        self.connection = Connection("http://127.0.0.1:1", Wanted(), {})
        self._last_id = ""

    def send(self, event: str, told: object, place: str = "") -> list[Followed]:
        self._last_id = place or self._last_id
        sent = ServerSentEvent(event=event, data=orjson.dumps(told).decode(), id=self._last_id)
        return list(self.connection._take(sent))


def test_records_of_the_past_are_told_once_all_of_them_are_there() -> None:
    wire = Wire()
    assert wire.send("hello", HELLO) == []
    assert wire.send("batch", [record("a")]) == []
    assert wire.send("ping", LIVE) == [], "a heartbeat while the past is on its way"
    assert wire.send("batch", [record("b")]) == []
    assert wire.send("ping", LIVE) == []
    assert wire.send("batch", [record("c")], "1") == [Told([record("a"), record("b"), record("c")])]
    assert wire.send("ping", LIVE, "1") == [CaughtUp()]
    assert wire.connection.last_event_id == "1"


def test_the_past_of_a_service_without_a_position_is_told_when_nothing_more_comes() -> None:
    wire = Wire()
    wire.send("batch", [record("a")])

    assert wire.send("ping", LIVE) == []
    assert wire.send("ping", LIVE) == [Told([record("a")]), CaughtUp()]
    assert wire.send("ping", LIVE) == [CaughtUp()]


def test_records_without_an_id_of_their_own_are_told_at_once() -> None:
    wire = Wire()
    wire.send("batch", [record("a")], "1")

    assert wire.send("batch", [record("b", None)]) == [Told([record("b", None)])]
    assert wire.connection.last_event_id == "1"


def test_a_ping_that_lags_is_no_catching_up_but_moves_the_place() -> None:
    wire = Wire()

    assert wire.send("ping", {"lag_bytes": 7}, "5") == []
    assert wire.connection.last_event_id == "5"


@pytest.mark.parametrize("kind", ["gap", "rotated", "source"])
def test_news_are_passed_on_with_their_facts(kind: str) -> None:
    assert Wire().send(kind, {"file": "/a"}, "2") == [News(kind, {"file": "/a"})]


def test_the_first_connection_is_told_only_if_it_is_inexact_and_later_ones_always() -> None:
    wire = Wire()
    lost = {"from": None, "exact": False, "reason": "why"}

    assert Wire().send("hello", HELLO) == []
    assert wire.send("hello", {**HELLO, "resume": lost}) == [News("inexact", lost)]
    assert wire.send("hello", HELLO) == [News("resumed", {"from": None, "exact": True, "reason": None})]


@pytest.mark.parametrize("url", ["http://[::1", "http://a:b", "http://"])
def test_an_address_that_cannot_be_read_is_named_like_one_where_nobody_answers(url: str) -> None:
    with pytest.raises(UnreachableError, match=re.escape(url)):
        fetch_json(url, "/api/v1/sources", {})
    with pytest.raises(UnreachableError, match=re.escape(url)):
        next(Connection(url, Wanted(), {}).follow(is_endless=True))
