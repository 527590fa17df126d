"""The probes: requests as a browser sends them, with what comes back and when.

Owns sockets and clocks. Refuses to judge. Plain HTTP/1.1: what a proxy does to a stream is the same in HTTP/2, and here
each read from the connection can be told from the next.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from logstream.doctor.asking import PATIENCE_SECONDS, ask, tls_context
from logstream.doctor.knocking import knock
from logstream.doctor.outage import watch_outage
from logstream.doctor.seen import Address, Answer, Seen, Tls
from logstream.doctor.streaming import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNKNOWN_ID: Final = "doctor"
"""An id that no service knows: whether the answer speaks of it tells whether the header has passed."""
_SEEN_ENOUGH_PINGS: Final = 2
_DAY_SECONDS: Final = 86_400


def look(
    address: Address,
    headers: Mapping[str, str],
    tell: Callable[[str], None],
    *,
    idle_seconds: float = 0.0,
    outage_seconds: float = 0.0,
) -> Seen:
    """All probes, one after the other; `tell` hears what is being looked at.

    With `idle_seconds` one waits so long for a cut, with `outage_seconds` for somebody to restart the service.
    """
    tell("the connection")
    tls = _shake_hands(address) if address.is_tls else None
    began = time.monotonic()
    health = ask(address, "/healthz", headers)
    seen = Seen(address, health, time.monotonic() - began, tls)
    if health.failure or health.status != http.HTTPStatus.OK:
        return seen
    page = ask(address, "/", headers)
    without_slash = ask(address, "", headers) if address.path else Answer()
    tell("what a login needs")
    seen = replace(seen, page=page, without_slash=without_slash, doors=knock(address, headers))
    tell("whether the id of a client that comes back passes")
    asked = {"Accept-Encoding": "identity", "Last-Event-ID": UNKNOWN_ID}
    resumed = follow(address, {**headers, **asked}, 0.0, pings=0)
    tell("how a quiet stream comes through (a heartbeat long)")
    stream = follow(address, headers, idle_seconds, pings=_SEEN_ENOUGH_PINGS)
    seen = replace(seen, stream=stream, resumed=resumed)
    if not outage_seconds or not stream.events:
        return seen
    tell(f"what happens while the service is away; restart it now, within {outage_seconds:.0f} s")
    return replace(seen, outage=watch_outage(address, headers, outage_seconds))


def _shake_hands(address: Address) -> Tls | None:
    """What TLS gives; None if nobody shakes hands at all, which the next probe tells better."""
    distrust = ""
    for is_strict in (True, False):
        context = tls_context(is_strict=is_strict)
        context.set_alpn_protocols(["h2", "http/1.1"])
        try:
            with (
                socket.create_connection((address.host, address.port), PATIENCE_SECONDS) as plain,
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
