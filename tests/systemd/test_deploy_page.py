"""docs/deploy.md leads from a bare server to a page behind nginx: each of its lines is run, one after the other."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT, run
from tests.running import eventually
from tests.systemd.authority import Authority, has_authority
from tests.systemd.machine import Machine, booted
from tests.systemd.proxied import NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The first test of a session builds the wheel and installs it; pipx does so twice.
pytestmark = pytest.mark.timeout(600)
TYPED = "wonderland\n"  # openssl asks for it twice, curl once
# apt needs the internet: what it is to install is there, and it starts nginx, as Debian's package does.
STAND_INS = {
    "sudo": 'exec env "$@"',
    "apt": 'shift 2\ndpkg-query --show "$@" && exec systemctl start nginx',
}
# What pipx puts beside each program, whichever that is.
OF_PIPX = ("pip==25.3", "setuptools==80.9.0", "wheel==0.45.1")
DEBIANS_PYTHON = "/usr/bin/python3"


def blocks(language: str) -> list[list[str]]:
    """The lines of each block of code in the page."""
    parts = (ROOT / "docs" / "deploy.md").read_text().split(f"```{language}\n")[1:]
    return [part.partition("```")[0].splitlines() for part in parts]


@pytest.fixture(name="wheels", scope="module")
def _wheels(environment: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with logstream's wheel and the locked ones that it needs on Debian's Python."""
    del environment  # it skips where no systemd can be booted
    for name in ("pipx", "nginx"):
        if not shutil.which(name, path="/usr/bin:/usr/sbin"):
            pytest.skip(f"no {name} on this machine (on Debian: apt install {name})")
    folder = tmp_path_factory.mktemp("wheels")
    download = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", DEBIANS_PYTHON, "download",
        "--quiet", "--only-binary=:all:", "--dest", folder)  # fmt: skip
    run(*download, "--require-hashes", "--requirement", "requirements.lock")
    run(*download, "--no-deps", *OF_PIPX)
    shutil.copy(wheel, folder)
    return folder


@pytest.fixture(name="server")
def _server(wheels: Path, tmp_path: Path) -> Iterator[Machine]:
    """A server to which its name leads, and on which nothing is done yet."""
    if not has_authority():
        pytest.skip("no certbot or no pebble on this machine (on Debian: apt install certbot pebble)")
    with booted(tmp_path, wheels) as machine:
        for name, does in STAND_INS.items():
            machine.write(f"/usr/local/bin/{name}", "#!/bin/sh", does, mode=0o755)
        machine.path("/etc/hosts").write_text(f"127.0.0.1 localhost {NAME}\n")
        yield machine


def shell(machine: Machine, line: str, folder: Path) -> str:
    has = f"cd {folder}\nexport CURL_CA_BUNDLE={Authority.ROOT} PATH=/usr/local/bin:$PATH"
    has += f" PIP_NO_INDEX=1 PIP_FIND_LINKS={folder}"
    typed = TYPED * (1 + ("openssl" in line))
    return machine.run("bash", "-o", "pipefail", "-c", f"{has}\n{line}", typed=typed, seconds=240)


def found_in(told: list[str]) -> list[str]:
    """Severity and check of each finding that the doctor tells."""
    return [line.partition(":")[0] for line in told if re.match(r"(ok|untried|warning|error) +[a-z0-9-]+: ", line)]


def serial(machine: Machine) -> str:
    """The number of the certificate that nginx shows."""
    shows = f"openssl s_client -connect 127.0.0.1:443 -servername {NAME} </dev/null 2>/dev/null"
    return machine.run("sh", "-c", f"{shows} | openssl x509 -noout -serial")


def test_from_a_bare_server_to_a_page_that_asks_for_a_password_and_back(server: Machine, wheels: Path) -> None:
    install, examine, remove = blocks("sh")
    assert len(install) <= 10
    with Authority(server):
        told = [shell(server, line, wheels) for line in install]
        assert '"status":"ready"' in told[-1]
        assert server.path("/opt/logstream/current").readlink().is_relative_to("/opt/pipx"), (
            "no copy: it can be read there"
        )
        status = "curl --silent --output /dev/null --write-out '%{http_code}'"
        assert shell(server, f"{status} https://{NAME}/", wheels) == "401"
        trusting = examine[0].replace("logstream doctor", "env SSL_CERT_FILE=$CURL_CA_BUNDLE logstream doctor")
        said = shell(server, trusting, wheels)
        assert "0 errors, 0 warnings" in said
        assert found_in(said.splitlines()) == found_in(blocks("text")[1])

        # Weeks later certbot renews it, through the configuration that is in force by then.
        before = serial(server)
        shell(server, "certbot renew --force-renewal --no-random-sleep-on-renew", wheels)
        eventually(lambda: serial(server) != before)

    for line in remove:
        shell(server, line, wheels)
    assert not server.path("/opt/logstream").exists()


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
