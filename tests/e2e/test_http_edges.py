"""Requests as odd as HTTP allows, and some that it does not, on plain sockets: each gets an answer that fits."""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.running import PATIENCE_SECONDS, SOURCES, Service, running

if TYPE_CHECKING:
    from collections.abc import Iterator

ROUTES = [
    "/",
    "/docs",
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/api/v1/sources",
    "/api/v1/rules",
    "/api/v1/records?limit=1",
    "/api/v1/histogram?since=2026-01-01T00:00:00Z",
    "/api/v1/export",
]
LONG_NAME = "a" * 300


class Answer(NamedTuple):
    """All that came; names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(name="service", scope="module")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(tmp_path_factory, "") as service:
        yield service


@contextmanager
def serving(factory: pytest.TempPathFactory, settings: str) -> Iterator[Service]:
    """A service that has read one line; afterwards nothing that was asked of it has failed."""
    with running(factory.mktemp("edges"), settings + SOURCES) as service:
        service.write("a.log", "a line")
        service.wait_until_read("a.log")
        yield service
        assert "Traceback" not in service.stderr
        assert "ERROR" not in service.stderr


def ask(service: Service, head: str, *headers: str, body: bytes = b"", says_no_more: bool = False) -> Answer:
    """What is answered to "GET /path" until the connection is closed."""
    lines = [f"{head} HTTP/1.1", "Host: localhost", *headers, *([] if says_no_more else ["Connection: close"]), "", ""]
    with socket.create_connection(("127.0.0.1", service.port), PATIENCE_SECONDS) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + body)
        if says_no_more:
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as answer:
            first, *rest = iter(answer.readline, b"\r\n")
            told = (line.decode("latin-1").rstrip("\r\n").partition(": ") for line in rest)
            return Answer(int(first.split()[1]), {name.lower(): value for name, _, value in told}, answer.read())


@pytest.mark.parametrize("route", ROUTES)
def test_who_says_no_more_after_a_request_is_answered_all_the_same(service: Service, route: str) -> None:
    answer, usual = ask(service, f"GET {route}", says_no_more=True), ask(service, f"GET {route}")
    assert answer.status == 200
    assert answer.headers.keys() == usual.headers.keys() - {"connection"}
    assert (
        answer.body.endswith(b"0\r\n\r\n")
        if route == "/api/v1/export"
        else len(answer.body) == int(answer.headers["content-length"])
    )


def test_who_says_no_more_amid_a_body_is_told_so(service: Service) -> None:
    assert ask(service, "POST /login", "Content-Length: 50", body=b"{", says_no_more=True).status == 400


@pytest.mark.parametrize("route", [*ROUTES, "/api/v1/stream"])
def test_head_tells_what_get_does_and_has_no_body(service: Service, route: str) -> None:
    answer = ask(service, f"HEAD {route}")
    assert (answer.status, answer.body) == (200, b"")
    if route != "/api/v1/stream":
        of_get = ask(service, f"GET {route}").headers
        assert answer.headers.keys() == of_get.keys()
        if route != "/metrics":  # it grows with what is asked
            assert answer.headers.get("content-length") == of_get.get("content-length")


@pytest.mark.parametrize("authority", ["localhost", "[", "[zz]", "%5B", "a:99999999"])
def test_an_address_is_asked_for_as_its_path_is(service: Service, authority: str) -> None:
    assert ask(service, f"GET http://{authority}/healthz").status == 200


def test_an_address_is_asked_for_below_a_root_path_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    with serving(tmp_path_factory, '[server]\nroot_path = "/logs"\n') as service:
        assert ask(service, "GET http://localhost/logs/healthz").status == 200
        assert ask(service, "GET http://localhost/logs").status == 308


@pytest.fixture(name="asset", scope="module")
def _asset(service: Service) -> str:
    found = re.search(r'"(?:\./)?(assets/[^"]+)"', ask(service, "GET /").body.decode())
    assert found is not None
    return f"/{found[1]}"


@pytest.mark.parametrize(
    "ranges", ["bytes=0-1", "bytes=-5", "bytes=a-b", "bytes=0-1,3-4", "items=0-1", "bytes=999999999-"]
)
def test_a_file_of_the_page_comes_whole_whatever_part_is_asked_for(service: Service, asset: str, ranges: str) -> None:
    answer = ask(service, f"GET {asset}", f"Range: {ranges}")
    assert (answer.status, len(answer.body)) == (200, int(answer.headers["content-length"]))


@pytest.mark.parametrize("form", ["{}", "W/{}", "*", '"other", {}'])
def test_a_file_of_the_page_that_has_not_changed_is_not_sent_again(service: Service, asset: str, form: str) -> None:
    tag = ask(service, f"GET {asset}").headers["etag"]
    answer = ask(service, f"GET {asset}", f"If-None-Match: {form.format(tag)}")
    assert (answer.status, answer.body) == (304, b"")


@pytest.mark.parametrize("name", [LONG_NAME, "a/" * 3000, "%00", "%ff", "%2e%2e/index.html", "..%5cindex.html", "."])
def test_a_file_that_no_page_can_have_is_not_there(service: Service, name: str) -> None:
    assert ask(service, f"GET /assets/{name}").status == 404
