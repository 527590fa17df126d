"""The probes: requests as a browser sends them, with what comes back and when.

Owns sockets and clocks. Refuses to judge. Plain HTTP/1.1: what a proxy does to a stream is the same in HTTP/2, and here
each read from the connection can be told from the next.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import time
import zlib
from typing import TYPE_CHECKING, Final

from logstream.doctor.seen import FIRST_EVENT_SECONDS, Address, Answer, Event, Seen, Streamed, Tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNKNOWN_ID: Final = "doctor"
"""An id that no service knows: whether the answer speaks of it tells whether the header has passed."""
_STREAM: Final = "/api/v1/stream?from=now"
_PATIENCE_SECONDS: Final = 10.0
_HEARTBEATS: Final = 1.6
_SEEN_ENOUGH_PINGS: Final = 2
_DAY_SECONDS: Final = 86_400


def look(address: Address, headers: Mapping[str, str], idle_seconds: float, tell: Callable[[str], None]) -> Seen:
    """All probes, one after the other; `tell` hears what is being looked at. With `idle_seconds` one waits so long."""
    tell("the connection")
    tls = _shake_hands(address) if address.is_tls else None
    began = time.monotonic()
    health = _ask(address, "/healthz", headers)
    took = time.monotonic() - began
    if health.failure or health.status != http.HTTPStatus.OK:
        return Seen(address, health, took, tls)
    page = _ask(address, "/", headers)
    without_slash = _ask(address, "", headers) if address.path else Answer()
    tell("whether the id of a client that comes back passes")
    asked = {"Accept-Encoding": "identity", "Last-Event-ID": UNKNOWN_ID}
    resumed = _follow(address, {**headers, **asked}, 0.0, pings=0)
    tell("how a quiet stream comes through (a heartbeat long)")
    stream = _follow(address, headers, idle_seconds, pings=_SEEN_ENOUGH_PINGS)
    return Seen(address, health, took, tls, page, without_slash, stream, resumed)


def _context(*, is_strict: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not is_strict:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # Also what no browser speaks any more, to be able to name it.
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def _shake_hands(address: Address) -> Tls | None:
    """What TLS gives; None if nobody shakes hands at all, which the next probe tells better."""
    distrust = ""
    for is_strict in (True, False):
        context = _context(is_strict=is_strict)
        context.set_alpn_protocols(["h2", "http/1.1"])
        try:
            with (
                socket.create_connection((address.host, address.port), _PATIENCE_SECONDS) as plain,
                context.wrap_socket(plain, server_hostname=address.host) as sock,
            ):
                ends = (sock.getpeercert() or {}).get("notAfter")
                left = (ssl.cert_time_to_seconds(str(ends)) - time.time()) / _DAY_SECONDS if ends else None
                return Tls(sock.version() or "", sock.selected_alpn_protocol() or "", left, distrust)
        except ssl.SSLCertVerificationError as error:
            distrust = error.verify_message
        except ssl.SSLError:
            continue
        except OSError:
            return None
    return None


def _connection(address: Address) -> http.client.HTTPConnection:
    if not address.is_tls:
        return http.client.HTTPConnection(address.host, address.port, timeout=_PATIENCE_SECONDS)
    # The handshake has said whether the certificate is to be trusted; what comes after it is looked at all the same.
    context = _context(is_strict=False)
    return http.client.HTTPSConnection(address.host, address.port, timeout=_PATIENCE_SECONDS, context=context)


def _ask(address: Address, target: str, headers: Mapping[str, str]) -> Answer:
    connection = _connection(address)
    try:
        connection.request("GET", address.path + target or "/", headers=dict(headers))
        response = connection.getresponse()
        return Answer(response.status, _names(response), response.read(65_536))
    except (OSError, http.client.HTTPException) as error:
        return Answer(failure=str(error) or type(error).__name__)
    finally:
        connection.close()


def _names(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}


def _follow(address: Address, headers: Mapping[str, str], idle_seconds: float, *, pings: int) -> Streamed:
    """A stream until `pings` have come that are not the first one, and for `idle_seconds` at least."""
    connection = _connection(address)
    try:
        connection.request("GET", address.path + _STREAM, headers={"Accept-Encoding": "gzip", **headers})
        began = time.monotonic()
        connection.sock.settimeout(FIRST_EVENT_SECONDS)
        try:
            response = connection.getresponse()
        except TimeoutError:
            return Streamed(Answer(), ended="nothing came", seconds=FIRST_EVENT_SECONDS)
        answer = Answer(response.status, _names(response))
        if answer.status != http.HTTPStatus.OK:
            return Streamed(answer)
        return _read(connection.sock, response, answer, (began, idle_seconds, pings))
    except (OSError, http.client.HTTPException) as error:
        return Streamed(Answer(failure=str(error) or type(error).__name__))
    finally:
        connection.close()


def _read(
    sock: socket.socket, response: http.client.HTTPResponse, answer: Answer, wanted: tuple[float, float, int]
) -> Streamed:
    began, idle_seconds, pings = wanted
    compression = answer.headers.get("content-encoding", "")
    unpack = zlib.decompressobj(31) if compression == "gzip" else None
    events: list[Event] = []
    text, read, ended = b"", 0, ""
    while not ended and not _is_enough(events, pings, time.monotonic() - began, idle_seconds):
        sock.settimeout(_patience(events))
        try:
            chunk = response.read1(65_536)
        except TimeoutError:
            ended = "nothing came"
            break
        except (OSError, http.client.HTTPException):
            chunk = b""
        ended = "" if chunk else "it was cut"
        read += 1
        text += unpack.decompress(chunk) if unpack else chunk
        *blocks, text = text.replace(b"\r\n", b"\n").split(b"\n\n")
        at = time.monotonic() - began
        events += [event for block in blocks if (event := _event(block, at, read)) is not None]
    return Streamed(answer, tuple(events), compression, ended, time.monotonic() - began)


def _is_enough(events: list[Event], pings: int, seconds: float, idle_seconds: float) -> bool:
    """Whether the stream has shown what it can: with `pings`, news that were written apart, else the first event."""
    if not events:
        return False
    return sum(event.type == "ping" for event in events) >= pings and seconds >= idle_seconds


def _patience(events: list[Event]) -> float:
    """How long the next bytes may take: until the next heartbeat, once it is known how often that comes."""
    hello = next((event for event in events if event.type == "hello"), None)
    if hello is None:
        return FIRST_EVENT_SECONDS
    return float(json.loads(hello.text)["heartbeat_seconds"]) * _HEARTBEATS + 1.0


def _event(block: bytes, at_seconds: float, read: int) -> Event | None:
    fields = dict(line.partition(b": ")[::2] for line in block.split(b"\n"))
    if b"data" not in fields:
        return None
    kind = fields.get(b"event", b"message").decode("utf-8", "replace")
    return Event(kind, fields[b"data"].decode("utf-8", "replace"), at_seconds, read)
