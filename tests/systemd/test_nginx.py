"""Debian's nginx with deploy/nginx/logstream.conf, not a word changed, before the installed service."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from logstream.api.headers import SECURITY_HEADERS
from tests.installed import ROOT
from tests.running import eventually
from tests.systemd.machine import SOCKET, Machine
from tests.systemd.nginx import CONF, reload
from tests.systemd.proxied import NAME, ORIGIN, ask, examined, following

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The first test of a session builds the wheel and installs it.
pytestmark = pytest.mark.timeout(300)
STREAM = f"{ORIGIN}/api/v1/stream"


@contextmanager
def changed(machine: Machine, old: str, new: str) -> Iterator[None]:
    """nginx with one directive of the file changed."""
    path = machine.path("/etc/nginx/conf.d/logstream.conf")
    whole = path.read_text()
    assert whole.count(old) == 1
    path.write_text(whole.replace(old, new))
    reload(machine)
    try:
        yield
    finally:
        path.write_text(whole)
        reload(machine)


@contextmanager
def restarted_while(machine: Machine, command: list[str]) -> Iterator[str]:
    """What the doctor says who is told to wait for a restart, and gets one."""
    hosts = machine.path("/etc/hosts").read_text()
    machine.path("/etc/hosts").write_text(f"127.0.0.1 {NAME} localhost\n")
    inside = ["nsenter", f"--target={machine.init}", "--all", "--root", "env",
        f"SSL_CERT_FILE=/etc/letsencrypt/live/{NAME}/fullchain.pem"]  # fmt: skip
    process = subprocess.Popen([*inside, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        opened = opened_streams(machine)
        while "restart it now" not in (said := process.stdout.readline()):
            assert said, "the doctor has ended"
            opened = opened_streams(machine)
        eventually(lambda: opened_streams(machine) > opened)
        machine.run("systemctl", "restart", "logstream.service")
        yield process.stdout.read()
    finally:
        process.kill()
        process.communicate()
        machine.path("/etc/hosts").write_text(hosts)


def opened_streams(machine: Machine) -> float:
    found = re.search(r"^logstream_streams_opened_total (\S+)$", machine.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return float(found[1])


def test_lines_come_one_by_one_and_within_100_ms(front: Machine) -> None:
    took = []
    with following(front, f"{STREAM}?from=now&source=app") as stream:
        stream.expect("hello")
        for number in range(40):
            began = time.monotonic()
            front.write("/var/log/app/delay.log", f"line {number}")
            # The next one is written only when this one is here: with a buffer the test would stand still.
            assert stream.texts(1) == [f"line {number}"]
            took.append(time.monotonic() - began)
    # Each of them, but for what else this machine may have to do just then.
    assert statistics.quantiles(took, n=10)[-1] < 0.1, took


def test_the_stream_is_http_2_and_never_compressed(front: Machine) -> None:
    told = front.run("sh", "-c", f"timeout 2 curl -sk --http2 --compressed --include --resolve {NAME}:443:127.0.0.1 "
        f"'{STREAM}?from=start' || true")  # fmt: skip
    head = told.partition("\r\n\r\n")[0].lower()
    assert head.startswith("http/2 200")
    assert "content-type: text/event-stream; charset=utf-8" in head
    assert "content-encoding" not in head
    assert "strict-transport-security: max-age=63072000" in head
    assert "the first line" in told


def test_the_page_comes_from_disk_with_its_headers_and_assets_are_compressed_and_kept(front: Machine) -> None:
    front.run("systemctl", "stop", "logstream.service", "logstream.socket")
    try:
        page = ask(front, f"{ORIGIN}/")
        asset = re.search(r"assets/[^\"]+\.js", page.body)
        assert asset is not None
        script = ask(front, f"{ORIGIN}/{asset[0]}", "--header", "Accept-Encoding: gzip", "--output", "/dev/null",
            "--dump-header", "-")  # fmt: skip
        assert ask(front, f"{ORIGIN}/api/v1/sources").status == 502
    finally:
        front.run("systemctl", "start", "logstream.socket", "logstream.service")
    assert (page.status, page.version) == (200, "2")
    assert page.headers["cache-control"] == "no-cache"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["strict-transport-security"] == "max-age=63072000"
    assert script.status == 200
    assert script.headers["content-encoding"] == "gzip"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_what_comes_from_disk_has_the_headers_that_the_service_itself_sends(front: Machine) -> None:
    asset = re.search(r"assets/[^\"]+\.js", front.get("/").text)
    assert asset is not None
    for target in ("/", f"/{asset[0]}"):
        own, through = front.get(target).headers, ask(front, f"{ORIGIN}{target}").headers
        for name in (*SECURITY_HEADERS, "Cache-Control"):
            assert through[name.lower()] == own[name].lower(), f"{target}: {name}"


def test_what_is_asked_in_the_clear_is_led_to_https(front: Machine) -> None:
    answer = ask(front, f"http://{NAME}/api/v1/stream?q=x")
    assert answer.status == 308
    assert answer.headers["location"] == f"{STREAM}?q=x"


def test_old_tls_is_refused(front: Machine) -> None:
    assert ask(front, f"{ORIGIN}/healthz", "--tls-max", "1.2").status == 200
    assert ask(front, f"{ORIGIN}/healthz", "--tlsv1.3").status == 200
    with pytest.raises(AssertionError, match=r"alert|protocol"):
        ask(front, f"{ORIGIN}/healthz", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0")


def test_metrics_are_for_this_machine(front: Machine) -> None:
    assert "logstream_ready 1.0" in ask(front, f"{ORIGIN}/metrics").body
    front.run("ip", "address", "add", "192.0.2.7/32", "dev", "lo")
    assert ask(front, f"{ORIGIN}/metrics", "--interface", "192.0.2.7").status == 403


def test_the_last_id_passes_and_a_reload_cuts_nobody(front: Machine) -> None:
    with following(front, f"{STREAM}?from=now&source=app") as stream:
        stream.expect("hello")
        reload(front)
        front.write("/var/log/app/reload.log", "while nginx reloads")
        assert stream.texts(1) == ["while nginx reloads"]
        last = stream.last_id
    front.write("/var/log/app/reload.log", "after it")
    with following(front, f"{STREAM}?from=now&source=app", last_event_id=last) as stream:
        assert stream.expect("hello")["resume"] == {"from": last, "exact": True, "reason": None}
        assert stream.texts(1) == ["after it"]


def test_a_restart_of_nginx_loses_nothing(front: Machine) -> None:
    with following(front, f"{STREAM}?from=now&source=app") as stream:
        stream.expect("hello")
        front.write("/var/log/app/again.log", "before")
        assert stream.texts(1) == ["before"]
        front.run("systemctl", "restart", "nginx")
        stream.wait_for_the_end()
        last = stream.last_id
    front.write("/var/log/app/again.log", "meanwhile")
    with following(front, f"{STREAM}?from=now&source=app", last_event_id=last) as stream:
        assert stream.texts(1) == ["meanwhile"]


def test_an_idle_stream_outlives_twice_the_idle_limit(front: Machine) -> None:
    """The file's own limit is 70 s against a heartbeat of 15 s; here 2 s against 1 s, which is closer."""
    with (
        changed(front, "proxy_read_timeout 70s;", "proxy_read_timeout 2s;"),
        following(front, f"{STREAM}?from=now&q=nothing-has-this") as stream,
    ):
        began = time.monotonic()
        while time.monotonic() - began < 4.5:
            stream.expect("ping")
    heartbeat = re.search(r"^heartbeat_seconds = (\d+)", (ROOT / "config.toml").read_text(), re.MULTILINE)
    assert heartbeat is not None
    assert 4 * int(heartbeat[1]) < 70


