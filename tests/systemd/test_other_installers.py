"""`logstream install` from the environments that pipx and uv make, each run as root runs it, under a real systemd."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.installed import ROOT, run
from tests.systemd.machine import booted

if TYPE_CHECKING:
    from pathlib import Path

# The installers and the package's requirements come from the registry.
pytestmark = pytest.mark.timeout(600)
_PIPX, _UV = "pipx==1.18.4", "uv==0.13.9"


@pytest.fixture
def home(environment: Path, tmp_path: Path) -> Path:
    """Where an installer keeps all that is its own: under /tmp, where no service can read it."""
    del environment  # it skips where no systemd can be booted
    return tmp_path / "home"


def constraints(folder: Path) -> str:
    """A file that holds an installer to the locked releases: others would change the result of the same commit."""
    locked = re.findall(r"^[\w.-]+==[^\\\n]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert len(locked) > 20
    file = folder / "constraints.txt"
    file.write_text("\n".join(locked))
    return str(file)


@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        pytest.param(_PIPX, ("pipx", "install", "--python", sys.executable), id="pipx"),
        pytest.param(_UV, ("uv", "tool", "install", "--no-config", "--python", sys.executable), id="uv"),
    ],
)
def test_what_an_installer_of_programs_made_becomes_a_service_with_one_command(
    package: str, arguments: tuple[str, ...], home: Path, wheel: Path, tmp_path: Path
) -> None:
    run(sys.executable, "-m", "venv", home / "installer")
    run(home / "installer" / "bin" / "pip", "--disable-pip-version-check", "install", "--quiet", package)
    limits = constraints(tmp_path)
    env = {"HOME": str(home), "PIP_CONSTRAINT": limits, "UV_CONSTRAINT": limits} | {
        key: value for key, value in os.environ.items() if key.startswith(("PIP_", "UV_", "SSL_")) or key == "PATH"
    }
    run(home / "installer" / "bin" / arguments[0], *arguments[1:], wheel, cwd=home, env=env)
    command = home / ".local" / "bin" / "logstream"
    (tmp_path / "machine").mkdir()
    with booted(tmp_path / "machine", home) as machine:
        told = machine.run(str(command), "install")
        assert "is ready at http://127.0.0.1:8780" in told
        assert machine.path("/opt/logstream").exists()
        assert "system:" in machine.run(str(command), "sources", "http://127.0.0.1:8780")
        machine.run(str(command), "uninstall", "--purge")
        assert not machine.path("/opt/logstream").exists()
