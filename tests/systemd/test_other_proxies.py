"""Debian's Caddy and HAProxy with the files of deploy/ before the installed service."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT
from tests.running import eventually
from tests.systemd.conftest import CONFIG
from tests.systemd.machine import Machine, booted
from tests.systemd.proxied import NAME, ORIGIN, ask, examined, following, make_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The first test of a session builds the wheel and installs it.
pytestmark = pytest.mark.timeout(300)
STREAM = f"{ORIGIN}/api/v1/stream"
# The one thing that a test cannot have is a certificate from outside.
OWN_CERTIFICATES = "{\n\tlocal_certs\n\tskip_install_trust\n}\n"


def set_up_caddy(machine: Machine) -> None:
    machine.path("/etc/caddy/Caddyfile").write_text(OWN_CERTIFICATES + (ROOT / "deploy/caddy/Caddyfile").read_text())


def set_up_haproxy(machine: Machine) -> None:
    make_certificate(machine)
    folder = machine.path(f"/etc/letsencrypt/live/{NAME}")
    both = (folder / "fullchain.pem").read_text() + (folder / "privkey.pem").read_text()
    machine.path(f"/etc/haproxy/{NAME}.pem").write_text(both)
    machine.path("/etc/haproxy/haproxy.cfg").write_text((ROOT / "deploy/haproxy/haproxy.cfg").read_text())


SET_UP = {"caddy": set_up_caddy, "haproxy": set_up_haproxy}


@pytest.fixture(scope="module", name="front", params=SET_UP)
def _front(
    request: pytest.FixtureRequest, environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    proxy = request.param
    if shutil.which(proxy, path="/usr/sbin:/usr/bin") is None:
        pytest.skip(f"no {proxy} on this machine (on Debian: apt install {proxy})")
    with booted(tmp_path_factory.mktemp("machine"), environment) as machine:
        machine.write("/etc/logstream/config.toml", CONFIG)
        machine.write("/var/log/app/first.log", "the first line")
        machine.run(str(environment / "bin" / "logstream"), "install")
        SET_UP[proxy](machine)
        machine.run("systemctl", "start", proxy)
        eventually(lambda: "200" in machine.run("curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--resolve",
            f"{NAME}:443:127.0.0.1", f"{ORIGIN}/healthz", check=False))  # fmt: skip
        yield machine


def test_lines_come_one_by_one_and_an_id_passes(front: Machine) -> None:
    with following(front, f"{STREAM}?from=now&source=app") as stream:
        stream.expect("hello")
        for number in range(20):
            front.write("/var/log/app/a.log", f"line {number}")
            # The next one is written only when this one is here: with a buffer the test would stand still.
            assert stream.texts(1) == [f"line {number}"]
        last = stream.last_id
    front.write("/var/log/app/a.log", "after")
    with following(front, f"{STREAM}?from=now&source=app", last_event_id=last) as stream:
        assert stream.expect("hello")["resume"]["exact"]
        assert stream.texts(1) == ["after"]


def test_a_restart_of_the_service_or_the_proxy_loses_nothing(front: Machine, request: pytest.FixtureRequest) -> None:
    proxy = request.node.callspec.params["front"]
    last = None
    for unit in ("logstream", proxy):
        with following(front, f"{STREAM}?from=now&source=app", last_event_id=last) as stream:
            stream.expect("hello")
            front.write("/var/log/app/b.log", f"before {unit}")
            assert stream.texts(1) == [f"before {unit}"]
            front.run("systemctl", "restart", unit)
            stream.wait_for_the_end()
            last = stream.last_id
    front.write("/var/log/app/b.log", "meanwhile")
    with following(front, f"{STREAM}?from=now&source=app", last_event_id=last) as stream:
        assert stream.texts(1) == ["meanwhile"]


def test_http_2_is_spoken_the_stream_is_not_compressed_and_assets_are(front: Machine) -> None:
    told = front.run("sh", "-c", f"timeout 2 curl -sk --http2 --compressed --include --resolve {NAME}:443:127.0.0.1 "
        f"'{STREAM}?from=start' || true")  # fmt: skip
    head = told.partition("\r\n\r\n")[0].lower()
    assert head.startswith("http/2 200")
    assert "content-encoding" not in head
    page = ask(front, f"{ORIGIN}/")
    asset = page.body.partition('src="./')[2].partition('"')[0]
    options = ("--header", "Accept-Encoding: gzip", "--output", "/dev/null", "--dump-header", "-")
    assert ask(front, f"{ORIGIN}/{asset}", *options).headers["content-encoding"] == "gzip"
    assert page.headers["strict-transport-security"] == "max-age=63072000"


def test_the_doctor_has_nothing_to_complain_of(front: Machine, environment: Path) -> None:
    assert examined(front, environment) in ([], [["error", "certificate"]])


def test_what_is_not_for_everybody_is_refused(front: Machine) -> None:
    front.run("ip", "address", "add", "192.0.2.7/32", "dev", "lo")
    assert ask(front, f"{ORIGIN}/metrics").status == 200
    assert ask(front, f"{ORIGIN}/metrics", "--interface", "192.0.2.7").status == 403
    assert ask(front, f"http://{NAME}/").status == 308