def test_who_has_too_many_streams_is_told_429(front: Machine) -> None:
    with (
        changed(front, "limit_conn logstream_streams 100;", "limit_conn logstream_streams 2;"),
        ExitStack() as open_now,
    ):
        for _ in range(2):
            open_now.enter_context(following(front, f"{STREAM}?from=now")).expect("hello")
        assert ask(front, STREAM, "--max-time", "5").status == 429
        assert ask(front, f"{ORIGIN}/healthz").status == 200


def test_in_chromium_nothing_is_lost_or_doubled_over_restarts_of_both(front: Machine, page: Page) -> None:
    page.goto(f"{ORIGIN}/?q=source:app%20crossing")
    status = page.get_by_role("status").first
    rows = page.locator('[role="log"] [data-id] .text')
    expect(status).to_contain_text("live")
    front.write("/var/log/app/page.log", "crossing 1")
    expect(rows).to_have_text(["crossing 1"])
    front.run("systemctl", "restart", "nginx")
    front.write("/var/log/app/page.log", "crossing 2")
    expect(rows).to_have_text(["crossing 1", "crossing 2"])
    # Without its socket there is nobody to ask: nginx answers 502, at which a native EventSource gives up for ever.
    front.run("systemctl", "stop", "logstream.socket", "logstream.service")
    expect(status).not_to_contain_text("live")
    assert ask(front, f"{ORIGIN}/healthz").status == 502
    front.write("/var/log/app/page.log", "crossing 3")
    front.run("systemctl", "start", "logstream.socket", "logstream.service")
    front.write("/var/log/app/page.log", "crossing 4")
    expect(rows).to_have_text([f"crossing {number}" for number in range(1, 5)])
    reload(front)
    front.write("/var/log/app/page.log", "crossing 5")
    expect(rows).to_have_text([f"crossing {number}" for number in range(1, 6)])


