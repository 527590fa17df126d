"""`logstream doctor` through nginx, once as it should be and once for each way in which people get it wrong."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest

from logstream.access import EVERY_SOURCE, User, change_users, hash_password, new_token
from logstream.cli import main
from tests.nginx_process import nginx
from tests.ports import free_port
from tests.running import SOURCES, Service, eventually, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NGINX = """
    upstream service {{ server 127.0.0.1:{service}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{port} {listen};
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        {hsts}
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        {host}
        {server}
        location {path}/ {{ proxy_pass http://{upstream}/; }}
        location = {path}/api/v1/stream {{
            proxy_pass http://{upstream}/api/v1/stream;
            {buffering}
            {stream}
        }}
    }}
"""
GOOD = {
    "listen": "ssl http2",
    "hsts": "add_header Strict-Transport-Security max-age=63072000;",
    "host": "proxy_set_header Host $http_host;",
    "server": "",
    "buffering": "proxy_buffering off;",
    "stream": "",
    "path": "",
    "upstream": "service",
}
OLD = "proxy_http_version 1.0; proxy_set_header Connection close; proxy_ignore_headers X-Accel-Buffering;"


class Fault(NamedTuple):
    """A way to get it wrong: what stands in the place of what is right, and what must be said of it."""

    changed: dict[str, str]
    severity: str
    check: str
    remedy: str = ""


FAULTS = {
    "buffered": Fault({"buffering": OLD}, "error", "buffering", "proxy_buffering off;"),
    "compressed": Fault({"stream": "gzip on; gzip_types text/event-stream; gzip_proxied any;"}, "error", "compression",
        "gzip off;"),
    # Nothing comes whether it is asked for with compression or without: the buffer is what must go first.
    "buffered and compressed": Fault({"buffering": "proxy_ignore_headers X-Accel-Buffering;", "stream": "gzip on; "
        "gzip_proxied any; gzip_types text/event-stream;"}, "error", "buffering", "proxy_buffering off;"),
    "cut when quiet": Fault({"stream": "proxy_read_timeout 200ms;"}, "error", "idle", "proxy_read_timeout 70s;"),
    "without the last id": Fault({"stream": 'proxy_set_header Last-Event-ID "";'}, "error", "last-event-id",
        'proxy_set_header Last-Event-ID ""'),
    "of another type": Fault({"stream": "proxy_hide_header Content-Type; add_header Content-Type text/plain;"}, "error",
        "content-type", "proxy_hide_header"),
    "not passed on": Fault({"stream": "return 404;"}, "error", "status", "location = /api/v1/stream"),
    "without HTTP/2": Fault({"listen": "ssl"}, "warning", "http-2", "listen 443 ssl http2;"),
    "with TLS 1.1 at most": Fault({"server": "ssl_protocols TLSv1 TLSv1.1; ssl_ciphers DEFAULT:@SECLEVEL=0;"}, "error",
        "tls", "ssl_protocols TLSv1.2 TLSv1.3;"),
    "with TLS 1.0 at most": Fault({"server": "ssl_protocols TLSv1; ssl_ciphers DEFAULT:@SECLEVEL=0;"}, "error",
        "tls", "ssl_protocols TLSv1.2 TLSv1.3;"),
    "asked in the clear first": Fault({"hsts": ""}, "warning", "hsts", "max-age=63072000"),
    "without a service": Fault({"upstream": "127.0.0.1:1"}, "error", "upstream", "systemctl status logstream"),
    "behind a login": Fault({"server": "auth_basic Logs; auth_basic_user_file none;"}, "error", "login"),
    "behind a redirect": Fault({"server": "return 302 https://login.example.org/;"}, "error", "address"),
    "another program": Fault({"server": 'location = /healthz { return 200 "fine"; }'}, "error", "sub-path"),
    "without its page": Fault({"server": "location = / { return 404; }"}, "error", "page"),
    "with error pages of its own": Fault({"server": "proxy_intercept_errors on; error_page 400 404 /oops; "
        'location = /oops { return 200 "oops"; }'}, "warning", "errors", "proxy_intercept_errors"),
    "a path without its slash": Fault({"path": "/logs", "server": "location = /logs { return 404; }"}, "warning",
        "sub-path", "return 308 /logs/;"),
}  # fmt: skip


# What keeps people from logging in to a service that asks who they are.
CLOSED = {
    "by another name": Fault({"host": ""}, "error", "login", "proxy_set_header Host $host;"),
    "without POST": Fault({"server": "location = /login { return 405; }"}, "error", "login", "POST to /login"),
    "without cookies": Fault(
        {"server": 'proxy_set_header Cookie "";'}, "error", "cookie", 'proxy_set_header Cookie ""'
    ),
    "without cookies back": Fault({"server": "proxy_hide_header Set-Cookie;"}, "error", "cookie", "proxy_hide_header"),
}


@pytest.fixture(scope="module", name="service")
def _service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(tmp_path_factory.mktemp("service"), f"[stream]\nheartbeat_seconds = 0.5\n{SOURCES}") as service:
        yield service


@pytest.fixture(scope="module", name="certificate")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate for localhost that ends in 90 days."""
    return certified(tmp_path_factory.mktemp("certificate"), days=90)


def certified(folder: Path, *, days: int) -> Path:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
        str(days), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
        "-keyout", "key.pem", "-out", "cert.pem"]  # fmt: skip
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@contextmanager
def nginx_before(service: Service, folder: Path, certificate: Path, **changed: str) -> Iterator[str]:
    """nginx with one thing changed; gives the address to be asked."""
    port = free_port()
    for name in ("cert.pem", "key.pem"):
        shutil.copy(certificate / name, folder)
    settings = {**GOOD, **changed}
    with nginx(folder, NGINX.format(port=port, service=service.port, **settings), port):
        yield f"https://localhost:{port}{settings['path']}"


def examined(url: str, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code, and the findings that are not fine."""
    code = main(["doctor", url, "--json", *options])
    told = json.loads(capsys.readouterr().out)
    return code, [finding for finding in told if finding["severity"] in {"warning", "error"}]


@pytest.fixture(autouse=True)
def _trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "cert.pem"))


@pytest.mark.parametrize("path", ["", "/logs"])
def test_a_good_proxy_gives_no_reason_for_complaint(
    service: Service, tmp_path: Path, certificate: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    with nginx_before(service, tmp_path, certificate, path=path) as url:
        assert examined(url, capsys, "--idle", "1.5") == (0, [])


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_each_fault_is_named_alone_with_the_lines_that_put_it_right(
    service: Service, tmp_path: Path, certificate: Path, capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    with nginx_before(service, tmp_path, certificate, **fault.changed) as url:
        code, findings = examined(url, capsys)
    assert [(finding["severity"], finding["check"]) for finding in findings] == [(fault.severity, fault.check)]
    assert code == (1 if fault.severity == "error" else 3)
    assert findings[0]["why"]
    assert fault.remedy in findings[0]["remedy"]


@pytest.fixture(scope="module", name="guarded")
def _guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that asks who one is, with one token."""
    folder = tmp_path_factory.mktemp("guarded")
    token, secret = new_token("doctor", EVERY_SOURCE)
    change_users(folder / "state" / "users.json", lambda users: users.with_token(token))
    (folder / "token").write_text(f"{secret}\n")
    with running(folder, f"[stream]\nheartbeat_seconds = 0.5\n{SOURCES}") as service:
        yield service


@pytest.mark.parametrize("path", ["", "/logs"])
def test_a_good_proxy_before_a_service_that_asks_lets_logins_pass(
    guarded: Service, tmp_path: Path, certificate: Path, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    with nginx_before(guarded, tmp_path, certificate, path=path) as url:
        assert examined(url, capsys, "--token-file", str(guarded.directory / "token")) == (0, [])
        assert main(["doctor", url]) == 1
    told = capsys.readouterr().out
    assert "ok      authorization: the header passes" in told
    assert "ok      cookie: passes both ways" in told
    assert "ok      login: what the login page sends is taken" in told
    assert "error   access: the stream answers 401" in told


@pytest.mark.parametrize("fault", CLOSED.values(), ids=CLOSED.keys())
def test_what_keeps_people_from_logging_in_is_named_alone(
    guarded: Service, tmp_path: Path, certificate: Path, capsys: pytest.CaptureFixture[str], fault: Fault
) -> None:
    with nginx_before(guarded, tmp_path, certificate, **fault.changed) as url:
        code, findings = examined(url, capsys, "--token-file", str(guarded.directory / "token"))
    assert [(finding["severity"], finding["check"]) for finding in findings] == [(fault.severity, fault.check)]
    assert code == 1
    assert fault.remedy in findings[0]["remedy"]


@pytest.mark.parametrize("has_token", [True, False])
def test_a_proxy_that_keeps_tokens_to_itself_is_named(
    guarded: Service,
    tmp_path: Path,
    certificate: Path,
    capsys: pytest.CaptureFixture[str],
    has_token: bool,  # noqa: FBT001 - a table of facts
) -> None:
    given = ["--token-file", str(guarded.directory / "token")] if has_token else []
    with nginx_before(guarded, tmp_path, certificate, server='proxy_set_header Authorization "";') as url:
        code, findings = examined(url, capsys, *given)
    assert (code, [finding["check"] for finding in findings]) == (1, ["authorization", "access"])
    assert 'proxy_set_header Authorization ""' in findings[0]["remedy"]


def test_a_session_of_ones_own_outlives_the_examination(
    guarded: Service, tmp_path: Path, certificate: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    users = guarded.directory / "state" / "users.json"
    change_users(users, lambda known: known.with_user(User("alice", EVERY_SOURCE, hash_password("correct horse"))))
    guarded.signal(signal.SIGHUP)
    with nginx_before(guarded, tmp_path, certificate) as url:
        body, origin = {"name": "alice", "password": "correct horse"}, {"Origin": guarded.url}
        eventually(lambda: httpx.post(f"{guarded.url}/login", json=body, headers=origin).status_code == 204)
        cookie = httpx.post(f"{guarded.url}/login", json=body, headers=origin).headers["Set-Cookie"].split(";")[0]
        assert examined(url, capsys, "--header", f"Cookie: other=1; {cookie}") == (0, [])
    assert httpx.get(f"{guarded.url}/api/v1/session", headers={"Cookie": cookie}).json()["name"] == "alice"


@contextmanager
def examining(url: str, service: Service, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The doctor, who waits for the service to be restarted, with its stream open."""
    command = [sys.executable, "-m", "logstream", "doctor", url, "--outage", "30"]
    with (folder / "told").open("w") as told:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, text=True)
    try:
        eventually(lambda: "restart it now" in (folder / "told").read_text())
        # Two streams were looked at before.
        eventually(lambda: "\nlogstream_streams_opened_total 3.0\n" in service.get("/metrics").text)
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("pages", "words"),
    [
        ("", ("warning", "the answer was 502 text/html")),
        ('error_page 502 =200 /oops; location = /oops { return 200 "oops"; }', ("error", "an error that says 200")),
    ],
    ids=["its own 502", "an error page with status 200"],
)
def test_what_a_proxy_answers_while_the_service_is_away_is_told(
    tmp_path: Path, certificate: Path, pages: str, words: tuple[str, str]
) -> None:
    config = f"[stream]\nheartbeat_seconds = 0.5\nretry_ms = 200\n{SOURCES}"
    (tmp_path / "nginx").mkdir()
    with (
        running(tmp_path, config) as service,
        nginx_before(service, tmp_path / "nginx", certificate, server=pages) as url,
    ):
        service.write("a.log", "one")
        service.wait_until_read("a.log")
        with examining(url, service, tmp_path) as process:
            service.kill()
            refused = tmp_path / "nginx" / "error.log"
            eventually(lambda: refused.read_text().count("connect() failed") > 2)
            service.start()
            told, _ = process.communicate(timeout=40)
    severity, answered = words
    assert process.returncode == (1 if severity == "error" else 3), told
    (line,) = (line for line in told.splitlines() if " outage: " in line)
    assert line.startswith(severity)
    assert answered in line
    assert "logstream.sock" in told


def test_a_certificate_that_ends_soon_or_is_not_trusted_is_named(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "soon").mkdir()
    soon = certified(tmp_path / "soon", days=3)
    with nginx_before(service, tmp_path, soon) as url:
        code, findings = examined(url, capsys)
        assert (code, [finding["check"] for finding in findings]) == (1, ["certificate"])
        assert "not trusted" in findings[0]["seen"]
        monkeypatch.setenv("SSL_CERT_FILE", str(soon / "cert.pem"))
        code, findings = examined(url, capsys)
        assert (code, [finding["check"] for finding in findings]) == (3, ["certificate"])
        assert "ends in" in findings[0]["seen"]


def test_past_the_proxy_all_is_well_and_words_are_for_people(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", service.url]) == 0
    told = capsys.readouterr()
    assert "ok      buffering: what is sent apart comes apart" in told.out
    assert "untried outage: what is answered while the service is away (502 and the like): not tried" in told.out
    assert f"logstream doctor {service.url} --outage 60" in told.out
    assert "whoever reaches this address reads every log" in told.out
    assert "0 errors, 0 warnings" in told.out
    assert "looking at" in told.err


def test_where_nothing_answers_the_connection_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, findings = examined("http://127.0.0.1:1", capsys)
    assert (code, findings[0]["check"]) == (1, "connection")


@pytest.mark.parametrize("url", ["logs.example.org", "ftp://x", "http://", "http://x:y"])
def test_what_is_no_address_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", url]) == 2
    assert "is no address such as" in capsys.readouterr().err


def test_the_first_word_comes_before_the_first_request(tmp_path: Path) -> None:
    """--help answers without a network, and names the exit codes."""
    done = subprocess.run([sys.executable, "-m", "logstream", "doctor", "--help"], cwd=tmp_path, capture_output=True,
        text=True, check=True)  # fmt: skip
    assert "3 only warnings" in done.stdout
