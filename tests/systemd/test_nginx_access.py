"""Who may read, by nginx: deploy/nginx/basic-auth.conf and oauth2-proxy.conf, for programs and in a real Chromium."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.running import eventually
from tests.systemd.nginx import FOLDER, reload
from tests.systemd.proxied import ORIGIN, ask, examined, following

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.systemd.machine import Machine

# The first test of a session builds the wheel and installs it.
pytestmark = pytest.mark.timeout(300)
STREAM = f"{ORIGIN}/api/v1/stream"
ACCESS = "/etc/nginx/snippets/logstream-access.conf"
LOGIN = """
server {
    listen 127.0.0.1:4180;
    location = /oauth2/auth { if ($http_cookie !~ "member=yes") { return 401; } return 202; }
    location /oauth2/sign_in { return 200 "who are you?"; }
}
"""


@contextmanager
def a_password_asked_for(machine: Machine) -> Iterator[None]:
    hashed = machine.run("openssl", "passwd", "-6", "wonderland").strip()
    machine.path("/etc/nginx/logstream.htpasswd").write_text(f"alice:{hashed}\n")
    machine.path(ACCESS).write_text((FOLDER / "basic-auth.conf").read_text())
    reload(machine)
    try:
        yield
    finally:
        machine.path(ACCESS).unlink()
        reload(machine)


def test_basic_auth_lets_in_who_knows_the_password(front: Machine) -> None:
    with a_password_asked_for(front):
        for target in ("/", "/healthz", "/api/v1/sources", "/api/v1/stream", "/assets/"):
            assert ask(front, ORIGIN + target, "--max-time", "3").status == 401
        assert ask(front, f"{ORIGIN}/api/v1/sources", "--user", "alice:wonderland").status == 200
        with following(front, f"{STREAM}?from=start", "--user", "alice:wonderland") as stream:
            assert stream.expect("line")["text"]


def test_in_chromium_a_page_behind_a_password_runs_and_goes_on_after_restarts(front: Machine, browser: Browser) -> None:
    with a_password_asked_for(front):
        page = browser.new_page(
            ignore_https_errors=True, http_credentials={"username": "alice", "password": "wonderland"}
        )
        page.goto(f"{ORIGIN}/?q=source:app%20guarded")
        status = page.get_by_role("status").first
        lines = page.locator('[role="log"] [data-id] .text')
        expect(status).to_contain_text("live")
        front.write("/var/log/app/guarded.log", "guarded 1")
        expect(lines).to_have_text(["guarded 1"])
        front.run("systemctl", "restart", "nginx")
        front.write("/var/log/app/guarded.log", "guarded 2")
        expect(lines).to_have_text(["guarded 1", "guarded 2"])
        front.run("systemctl", "restart", "logstream.service")
        front.write("/var/log/app/guarded.log", "guarded 3")
        expect(lines).to_have_text([f"guarded {number}" for number in range(1, 4)])
        expect(status).to_contain_text("live")


def test_auth_request_leads_people_to_the_login_and_tells_programs_401(front: Machine) -> None:
    front.path(ACCESS).write_text((FOLDER / "oauth2-proxy.conf").read_text())
    front.write("/etc/nginx/conf.d/login.conf", LOGIN)
    reload(front)
    try:
        assert ask(front, f"{ORIGIN}/api/v1/sources").status == 401
        led = ask(front, f"{ORIGIN}/", "--header", "Accept: text/html")
        assert led.status == 302
        assert led.headers["location"].endswith("/oauth2/sign_in?rd=/")
        assert ask(front, f"{ORIGIN}/oauth2/sign_in").body == "who are you?"
        assert ask(front, STREAM, "--max-time", "3").status == 401
        assert ask(front, f"{ORIGIN}/api/v1/sources", "--cookie", "member=yes").status == 200
        with following(front, f"{STREAM}?from=start", "--cookie", "member=yes") as stream:
            assert stream.expect("line")["text"]
    finally:
        front.path(ACCESS).unlink()
        front.path("/etc/nginx/conf.d/login.conf").unlink()
        reload(front)


TRUSTING = '[access]\ntrusted_header = "X-Forwarded-User"\nheader_sources = []\n'
OTHER = '[[source]]\nname = "other"\npaths = ["/var/log/other/*.log"]\n'
NAMING_LOGIN = LOGIN.replace("return 202;", 'add_header X-Auth-Request-User alice always; return 202 "";')


@pytest.mark.parametrize("variant", ["basic-auth", "oauth2-proxy"])
def test_the_service_takes_nginxs_word_for_who_somebody_is_and_no_clients(
    front: Machine, environment: Path, variant: str
) -> None:
    command, config = str(environment / "bin" / "logstream"), front.path("/etc/logstream/config.toml")
    before = config.read_text()
    snippet = re.sub(
        r"^#(?=proxy_set_header|auth_request_set)", "", (FOLDER / f"{variant}.conf").read_text(), flags=re.MULTILINE
    )
    hashed = front.run("openssl", "passwd", "-6", "wonderland").strip()
    front.path("/etc/nginx/logstream.htpasswd").write_text(f"alice:{hashed}\nmallory:{hashed}\n")
    front.path("/etc/nginx/conf.d/login.conf").write_text(NAMING_LOGIN)
    front.path(ACCESS).write_text(snippet)
    config.write_text(TRUSTING + before + OTHER)
    front.run(command, "user", "add", "alice", "--no-password", "--source", "app")
    front.run("systemctl", "restart", "logstream.service")
    reload(front)
    known = ("--user", "alice:wonderland") if variant == "basic-auth" else ("--cookie", "member=yes")
    try:
        for claimed in ((), ("--header", "X-Forwarded-User: mallory"), ("--header", "x-forwarded-user:")):
            assert json.loads(ask(front, f"{ORIGIN}/api/v1/session", *known, *claimed).body)["name"] == "alice"
            told = json.loads(ask(front, f"{ORIGIN}/api/v1/sources", *known, *claimed).body)
            assert [source["name"] for source in told["sources"]] == ["app"]
        assert ask(front, f"{STREAM}?source=other", *known, "--max-time", "3").status == 404
        assert ask(front, f"{ORIGIN}/api/v1/sources", "--header", "X-Forwarded-User: alice").status == 401
        past = front.run("curl", "-s", "-H", "X-Forwarded-User: alice", "http://127.0.0.1:8780/api/v1/sources")
        assert json.loads(past)["status"] == 401
        if variant == "basic-auth":
            nobodys = json.loads(ask(front, f"{ORIGIN}/api/v1/sources", "--user", "mallory:wonderland").body)
            assert nobodys["sources"] == []
    finally:
        front.path(ACCESS).unlink()
        front.path("/etc/nginx/conf.d/login.conf").unlink()
        config.write_text(before)
        front.run("systemctl", "stop", "logstream.service")
        front.path("/var/lib/private/logstream/users.json").unlink()
        front.run("systemctl", "start", "logstream.service")
        reload(front)


@contextmanager
def users_of_its_own(machine: Machine, command: str) -> Iterator[None]:
    """The service itself asks who one is: alice, who sees `app`."""
    machine.run(command, "user", "add", "alice", "--source", "app", typed="correct horse battery\n")
    machine.run("systemctl", "reload", "logstream")
    try:
        eventually(lambda: machine.get("/api/v1/sources").status_code == 401)
        yield
    finally:
        machine.run("systemctl", "stop", "logstream.service")
        machine.path("/var/lib/private/logstream/users.json").unlink()
        machine.run("systemctl", "start", "logstream.service")


def test_in_chromium_people_log_in_to_the_service_itself_through_nginx_and_out_again(
    front: Machine, environment: Path, page: Page
) -> None:
    with users_of_its_own(front, str(environment / "bin" / "logstream")):
        page.goto(f"{ORIGIN}/?q=source:app%20own")
        expect(page).to_have_url(re.compile(re.escape(f"{ORIGIN}/login?q=source:app") + ".*own"))
        page.get_by_label("Name").fill("alice")
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Log in").click()
        status = page.get_by_role("status").first
        lines = page.locator('[role="log"] [data-id] .text')
        expect(status).to_contain_text("live")
        front.write("/var/log/app/own.log", "own 1")
        expect(lines).to_have_text(["own 1"])
        (cookie,) = page.context.cookies()
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, True, "Lax", "/")

        front.run("systemctl", "restart", "nginx", "logstream.service")
        front.write("/var/log/app/own.log", "own 2")
        expect(lines).to_have_text(["own 1", "own 2"])
        page.get_by_role("button", name=re.compile("^View")).click()
        page.get_by_role("button", name="Log out").click()
        expect(page).to_have_url(re.compile(re.escape(f"{ORIGIN}/login")))
        assert page.context.cookies() == []
        assert examined(front, environment) == [["error", "access"]], "nobody is let in, and nothing else is wrong"
