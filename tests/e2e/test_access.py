"""Tries to get in where one may not, and to see what one may not, at the real service in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest

from logstream.access import EVERY_SOURCE, User, Users, change_users, hash_password, new_token
from logstream.access.limits import SECONDS_A_TRY, TRIES_AN_ADDRESS
from logstream.api.headers import SECURITY_HEADERS
from tests.running import PATIENCE_SECONDS, Service, Stream, StreamEndedError, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "correct horse battery"  # noqa: S105 - of a test
CONFIG = """
[state]
dir = "state"
[stream]
heartbeat_seconds = 0.3
[[source]]
name = "app"
paths = ["logs/app*.log"]
[[source]]
name = "secret"
paths = ["logs/secret*.log"]
[[rule]]
name = "for-all"
match = "rule"
event = "told-to-all"
[[rule]]
name = "of-secret"
match = "rule"
source = "secret"
event = "told-to-some"
"""
# The same service with every logger at its most talkative: the service's own set-up changes nothing then.
TALKATIVE = (
    "import asyncio, logging, sys; logging.basicConfig(level=logging.DEBUG, stream=sys.stderr); logging.debug(1); "
    "from logstream.cli import main; sys.exit(main())"
)


class Guarded(NamedTuple):
    """A service that asks who one is, with alice (everything), bob (`app` alone), and a token of each kind."""

    service: Service
    whole: str
    part: str

    @property
    def users_path(self) -> Path:
        return self.service.directory / "state" / "users.json"

    def get(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given["Authorization"] = f"Bearer {token}"
        return httpx.get(self.service.url + path, headers=given, timeout=PATIENCE_SECONDS)

    def json(self, path: str, token: str) -> Any:  # noqa: ANN401 - JSON
        answer = self.get(path, token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def client(self) -> httpx.Client:
        """A browser, as far as cookies go."""
        return httpx.Client(base_url=self.service.url, timeout=PATIENCE_SECONDS, headers={"Origin": self.service.url})

    @contextmanager
    def logged_in(self, name: str = "alice", password: str = PASSWORD) -> Iterator[httpx.Client]:
        with self.client() as client:
            answer = client.post("/login", json={"name": name, "password": password})
            assert answer.status_code == 204, answer.text
            yield client

    def stream(self, token: str, query: str = "from=start", last_event_id: str | None = None) -> Stream:
        header = f"Authorization: Bearer {token}\r\n"
        return Stream(self.service.port, f"/api/v1/stream?{query}", last_event_id, headers=header)

    def reload(self) -> None:
        before = self.service.stderr.count("reload")
        self.service.signal(signal.SIGHUP)
        eventually(lambda: self.service.stderr.count("reload") > before)


@cache
def hashed(password: str) -> str:
    """Made once for all tests: it is meant to take long."""
    return hash_password(password)


@contextmanager
def guarded(directory: Path, config: str = CONFIG, command: tuple[str, ...] | None = None) -> Iterator[Guarded]:
    (directory / "logs").mkdir()
    (directory / "config.toml").write_text(config)
    users = (User("alice", EVERY_SOURCE, hashed(PASSWORD)), User("bob", ("app",), hashed(PASSWORD)))
    (token, whole), (other, part) = new_token("whole", EVERY_SOURCE), new_token("part", ("a*",))
    change_users(directory / "state" / "users.json", lambda _: Users(users, (token, other)))
    service = Service(directory, config)
    if command is not None:
        service.command = command
    found = Guarded(service, whole, part)
    service.write("app.log", "app one rule", "app two")
    service.write("secret.log", "secret one rule", "secret two")
    try:
        service.start()
        eventually(lambda: len(found.json("/api/v1/records", whole)["records"]) == 4)
        yield found
    finally:
        if service.process is not None:
            service.kill()


@pytest.fixture(name="guard", scope="module")
def _guard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """One service for all tests that change nothing."""
    with guarded(tmp_path_factory.mktemp("guarded")) as found:
        yield found


CLOSED = [
    "/api/v1/stream",
    "/api/v1/records",
    "/api/v1/export",
    "/api/v1/histogram",
    "/api/v1/query",
    "/api/v1/rules",
    "/api/v1/sources",
    "/api/v1/session",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/nowhere",
]


@pytest.mark.parametrize("path", CLOSED)
def test_nobody_gets_anything_without_saying_who_they_are(guard: Guarded, path: str) -> None:
    for answer in (guard.get(path), guard.get(path, "wrong"), guard.get(path, Cookie="logstream_session=1.a.b")):
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["login"] is True
        assert "logstream token add" in answer.json()["detail"]
    head = httpx.head(guard.service.url + path)
    assert (head.status_code, head.content) == (401, b"")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/login"])
def test_what_asks_nobody_answers_everybody_and_names_no_source(guard: Guarded, path: str) -> None:
    answer = guard.get(path)
    assert answer.status_code == 200
    assert "secret" not in answer.text


def test_the_page_leads_to_the_login_with_what_was_asked_for(guard: Guarded) -> None:
    answer = guard.get("/?q=level%3Aerror&source=app")
    assert (answer.status_code, answer.headers["Location"]) == (303, "login?q=level%3Aerror&source=app")
    assert guard.get("/").headers["Location"] == "login"
    assert guard.get("/?//evil.example.org").headers["Location"] == "login?//evil.example.org"
    assert guard.get("/", guard.whole).status_code == 200


@pytest.mark.parametrize("name", ["token", "access_token", "authorization", "key", "session"])
@pytest.mark.parametrize("path", ["/api/v1/stream", "/api/v1/sources", "/"])
def test_a_token_in_an_address_opens_nothing(guard: Guarded, path: str, name: str) -> None:
    assert guard.get(f"{path}?{name}={guard.whole}").status_code in {303, 401}


@pytest.mark.parametrize(
    "target",
    [
        "/assets/../index.html",
        "/assets/..%2findex.html",
        "/assets/%2e%2e/%2e%2e/access/users.py",
        "/assets/....//index.html",
        "/assets//etc/passwd",
        "/assets/%2fetc/passwd",
        "/assets/..%5c..%5cindex.html",
        "/assets/%00",
        "/login/../api/v1/sources",
        "/login/..%2fapi/v1/sources",
        "//api/v1/sources",
        "/healthz/../metrics",
        "/./metrics",
        "http://127.0.0.1/metrics",
    ],
)
def test_no_way_leads_around(guard: Guarded, target: str) -> None:
    with socket.create_connection(("127.0.0.1", guard.service.port), timeout=PATIENCE_SECONDS) as sock:
        sock.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while block := sock.recv(65_536):
            answer += block
    assert int(answer.split(b" ")[1]) in {400, 401, 404}, answer
    for leaked in (b"root:", b"logstream_ready", b'"sources"', b"<div id", b"import "):
        assert leaked not in answer


def test_a_name_in_a_header_is_nobodys_word_but_a_listed_proxys(tmp_path: Path) -> None:
    access = '[access]\ntrusted_header = "X-Forwarded-User"\ntrusted_proxies = ["10.99.0.1", "unix"]\n'
    with guarded(tmp_path, CONFIG + access) as guard:
        for headers in (
            {"X-Forwarded-User": "alice"},
            {"X-Forwarded-User": "alice", "X-Forwarded-For": "10.99.0.1", "X-Real-IP": "10.99.0.1"},
            {"X-Forwarded-User": "alice", "Forwarded": "for=10.99.0.1;by=10.99.0.1"},
            {"x_forwarded_user": "alice", "Remote-User": "alice", "X-Remote-User": "alice"},
        ):
            assert guard.get("/api/v1/sources", **headers).status_code == 401
        named = guard.get("/api/v1/session", guard.part, X_Forwarded_User="alice").json()
        assert named["name"] == "part"


def test_a_listed_proxys_word_counts_and_each_name_sees_its_own(tmp_path: Path) -> None:
    access = (
        '[access]\ntrusted_header = "X-Forwarded-User"\ntrusted_proxies = ["127.0.0.1"]\nheader_sources = ["secret"]\n'
    )
    with guarded(tmp_path, CONFIG + access) as guard:

        def seen(*names: str) -> list[str] | int:
            headers = [("X-Forwarded-User", name) for name in names]
            answer = httpx.get(f"{guard.service.url}/api/v1/sources", headers=headers)
            return (
                [one["name"] for one in answer.json()["sources"]] if answer.status_code == 200 else answer.status_code
            )

        assert seen("bob") == ["app"]
        assert seen("somebody@example.org") == ["secret"]
        assert seen("alice") == ["app", "secret"]
        assert seen("") == seen("bob", "alice") == seen("bob", "") == seen() == 401


def texts_of(answer: httpx.Response) -> list[str]:
    return [json.loads(line)["text"] for line in answer.text.splitlines()]


def test_a_hidden_source_is_in_no_answer_and_answers_as_one_that_there_is_not(guard: Guarded) -> None:
    part = guard.part
    assert [one["name"] for one in guard.json("/api/v1/sources", part)["sources"]] == ["app"]
    assert [one["text"] for one in guard.json("/api/v1/records", part)["records"]] == ["app one rule", "app two"]
    assert texts_of(guard.get("/api/v1/export?format=jsonl", part)) == ["app one rule", "app two"]
    histogram = guard.json("/api/v1/histogram", part)
    assert sum(sum(bucket["counts"].values()) for bucket in histogram["buckets"]) == 2
    with guard.stream(part) as stream:
        assert stream.expect("hello").json["sources"] == ["app"]
        assert stream.texts(2) == ["app one rule", "app two"]
        assert list(stream.expect("ping").json["sources"]) == ["app"]

    for path in ("stream", "records", "export", "histogram"):
        for name in ("secret", "s*", "*t"):
            hidden, unknown = (guard.get(f"/api/v1/{path}?source={one}", part) for one in (name, "nosuch"))
            assert (hidden.status_code, unknown.status_code) == (404, 404)
            assert hidden.text.replace(name, "?") == unknown.text.replace("nosuch", "?")
        both = guard.get(f"/api/v1/{path}?source=app&source=secret", part)
        assert both.status_code == 404
    for query in ("source:secret", "-source:app", "secret"):
        assert guard.json(f"/api/v1/records?q={quote(query)}", part)["records"] == []


def test_a_glob_that_meets_hidden_sources_too_selects_those_alone_that_are_seen(guard: Guarded) -> None:
    for globs in ("source=*", "source=app&source=*", "source=[as]*"):
        assert {one["source"] for one in guard.json(f"/api/v1/records?{globs}", guard.part)["records"]} == {"app"}
        with guard.stream(guard.part, f"from=start&{globs}") as stream:
            assert stream.expect("hello").json["sources"] == ["app"]
            assert stream.texts(2) == ["app one rule", "app two"]
            assert stream.expect("ping").type == "ping"


def ids_of(guard: Guarded) -> tuple[str, str, str]:
    """Of a line of `app`, of one of `secret`, and one that nobody knows."""
    records = guard.json("/api/v1/records", guard.whole)["records"]
    app = next(one["id"] for one in records if one["source"] == "app")
    secret = next(one["id"] for one in records if one["source"] == "secret")
    version, _, *rest = secret.split(".")
    return app, secret, ".".join([version, "2222222y", *rest])


def test_an_id_of_a_hidden_line_answers_as_one_that_nobody_knows(guard: Guarded) -> None:
    app, secret, unknown = ids_of(guard)
    for anchor in ("around", "before", "after"):
        target = f"/api/v1/records?{anchor}="
        assert guard.get(target + app, guard.part).status_code == 200
        answers = [guard.get(target + one, guard.part) for one in (secret, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text.replace(secret, "?") == answers[1].text.replace(unknown, "?")
    answers = [guard.get(f"/api/v1/histogram?after={one}", guard.part) for one in (secret, unknown)]
    assert answers[0].status_code == 404
    assert answers[0].text.replace(secret, "?") == answers[1].text.replace(unknown, "?")


@pytest.mark.parametrize("how", ["from", "last_event_id", "header"])
def test_a_stream_from_a_hidden_id_begins_as_from_an_unknown_one(guard: Guarded, how: str) -> None:
    app, secret, unknown = ids_of(guard)

    def beginning(one: str) -> list[tuple[str, Any]]:
        query = "from=-1" if how == "header" else f"{how}={one}"
        with guard.stream(guard.part, query, one if how == "header" else None) as stream:
            hello, gap = stream.event(), stream.event()
            return [(hello.type, hello.json["resume"]), (gap.type, gap.json)]

    assert beginning(secret) == beginning(unknown)
    assert beginning(secret)[0][1]["exact"] is False
    with guard.stream(guard.part, f"from={app}") as stream:
        assert stream.expect("hello").json["resume"]["exact"] is True


def test_no_answer_holds_an_id_in_a_hidden_file(guard: Guarded) -> None:
    _, secret, _ = ids_of(guard)
    generation = secret.split(".")[1]
    for target in ("/api/v1/records", "/api/v1/records?limit=1", "/api/v1/histogram", "/api/v1/export?format=jsonl"):
        assert generation not in guard.get(target, guard.part).text
    for begin in ("now", "start", "-1", "2000-01-01T00:00:00Z"):
        with guard.stream(guard.part, f"from={begin}") as stream:
            events = [stream.event()]
            while sum(event.type == "ping" for event in events) < 2:
                events.append(stream.event())
        assert generation not in str(events)
        assert all(event.json["lag_bytes"] in {0, 1} for event in events if event.type == "ping")


def test_rules_and_completions_name_nothing_hidden(guard: Guarded) -> None:
    rules = guard.json("/api/v1/rules", guard.part)
    assert [rule["name"] for rule in rules["rules"]] == ["for-all"]
    assert rules["views"] == []
    assert rules["rules"][0]["hits"] is None
    explained = guard.get("/api/v1/query?q=source%3A&cursor=7", guard.part).text
    assert "app" in explained
    assert "secret" not in explained
    events = guard.get("/api/v1/query?q=event%3A&cursor=6", guard.part).text
    assert "told-to-all" in events
    assert "told-to-some" not in events
    whole = guard.json("/api/v1/rules", guard.whole)["rules"]
    assert [rule["name"] for rule in whole] == ["for-all", "of-secret"]
    assert all(isinstance(rule["hits"], int) for rule in whole)


def test_the_figures_are_for_those_who_see_all(guard: Guarded) -> None:
    assert guard.get("/metrics", guard.part).status_code == 403
    assert "secret" not in guard.get("/metrics", guard.part).text
    assert 'source="secret"' in guard.get("/metrics", guard.whole).text


@pytest.mark.parametrize(
    "path", ["/", "/login", "/healthz", "/nowhere", "/metrics", "/docs", "/api/v1/stream", "/api/v1/records?limit=x"]
)
@pytest.mark.parametrize("is_known", [True, False])
def test_every_answer_has_the_headers_of_security(guard: Guarded, path: str, is_known: bool) -> None:  # noqa: FBT001
    token = guard.whole if is_known else "wrong"
    with httpx.stream("GET", guard.service.url + path, headers={"Authorization": f"Bearer {token}"}) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "geolocation=()" in headers["Permissions-Policy"]
    assert "Server" not in headers


@pytest.mark.parametrize(
    "request_bytes", [b"\x16\x03\x01\x02\x00\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM"]
)
def test_what_is_no_request_is_answered_with_them_too(guard: Guarded, request_bytes: bytes) -> None:
    usual = guard.get("/nowhere").headers
    with socket.create_connection(("127.0.0.1", guard.service.port), timeout=PATIENCE_SECONDS) as sock:
        sock.sendall(request_bytes)
        answer = b""
        while block := sock.recv(65_536):
            answer += block
    told = dict(line.split(": ", 1) for line in answer.decode().partition("\r\n\r\n")[0].split("\r\n")[1:])
    for name in SECURITY_HEADERS:
        assert told[name.lower()] == usual[name]


def attributes(answer: httpx.Response) -> list[str]:
    return answer.headers["Set-Cookie"].split("; ")[1:]


def test_a_login_gives_a_cookie_that_no_script_and_no_other_site_has(guard: Guarded) -> None:
    with guard.logged_in() as client:
        assert [one["name"] for one in client.get("/api/v1/sources").json()["sources"]] == ["app", "secret"]
        session = {"name": "alice", "way": "session", "can_log_out": True}
        assert client.get("/api/v1/session").json() == session
    body = {"name": "bob", "password": PASSWORD}
    plain = httpx.post(f"{guard.service.url}/login", json=body, headers={"Origin": guard.service.url})
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=86400"} <= set(attributes(plain))
    assert "Secure" not in attributes(plain)
    tls = {"Origin": "https://logs.example.org", "Host": "logs.example.org"}
    secure = httpx.post(f"{guard.service.url}/login", json=body, headers=tls)
    assert "Secure" in attributes(secure)
    told = {"Origin": guard.service.url, "X-Forwarded-Proto": "https"}
    assert "Secure" not in attributes(httpx.post(f"{guard.service.url}/login", json=body, headers=told))


def test_a_password_is_for_its_own_user_alone(guard: Guarded) -> None:
    wrong = [("alice", "wrong password"), ("nobody", PASSWORD), ("", PASSWORD), ("whole", guard.whole)]
    with guard.client() as client:
        answers = [client.post("/login", json={"name": name, "password": password}) for name, password in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert all("Set-Cookie" not in answer.headers for answer in answers)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"name": "alice"}',
        b'{"name": 1, "password": 2}',
        b'{"name": "\\ud800", "password": "x"}',
        b"x" * 9000,
    ],
)
def test_what_is_no_login_is_refused(guard: Guarded, body: bytes) -> None:
    with guard.client() as client:
        answer = client.post("/login", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 401, 413}
    assert "Set-Cookie" not in answer.headers


def test_a_form_of_another_page_logs_nobody_in_or_out(guard: Guarded) -> None:
    body = {"name": "alice", "password": PASSWORD}
    url = guard.service.url
    with guard.logged_in() as client:
        for headers in (
            {"Origin": "https://evil.example.org"},
            {"Origin": "null"},
            {"Origin": ""},
            {"Origin": url, "Sec-Fetch-Site": "cross-site"},
            {"Origin": url, "Sec-Fetch-Site": "same-site"},
            {"Origin": f"{url}.evil.example.org"},
            {"Origin": "https://evil.example.org", "X-Forwarded-Host": "evil.example.org"},
        ):
            assert client.post("/login", json=body, headers=headers).status_code == 403
            assert client.post("/logout", headers=headers).status_code == 403
        assert httpx.post(f"{url}/login", json=body).status_code == 403
        assert client.post("/login", data=body).status_code == 400
        assert client.get("/logout").status_code == 405
        assert client.get("/api/v1/session").status_code == 200


@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_a_refusal_does_not_cost_the_connection_whose_body_is_still_on_its_way(guard: Guarded, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example.org\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection(("127.0.0.1", guard.service.port), timeout=PATIENCE_SECONDS) as sock:
        sock.sendall(head.encode())
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(1)
        sock.settimeout(PATIENCE_SECONDS)
        sock.sendall(b"{}GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answers = b""
        while block := sock.recv(65_536):
            answers += block
    assert re.findall(rb"HTTP/1\.1 (\d+)", answers) == [b"403", b"200"]


def test_a_session_that_was_given_to_somebody_is_not_theirs_after_the_login(guard: Guarded) -> None:
    with guard.logged_in("bob") as attacker:
        planted = attacker.cookies["logstream_session"]
    with guard.client() as victim:
        victim.cookies.set("logstream_session", planted, domain="127.0.0.1", path="/")
        assert victim.post("/login", json={"name": "alice", "password": PASSWORD}).status_code == 204
        fresh = victim.cookies["logstream_session"]
        assert fresh != planted
        assert victim.get("/api/v1/session").json()["name"] == "alice"
    assert guard.get("/api/v1/session", Cookie=f"logstream_session={planted}").status_code == 401


def test_two_logins_are_two_sessions_and_one_that_logged_out_is_over_for_its_copies_too(guard: Guarded) -> None:
    with guard.logged_in() as one, guard.logged_in() as other:
        copy = one.cookies["logstream_session"]
        assert copy != other.cookies["logstream_session"]
        answer = one.post("/logout")
        assert answer.status_code == 204
        assert "Max-Age=0" in attributes(answer)
        assert "logstream_session" not in one.cookies
        assert guard.get("/api/v1/session", Cookie=f"logstream_session={copy}").status_code == 401
        assert other.get("/api/v1/session").status_code == 200


def test_a_cookie_that_was_changed_is_none(guard: Guarded) -> None:
    with guard.logged_in("bob") as client:
        version, body, signature = client.cookies["logstream_session"].split(".")
    for changed in (f"{version}.{body}.{signature[::-1]}", f"{version}.{body}.", f"{version}.{body[::-1]}.{signature}"):
        assert guard.get("/api/v1/session", Cookie=f"logstream_session={changed}").status_code == 401


def test_the_schema_says_how_to_come_in(guard: Guarded) -> None:
    schema = guard.json("/openapi.json", guard.whole)
    assert schema["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}
    assert schema["components"]["securitySchemes"]["session"]["in"] == "cookie"
    assert {"token": []} in schema["security"]
    assert schema["paths"]["/healthz"]["get"]["security"] == []
    assert "401" in schema["paths"]["/api/v1/stream"]["get"]["responses"]


def test_a_stream_goes_on_exactly_for_one_who_sees_a_part_over_a_restart(tmp_path: Path) -> None:
    with guarded(tmp_path) as guard:
        with guard.stream(guard.part, "from=now") as stream:
            place = stream.expect("ping").id
        guard.service.kill()
        guard.service.write("secret.log", "secret three")
        guard.service.write("app.log", "app three")
        guard.service.write("secret.log", "secret four")
        guard.service.start()
        with guard.stream(guard.part, "from=now", place) as stream:
            assert stream.expect("hello").json["resume"] == {"from": place, "exact": True, "reason": None}
            assert stream.texts(1) == ["app three"]


@pytest.mark.parametrize("workers", [1, 2])
def test_who_guesses_is_made_to_wait_and_others_are_not_kept_out(tmp_path: Path, workers: int) -> None:
    with guarded(tmp_path, f"[server]\nworkers = {workers}\n{CONFIG}") as guard:
        url, origin = f"{guard.service.url}/login", {"Origin": guard.service.url}

        def log_in(name: str, password: str) -> httpx.Response:
            # Each on a connection of its own, so that each process is asked.
            return httpx.post(url, json={"name": name, "password": password}, headers=origin, timeout=PATIENCE_SECONDS)

        answers: list[httpx.Response] = []

        def guess() -> bool:
            answers.append(log_in(f"u{len(answers)}", "wrong password"))
            return answers[-1].status_code == 401

        def is_refused_though_right() -> bool:
            while guess():
                """One more guess is there now and then, as soon as a slow machine has let that time pass."""
            return log_in("alice", PASSWORD).status_code == 429

        def is_each_asked() -> bool:
            guess()
            return len({answer.headers.get("logstream-worker") for answer in answers}) == workers

        for _ in range(5):  # the right one is no guess
            assert log_in("alice", PASSWORD).status_code == 204
        began = time.monotonic()
        eventually(is_refused_though_right)
        refusal = answers[-1]
        eventually(is_each_asked)
        passed_seconds = time.monotonic() - began
        codes = [answer.status_code for answer in answers]
        assert codes[:10] == [401] * 10
        assert set(codes[10:]) <= {401, 429}
        assert codes.count(401) <= TRIES_AN_ADDRESS + passed_seconds / SECONDS_A_TRY
        assert refusal.status_code == 429
        assert 0 < int(refusal.headers["Retry-After"]) <= SECONDS_A_TRY
        assert guard.get("/api/v1/sources", guard.whole).status_code == 200


def ended(stream: Stream) -> bool:
    """Whether the stream says goodbye before its heartbeats go on for long."""
    for _ in range(20):
        try:
            if stream.event().type == "bye":
                return True
        except StreamEndedError:
            return True
    return False


def test_what_is_taken_away_ends_open_streams_at_the_reload_and_nothing_else_does(tmp_path: Path) -> None:
    with guarded(tmp_path) as guard, guard.logged_in("bob") as bob, guard.logged_in() as alice:
        cookies = [f"Cookie: logstream_session={one.cookies['logstream_session']}\r\n" for one in (bob, alice)]
        target, port = "/api/v1/stream?from=now", guard.service.port
        with (
            Stream(port, target, headers=cookies[0]) as of_bob,
            Stream(port, target, headers=cookies[1]) as of_alice,
            guard.stream(guard.part, "from=now") as of_part,
            guard.stream(guard.whole, "from=now") as of_whole,
        ):
            for stream in (of_bob, of_alice, of_part, of_whole):
                assert stream.expect("hello").type == "hello"
            change_users(guard.users_path, lambda users: users.without_user("bob").without_token("part"))
            guard.reload()
            assert ended(of_bob)
            assert ended(of_part)
            guard.service.write("app.log", "app three")
            assert of_alice.texts(1) == of_whole.texts(1) == ["app three"]
            change_users(guard.users_path, lambda users: users.with_password("alice", hashed("another password")))
            guard.reload()
            assert ended(of_alice)
            assert of_whole.expect("ping").type == "ping"
        assert bob.get("/api/v1/session").status_code == 401
        assert alice.get("/api/v1/session").status_code == 401
        assert guard.get("/api/v1/sources", guard.part).status_code == 401
        assert alice.post("/login", json={"name": "alice", "password": PASSWORD}).status_code == 401
        assert alice.post("/login", json={"name": "alice", "password": "another password"}).status_code == 204


def test_a_stream_ends_soon_after_its_session_was_logged_out(tmp_path: Path) -> None:
    with guarded(tmp_path) as guard, guard.logged_in() as alice:
        cookie = f"Cookie: logstream_session={alice.cookies['logstream_session']}\r\n"
        with Stream(guard.service.port, "/api/v1/stream", headers=cookie) as stream:
            stream.expect("hello")
            assert alice.post("/logout").status_code == 204
            assert ended(stream)


@pytest.mark.parametrize("workers", [1, 3])
def test_streams_of_a_session_end_in_each_process_as_soon_as_it_was_logged_out(tmp_path: Path, workers: int) -> None:
    quiet = CONFIG.replace("heartbeat_seconds = 0.3", "heartbeat_seconds = 3600")
    with (
        guarded(tmp_path, f"[server]\nworkers = {workers}\n{quiet}") as guard,
        guard.logged_in() as alice,
        ExitStack() as all_open,
    ):
        cookie = f"Cookie: logstream_session={alice.cookies['logstream_session']}\r\n"
        target, port = "/api/v1/stream?from=now", guard.service.port
        streams = [all_open.enter_context(Stream(port, target, headers=cookie)) for _ in range(2 * workers)]
        of_whole = all_open.enter_context(guard.stream(guard.whole, "from=now"))
        for stream in (*streams, of_whole):
            stream.expect("hello")
        assert len({stream.headers.get("logstream-worker") for stream in streams}) == workers
        assert alice.post("/logout").status_code == 204
        # Nothing else would wake them for an hour.
        for stream in streams:
            assert stream.expect("bye").json["reason"].startswith("who you are")
        guard.service.write("app.log", "app three")
        assert of_whole.texts(1) == ["app three"]


def test_a_reload_never_lets_everybody_in(tmp_path: Path) -> None:
    with guarded(tmp_path) as guard:
        path = tmp_path / "state" / "users.json"
        path.rename(tmp_path / "away")
        guard.reload()
        assert "nobody would be asked" in guard.service.stderr
        assert guard.get("/api/v1/sources").status_code == 401
        path.write_text("{")
        path.chmod(0o600)
        guard.reload()
        assert guard.get("/api/v1/sources").status_code == 401
        assert guard.get("/api/v1/sources", guard.whole).status_code == 200


def test_users_of_a_service_that_asked_nobody_are_asked_for_from_the_reload_on(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    service = Service(tmp_path, CONFIG).start()
    try:
        service.write("app.log", "one")
        with service.stream(from_="start") as stream:
            assert stream.texts(1) == ["one"]
            alice = User("alice", EVERY_SOURCE, hashed(PASSWORD))
            change_users(tmp_path / "state" / "users.json", lambda users: users.with_user(alice))
            service.signal(signal.SIGHUP)
            assert ended(stream)
        assert service.get("/api/v1/sources").status_code == 401
    finally:
        service.kill()


@pytest.mark.parametrize("workers", [1, 2])
def test_sessions_last_over_a_restart_and_over_all_processes(tmp_path: Path, workers: int) -> None:
    with guarded(tmp_path, f"[server]\nworkers = {workers}\n{CONFIG}") as guard, guard.logged_in() as alice:
        cookie = {"Cookie": f"logstream_session={alice.cookies['logstream_session']}"}
        seen: set[str] = set()

        def all_answer(status: int) -> bool:
            for _ in range(12):  # each a connection of its own, so that each process is asked
                answer = httpx.get(f"{guard.service.url}/api/v1/session", headers=cookie)
                seen.add(answer.headers.get("logstream-worker", "only"))
                if answer.status_code != status:
                    return False
            return True

        assert all_answer(200)
        guard.service.kill()
        guard.service.start()
        assert all_answer(200)
        assert len(seen) == workers
        assert alice.post("/logout").status_code == 204
        assert all_answer(401)


@pytest.mark.parametrize("workers", [1, 2])
def test_no_secret_is_ever_said_however_talkative_the_service_is(tmp_path: Path, workers: int) -> None:
    command = (sys.executable, "-X", "dev", "-W", "ignore", "-c", TALKATIVE)
    with guarded(tmp_path, f"[server]\nworkers = {workers}\n{CONFIG}", command) as guard:
        secrets = [PASSWORD, "wrong but secret", guard.whole, guard.part]
        with guard.logged_in() as alice:
            secrets.append(alice.cookies["logstream_session"])
            alice.get("/api/v1/records?q=(")
            alice.post("/login", json={"name": "alice", "password": "wrong but secret"})
            alice.post("/login", json={"name": "wrong but secret", "password": "x"})
            alice.post("/login", content=b"wrong but secret", headers={"Content-Type": "application/json"})
            guard.get(f"/api/v1/sources?token={guard.whole}")
            guard.get("/api/v1/sources", "wrong but secret")
            guard.get("/api/v1/records?limit=x", guard.whole)
            with guard.stream(guard.part) as stream:
                stream.texts(2)
            guard.reload()
            alice.post("/logout")
        process = guard.service.process
        assert process is not None
        assert process.stdout is not None
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read() + guard.service.stderr
        process.wait(PATIENCE_SECONDS)
        process.stdout.close()
        guard.service.process = None
        kept = json.loads((tmp_path / "state" / "users.json").read_text())
        secrets += [user["password"] for user in kept["users"]] + [token["sha256"] for token in kept["tokens"]]
        assert "DEBUG" in said
        assert "alice has logged in" in said
        assert [secret for secret in secrets if secret in said] == []
        for path in (tmp_path / "state").iterdir():
            content = path.read_bytes()
            assert [secret for secret in secrets[:5] if secret.encode() in content] == [], path


def test_nothing_of_access_can_be_read_by_others(guard: Guarded) -> None:
    for name in ("users.json", "session.key"):
        mode = os.stat(guard.service.directory / "state" / name).st_mode & 0o777  # noqa: PTH116 - a path of the service's
        assert mode == 0o600


def command_at(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "logstream", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, **environ}
    )


def test_the_commands_send_a_token_from_a_file_or_the_environment(guard: Guarded, tmp_path: Path) -> None:
    url = guard.service.url
    file = tmp_path / "token"
    file.write_text(f"{guard.part}\n")
    tail = ("tail", url, "--from", "start", "--no-follow")
    for done in (
        command_at(*tail, LOGSTREAM_TOKEN=guard.part),
        command_at(*tail, LOGSTREAM_TOKEN_FILE=str(file)),
        command_at(*tail, "--token-file", str(file)),
    ):
        assert done.returncode == 0, done.stderr
        assert "app two" in done.stdout
        assert "secret" not in done.stdout
    listed = command_at("sources", url, LOGSTREAM_TOKEN=guard.whole)
    assert "secret: ok" in listed.stdout
    proved = command_at("prove", "--url", url, "--seconds", "1", LOGSTREAM_TOKEN=guard.whole)
    assert proved.returncode == 0, proved.stdout + proved.stderr


def test_the_commands_say_what_to_do_without_a_token(guard: Guarded, tmp_path: Path) -> None:
    for arguments in (("tail", guard.service.url), ("sources", guard.service.url)):
        done = command_at(*arguments)
        assert done.returncode == 2
        assert "LOGSTREAM_TOKEN" in done.stderr
    (tmp_path / "two").write_text("two words\n")
    for file, reason in (("nowhere", "cannot be read"), ("two", "is no token")):
        done = command_at("sources", guard.service.url, "--token-file", str(tmp_path / file))
        assert done.returncode == 2
        assert reason in done.stderr


def test_the_doctor_comes_in_with_a_token_and_says_so_without(guard: Guarded) -> None:
    without = command_at("doctor", guard.service.url, "--json")
    found = {one["check"]: one for one in json.loads(without.stdout)}
    assert found["access"]["severity"] == "error"
    assert "--token-file" in found["access"]["remedy"]
    checked = command_at("doctor", guard.service.url, "--json", LOGSTREAM_TOKEN=guard.whole)
    assert checked.returncode == 0, checked.stdout
    known = next(one["seen"] for one in json.loads(checked.stdout) if one["check"] == "access")
    assert known == "known as whole (by token)"


def test_an_open_address_is_allowed_once_somebody_is_asked_for(tmp_path: Path) -> None:
    config = f'[server]\nhost = "0.0.0.0"\n{CONFIG}'
    (tmp_path / "config.toml").write_text(config)
    (tmp_path / "logs").mkdir()
    command = [sys.executable, "-m", "logstream", "serve", "--config", str(tmp_path / "config.toml"), "--port", "0"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 2
    assert "logstream user add" in refused.stderr
    change_users(tmp_path / "state" / "users.json", lambda users: users.with_token(new_token("ci", EVERY_SOURCE)[0]))
    service = Service(tmp_path, config).start()
    try:
        assert service.get("/api/v1/sources").status_code == 401
    finally:
        service.kill()
