"""A certificate authority on a throw-away machine: Pebble, which Let's Encrypt made to test clients with."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Self

from tests.running import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.machine import Machine

_FOLDER = "/etc/pebble-of-the-test"
# What people are asked for the first time, and where the authority is.
_CERTBOT = """server = https://localhost:14000/dir
no-verify-ssl = true
non-interactive = true
agree-tos = true
register-unsafely-without-email = true
"""


def has_authority() -> bool:
    """Whether this machine has the programs."""
    return all(shutil.which(name) for name in ("certbot", "pebble"))


class Authority:
    """It answers where certbot has been told to ask; whoever answers at port 80 of a name is given a certificate."""

    ROOT = f"{_FOLDER}/root.pem"
    """What a client must trust."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __enter__(self) -> Self:
        machine = self._machine
        machine.path(_FOLDER).mkdir()
        machine.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "9", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            "-keyout", f"{_FOLDER}/key.pem", "-out", f"{_FOLDER}/cert.pem")  # fmt: skip
        told = {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000", "httpPort": 80,
            "tlsPort": 443, "certificate": f"{_FOLDER}/cert.pem", "privateKey": f"{_FOLDER}/key.pem"}  # fmt: skip
        self._path("config.json").write_text(json.dumps({"pebble": told}))
        machine.path("/etc/letsencrypt").mkdir(exist_ok=True)
        machine.path("/etc/letsencrypt/cli.ini").write_text(_CERTBOT)
        machine.run("systemd-run", "--unit=pebble", "--setenv=PEBBLE_VA_NOSLEEP=1", "--setenv=PEBBLE_WFE_NONCEREJECT=0",
            "pebble", "-config", f"{_FOLDER}/config.json")  # fmt: skip
        eventually(self._has_root)
        return self

    def __exit__(self, *_: object) -> None:
        self._machine.run("systemctl", "stop", "pebble", check=False)

    def _has_root(self) -> bool:
        url = "https://localhost:15000/roots/0"
        self._machine.run("curl", "--silent", "--insecure", "--output", self.ROOT, url, check=False)
        return self._path("root.pem").exists() and "BEGIN CERTIFICATE" in self._path("root.pem").read_text()

    def _path(self, name: str) -> Path:
        return self._machine.path(f"{_FOLDER}/{name}")
