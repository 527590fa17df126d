"""What a request asks for, whichever way it names it (RFC 9112, section 3.2). Pure.

Owns the change of an address, `GET http://host/path`, which proxies write, into the path and the host that it stands
for. Refuses to judge paths and hosts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_ADDRESS: Final = re.compile(rb"https?://(?:[^/?#@]*@)?([^/?#@]+)((?:[/?][^#]*)?)", re.IGNORECASE)


def origin_form(target: bytes) -> tuple[bytes, bytes | None] | None:
    """The path with its query, and the host where `target` names it; None where it asks for nothing that is here."""
    if target.startswith(b"/"):
        return target, None
    address = _ADDRESS.fullmatch(target)
    if address is None:
        return None
    host, rest = address.groups()
    return (rest if rest.startswith(b"/") else b"/" + rest), host


def with_host(headers: Iterable[tuple[bytes, bytes]], host: bytes | None) -> list[tuple[bytes, bytes]]:
    """`headers` where the request's target names no `host`; else that counts, and not the header (section 3.2.2)."""
    if host is None:
        return list(headers)
    return [(b"host", host), *((name, value) for name, value in headers if name != b"host")]
