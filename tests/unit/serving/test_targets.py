"""The ways in which a request names what it asks for."""

from __future__ import annotations

import pytest

from logstream.serving.targets import origin_form, with_host


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        (b"/a?b=c", b"/a?b=c", None),
        (b"//a/b", b"//a/b", None),
        (b"http://a/b?c", b"/b?c", b"a"),
        (b"HTTPS://a:8080/", b"/", b"a:8080"),
        (b"http://a", b"/", b"a"),
        (b"http://a?b", b"/?b", b"a"),
        (b"http://me:secret@a/b@c", b"/b@c", b"a"),
        (b"http://[/b", b"/b", b"["),
        (b"http://[zz]/b", b"/b", b"[zz]"),
    ],
)
def test_an_address_is_its_path_at_its_host(target: bytes, path: bytes, host: bytes | None) -> None:
    assert origin_form(target) == (path, host)


@pytest.mark.parametrize(
    "target", [b"*", b"a", b"a:443", b"?a", b"http:///a", b"http://", b"http://me@/a", b"http://a#b", b"ftp://a/b"]
)
def test_what_names_no_path_here_asks_for_nothing(target: bytes) -> None:
    assert origin_form(target) is None


def test_the_host_of_an_address_counts_and_not_the_header() -> None:
    headers = [(b"accept", b"x"), (b"host", b"a")]
    assert with_host(headers, None) == headers
    assert with_host(headers, b"b") == [(b"host", b"b"), (b"accept", b"x")]
