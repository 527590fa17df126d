"""What the doctor concludes from what was seen, where no proxy at hand shows it."""

from __future__ import annotations

import json

import pytest

from logstream.doctor.findings import Severity
from logstream.doctor.judging import judge
from logstream.doctor.remedies import _LINES, _WORDS, proxy_of, remedy_for
from logstream.doctor.seen import Address, Answer, Doors, Event, Outage, Refusal, Seen, Streamed, Tls, UnaskableError

HEALTH = Answer(200, {"server": "nginx/1.22.1"}, b'{"status":"ok","version":"1"}')
PAGE = Answer(200, {"content-type": "text/html"})
HELLO = Event("hello", json.dumps({"heartbeat_seconds": 15, "resume": {"exact": False}}), 0.01, 1)
STREAM = Answer(200, {"content-type": "text/event-stream; charset=utf-8"})
FAULTS = {Severity.WARNING, Severity.ERROR}
LOCAL = Address.of("http://127.0.0.1:8780")


def ping(read: int) -> Event:
    return Event("ping", "{}", 15.0 * read, read)


def faults(stream: Streamed, resumed: Streamed | None = None, **other: object) -> list[tuple[str, str]]:
    seen = Seen(LOCAL, HEALTH, page=PAGE, stream=stream, resumed=resumed or Streamed(STREAM, (HELLO,)))
    for name, value in other.items():
        object.__setattr__(seen, name, value)
    return [(finding.severity, finding.check) for finding in judge(seen) if finding.severity in FAULTS]


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


def problem(status: int, detail: str, **headers: str) -> Answer:
    told = {
        "content-type": "application/problem+json",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    return Answer(status, told, json.dumps({"detail": detail}).encode())


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("logstream_session=; HttpOnly; Path=/logs", []),
        ("logstream_session=; HttpOnly; Path=/", []),
        ("logstream_session=; HttpOnly", []),
        ("logstream_session=; HttpOnly; Path=/log", [("error", "cookie")]),
        ("logstream_session=; HttpOnly; Path=/elsewhere", [("error", "cookie")]),
        ("", [("error", "cookie")]),
    ],
)
def test_a_cookie_must_be_good_for_the_address_that_is_asked(cookie: str, expected: list[tuple[str, str]]) -> None:
    nobody = problem(401, "nobody is logged in: log in")
    wrong = problem(401, "this token is not known", www_authenticate='Bearer error="invalid_token"')
    logout = Answer(204, {"set-cookie": cookie} if cookie else {})
    doors = Doors(nobody, wrong, problem(401, "the session has ended"), problem(400, "no login"), logout, (nobody,))
    slash = Answer(308, {"location": "/logs/"})
    stream = Streamed(STREAM, (HELLO, ping(1), ping(2)))
    address = Address.of("http://localhost/logs")
    assert faults(stream, doors=doors, address=address, without_slash=slash) == expected


@pytest.mark.parametrize(
    ("status", "who"), [(200, "reaches this address"), (401, "by the proxy"), (302, "by the proxy")]
)
def test_who_reads_where_the_service_asks_nobody_is_said(status: int, who: str) -> None:
    doors = Doors(Answer(200, {}, b'{"name": null, "way": "anybody"}'), stranger=Answer(status))
    stream = Streamed(STREAM, (HELLO, ping(1), ping(2)))
    seen = Seen(LOCAL, HEALTH, page=PAGE, stream=stream, resumed=Streamed(STREAM, (HELLO,)), doors=doors)
    (told,) = (found.seen for found in judge(seen) if found.check == "access")
    assert who in told


def test_a_cookie_without_secure_behind_tls_is_a_warning() -> None:
    health = HEALTH._replace(headers={"strict-transport-security": "max-age=1"})
    nobody = problem(401, "nobody is logged in: log in")
    logout = Answer(204, {"set-cookie": "logstream_session=; HttpOnly"})
    doors = Doors(nobody, nobody, problem(401, "the session has ended"), problem(400, "no login"), logout, (nobody,))
    found = faults(
        Streamed(STREAM, (HELLO, ping(1), ping(2))),
        doors=doors,
        address=Address.of("https://localhost"),
        tls=Tls("TLSv1.3", "h2", 80),
        health=health,
    )
    assert found == [("error", "authorization"), ("warning", "cookie")]


ENDED = Outage(60, has_ended=True)
BAD = Refusal(0.1, Answer(502, {"content-type": "text/html"}))
NEVER = Refusal(0.1, Answer(failure="refused"))
PAGE_IN_ITS_PLACE = Refusal(0.1, PAGE)


@pytest.mark.parametrize(
    ("outage", "expected"),
    [
        (None, []),
        (Outage(60), []),
        (ENDED._replace(back_seconds=3.0, is_exact=True), []),
        (ENDED._replace(back_seconds=3.0), []),
        (ENDED._replace(back_seconds=3.0, refusals=(NEVER,)), []),
        (ENDED._replace(back_seconds=3.0, is_exact=True, refusals=(BAD, BAD)), [("warning", "outage")]),
        (ENDED._replace(back_seconds=3.0, refusals=(BAD, PAGE_IN_ITS_PLACE)), [("error", "outage")]),
        (ENDED._replace(back_seconds=3.0, is_exact=False), [("error", "outage")]),
        (ENDED, [("error", "outage")]),
    ],
)
def test_what_is_told_of_a_restart(outage: Outage | None, expected: list[tuple[str, str]]) -> None:
    assert faults(Streamed(STREAM, (HELLO, ping(1), ping(2))), outage=outage) == expected


def test_what_nobody_has_tried_is_told_with_how_one_does() -> None:
    seen = Seen(Address.of("https://logs.example.org/a"), HEALTH, page=PAGE, stream=Streamed(STREAM, (HELLO, ping(1))))
    (untried,) = (found for found in judge(seen) if found.severity is Severity.UNTRIED)
    assert "logstream doctor https://logs.example.org/a --outage 60" in untried.remedy


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
    for url in ("https://logs.example.org/a", "http://[::1]:8780", "https://h:8443"):
        assert Address.of(f"{url}/").url == url
    assert Address.of("https://h:443/a").origin == "https://h"
