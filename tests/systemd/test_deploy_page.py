"""docs/deploy.md leads from a bare server to a page behind nginx: each of its lines is run, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT
from tests.systemd.proxied import NAME, make_certificate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.machine import Machine

# The first test of a session builds the wheel and installs it.
pytestmark = pytest.mark.timeout(300)
TYPED = "wonderland\n"  # openssl asks for it twice, curl once
# What these leave behind is all that the next lines need; they themselves need the internet.
STAND_INS = {
    "sudo": 'exec env "$@"',
    "apt": "exit 0",
    "pipx": '[ -e "$PIPX_BIN_DIR/logstream" ] || ln -s {environment}/bin/logstream "$PIPX_BIN_DIR/logstream"',
    "certbot": "exit 0",
}


def blocks(language: str) -> list[list[str]]:
    """The lines of each block of code in the page."""
    parts = (ROOT / "docs" / "deploy.md").read_text().split(f"```{language}\n")[1:]
    return [part.partition("```")[0].splitlines() for part in parts]


def prepared(machine: Machine, environment: Path) -> None:
    for name, does in STAND_INS.items():
        machine.write(f"/usr/local/bin/{name}", "#!/bin/sh", does.format(environment=environment), mode=0o755)
    machine.write("/etc/hosts", f"127.0.0.1 {NAME}")
    make_certificate(machine)


def shell(machine: Machine, line: str) -> str:
    trusted = f"export CURL_CA_BUNDLE=/etc/letsencrypt/live/{NAME}/fullchain.pem PATH=/usr/local/bin:$PATH"
    return machine.run("bash", "-o", "pipefail", "-c", f"{trusted}\n{line}", typed=TYPED * (1 + ("openssl" in line)))


def test_from_a_bare_server_to_a_page_that_asks_for_a_password_and_back(bare: Machine, environment: Path) -> None:
    prepared(bare, environment)
    install, examine, remove = blocks("sh")
    assert len(install) <= 10
    told = [shell(bare, line) for line in install]
    assert '"status":"ready"' in told[-1]
    assert shell(bare, f"curl --silent --output /dev/null --write-out '%{{http_code}}' https://{NAME}/") == "401"
    assert "0 errors" in shell(
        bare, examine[0].replace("logstream doctor", "env SSL_CERT_FILE=$CURL_CA_BUNDLE logstream doctor")
    )

    for line in remove:
        shell(bare, line)
    assert not bare.path("/opt/logstream").exists()


def test_what_is_said_about_the_units_can_be_done(served: Machine) -> None:
    closed, opened = ("\n".join(block) for block in blocks("ini"))
    served.path("/etc/systemd/system/logstream.socket.d").mkdir(parents=True)
    served.write("/etc/systemd/system/logstream.socket.d/override.conf", closed)
    served.path("/home/app/logs").mkdir(parents=True)
    served.write("/home/app/logs/hidden.log", "from a home directory")
    served.run("groupadd", "--force", "postgres")
    served.write("/etc/systemd/system/logstream.service.d/override.conf", opened)
    served.write("/etc/logstream/config.toml", '[[source]]\nname="home"\npaths=["/home/app/logs/*.log"]')
    served.run("systemctl", "daemon-reload")
    served.run("systemctl", "stop", "logstream.service")
    served.run("systemctl", "restart", "logstream.socket")
    served.run("systemctl", "start", "logstream.service")
    with served.stream("from=start&source=home") as stream:
        assert stream.texts(1) == ["from a home directory"]
    assert "127.0.0.1:8780" not in served.run("ss", "-ltn")
