"""What the doctor concludes from what was seen, where no proxy at hand shows it."""

from __future__ import annotations

import json

import pytest

from logstream.doctor.findings import Severity
from logstream.doctor.judging import judge
from logstream.doctor.remedies import _LINES, _WORDS, proxy_of, remedy_for
from logstream.doctor.seen import Address, Answer, Event, Seen, Streamed, Tls, UnaskableError

HEALTH = Answer(200, {"server": "nginx/1.22.1"}, b'{"status":"ok","version":"1"}')
PAGE = Answer(200, {"content-type": "text/html"})
HELLO = Event("hello", json.dumps({"heartbeat_seconds": 15, "resume": {"exact": False}}), 0.01, 1)
STREAM = Answer(200, {"content-type": "text/event-stream; charset=utf-8"})
LOCAL = Address.of("http://127.0.0.1:8780")


def ping(read: int) -> Event:
    return Event("ping", "{}", 15.0 * read, read)


def faults(stream: Streamed, resumed: Streamed | None = None, **other: object) -> list[tuple[str, str]]:
    seen = Seen(LOCAL, HEALTH, page=PAGE, stream=stream, resumed=resumed or Streamed(STREAM, (HELLO,)))
    for name, value in other.items():
        object.__setattr__(seen, name, value)
    return [(finding.severity, finding.check) for finding in judge(seen) if finding.severity is not Severity.OK]


def test_news_that_come_apart_are_as_they_should_be() -> None:
    assert faults(Streamed(STREAM, (HELLO, ping(1), ping(2)))) == []


def test_two_heartbeats_in_one_read_were_held_back() -> None:
    assert faults(Streamed(STREAM, (HELLO, ping(2), ping(2)))) == [("error", "buffering")]


def test_a_heartbeat_that_does_not_come_is_held_back() -> None:
    assert faults(Streamed(STREAM, (HELLO, ping(1)), ended="nothing came")) == [("error", "buffering")]


def test_what_comes_only_when_compression_is_not_asked_for_is_held_back_by_it() -> None:
    silent = Streamed(Answer(), ended="nothing came", seconds=5)
    assert faults(silent) == [("error", "compression")]
    assert faults(silent, silent) == [("error", "buffering")]


def test_a_stream_that_ends_at_once_is_named() -> None:
    assert faults(Streamed(STREAM, ended="it was cut")) == [("error", "status")]
    assert faults(Streamed(Answer(failure="reset"))) == [("error", "status")]


@pytest.mark.parametrize(
    ("tls", "expected"),
    [
        (Tls("TLSv1.3", "h2", 80), []),
        (Tls("TLSv1.1", "h2", 80), [("error", "tls")]),
        (Tls("TLSv1.2", "http/1.1", None), [("warning", "http-2")]),
        (Tls("TLSv1.3", "h2", None, "self-signed certificate"), [("error", "certificate")]),
        (Tls("TLSv1.3", "h2", 13), [("warning", "certificate")]),
    ],
)
def test_old_tls_and_a_bad_certificate_are_named(tls: Tls, expected: list[tuple[str, str]]) -> None:
    health = HEALTH._replace(headers={"strict-transport-security": "max-age=1"})
    assert faults(Streamed(STREAM, (HELLO, ping(1), ping(2))), tls=tls, health=health) == expected


def test_no_tls_is_a_matter_only_between_machines() -> None:
    stream = Streamed(STREAM, (HELLO, ping(1), ping(2)))
    assert faults(stream, address=Address.of("http://192.0.2.1:8780")) == [("warning", "tls")]


def test_a_slow_answer_is_a_warning() -> None:
    stream = Streamed(STREAM, (HELLO, ping(1), ping(2)))
    assert faults(stream, health_seconds=2.0) == [("warning", "service")]


def test_the_proxy_is_known_by_its_name_and_there_are_words_for_any() -> None:
    assert proxy_of({"server": "nginx/1.22.1"}) == "nginx"
    assert proxy_of({"server": "Caddy"}) == "Caddy"
    assert proxy_of({}) == ""
    assert "proxy_buffering off" in remedy_for("buffering", "nginx")
    assert remedy_for("buffering", "HAProxy") == remedy_for("buffering", "") != ""
    for lines in _LINES.values():
        assert set(lines) <= set(_WORDS), "what is known for one proxy is said in words for all others"


def test_addresses_are_taken_apart() -> None:
    assert Address.of("https://logs.example.org/a/") == Address(True, "logs.example.org", 443, "/a")  # noqa: FBT003
    with pytest.raises(UnaskableError):
        Address.of("http://x:99999999")
