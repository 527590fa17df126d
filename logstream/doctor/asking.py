"""One request as a browser sends it, over HTTP/1.1, with its answer or why there was none.

Owns connections and TLS. Refuses to judge, and to know which requests are worth sending.
"""

from __future__ import annotations

import http.client
import ssl
from typing import TYPE_CHECKING, Final

from logstream.doctor.seen import Address, Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE_SECONDS: Final = 10.0
_MOST_BODY_BYTES: Final = 65_536


def tls_context(*, is_strict: bool) -> ssl.SSLContext:
    """What a browser asks of TLS, or else whatever can be spoken at all."""
    context = ssl.create_default_context()
    if not is_strict:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        # Also what no browser speaks any more, to be able to name it.
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


def connection_to(address: Address) -> http.client.HTTPConnection:
    """A connection that is made with the first request."""
    if not address.is_tls:
        return http.client.HTTPConnection(address.host, address.port, timeout=PATIENCE_SECONDS)
    # The handshake has said whether the certificate is to be trusted; what comes after it is looked at all the same.
    context = tls_context(is_strict=False)
    return http.client.HTTPSConnection(address.host, address.port, timeout=PATIENCE_SECONDS, context=context)


def ask(address: Address, target: str, headers: Mapping[str, str], body: bytes | None = None) -> Answer:
    """The answer to a GET, or to a POST of `body`."""
    connection = connection_to(address)
    try:
        connection.request("GET" if body is None else "POST", address.path + target or "/", body, dict(headers))
        response = connection.getresponse()
        return Answer(response.status, names_of(response), response.read(_MOST_BODY_BYTES))
    except (OSError, http.client.HTTPException) as error:
        return Answer(failure=str(error) or type(error).__name__)
    finally:
        connection.close()


def names_of(response: http.client.HTTPResponse) -> dict[str, str]:
    """The headers, their names in lower case."""
    return {name.lower(): value for name, value in response.getheaders()}