def test_below_a_path_the_page_and_its_stream_work(front: Machine, page: Page) -> None:
    assert (
        ask(front, "http://127.0.0.1:8081/logs", "--header", "Host: intern.example.org")
        .headers["location"]
        .endswith("/logs/")
    )
    page.goto("http://intern.example.org:8081/logs/?q=subpath")
    expect(page.get_by_role("status").first).to_contain_text("live")
    front.write("/var/log/app/page.log", "subpath 1")
    expect(page.locator('[role="log"] [data-id] .text')).to_have_text(["subpath 1"])


def test_the_doctor_has_nothing_to_complain_of(front: Machine, environment: Path) -> None:
    assert examined(front, environment) == []


def test_a_restart_of_the_service_is_no_outage_to_the_doctor(front: Machine, environment: Path) -> None:
    front.write("/var/log/app/outage.log", "something that has an id")
    with restarted_while(front, [str(environment / "bin" / "logstream"), "doctor", ORIGIN, "--outage", "40"]) as told:
        assert re.search(r"ok +outage: the stream was back after [\d.]+ s, where it was, and nobody was told", told), (
            told
        )
        assert "0 errors" in told


def test_an_address_in_a_header_is_not_believed(front: Machine) -> None:
    """limit_conn and the service count by nginx's own word; a client that invents one each time gains nothing."""
    assert "proxy_set_header X-Real-IP $remote_addr;" in CONF.read_text()
    assert "Upgrade" not in re.sub(r"#.*", "", CONF.read_text())
    told = ask(front, f"{ORIGIN}/healthz", "--http1.1", "--header", "Upgrade: h2c", "--header",
        "Connection: Upgrade, HTTP2-Settings", "--header", "HTTP2-Settings: AAMAAABkAAQAAP__")  # fmt: skip
    assert told.status == 200, "not 101: nobody speaks HTTP/2 past nginx"


def test_the_socket_is_for_the_proxys_group_alone(front: Machine) -> None:
    assert front.run("stat", "--format=%a %U %G", SOCKET).split() == ["660", "root", "www-data"]
