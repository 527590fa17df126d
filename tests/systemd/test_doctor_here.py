"""`logstream doctor` on a machine where the service runs under systemd, as `logstream install` leaves it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.systemd.machine import Machine

# The first test of a session builds the wheel and installs it.
pytestmark = pytest.mark.timeout(300)


def examined(machine: Machine, environment: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for finding in json.loads(machine.run(str(environment / "bin" / "logstream"), "doctor", "--json", check=False)):
        found.setdefault(finding["check"], []).append(finding)
    return found


def test_a_service_as_it_is_installed_has_no_fault(served: Machine, environment: Path) -> None:
    found = examined(served, environment)
    for check in ("configuration", "service", "files", "sandbox", "inotify", "state", "disk", "versions"):
        assert {finding["severity"] for finding in found[check]} == {"ok"}, found[check]
    assert "runs as logstream" in found["service"][0]["seen"]
    assert "locked by process" in found["state"][0]["seen"]


@pytest.mark.parametrize("home", ["tmpfs", "yes"])
def test_what_is_said_of_a_home_directory_is_what_the_service_sees(bare: Machine, environment: Path, home: str) -> None:
    drop_ins = "/etc/systemd/system/logstream.service.d"
    for folder in ("/home/app/logs", drop_ins):
        bare.path(folder).mkdir(parents=True)
    bare.write("/home/app/logs/a.log", "from a home directory")
    bare.write("/etc/logstream/config.toml", '[[source]]\nname = "home"\npaths = ["/home/app/logs/*.log"]')
    bare.write(f"{drop_ins}/a.conf", "[Service]", f"ProtectHome={home}", "BindReadOnlyPaths=/home/app/logs")
    bare.run(str(environment / "bin" / "logstream"), "install")
    (said,) = examined(bare, environment)["sandbox"]
    seen = bare.run("nsenter", f"--target={bare.main_pid}", "--mount", "--root", "ls", "/home/app/logs", check=False)
    assert ("a.log" in seen) == (home == "tmpfs")
    assert said["severity"] == ("ok" if home == "tmpfs" else "error")


def test_a_file_that_the_running_service_cannot_read_is_told_and_the_remedy_opens_it(
    served: Machine, environment: Path
) -> None:
    served.write("/var/log/app/closed.log", "a secret", mode=0o600)
    (found,) = examined(served, environment)["files"]
    assert (found["severity"], "closed.log" in found["seen"]) == ("warning", True)
    served.run("sh", "-c", found["remedy"].strip().replace("sudo ", ""))
    (found,) = examined(served, environment)["files"]
    assert found["severity"] == "ok"
