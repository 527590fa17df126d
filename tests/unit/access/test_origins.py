"""Whose headers are believed, and which requests a page of ours has sent."""

from __future__ import annotations

import pytest

from logstream.access import Proxies, ProxyError, client_key, is_own_page, is_secure

LISTED = Proxies.of(["127.0.0.1", "10.1.0.0/16", "fd00::/8", "unix"])


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.1.255.1", "fd00::1", "::ffff:10.1.2.3", "<local>", None])
def test_a_listed_peer_is_believed(peer: str | None) -> None:
    assert LISTED.holds(peer)


@pytest.mark.parametrize(
    "peer", ["127.0.0.2", "10.2.0.1", "fe80::1", "::ffff:10.2.0.1", "unix", "nonsense", "10.1.0.1.evil"]
)
def test_any_other_peer_is_not_believed(peer: str) -> None:
    assert not LISTED.holds(peer)
    assert not Proxies().holds(peer)


def test_without_its_word_the_unix_socket_is_not_believed() -> None:
    assert not Proxies.of(["127.0.0.1"]).holds("<local>")
    assert not Proxies().holds(None)


@pytest.mark.parametrize("text", ["", "localhost", "10.0.0.1/8", "300.0.0.1", "Unix"])
def test_what_names_no_proxy_is_refused(text: str) -> None:
    with pytest.raises(ProxyError):
        Proxies.of([text])


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://logs.example.org", "logs.example.org"),
        ("https://logs.example.org", "logs.example.org"),
        ("https://logs.example.org", "logs.example.org:443"),
        ("http://127.0.0.1:8780", "127.0.0.1:8780"),
        ("https://logs.example.org:8443", "logs.example.org"),  # nginx: proxy_set_header Host $host
        ("http://[::1]:8780", "[::1]:8780"),
        ("https://LOGS.example.org", "logs.example.org"),
    ],
)
@pytest.mark.parametrize("site", [None, "same-origin"])
def test_a_page_of_ours_is_known_by_its_origin(origin: str, host: str, site: str | None) -> None:
    assert is_own_page(origin, site, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "logs.example.org"),
        ("", ""),
        ("null", "logs.example.org"),
        ("http://evil.example.org", "logs.example.org"),
        ("http://logs.example.org.evil.org", "logs.example.org"),
        ("http://evil.org/logs.example.org", "logs.example.org"),
        ("http://logs.example.org@evil.org", "logs.example.org"),
        ("http://127.0.0.1:9999", "127.0.0.1:8780"),
        ("file://logs.example.org", "logs.example.org"),
        ("http://logs.example.org", None),
        ("http://logs.example.org:x", "logs.example.org"),
        ("http://[", "["),
    ],
)
def test_a_page_of_another_origin_is_none_of_ours(origin: str | None, host: str | None) -> None:
    assert not is_own_page(origin, None, host)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
def test_what_the_browser_says_of_the_site_counts_too(site: str) -> None:
    assert not is_own_page("http://logs.example.org", site, "logs.example.org")


@pytest.mark.parametrize(
    ("origin", "proto", "is_believed", "expected"),
    [
        ("https://x", None, False, True),
        ("http://x", "https", True, True),
        ("http://x", "https", False, False),
        ("http://x", "http", True, False),
        (None, None, True, False),
    ],
)
def test_tls_is_what_the_page_or_a_believed_proxy_says(
    origin: str | None,
    proto: str | None,
    is_believed: bool,  # noqa: FBT001 - a table of facts
    expected: bool,  # noqa: FBT001 - as above
) -> None:
    assert is_secure(origin, proto, is_proxy_believed=is_believed) is expected


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("192.0.2.1", {"X-Real-IP": "9.9.9.9"}, "192.0.2.1"),
        ("10.1.0.1", {"X-Real-IP": "9.9.9.9"}, "9.9.9.9"),
        ("10.1.0.1", {"X-Forwarded-For": "1.1.1.1, 9.9.9.9"}, "9.9.9.9"),
        ("10.1.0.1", {}, "10.1.0.1"),
        ("<local>", {"X-Real-IP": "9.9.9.9"}, "9.9.9.9"),
        ("<local>", {}, "local"),
        (None, {}, "local"),
    ],
)
def test_a_client_is_who_the_peer_is_unless_a_proxy_is_believed(
    peer: str | None, headers: dict[str, str], expected: str
) -> None:
    assert client_key(peer, headers.get, LISTED) == expected
