"""Debian's nginx before the service of a throw-away machine, with the files of deploy/nginx as they are."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT
from tests.running import eventually
from tests.systemd.machine import Machine, booted
from tests.systemd.proxied import make_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

CONF = ROOT / "deploy" / "nginx" / "logstream.conf"
FOLDER = CONF.parent
_OTHER_SERVER = """
server {
    listen 8081;
    server_name intern.example.org;
    include /etc/nginx/snippets/logstream-subpath.conf;
}
"""


@contextmanager
def nginx_machine(folder: Path, environment: Path, config: str) -> Iterator[Machine]:
    """A machine with the installed service, and nginx before it; skips where there is no nginx."""
    if not Path("/usr/sbin/nginx").exists():
        pytest.skip("no nginx on this machine (on Debian: apt install nginx)")
    with booted(folder, environment) as machine:
        machine.write("/etc/logstream/config.toml", config)
        machine.write("/var/log/app/first.log", "the first line")
        machine.run(str(environment / "bin" / "logstream"), "install")
        make_certificate(machine)
        machine.write("/etc/nginx/conf.d/logstream.conf", CONF.read_text())
        machine.path("/etc/nginx/snippets/logstream-subpath.conf").write_text((FOLDER / "subpath.conf").read_text())
        machine.write("/etc/nginx/conf.d/other.conf", _OTHER_SERVER)
        machine.run("systemctl", "start", "nginx")
        yield machine


def reload(machine: Machine) -> None:
    """Until only new workers accept; the old ones go on with the streams that they have."""
    before = _accepting(machine)
    machine.run("nginx", "-t")
    machine.run("systemctl", "reload", "nginx")
    eventually(lambda: bool(now := _accepting(machine)) and not now & before)


def _accepting(machine: Machine) -> set[str]:
    told = machine.run("ps", "-C", "nginx", "-o", "pid=,args=").splitlines()
    return {line.split()[0] for line in told if line.endswith("worker process")}
