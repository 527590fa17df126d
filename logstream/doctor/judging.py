"""From what was seen to findings: which of it is as it should be, and which is not, and why that matters.

Pure. Owns the thresholds. Refuses to know how it was seen.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from logstream.doctor.findings import Finding, Severity
from logstream.doctor.judging_doors import judge_doors, judge_errors
from logstream.doctor.judging_outage import judge_outage
from logstream.doctor.seen import CUT, FIRST_EVENT_SECONDS, SILENT
from logstream.doctor.wording import Doctor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from logstream.doctor.seen import Event, Seen

_DAYS_LEFT: Final = 14
_SLOW_SECONDS: Final = 1.0
_GATEWAY: Final = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
_LOGIN: Final = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_WHY_BUFFERED: Final = "the page loads but no lines come: they are held back until there are some KiB of them"

_WHY_COMPRESSED: Final = (
    "what is compressed is held back until there is more of it, and may leak secrets to who can write lines"
)


def judge(seen: Seen) -> tuple[Finding, ...]:
    """Every finding, in the order in which things were looked at."""
    doctor = Doctor(seen)
    found = [*_tls(doctor), _health(doctor)]
    if found[-1].severity is not Severity.ERROR:
        found += [*judge_doors(doctor), *judge_errors(doctor)]
        found += _closed(doctor) or [*_frame(doctor), *_stream(doctor), *judge_outage(doctor)]
    return tuple(found)


def _tls(doctor: Doctor) -> Iterator[Finding]:
    tls, address = doctor.seen.tls, doctor.seen.address
    if tls is None:
        if not address.is_tls and not address.is_local:
            yield doctor.warning("tls", "no TLS", "whoever is in between reads the logs, and what is typed to log in")
        return
    if tls.distrust:
        why = "browsers warn of it or refuse it, and the page's stream with it"
        yield doctor.error("certificate", f"the certificate is not trusted: {tls.distrust}", why)
    elif tls.days_left is not None and tls.days_left < _DAYS_LEFT:
        why = "when it has expired nobody gets in; something renews it too late or not at all"
        yield doctor.warning("certificate", f"the certificate ends in {tls.days_left:.0f} days", why)
    old = tls.version not in {"TLSv1.2", "TLSv1.3"}
    yield (
        doctor.error("tls", tls.version, "it can be broken, and browsers refuse it")
        if old
        else doctor.ok("tls", tls.version)
    )
    if tls.protocol == "h2":
        yield doctor.ok("http-2", "HTTP/2 is spoken")
    else:
        why = "a browser opens six connections to an origin: six tabs with a stream leave none for anything else"
        yield doctor.warning("http-2", "no HTTP/2", why)


def _health(doctor: Doctor) -> Finding:
    return _in_between(doctor) or _service(doctor)


def _in_between(doctor: Doctor) -> Finding | None:
    """What answered in the place of a service, if anything did."""
    health = doctor.seen.health
    if health.failure:
        return doctor.error("connection", health.failure, "nothing answers there; is the address right?")
    if health.status in _GATEWAY:
        seen = f"the proxy answers {health.status}"
        return doctor.error("upstream", seen, "the proxy runs, and does not reach the service behind it")
    if health.status in _LOGIN:
        why = "somebody in between asks for a login: give it by --header 'Authorization: ...' or 'Cookie: ...'"
        return doctor.error("login", f"answers {health.status}", why)
    if HTTPStatus.MULTIPLE_CHOICES <= health.status < HTTPStatus.BAD_REQUEST:
        seen = f"leads to {health.headers.get('location', 'nowhere')}"
        return doctor.error("address", seen, "that may be a login, or the address to be asked instead of this one")
    return None


def _closed(doctor: Doctor) -> list[Finding]:
    """What is to be said of a service that asks who one is, and was not told."""
    status = doctor.seen.stream.answer.status
    if status not in _LOGIN:
        return []
    return [doctor.error("access", f"the stream answers {status}", "it asks who you are: nothing else can be examined")]


def _service(doctor: Doctor) -> Finding:
    if not _is_logstream(doctor):
        return doctor.error(
            "sub-path", f"/healthz is not logstream's ({doctor.seen.health.status})", "another program answers there"
        )
    took = doctor.seen.health_seconds
    name = doctor.proxy or "no proxy that says its name"
    if took > _SLOW_SECONDS:
        return doctor.warning("service", f"answers after {took:.1f} s ({name})", "the way to it is slow, or it is busy")
    return doctor.ok("service", f"answers after {took * 1000:.0f} ms ({name})")


def _is_logstream(doctor: Doctor) -> bool:
    health = doctor.seen.health
    try:
        told = json.loads(health.body)
    except ValueError:
        return False
    return health.status == HTTPStatus.OK and isinstance(told, dict) and "version" in told


def _frame(doctor: Doctor) -> Iterator[Finding]:
    seen = doctor.seen
    if seen.page.status == HTTPStatus.OK and "text/html" in seen.page.headers.get("content-type", ""):
        yield doctor.ok("page", "is there")
    else:
        seen_page = seen.page.failure or f"answers {seen.page.status}"
        yield doctor.error("page", seen_page, "there is nothing to look at the lines with; is the page's folder right?")
    if seen.address.path:
        location = seen.without_slash.headers.get("location", "")
        if location.split("?")[0].endswith(f"{seen.address.path}/"):
            yield doctor.ok("sub-path", f"{seen.address.path} leads to {seen.address.path}/")
        else:
            why = "the page's addresses are relative, and lead beside it when the slash at the end is missing"
            yield doctor.warning("sub-path", f"{seen.address.path} answers {seen.without_slash.status}", why)
    if seen.tls is not None and "strict-transport-security" not in seen.health.headers:
        yield doctor.warning("hsts", "no Strict-Transport-Security", "who types the name is asked in the clear first")


def _stream(doctor: Doctor) -> Iterator[Finding]:
    stream = doctor.seen.stream
    answer = stream.answer
    if not stream.events and stream.ended == SILENT:
        yield _nothing(doctor)
        yield from _resume(doctor)
        return
    if answer.failure or answer.status != HTTPStatus.OK:
        seen = answer.failure or f"the stream answers {answer.status}"
        yield doctor.error("status", seen, "the page says `connecting` for ever")
        return
    kind = answer.headers.get("content-type", "")
    if not kind.startswith("text/event-stream"):
        why = "a browser takes nothing else for a stream, and never tries again"
        yield doctor.error("content-type", f"the stream is {kind or 'of no type'}", why)
    if stream.compression:
        yield doctor.error("compression", f"the stream is compressed ({stream.compression})", _WHY_COMPRESSED)
    yield from _flow(doctor)
    yield from _resume(doctor)


def _nothing(doctor: Doctor) -> Finding:
    """Which of two keeps the stream back: the second probe had not asked for compression, and may have got through."""
    seen = f"nothing came in {FIRST_EVENT_SECONDS:.0f} s; the service sends the first event at once"
    if doctor.seen.resumed.events:
        return doctor.error("compression", f"asked for with compression: {seen}", _WHY_COMPRESSED)
    return doctor.error("buffering", seen, _WHY_BUFFERED)


def _flow(doctor: Doctor) -> Iterator[Finding]:
    stream = doctor.seen.stream
    if not stream.events:
        yield doctor.error("status", "the stream ends before its first event", "the page reconnects again and again")
        return
    first = stream.events[0]
    yield doctor.ok("first-byte", f"after {first.at_seconds * 1000:.0f} ms")
    if stream.ended == CUT:
        seen = f"a quiet stream was cut after {stream.seconds:.0f} s, before the service's next sign of life"
        yield doctor.error("idle", seen, "every viewer of a quiet log reconnects again and again")
        return
    if stream.ended or _came_together(stream.events):
        seen = "a sign of life did not come when it was sent" if stream.ended else "what was sent apart came together"
        yield doctor.error("buffering", seen, _WHY_BUFFERED)
        return
    yield doctor.ok("buffering", "what is sent apart comes apart")
    yield doctor.ok("idle", f"a quiet stream is open after {stream.seconds:.0f} s")


def _came_together(events: tuple[Event, ...]) -> bool:
    """Whether two pings came in one read: the service sends them a heartbeat apart."""
    reads = [event.read for event in events if event.type == "ping"]
    return len(set(reads)) < len(reads)


def _resume(doctor: Doctor) -> Iterator[Finding]:
    hello = next((event for event in doctor.seen.resumed.events if event.type == "hello"), None)
    if hello is None:
        return
    if json.loads(hello.text)["resume"]["exact"]:
        why = "whoever comes back after a cut goes on at the newest line, and what came meanwhile is missing"
        yield doctor.error("last-event-id", "the header Last-Event-ID does not reach the service", why)
    else:
        yield doctor.ok("last-event-id", "passes")
