"""Where a request comes from: which proxies are believed, and whether a page of ours sent it. Pure.

Owns which headers count, and from whom. Of a peer that is not listed none does.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from logstream.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNIX: Final = "unix"
"""How a list of proxies names whoever comes over the unix socket."""
_LOCAL_PEER: Final = "<local>"
"""What Quart calls a peer without an address."""
_OWN_SITES: Final = {"same-origin"}


class ProxyError(UsageError):
    """The text names no proxy."""

    def __init__(self, text: str) -> None:
        """Remember what was written."""
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        """One line for people."""
        return f'{self.text[:64]!r} is no proxy: expected an address, a network such as "10.0.0.0/8", or "unix"'


class Proxies(NamedTuple):
    """Peers whose word about their clients is believed."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    has_unix: bool = False

    @classmethod
    def of(cls, texts: Sequence[str]) -> Proxies:
        """Those that a list names; raises ProxyError."""
        networks = []
        for text in texts:
            if text != UNIX:
                try:
                    networks.append(ip_network(text))
                except ValueError:
                    raise ProxyError(text) from None
        return cls(tuple(networks), UNIX in texts)

    def holds(self, peer: str | None) -> bool:
        """Whether `peer`, an address as the server has it, is one of them."""
        if not peer or peer == _LOCAL_PEER:
            return self.has_unix
        try:
            address = ip_address(peer.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self.networks)


def is_over_unix_socket(peer: str | None) -> bool:
    """Whether a request came over the unix socket, where only a proxy can be."""
    return not peer or peer == _LOCAL_PEER


def is_own_page(origin: str | None, site: str | None, host: str | None) -> bool:
    """Whether a request that changes something was sent by a page of this service.

    `origin` and `site` are the headers Origin and Sec-Fetch-Site, which no page can set. A browser sends Origin with
    each POST (Fetch standard, 3.1); who sends none is no browser, and has no session to lose.
    """
    if site is not None and site not in _OWN_SITES:
        return False
    try:
        told, own = urlsplit(origin or ""), urlsplit(f"//{host or ''}")
        told_port, own_port = told.port, own.port
    except ValueError:
        return False
    if told.scheme not in {"http", "https"} or not told.hostname or told.hostname != own.hostname:
        return False
    # A proxy may leave the port out of the Host that it passes on (nginx: $host).
    return own_port is None or own_port == (told_port or (443 if told.scheme == "https" else 80))


def is_secure(origin: str | None, forwarded_proto: str | None, *, is_proxy_believed: bool) -> bool:
    """Whether the browser speaks TLS, though the proxy before this service speaks none to it.

    Who says so of their own page by `origin` decides for their own cookie alone.
    """
    is_told = is_proxy_believed and (forwarded_proto or "").strip().lower() == "https"
    return is_told or (origin or "").startswith("https://")


def client_key(peer: str | None, header: Callable[[str], str | None], proxies: Proxies) -> str:
    """Who a request is counted for: the peer, or what a proxy says of its client.

    A proxy on the unix socket is believed here in any case: nobody else can reach it.
    """
    if not is_over_unix_socket(peer) and not proxies.holds(peer):
        return peer or "local"
    told = header("X-Real-IP") or (header("X-Forwarded-For") or "").rpartition(",")[2].strip()
    return told or ("local" if is_over_unix_socket(peer) else peer or "local")
